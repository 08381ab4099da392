"""100 000 made-up passages searched over HTTP by a member who may read half of them, against the bare engine.

Passages are written through the port: dense and token vectors at random, words drawn by rank, so that the engine's lists
are as long as in a language. The bare cost is a question's embedding and one batch of the three queries on the engine
itself, opened in this process with the same filter, once the server has ended.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from statistics import median
from time import process_time, sleep
from typing import Any
from uuid import UUID

import httpx
import msgspec
import numpy as np
from sqlalchemy import insert

from appliance.core.database import Database
from appliance.core.database import now as moment
from appliance.core.ids import derive_id
from appliance.core.settings import load_settings
from appliance.engines.minilm.encoder import Encoder
from appliance.engines.qdrant_edge import QdrantEdgeStore
from appliance.engines.qdrant_points import corpus_of, filter_of
from appliance.engines.snowball import SnowballAnalyzer
from appliance.engines.vector_process.protocol import Search, Sparse
from appliance.engines.vector_process.shards import Shard
from appliance.features.knowledge.tables import ChunkRow, DocumentRow
from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.embedder import PassageVectors, Vector
from appliance.ports.vector_store import Place, Point, Where
from tests.bench.figures import Figure, at_most
from tests.bench.made_up import text, words
from tests.bench.server import Running, now, percentile, running

_PASSAGES = int(os.environ.get("APPLIANCE_BENCH_PASSAGES", "100000"))
_COLLECTIONS, _PER_DOCUMENT = 10, 100
_WORDS, _TOKENS = 120, 110
"""What a passage of 1200 characters has on average (research/retrieval.md)."""
_TEXTS = 4_000
"""Different texts; a passage is one of them with a dense vector of its own."""
_BATCH = 512
_QUESTIONS, _WARM = 80, 20
_ROUNDS = 3
"""Whether the engine's threads find a core each is decided at their start, and halves or doubles a search: rounds even that out."""
_LIMIT = 10
_PAUSE_SECONDS = 0.02
"""Before each question, of the server and of the bare engine alike: people do not ask in a tight loop, whose threads never rest."""


