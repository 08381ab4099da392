"""Two servers and two workers share their engines: each sees what the others do, and killing any of them loses nothing.

The seed is printed: APPLIANCE_CHAOS_SEED repeats a run, APPLIANCE_CHAOS_SECONDS lengthens it.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines.boxes import Box, client_of, make_key, upload
from tests.engines.processes import ServerProcess

pytestmark = pytest.mark.engine
_LEASE_SECONDS = 2
_CHAOS_SECONDS = float(os.environ.get("APPLIANCE_CHAOS_SECONDS", "25"))
_SETTLE_SECONDS = 120.0
_WORDS = [
    f"{start}{middle}{end}" for start in "bcdfg" for middle in ("an", "or", "il", "ue") for end in ("tra", "mo", "vel")
]


@pytest.fixture
def embedder_url(own_engine_directory: Path) -> Iterator[str]:
    """A scripted Ollama in a process of its own: quick, and the same vectors every time."""
    log = own_engine_directory / "embedder.log"
    process = ServerProcess([sys.executable, "-m", "tests.scripted_ollama", "--dimensions", "64"], log=log)
    process.start(environment={"PYTHONPATH": str(Path(__file__).parents[2])})
    process.wait_healthy(lambda: "http" in log.read_text())
    yield log.read_text().strip()
    process.stop()


@pytest.fixture
async def boxes(
    own_engine_directory: Path, shared_engines: dict[str, str], embedder_url: str
) -> AsyncIterator[list[Box]]:
    environment = {
        **shared_engines,
        "APPLIANCE_EMBEDDER__KIND": "ollama",
        "APPLIANCE_EMBEDDER__URL": embedder_url,
        "APPLIANCE_EMBEDDER__MODEL": "scripted-embed",
        "APPLIANCE_LANGUAGE_MODEL__KIND": "none",
        "APPLIANCE_WORKER__LEASE_SECONDS": str(_LEASE_SECONDS),
    }
    made = [
        *(Box(f"serve-{number}", "serve", own_engine_directory, environment) for number in (1, 2)),
        *(Box(f"work-{number}", "work", own_engine_directory, environment) for number in (1, 2)),
    ]
    async with contextlib.AsyncExitStack() as stack:
        for box in made:
            await stack.enter_async_context(box)
        yield made


async def call(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
    answer = await client.request(method, path, **more)
    assert answer.is_success, (path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


async def follow(client: httpx.AsyncClient, seen: list[dict[str, Any]], ready: asyncio.Event) -> None:
    """Keep the `document` events of a server's live stream."""
    async with client.stream("GET", "/api/events", timeout=None) as stream:
        name = ""
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
                ready.set()
            elif line.startswith("data: ") and name == "document":
                seen.append(json.loads(line.removeprefix("data: ")))


async def test_what_one_does_the_others_see(boxes: list[Box]) -> None:
    first, second, *workers = boxes
    key = await make_key(first)
    async with client_of(first, key) as here, client_of(second, key) as there:
        seen: list[dict[str, Any]] = []
        ready = asyncio.Event()
        following = asyncio.create_task(follow(there, seen, ready))
        await asyncio.wait_for(ready.wait(), 10)
        uploaded = await upload(here, "notes.txt", b"The harbour of Brixworth opens at dawn.")
        file_id = uploaded["file_id"]
        indexed = await call(there, "POST", "/api/rag/index", json={"file_id": file_id})
        assert indexed["status"] == "indexed"
        found = await call(there, "POST", "/api/rag/search", json={"query": "harbour of Brixworth"})
        assert found["results"][0]["file_id"] == file_id
        await call(there, "DELETE", f"/api/rag/documents/{file_id}")
        assert (await here.get(f"/api/rag/documents/{file_id}")).status_code == 404
        until = time.monotonic() + 10
        while "deleting" not in _statuses(seen, file_id) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        following.cancel()
        await asyncio.wait([following])
    statuses = _statuses(seen, file_id)
    assert "deleting" in statuses, seen
    assert statuses.index("embedding") < statuses.index("indexed"), statuses
    assert "parsing" in statuses, "progress made by a worker is seen on the server it was not sent to"
    assert all(worker.is_running for worker in workers)


def _statuses(events: list[dict[str, Any]], file_id: str) -> list[str]:
    return [event["status"] for event in events if event["document_id"] == file_id]


@dataclass
class Ledger:
    """What was acknowledged, and what was asked for without an answer."""

    kept: dict[str, str] = field(default_factory=dict)
    """file id -> a word that stands in that document alone."""
    deleted: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)
    """A deletion was sent, and the server died before it answered."""
    kills: int = 0


