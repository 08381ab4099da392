"""Conversations on two servers that share their state: written to on both, followed and stopped from the other one, and
taken over from one that dies in the middle of an answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines.boxes import Box, client_of, make_key
from tests.journeys.talk import Said, Talk, events
from tests.scripted_ollama import Script, ScriptedOllama

pytestmark = pytest.mark.engine
_TEXT = " ".join(f"word{number}" for number in range(200))
_STOPPED_WITHIN = 0.3
_ANSWERED_WITHIN = 15.0


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama(Script(text=_TEXT, tokens_per_second=20.0)) as server:
        yield server


@pytest.fixture
async def boxes(
    own_engine_directory: Path, shared_engines: dict[str, str], engine: ScriptedOllama
) -> AsyncIterator[tuple[Box, Box]]:
    environment = {
        **shared_engines,
        "APPLIANCE_EMBEDDER__KIND": "ollama",
        "APPLIANCE_EMBEDDER__URL": engine.url,
        "APPLIANCE_EMBEDDER__MODEL": "scripted-embed",
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": engine.url,
    }
    here, there = (Box(f"serve-{number}", "serve", own_engine_directory, environment) for number in (1, 2))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(here)
        await stack.enter_async_context(there)
        yield here, there


async def wait_for_tokens(talk: Talk, key: str, count: int) -> Said:
    """Wait until somebody has read so much of the last answer."""
    async with asyncio.timeout(20):
        while key not in talk.said or len(talk.said[key][-1].tokens) < count:
            await asyncio.sleep(0.01)
    return talk.said[key][-1]


async def messages(http: httpx.AsyncClient, key: str) -> list[dict[str, Any]]:
    return (await http.get(f"/api/conversations/{key}/messages", params={"limit": 100})).json()["items"]


async def test_two_servers_are_one_place_to_talk(boxes: tuple[Box, Box], engine: ScriptedOllama) -> None:
    first, second = boxes
    key = await make_key(first)
    async with client_of(first, key) as here, client_of(second, key) as there:
        await _write_on_both(here, there, engine)
        await _follow_and_stop_elsewhere(here, there, engine)
        await _outlive_the_other(first, here, there, engine)
        proof = (await there.post("/api/fsck")).json()
        assert (proof["ok"], proof["discrepancies"]) == (True, [])


async def _write_on_both(here: httpx.AsyncClient, there: httpx.AsyncClient, engine: ScriptedOllama) -> None:
    """Windows on either server send at once: all are answered, in order, each with its own answer."""
    script = Script(tokens_per_second=20.0)
    engine.choose = lambda request: replace(script, text=str(request.body["messages"][-1]["content"]))
    talk, wanted = Talk(""), [f"This is window number {number}" for number in range(4)]
    await asyncio.gather(
        *(talk.send((here, there)[number % 2], "windows", message=message) for number, message in enumerate(wanted))
    )
    listed = await messages(there, "windows")
    assert [one["role"] for one in listed] == ["user", "assistant"] * len(wanted)
    asked, answered = listed[::2], listed[1::2]
    assert sorted(one["content"] for one in asked) == wanted
    assert [one["content"] for one in answered] == [one["content"] for one in asked]
    assert {one["status"] for one in answered} == {"done"}
    assert {said.done["message"] for said in talk.said["windows"] if said.done} == set(wanted)
    began = [str(request.body["messages"][-1]["content"]) for request in engine.received if request.path == "/api/chat"]
    assert began == [one["content"] for one in asked], "none was written before the answer it follows"
    engine.choose = None


async def _follow_and_stop_elsewhere(here: httpx.AsyncClient, there: httpx.AsyncClient, engine: ScriptedOllama) -> None:
    """What one server writes is read on the other as it comes, and ends when it is stopped there."""
    talk, seen = Talk(_TEXT), list[str]()
    sending = asyncio.create_task(talk.send(here, "followed"))
    async with asyncio.timeout(10):
        while "followed" not in talk.said or not talk.said["followed"][0].accepted:
            await asyncio.sleep(0.001)
    run_id = talk.said["followed"][0].accepted["run_id"]
    stopped_at = 0.0
    async with there.stream("GET", f"/api/runs/{run_id}/events") as answer, aclosing(events(answer)) as coming:
        assert answer.status_code == 200, "it is known elsewhere as soon as somebody heard its name"
        async for name, data in coming:
            seen += [data["text"]] if name == "token" else []
            if len(seen) > 3 and not stopped_at:
                assert not sending.done()
                stopped_at = time.monotonic()
                assert (await there.post(f"/api/runs/{run_id}/stop")).is_success
    said = await sending
    closed_at = engine.last().closed_at
    assert closed_at is not None
    assert closed_at - stopped_at < _STOPPED_WITHIN
    last = (await messages(there, "followed"))[-1]
    assert (last["status"], last["content"]) == ("stopped", "".join(seen).strip())
    assert said.done is not None
    assert said.done["stopped"]


async def _outlive_the_other(
    first: Box, here: httpx.AsyncClient, there: httpx.AsyncClient, engine: ScriptedOllama
) -> None:
    """A server dies in the middle of an answer: the other marks that one, and answers what is sent next."""
    talk = Talk(_TEXT)
    sending = asyncio.create_task(talk.send(here, "left"))
    await wait_for_tokens(talk, "left", 30)
    await asyncio.to_thread(first.kill)
    said = await sending
    assert said.done is None
    engine.script = Script(text=_TEXT)
    began = time.monotonic()
    following = await talk.send(there, "left")
    assert time.monotonic() - began < _ANSWERED_WITHIN
    assert following.done is not None
    assert following.done["message"] == _TEXT
    listed = await messages(there, "left")
    assert [one["status"] for one in listed] == ["done", "interrupted", "done", "done"]
    assert said.promised
    assert listed[1]["content"].startswith(said.promised)
    await talk.check(there)
    run = (await there.get(f"/api/runs/{said.accepted['run_id']}")).json()
    assert run["status"] == "interrupted"