class Measured:
    """Milliseconds of questions, and of processor time a question, over several rounds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._computed: list[float] = []

    def add(self, times: list[float], computed: float) -> None:
        self.times += times
        self._computed.append(computed)

    def __str__(self) -> str:
        return (
            f"p50 {median(self.times):.1f} ms, p95 {percentile(self.times, 0.95):.1f} ms, quickest tenth "
            f"{percentile(self.times, 0.1):.1f} ms, processor time {min(self._computed):.1f} ms"
        )


class Prepared(msgspec.Struct):
    """What was written: who asks, and what they may read."""

    key: str
    collections: list[UUID]
    readable: list[UUID]
    owner: UUID


async def measure(directory: Path) -> list[Figure]:
    """Write the passages once, then ask the same questions of the server, of the bare engine, and of the pipeline as shipped."""
    home = directory / f"search-{_PASSAGES}"
    prepared = await _prepare(home)
    questions = [f"What is {' '.join(words(Random(number), 7))}?" for number in range(_QUESTIONS)]
    first, bare, whole = Measured(), Measured(), Measured()
    for _ in range(_ROUNDS):
        first.add(*await _ask_server(home, prepared, questions, reranker="none"))
        bare.add(*await asyncio.to_thread(_ask_bare, home, prepared, questions))
        whole.add(*await _ask_server(home, prepared, questions, reranker="late_interaction"))
    size = sum(path.stat().st_blocks * 512 for path in (home / "vectors").rglob("*") if path.is_file())
    note = f"{first} against {bare}; {_PASSAGES} passages, half of them readable"
    shipped = f"{whole}; {size / _PASSAGES:.0f} bytes of index a passage on disk"
    ratio = median(first.times) / median(bare.times)
    return [
        at_most("hybrid search over HTTP, against the bare engine", ratio, 1.5, 1.5, " x", note=note),
        at_most("… p95, without reranking", percentile(first.times, 0.95), 60, 30, " ms"),
        at_most("… p95, as shipped", percentile(whole.times, 0.95), 120, 50, " ms", note=shipped),
    ]


async def _prepare(home: Path) -> Prepared:
    """Make people and collections over REST, then write rows and points beside the server; kept for the next run."""
    done = home / "prepared.json"
    if done.exists():
        return msgspec.json.decode(done.read_bytes(), type=Prepared)
    started = now()
    async with running(home) as server:
        prepared = await _make_people(server)
    await _write_rows(home, prepared)
    async with QdrantEdgeStore(home / "vectors") as store:
        name = (await store.names())[0]
        for batch in _batches(prepared):
            await store.upsert(name, batch)
        written = await store.count(name, Where())
        await _wait_until_merged(store)
    if written != _PASSAGES:
        message = f"{written} points were written"
        raise RuntimeError(message)
    done.write_bytes(msgspec.json.encode(prepared))
    print(f"  {_PASSAGES} passages written in {now() - started:.0f} s", flush=True)
    return prepared


async def _make_people(server: Running) -> Prepared:
    client = server.client
    owner = (await client.call("GET", "/api/me"))["user"]["id"]
    made = await client.call("POST", "/api/users", {"username": "reader"})
    people = await client.call("GET", "/api/users")
    reader = next(user["id"] for user in people["items"] if user["username"] == "reader")
    bodies = [{"name": f"bench {number}"} for number in range(_COLLECTIONS)]
    collections = [(await client.call("POST", "/api/collections", body))["id"] for body in bodies]
    readable = collections[: _COLLECTIONS // 2]
    for collection in readable:
        body = {"readers": [{"user": reader}], "editors": []}
        await client.call("PUT", f"/api/collections/{collection}/permissions", body)
    key = await _make_key(server.url, made["url"].rpartition("token=")[2])
    return Prepared(key, [UUID(one) for one in collections], [UUID(one) for one in readable], UUID(owner))


async def _make_key(url: str, token: str) -> str:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as browser:
        signed_in = await browser.post("/api/login", json={"token": token})
        signed_in.raise_for_status()
        headers = {"X-CSRF-Token": signed_in.json()["csrf_token"], "Origin": url}
        made = await browser.post("/api/keys", json={"name": "bench", "scopes": ["all"]}, headers=headers)
        made.raise_for_status()
        return made.json()["key"]


async def _write_rows(home: Path, prepared: Prepared) -> None:
    texts = _texts()
    async with Database(load_settings(home, environment={}).database_url) as database:
        for document in range(_PASSAGES // _PER_DOCUMENT):
            row = _document_row(document, prepared)
            chunks = [_chunk_row(document, position, texts) for position in range(_PER_DOCUMENT)]
            async with database.begin() as transaction:
                await transaction.execute(insert(DocumentRow), [row])
                await transaction.execute(insert(ChunkRow), chunks)


def _document_row(number: int, prepared: Prepared) -> dict[str, Any]:
    now_then = moment()
    return {
        "id": derive_id("bench", number),
        "collection_id": prepared.collections[number % _COLLECTIONS],
        "sha256": f"{number:064x}",
        "filename": f"{number}.txt",
        "size": 1,
        "media_type": "text/plain",
        "title": None,
        "language": "en",
        "pages": None,
        "unread_pages": 0,
        "chunks": _PER_DOCUMENT,
        "status": "indexed",
        "problem": None,
        "stage_done": _PER_DOCUMENT,
        "stage_total": _PER_DOCUMENT,
        "timings": {},
        "tags": [],
        "agent_owner": None,
        "sealed_password": None,
        "version": 1,
        "is_dirty": False,
        "job_id": None,
        "uploaded_by": prepared.owner,
        "uploaded_at": now_then,
        "indexed_at": now_then,
    }


def _chunk_row(document: int, position: int, texts: Sequence[str]) -> dict[str, Any]:
    words_of_it = texts[(document * _PER_DOCUMENT + position) % _TEXTS]
    return {
        "id": derive_id("bench", document, position),
        "document_id": derive_id("bench", document),
        "version": 1,
        "position": 2 * position,  # no neighbours: none are merged
        "page": None,
        "start": 0,
        "end": len(words_of_it),
        "headings": [],
        "locator": {"kind": "line", "value": str(position)},
        "text": words_of_it,
    }


def _texts() -> list[str]:
    random = Random(5)
    return [text(random, _WORDS) for _ in range(_TEXTS)]


def _batches(prepared: Prepared) -> Iterator[list[Point]]:
    numbers = np.random.default_rng(5)
    lexical = SnowballAnalyzer().encode_passages(_texts(), language="en", characters=1200)
    tokens = [_unit(numbers, _TOKENS, 64) for _ in range(_TEXTS)]
    for start in range(0, _PASSAGES, _BATCH):
        dense = _unit(numbers, _BATCH, 384)
        yield [
            _point(number, prepared, dense[number - start], lexical[number % _TEXTS], tokens[number % _TEXTS])
            for number in range(start, min(start + _BATCH, _PASSAGES))
        ]


def _point(number: int, prepared: Prepared, dense: Vector, lexical: LexicalVectors, tokens: Vector) -> Point:
    document, position = divmod(number, _PER_DOCUMENT)
    place = Place(
        document_id=derive_id("bench", document),
        collection_id=prepared.collections[document % _COLLECTIONS],
        version=1,
        language="en",
    )
    return Point(derive_id("bench", document, position), place, lexical, PassageVectors(dense, tokens))


def _unit(numbers: np.random.Generator, *shape: int) -> Vector:
    vectors = numbers.standard_normal(shape, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


async def _wait_until_merged(store: QdrantEdgeStore) -> None:
    """The engine merges segments while nobody asks; what is measured is an index at rest."""
    before = ""
    while (detail := (await store.check()).detail) != before:
        before = detail
        await asyncio.sleep(5)


async def _ask_server(
    home: Path, prepared: Prepared, questions: Sequence[str], *, reranker: str
) -> tuple[list[float], float]:
    """Give each question's milliseconds, and those of processor time all processes of the server took for one."""
    times: list[float] = []
    async with running(home, APPLIANCE_RERANKER__KIND=reranker) as server, _connect(server.url, prepared.key) as ask:
        computed = 0.0
        for question in [*questions[:_WARM], *questions]:
            if len(times) == _WARM:
                computed = server.cpu_seconds()
            await asyncio.sleep(_PAUSE_SECONDS)
            started = now()
            answer = await ask("/api/rag/search", msgspec.json.encode({"query": question, "limit": _LIMIT}))
            times.append((now() - started) * 1000)
            found = msgspec.json.decode(answer)
            if len(found["results"]) != _LIMIT:
                message = f"{len(found['results'])} passages were found"
                raise RuntimeError(message)
        computed = server.cpu_seconds() - computed
    return times[_WARM:], computed * 1000 / len(questions)