class Chaos:
    """People who work, and somebody who pulls plugs."""

    def __init__(self, boxes: list[Box], key: str, dice: random.Random) -> None:
        self.ledger = Ledger()
        self._boxes = boxes
        self._servers = [box for box in boxes if box.part == "serve"]
        self._key = key
        self._dice = dice
        self._until = time.monotonic() + _CHAOS_SECONDS
        self._goes_on = True
        self._number = 0

    async def run(self) -> None:
        people = [asyncio.create_task(self._work()) for _ in range(4)]
        try:
            await self._pull_plugs()
        finally:
            self._goes_on = False
        await asyncio.gather(*people)

    async def _work(self) -> None:
        while self._goes_on:
            box = self._dice.choice(self._servers)
            try:
                async with client_of(box, self._key, seconds=20) as client:
                    await (self._add(client) if self._dice.random() < 0.7 else self._remove(client))
            except (httpx.TransportError, httpx.HTTPStatusError):
                await asyncio.sleep(0.1)  # the server is down: somebody else's turn

    async def _add(self, client: httpx.AsyncClient) -> None:
        self._number += 1
        word = f"zq{self._number}x{self._dice.randrange(10**6)}"
        text = " ".join(self._dice.choices(_WORDS, k=self._dice.randrange(20, 1500)))
        body = f"{text}. The sign of this page is {word}. {text}".encode()
        uploaded = await upload(client, f"{word}.txt", body)
        self.ledger.kept[uploaded["file_id"]] = word

    async def _remove(self, client: httpx.AsyncClient) -> None:
        if not self.ledger.kept:
            return
        file_id = self._dice.choice(list(self.ledger.kept))
        word = self.ledger.kept.pop(file_id)
        self.ledger.unclear[file_id] = word
        answer = await client.delete(f"/api/rag/documents/{file_id}")
        if answer.is_success or answer.status_code == 404:
            self.ledger.deleted[file_id] = self.ledger.unclear.pop(file_id)

    async def _pull_plugs(self) -> None:
        """Each process once, in any order; then any, until the time is over."""
        first = self._dice.sample(self._boxes, len(self._boxes))
        while first or time.monotonic() < self._until:
            await asyncio.sleep(self._dice.uniform(0.3, 2.0))
            box = first.pop() if first else self._dice.choice(self._boxes)
            box.kill()
            self.ledger.kills += 1
            await asyncio.sleep(self._dice.uniform(0.0, 0.5))
            await box.start()


@pytest.mark.slow
async def test_killing_any_of_them_loses_nothing(boxes: list[Box], capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("APPLIANCE_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    chaos = Chaos(boxes, await make_key(boxes[0]), random.Random(seed))
    await chaos.run()
    ledger = chaos.ledger
    with capsys.disabled():
        print(
            f"\nchaos seed {seed}: {ledger.kills} kills, {len(ledger.kept)} kept, {len(ledger.deleted)} deleted, "
            f"{len(ledger.unclear)} deletions without an answer"
        )
    assert ledger.kills >= len(boxes)
    assert ledger.kept
    assert ledger.deleted
    async with client_of(boxes[0], chaos._key) as client:
        documents = await _settle(client)
        await _prove_kept(client, ledger, documents)
        await _prove_gone(client, ledger, documents)
        proof = await call(client, "POST", "/api/fsck")
        assert proof["discrepancies"] == [], seed


async def _settle(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """Wait until every document is at an end and no job is open; give the documents by id."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        documents = {
            document["file_id"]: document async for document in _pages(client, "/api/rag/documents", "documents")
        }
        statuses = {document["status"] for document in documents.values()}
        open_jobs = [
            job for status in ("queued", "running") async for job in _pages(client, "/api/jobs", "items", status=status)
        ]
        if statuses <= {"indexed", "failed"} and not open_jobs:
            return documents
        assert time.monotonic() < deadline, (statuses, open_jobs[:3])
        await asyncio.sleep(0.5)


async def _pages(client: httpx.AsyncClient, path: str, key: str, **parameters: str) -> AsyncIterator[dict[str, Any]]:
    offset = 0
    while True:
        page = await call(client, "GET", path, params={**parameters, "limit": 100, "offset": offset})
        for item in page[key]:
            yield item
        offset += 100
        if offset >= page["total"]:
            return


async def _prove_kept(client: httpx.AsyncClient, ledger: Ledger, documents: dict[str, dict[str, Any]]) -> None:
    lost = set(ledger.kept) - set(documents)
    assert not lost, f"{len(lost)} acknowledged uploads are lost"
    for file_id, word in ledger.kept.items():
        document = documents[file_id]
        assert document["status"] == "indexed" or document["error"], document
        if document["status"] == "indexed":
            assert file_id in await _found(client, word), f"{file_id} is indexed and not found"


async def _prove_gone(client: httpx.AsyncClient, ledger: Ledger, documents: dict[str, dict[str, Any]]) -> None:
    back = set(ledger.deleted) & set(documents)
    assert not back, f"{len(back)} deleted documents are listed"
    for file_id, word in ledger.deleted.items():
        assert file_id not in await _found(client, word)
        assert (await client.get(f"/api/rag/documents/{file_id}")).status_code == 404
    for file_id, word in ledger.unclear.items():
        # The server died with the question in its hands: either answer is right, a half one is not.
        assert (file_id in documents) == (file_id in await _found(client, word)), file_id


async def _found(client: httpx.AsyncClient, word: str) -> set[str]:
    found = await call(
        client, "POST", "/api/rag/search", json={"query": f"The sign of this page is {word}", "limit": 20}
    )
    return {result["file_id"] for result in found["results"]}
