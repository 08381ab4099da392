"""Conversations over a real Ollama: what is written goes on without its reader, and Stop ends the computing itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil
import pytest
import pytest_asyncio

from tests.engines.boxes import Box, client_of, make_key
from tests.engines.fixtures import Reached, skip_or_fail
from tests.engines.weights import STORIES

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
_STOPPED_SECONDS = 0.3
_LOOK_SECONDS = 1.0
_REST_SECONDS = 15.0
_TRIES = 3
_IDLE_SHARE = 0.1
"""Of one core: a runner that writes takes one or more, one that waits next to nothing."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(ollama_server: Reached, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    settings = {
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": ollama_server.url,
        "APPLIANCE_LANGUAGE_MODEL__MODEL": STORIES,
        "APPLIANCE_LANGUAGE_MODEL__CONTEXT_LENGTH": "128",
        "APPLIANCE_LIMITS__ANSWER_TOKENS": "100000",
    }
    async with (
        Box("conversations", "up", tmp_path_factory.mktemp("conversations"), settings) as box,
        client_of(box, await make_key(box)) as opened,
    ):
        yield opened


@pytest.fixture
def runner(ollama_server: Reached) -> "Runner":
    port = urlsplit(ollama_server.url).port
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            return Runner(psutil.Process(connection.pid))
    skip_or_fail(f"the Ollama at {ollama_server.url} is no process of this machine: its computing cannot be seen")
    raise AssertionError


class Runner:
    """Ollama and the processes that compute for it."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server

    @property
    def seconds(self) -> float:
        """How long they have computed so far, on all cores together."""
        total = 0.0
        for process in (self._server, *self._server.children(recursive=True)):
            times = process.cpu_times()
            total += times.user + times.system
        return total

    async def share(self, seconds: float = _LOOK_SECONDS) -> float:
        """How many cores they use from now on, for a while."""
        before, started = self.seconds, time.monotonic()
        await asyncio.sleep(seconds)
        return (self.seconds - before) / (time.monotonic() - started)

    async def rest(self) -> None:
        """Wait until they compute nothing. Raises TimeoutError where they do not end."""
        async with asyncio.timeout(_REST_SECONDS):
            while await self.share(0.5) > _IDLE_SHARE:
                pass


class Story:
    """A message on its way: read until some words are there, then its window is closed."""

    def __init__(self, client: httpx.AsyncClient, key: str, message: str = "Once upon a time") -> None:
        self.run = ""
        self._client = client
        self._body = {
            "conversation_id": key,
            "message": message,
            "assistant": "conversation",
            "stream": True,
        }

    async def read(self, words: int = 5) -> None:
        async with self._client.stream("POST", "/api/chat", json=self._body) as answer:
            assert answer.status_code == 200
            self.run = answer.headers["x-run-id"]
            async with aclosing(answer.aiter_lines()) as lines:  # pyright: ignore[reportArgumentType]
                async for line in lines:
                    words -= line == "event: token"
                    if not words:
                        return
        raise AssertionError("it ended")


async def kept(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    """The answer of a conversation once it is no more being written."""
    async with asyncio.timeout(10):
        while True:
            answer = await client.get(f"/api/conversations/{key}/messages")
            last: dict[str, Any] = msgspec.json.decode(answer.content)["items"][-1]
            if last["status"] != "writing":
                return last
            await asyncio.sleep(0.02)


async def test_stop_ends_the_computing(client: httpx.AsyncClient, runner: Runner) -> None:
    """Each ends, and what is left of one keeps no other; on a busy machine the quickest of three shows how soon."""
    shares: list[float] = []
    for number in range(_TRIES):
        await runner.rest()
        key = f"endless-{number}"
        story = Story(client, key)
        await story.read()
        assert await runner.share() > 2 * _IDLE_SHARE, "it writes on, though its window is closed"
        stopped_at = time.monotonic()
        stopping = asyncio.ensure_future(client.post(f"/api/runs/{story.run}/stop"))
        await asyncio.sleep(_STOPPED_SECONDS - (time.monotonic() - stopped_at))
        shares.append(await runner.share())
        assert (await stopping).status_code == 200
        answer = await kept(client, key)
        assert (answer["status"], answer["model"], answer["mode"]) == ("stopped", STORIES, "llm")
        assert len(answer["content"].split()) > 5
    assert min(shares) < _IDLE_SHARE, "it computes for nobody"
    await runner.rest()


async def test_two_answers_side_by_side_end_together(client: httpx.AsyncClient, runner: Runner) -> None:
    """The second waits in Ollama for the first; neither is computed once both are stopped."""
    first, second = Story(client, "left"), Story(client, "right")
    await first.read()
    reading = asyncio.ensure_future(second.read(1))
    async with asyncio.timeout(10):
        runs: list[str] = []
        while not all(runs) or not runs:
            answers = [await client.get(f"/api/conversations/{key}") for key in ("left", "right")]
            runs = [answer.json().get("running") for answer in answers]
    await asyncio.gather(*(client.post(f"/api/runs/{run}/stop") for run in runs))
    reading.cancel()
    await asyncio.wait([reading])
    for key in ("left", "right"):
        assert (await kept(client, key))["status"] == "stopped"
    await runner.rest()


async def test_what_does_not_fit_the_context_is_left_out(client: httpx.AsyncClient) -> None:
    """The context holds 128 tokens: whatever does not fit is left out, and it is answered all the same."""
    for number in range(3):
        story = Story(client, "past", f"Tell {number}")
        await story.read(1)
        assert (await client.post(f"/api/runs/{story.run}/stop")).status_code == 200
        await kept(client, "past")
    items = (await client.get("/api/conversations/past/messages")).json()["items"]
    assert [one["status"] for one in items] == ["done", "stopped"] * 3