@asynccontextmanager
async def _connect(url: str, key: str) -> AsyncIterator[Callable[[str, bytes], Awaitable[bytes]]]:
    """One kept-alive connection and nothing more: a client library would add 2 ms a question, and they are not the server's."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def ask(path: str, body: bytes) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answered.partition("content-length:")[2].partition("\r")[0])
        return await reader.readexactly(length)

    try:
        yield ask
    finally:
        writer.close()


def _ask_bare(home: Path, prepared: Prepared, questions: Sequence[str]) -> tuple[list[float], float]:
    encoder = Encoder(home / "models" / "all-minilm-l6-v2", workers=len(os.sched_getaffinity(0)) + 1)
    analyzer = SnowballAnalyzer()
    where = Where(collections=tuple(prepared.readable))
    index = next(path for path in (home / "vectors").iterdir() if path.is_dir())
    shard = Shard(index)
    try:
        times: list[float] = []
        computed = 0.0
        for question in [*questions[:_WARM], *questions]:
            if len(times) == _WARM:
                computed = process_time()
            sleep(_PAUSE_SECONDS)
            started = now()
            lexical = analyzer.encode_query(question, language="en")
            search = Search(
                name=index.name,
                dense=encoder.encode_query(question).dense.tobytes(),
                words=_wire(lexical.words),
                characters=_wire(lexical.characters),
                filter=filter_of(where),
                corpus=corpus_of(where),
                limit=60,
            )
            shard.search(search)
            times.append((now() - started) * 1000)
        computed = process_time() - computed
    finally:
        shard.close()
    return times[_WARM:], computed * 1000 / len(questions)


def _wire(vector: SparseVector) -> Sparse:
    return Sparse(vector.indices.tobytes(), vector.values.tobytes())
