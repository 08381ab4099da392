"""What the embedded engine keeps when processes die, and what a Qdrant server's failures become."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from appliance.core.errors import ApplianceError, EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.core.settings_sections import VectorStore as VectorStoreSettings
from appliance.core.text import said
from appliance.engines.qdrant_edge import QdrantEdgeStore
from appliance.engines.qdrant_server import QdrantServerStore
from appliance.ports.embedder import QueryVectors
from appliance.ports.vector_store import VectorStore, Where
from tests.contract.test_vector_store import SHAPE, axis, dense_ids, everything, lexical, point, sparse
from tests.engines.processes import free_port
from tests.engines.qdrant_stand_in import QdrantStandIn
from tests.scripted_wire import Exchange, WireServer

NAME = "passages-1"
WRITER = """
import asyncio, sys
from pathlib import Path
from appliance.engines.qdrant_edge import QdrantEdgeStore
from appliance.ports.vector_store import Where
from tests.contract.test_vector_store import SHAPE, point

async def main():
    store = await QdrantEdgeStore(Path(sys.argv[1])).__aenter__()
    await store.create("passages-1", SHAPE)
    await store.upsert("passages-1", [point(number, document=number % 3) for number in range(300)])
    await store.delete("passages-1", Where(documents=(point(1, document=2).place.document_id,)))
    await store.update_place("passages-1", point(1, document=1).place.document_id, point(1, tags=("kept",)).place)
    print(store.process_id, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "vectors"


@asynccontextmanager
async def writer(directory: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Another server that has just written, and the id of its vectors' process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITER, str(directory)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert process.stdout is not None
        yield process, int(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def assert_all_is_kept(directory: Path) -> None:
    async with QdrantEdgeStore(directory) as store:
        places = await everything(store, NAME)
        assert set(places) == {number for number in range(300) if number % 3 != 2}
        assert {number for number, place in places.items() if place.tags == ("kept",)} == set(range(1, 300, 3))
        assert await dense_ids(store, NAME, Where(tags=("kept",)), limit=500) == set(range(1, 300, 3))


async def test_what_was_written_survives_the_death_of_both_processes(directory: Path) -> None:
    async with writer(directory) as (server, vectors):
        os.kill(vectors, signal.SIGKILL)
        server.kill()
        await server.wait()
        await assert_all_is_kept(directory)


async def test_a_server_started_at_once_waits_for_the_last_ones_vectors(directory: Path) -> None:
    async with writer(directory) as (server, vectors):
        os.kill(vectors, signal.SIGSTOP)
        server.kill()
        await server.wait()
        checking = asyncio.create_task(assert_all_is_kept(directory))
        await asyncio.sleep(1)
        assert not checking.done(), "two must never hold one directory"
        os.kill(vectors, signal.SIGCONT)
        await checking


async def test_closing_and_opening_keeps_everything(directory: Path) -> None:
    text = lexical(sparse(t1=1.0), sparse(t9=1.0))
    tokens = axis(0, of=4)[None]
    async with QdrantEdgeStore(directory) as store:
        await store.create(NAME, SHAPE)
        await store.upsert(NAME, [point(1, tokens=tokens, text=text, tags=("a",))])
        before = await _look(store)
    async with QdrantEdgeStore(directory) as store:
        assert await store.names() == [NAME]
        assert await _look(store) == before
        assert await everything(store, NAME) == {1: point(1, tags=("a",)).place}
        await store.upsert(NAME, [point(2, tokens=tokens)])
        assert len(await store.rescore(NAME, [point(1).id, point(2).id], QueryVectors(axis(1), tokens))) == 2


async def _look(store: VectorStore) -> object:
    question = lexical(sparse(t1=1.0), sparse(t9=1.0))
    found = await store.search(NAME, vectors=QueryVectors(axis(1)), lexical=question, where=Where(), limit=5)
    assert found.dense
    assert found.words
    assert found.characters
    return found


async def test_a_dead_engine_is_said_and_started_again(directory: Path) -> None:
    async with QdrantEdgeStore(directory) as store:
        await store.create(NAME, SHAPE)
        await store.upsert(NAME, [point(1)])
        vectors = store.process_id
        assert vectors is not None
        os.kill(vectors, signal.SIGSTOP)
        waiting = [asyncio.create_task(store.count(NAME, Where())) for _ in range(3)]
        await asyncio.sleep(0.1)
        os.kill(vectors, signal.SIGKILL)
        for task in waiting:
            with pytest.raises(EngineUnavailable):
                await task
        assert await store.count(NAME, Where()) == 1
        assert store.process_id not in {None, vectors}


async def test_no_process_is_left(directory: Path) -> None:
    async with QdrantEdgeStore(directory) as store:
        vectors = store.process_id
        assert vectors is not None
        assert psutil.pid_exists(vectors)
    assert not psutil.pid_exists(vectors)
    with pytest.raises(EngineUnavailable):
        await store.names()


async def test_a_collection_that_a_crash_left_half_made_is_none(directory: Path) -> None:
    async with QdrantEdgeStore(directory) as store:
        await store.create(NAME, SHAPE)
    (directory / NAME).rename(directory / f"{NAME}.new")
    async with QdrantEdgeStore(directory) as store:
        assert await store.names() == []
        await store.create(NAME, SHAPE)
        assert await store.count(NAME, Where()) == 0
    assert set(await asyncio.to_thread(os.listdir, directory)) == {NAME, "lock"}


async def test_a_collection_that_cannot_be_read_does_not_take_the_others_along(directory: Path) -> None:
    async with QdrantEdgeStore(directory) as store:
        for name in (NAME, "other"):
            await store.create(name, SHAPE)
        await store.upsert("other", [point(1)])
    (directory / NAME / "edge_config.json").write_text("{")
    async with QdrantEdgeStore(directory) as store:
        with pytest.raises(EngineFailed):
            await store.count(NAME, Where())
        assert await store.count("other", Where()) == 1
        assert not (await store.check()).ok
        await store.drop(NAME)
        assert (await store.check()).ok


@pytest.mark.parametrize("name", ["", ".", "../out", "a/b", "a.new", "a b"])
async def test_a_name_is_no_path(directory: Path, name: str) -> None:
    async with QdrantEdgeStore(directory) as store:
        with pytest.raises(ValueError, match="cannot name"):
            await store.create(name, SHAPE)
        await store.create(NAME, SHAPE)
        await store.drop(name)
        assert await store.names() == [NAME]
        assert await store.count(name, Where()) == 0


async def test_a_cancelled_search_leaves_the_engine_well(directory: Path) -> None:
    async with QdrantEdgeStore(directory) as store:
        await store.create(NAME, SHAPE)
        await store.upsert(NAME, [point(1)])
        search = asyncio.create_task(dense_ids(store, NAME, Where()))
        await asyncio.sleep(0)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        assert await dense_ids(store, NAME, Where()) == {1}


class BrokenQdrant(WireServer):
    """Fails each request in the way it was told."""

    def __init__(self, fault: str, elsewhere: str) -> None:
        super().__init__()
        self._fault = fault
        self._elsewhere = elsewhere

    async def handle(self, exchange: Exchange) -> None:
        match self._fault:
            case "hang":
                await exchange.pause(3600)
            case "redirect":
                await exchange.answer(307, b"", Location=self._elsewhere)
            case "html":
                await exchange.answer(200, b"<html>welcome</html>")
            case "wrong_types":
                await exchange.answer_json({"result": {"points": 3}, "status": "ok"})
            case "cut":
                await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
                exchange.cut()
            case status:
                await exchange.answer_json({"status": {"error": "no"}}, status=int(status))


class Elsewhere(WireServer):
    async def handle(self, exchange: Exchange) -> None:
        await exchange.answer_json({})


def server_store(url: str, **more: str) -> QdrantServerStore:
    return QdrantServerStore(VectorStoreSettings(kind="qdrant", url=url, timeout_seconds=0.4, **more))


async def fail(store: QdrantServerStore) -> set[type[ApplianceError]]:
    """Try everything; every call must fail with an error of ours."""
    tokens = axis(0, of=4)[None]
    raised: set[type[ApplianceError]] = set()
    for call in (
        store.create(NAME, SHAPE),
        store.names(),
        store.search(NAME, vectors=None, lexical=lexical(sparse(t1=1.0)), where=Where(), limit=3),
        store.rescore(NAME, [point(1).id], QueryVectors(axis(1), tokens)),
        store.count(NAME, Where()),
        everything(store, NAME),
    ):
        with pytest.raises(ApplianceError) as caught:
            await call
        raised.add(EngineFailed if isinstance(caught.value, EngineFailed) else type(caught.value))
    assert not (await store.check()).ok
    return raised


async def test_a_server_that_is_away() -> None:
    async with server_store(f"http://127.0.0.1:{free_port()}") as store:
        assert await fail(store) == {EngineUnavailable}
        assert "injoignable" in said((await store.check()).detail, "fr")


@pytest.mark.parametrize(
    "fault,expected",
    [
        ("hang", EngineTimedOut),
        *((fault, EngineFailed) for fault in ("500", "503", "403", "redirect", "html", "wrong_types", "cut")),
    ],
)
async def test_a_server_that_fails(fault: str, expected: type[ApplianceError]) -> None:
    async with Elsewhere() as elsewhere, BrokenQdrant(fault, f"{elsewhere.url}/stolen") as server:
        async with server_store(server.url) as store:
            started = time.monotonic()
            assert await fail(store) == {expected}
            assert time.monotonic() - started < 10
        assert not elsewhere.received


async def test_a_server_that_keeps_failing_is_not_waited_for() -> None:
    async with (
        Elsewhere() as elsewhere,
        BrokenQdrant("hang", elsewhere.url) as server,
        server_store(server.url) as store,
    ):
        for _ in range(5):
            with pytest.raises(EngineTimedOut):
                await dense_ids(store, NAME, Where())
        before = len(server.received)
        with pytest.raises(EngineUnavailable):
            await dense_ids(store, NAME, Where())
        assert len(server.received) == before


async def test_a_key_is_sent_and_a_wrong_one_is_refused() -> None:
    async with QdrantStandIn(api_key="right") as server:
        async with QdrantServerStore(VectorStoreSettings(kind="qdrant", url=server.url, api_key="right")) as store:
            await store.create(NAME, SHAPE)
            assert (await store.check()).ok
        async with QdrantServerStore(VectorStoreSettings(kind="qdrant", url=server.url, api_key="wrong")) as store:
            assert not (await store.check()).ok
            with pytest.raises(EngineFailed):
                await store.names()


async def test_other_collections_of_the_server_are_left_alone() -> None:
    async with QdrantStandIn() as server, server_store(server.url) as store:
        server.client.create_collection("theirs", vectors_config={})
        await store.create(NAME, SHAPE)
        assert await store.names() == [NAME]


async def test_two_appliances_share_a_server() -> None:
    async with (
        QdrantStandIn() as server,
        server_store(server.url, collection_prefix="north") as north,
        server_store(server.url, collection_prefix="north_2") as other,
    ):
        for store in (north, other):
            await store.create(NAME, SHAPE)
        assert await north.names() == [NAME]
        await other.drop(NAME)
        assert await north.names() == [NAME]
        assert await other.names() == []
