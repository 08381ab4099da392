"""`kill -9` in the middle of conversations: at every step of an answer, and at any moment. What was said stays."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.house.failpoints import all_failpoints
from tests.journeys.served import Served, begin
from tests.journeys.talk import Said, Talk
from tests.scripted_ollama import Script, ScriptedOllama
from tests.scripted_wire import Received

pytestmark = pytest.mark.asyncio(loop_scope="module")
_TEXT = " ".join(f"word{number}" for number in range(40))
_KILLS = 5
_TALKING = 4
_ESCALATED = '{"agent": "escalate", "confidence": 0.9, "reasoning": "asks for a person"}'


def answer(request: Received) -> Script | None:
    """Whoever routes is told that a person is asked for; whoever summarises, a summary."""
    if request.path == "/api/chat" and request.body.get("format"):
        return Script(text=_ESCALATED)
    return None


class Place:
    """A data directory and what was promised about it, over many lives."""

    def __init__(self, directory: Path, engine: ScriptedOllama, **settings: object) -> None:
        self.directory = directory
        self.settings = {name.replace("__", "."): value for name, value in settings.items()}
        self.engine = engine
        self.talk = Talk(_TEXT)
        self._life: Served | None = None

    async def begin(self) -> Served:
        """Start where nothing runs, and go on where something does."""
        if self._life is None:
            settings: dict[str, object] = {
                "language_model.kind": "ollama",
                "language_model.url": self.engine.url,
                "language_model.context_length": 2048,
                **self.settings,
            }
            self._life = await begin(self.directory, settings)
        return self._life

    def end(self) -> None:
        """Be sure that nothing runs."""
        life, self._life = self._life, None
        if life is not None:
            life.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with ScriptedOllama(Script(text=_TEXT, tokens_per_second=400.0)) as engine:
        engine.choose = answer
        made = Place(tmp_path_factory.mktemp("talk"), engine)
        yield made
        made.end()


Act = Callable[[httpx.AsyncClient, Talk], Awaitable[object]]


async def _ask(http: httpx.AsyncClient, talk: Talk) -> None:
    await talk.send(http)


async def _ask_again(http: httpx.AsyncClient, talk: Talk) -> None:
    await talk.send(http, "again")
    await talk.again(http, "again", "regenerate")


async def _ask_otherwise(http: httpx.AsyncClient, talk: Talk) -> None:
    await talk.send(http, "otherwise")
    await talk.again(http, "otherwise", "branch", message="Worded otherwise")


async def _ask_for_a_person(http: httpx.AsyncClient, talk: Talk) -> None:
    await talk.send(http, message="I want to talk to a human being.", assistant="auto")


async def _ask_much(http: httpx.AsyncClient, talk: Talk) -> None:
    for _ in range(4):
        await talk.send(http, "long", message="A story of ferries and harbours. " * 90)
    while True:  # the summary comes after the answer
        await http.get("/health")


async def _delete(http: httpx.AsyncClient, talk: Talk) -> None:
    await talk.send(http, "unwanted")
    await talk.delete(http, "unwanted")


async def _attach(http: httpx.AsyncClient, talk: Talk) -> None:
    await talk.send(http, "papers")
    uploaded = await http.post("/api/rag/upload", files={"file": ("note.txt", b"The ferry leaves at nine.")})
    assert uploaded.status_code in {200, 201}, uploaded.text
    await http.post("/api/conversations/papers/attachments", json={"file_id": uploaded.json()["file_id"]})


_ACTS: dict[str, Act] = {
    "chat.accepted": _ask,
    "chat.accepted:2": _ask_again,
    "chat.accepted:2 ": _ask_otherwise,
    "chat.routed": _ask,
    "runs.written": _ask,
    "runs.written:6": _ask,
    "chat.kept": _ask,
    "chat.answered": _ask,
    "chat.escalated": _ask_for_a_person,
    "chat.summarised": _ask_much,
    "chat.deleted": _delete,
    "chat.attached": _attach,
}


async def test_every_step_of_a_conversation_is_died_at() -> None:
    steps = {name for name in all_failpoints() if name.startswith(("chat.", "runs."))}
    assert steps == {act.strip().partition(":")[0] for act in _ACTS}


_EVERY_DAY = {"chat.accepted", "runs.written:6", "chat.kept"}
_CASES = [name if name in _EVERY_DAY else pytest.param(name, marks=pytest.mark.slow) for name in _ACTS]


def _last(talk: Talk, known: set[str]) -> list[Said]:
    """The last message of each conversation that is new."""
    return [said[-1] for key, said in talk.said.items() if key not in known]


@pytest.mark.parametrize("failpoint", _CASES)
async def test_a_kill_at_a_step(place: Place, failpoint: str) -> None:
    talk, life = place.talk, await place.begin()
    known = set(talk.said)
    place.engine.script = Script(text=_TEXT, tokens_per_second=15.0 if failpoint.startswith("runs.") else 400.0)
    await asyncio.to_thread(life.arm, failpoint.strip())
    async with life.client() as http:
        with contextlib.suppress(httpx.TransportError):
            await _ACTS[failpoint](http, talk)
    await asyncio.to_thread(life.wait_killed)
    if failpoint == "runs.written:6":
        assert [said.promised for said in _last(talk, known)] != [""], "long enough to be held to something"
    place.end()
    place.engine.script = Script(text=_TEXT)
    async with (await place.begin()).client() as http:
        await talk.check(http)
        await talk.go_on(http, [key for key in talk.said if key not in known | talk.deleted])
        await talk.check(http)
        if failpoint == "chat.attached":
            attached = (await http.get("/api/conversations/papers")).json()["attachments"]
            assert [one["filename"] for one in attached] == ["note.txt"]


async def _talk_on(http: httpx.AsyncClient, talk: Talk) -> None:
    """Talk until the server is gone, a few messages in each conversation."""
    while True:
        key = uuid4().hex
        for _ in range(3):
            if (await talk.send(http, key)).done is None:
                return


@pytest.mark.slow
async def test_kills_at_any_moment(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("APPLIANCE_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    dice, talks = random.Random(seed), [Talk(_TEXT) for _ in range(_KILLS)]
    for talk in talks:
        await _talk_and_kill(place, talk, dice)
        async with (await place.begin()).client() as http:
            await talk.check(http)
            await talk.go_on(http, [key for key in talk.said if key not in talk.deleted])
    cut = sum(1 for talk in talks for said in talk.said.values() for one in said if one.accepted and one.done is None)
    with capsys.disabled():
        print(f"\nkills of conversations, seed {seed}: {len(talks)} kills, {cut} answers cut short")
    assert cut >= len(talks)
    async with (await place.begin()).client() as http:
        for talk in talks:
            await talk.check(http)


async def _talk_and_kill(place: Place, talk: Talk, dice: random.Random) -> None:
    """Several people talk, and at some moment the power is cut."""
    place.engine.script = Script(text=_TEXT, tokens_per_second=60.0)
    async with (await place.begin()).client() as http:
        talking = [asyncio.create_task(_talk_on(http, talk)) for _ in range(_TALKING)]
        await asyncio.sleep(dice.uniform(0.2, 1.5))
        await asyncio.to_thread(place.end)
        await asyncio.gather(*talking)
    place.engine.script = Script(text=_TEXT)


async def test_a_restart_interrupts_and_keeps_every_word(place: Place) -> None:
    """A service that is stopped in the middle of an answer: nobody asked for that answer to end."""
    place.engine.script = Script(text=_TEXT, tokens_per_second=8.0)
    talk, life = Talk(_TEXT), await place.begin()
    async with life.client() as http:
        asking = asyncio.create_task(talk.send(http, "stopped"))
        async with asyncio.timeout(10):
            while not (said := talk.said.get("stopped")) or len(said[0].tokens) < 4:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(life.end)
        said = await asking
    place.end()
    place.engine.script = Script(text=_TEXT)
    async with (await place.begin()).client() as http:
        listed = (await http.get("/api/conversations/stopped/messages")).json()["items"]
        assert listed[-1]["status"] == "interrupted"
        assert listed[-1]["content"].startswith(said.seen)
        await talk.check(http)
        await talk.go_on(http, ["stopped"])


async def test_limits_outlive_a_kill(place: Place, tmp_path: Path) -> None:
    """The window of a conversation and a person's day are the same after it."""
    limited = Place(tmp_path, place.engine, limits__messages_per_minute=3, limits__messages_per_day=5)
    place.engine.script = Script(text=_TEXT)
    try:
        async with (await limited.begin()).client() as http:
            for _ in range(3):
                assert (await limited.talk.send(http, "busy")).done is not None
            before = await _look_at_limits(http)
        limited.end()
        async with (await limited.begin()).client() as http:
            assert await _look_at_limits(http) == before
            for _ in range(2):
                assert (await limited.talk.send(http)).done is not None
        limited.end()
        async with (await limited.begin()).client() as http:
            refused = await http.post("/api/chat", json={"conversation_id": "another", "message": "One more"})
            assert (refused.status_code, refused.json()["type"]) == (429, "urn:appliance:daily_messages_used")
            assert int(refused.headers["retry-after"]) > 0
    finally:
        limited.end()


async def _look_at_limits(http: httpx.AsyncClient) -> Any:
    """What may still be sent in `busy` (nothing: that was refused too), and what was used of the day."""
    window = (await http.get("/api/rate-limit/busy")).json()
    assert (window["allowed"], window["remaining"], window["limit"]) == (False, 0, 3)
    assert 0 < window["retry_after"] <= window["window"] == 60
    refused = await http.post("/api/chat", json={"conversation_id": "busy", "message": "One more"})
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:appliance:rate_limited")
    return (await http.get("/api/usage")).json()["items"]
