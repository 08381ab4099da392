"""A Qdrant server over REST: what the embedded engine grows onto. Its wire as of 1.18 (api.qdrant.tech)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import ApplianceError
from appliance.core.health import Health
from appliance.core.settings_sections import VectorStore as VectorStoreSettings
from appliance.engines.circuit import Circuit
from appliance.engines.http_engine import EngineRefused, HttpEngine
from appliance.engines.qdrant_points import (
    changeable_payload_of,
    corpus_of,
    filter_of,
    matches_nothing,
    payload_of,
    place_of,
)
from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.embedder import QueryVectors
from appliance.ports.vector_store import Hit, Place, Point, Retrieval, VectorShape, Where

_CONNECT_SECONDS = 2.0
_BATCH = 32
"""Passages of 1200 characters come to some 2 MB; a server takes 32."""
_PAGE = 1_000
_DIGITS = 6
_VIEWS = ("dense", "words", "characters")
_INDEXES = {
    "collection": "uuid",
    "document": "uuid",
    "language": "keyword",
    "tags": "keyword",
    "agent_owner": "keyword",
}


_Result = TypeVar("_Result")


class _Answer(msgspec.Struct, Generic[_Result]):
    result: _Result


class _Named(msgspec.Struct):
    name: str


class _Collections(msgspec.Struct):
    collections: list[_Named]


class _Exists(msgspec.Struct):
    exists: bool


class _Count(msgspec.Struct):
    count: int


class _Scored(msgspec.Struct):
    id: UUID
    score: float


class _Found(msgspec.Struct):
    points: list[_Scored]


class _Record(msgspec.Struct):
    id: UUID
    payload: dict[str, Any]


class _Page(msgspec.Struct):
    points: list[_Record]
    next_page_offset: str | None = None


class _Version(msgspec.Struct):
    version: str


class QdrantServerStore:
    """VectorStore on a Qdrant server, for one appliance. What a call wrote is applied and logged when it returns.

    Before 1.19 a server knows no corpus for idf, ignores ours, and counts over the whole collection: what a caller may
    not read then weighs on the order of what they may. Nothing else of it shows.
    """

    kind = "qdrant"

    def __init__(self, settings: VectorStoreSettings) -> None:
        """`settings.url`: `http(s)://host:port` of the REST door; only collections after its prefix are ours."""
        self._prefix = f"{settings.collection_prefix}-"
        self._engine = HttpEngine(
            "The vector store",
            settings.url,
            connect_seconds=_CONNECT_SECONDS,
            read_seconds=settings.timeout_seconds,
            headers={"api-key": settings.api_key} if settings.api_key else None,
        )
        self._circuit = Circuit(self._engine.name)

    async def create(self, name: str, shape: VectorShape) -> None:
        """Make a collection; its indexes are asked for each time, in case a crash came between."""
        if not (await self._call("GET", name, "/exists", kind=_Exists)).exists:
            try:
                await self._call("PUT", name, "", _describe(shape))
            except EngineRefused:
                if not (await self._call("GET", name, "/exists", kind=_Exists)).exists:
                    raise
        for field, kind in _INDEXES.items():
            await self._call("PUT", name, "/index?wait=true", {"field_name": field, "field_schema": kind})

    async def drop(self, name: str) -> None:
        """Remove a collection."""
        with _nothing_there():
            await self._call("DELETE", name, "")

    async def names(self) -> list[str]:
        """List our collections."""
        answer = await self._engine.call("GET", "/collections", kind=_Answer[_Collections])
        names = (collection.name for collection in answer.result.collections)
        return sorted(name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix))

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points, some at a time."""
        for start in range(0, len(points), _BATCH):
            body = {"points": [_write(point) for point in points[start : start + _BATCH]]}
            await self._call("PUT", name, "/points?wait=true", body)

    async def search(
        self, name: str, *, vectors: QueryVectors | None, lexical: LexicalVectors, where: Where, limit: int
    ) -> Retrieval:
        """Search all views in one request; a person waits for it, so a server that keeps failing is not waited for."""
        asked: dict[str, Any] = {} if vectors is None else {"dense": _numbers(vectors.dense)}
        for view, sparse in (("words", lexical.words), ("characters", lexical.characters)):
            if len(sparse.indices):
                asked[view] = _write_sparse(sparse)
        if not asked or matches_nothing(where) or limit < 1:
            return Retrieval([], [], [])
        corpus = corpus_of(where)
        idf = {"params": {"idf": {"corpus": corpus}}} if corpus else {}
        searches = [
            {
                "query": query,
                "using": view,
                "filter": filter_of(where),
                "limit": limit,
                **({} if view == "dense" else idf),
            }
            for view, query in asked.items()
        ]
        with self._circuit.guard("search"):
            answers = await self._call("POST", name, "/points/query/batch", {"searches": searches}, kind=list[_Found])
        found = {view: _hits(answer) for view, answer in zip(asked, answers, strict=True)}
        return Retrieval(*(found.get(view, []) for view in _VIEWS))

    async def rescore(self, name: str, ids: Sequence[UUID], vectors: QueryVectors) -> list[Hit]:
        """Score points by MaxSim."""
        if not ids or vectors.tokens is None or not len(vectors.tokens):
            return []
        body = {
            "query": _numbers(vectors.tokens),
            "using": "tokens",
            "filter": {"must": [{"has_id": [str(point) for point in ids]}]},
            "limit": len(ids),
        }
        with self._circuit.guard("search"):
            return _hits(await self._call("POST", name, "/points/query", body, kind=_Found))

    async def update_place(self, name: str, document_id: UUID, place: Place) -> None:
        """Change a document's collection, owner and tags; version and language belong to the vectors and stay."""
        body = {"payload": changeable_payload_of(place), "filter": filter_of(Where(documents=(document_id,)))}
        with _nothing_there():
            await self._call("POST", name, "/points/payload?wait=true", body)

    async def delete(self, name: str, where: Where) -> None:
        """Remove the points a filter matches; where there is no such collection there are none."""
        if not matches_nothing(where):
            with _nothing_there():
                await self._call("POST", name, "/points/delete?wait=true", {"filter": filter_of(where)})

    async def count(self, name: str, where: Where) -> int:
        """Count the points a filter matches; where there is no such collection there are none."""
        if matches_nothing(where):
            return 0
        with _nothing_there():
            body = {"filter": filter_of(where), "exact": True}
            return (await self._call("POST", name, "/points/count", body, kind=_Count)).count
        return 0

    async def scan(self, name: str) -> AsyncIterator[tuple[UUID, Place]]:
        """Walk every point in the order of ids."""
        body: dict[str, Any] = {"limit": _PAGE, "with_payload": True, "with_vector": False}
        while True:
            page: _Page = await self._call("POST", name, "/points/scroll", body, kind=_Page)
            for record in page.points:
                yield record.id, place_of(record.payload)
            if page.next_page_offset is None:
                return
            body["offset"] = page.next_page_offset

    async def check(self) -> Health:
        """Ask for its version, and with our key for its collections."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            version: _Version = await self._engine.call("GET", "/", kind=_Version)
            await self.names()
        except ApplianceError as error:
            return Health(self.kind, ok=False, detail=error.words)
        latency = round((loop.time() - started) * 1000, 2)
        return Health(self.kind, ok=True, detail=version.version, version=version.version, latency_ms=latency)

    async def _call(self, method: str, name: str, path: str, body: Any = None, *, kind: Any = Any) -> Any:
        answer = await self._engine.call(method, f"/collections/{self._prefix}{name}{path}", body, kind=_Answer[kind])
        return answer.result

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        await self._engine.close()


def _describe(shape: VectorShape) -> dict[str, Any]:
    """Half-precision vectors, in every version's reach; token vectors lie on the disk and have no graph."""
    dense: dict[str, Any] = {"size": shape.dimensions, "distance": "Dot", "datatype": "float16"}
    vectors = {"dense": dense}
    if shape.token_dimensions:
        vectors["tokens"] = {
            "size": shape.token_dimensions,
            "distance": "Dot",
            "datatype": "float16",
            "multivector_config": {"comparator": "max_sim"},
            "hnsw_config": {"m": 0},
            "on_disk": True,
        }
    sparse = {"modifier": "idf"}
    return {
        "vectors": vectors,
        "sparse_vectors": {"words": sparse, "characters": sparse},
        "on_disk_payload": True,
    }


def _write(point: Point) -> dict[str, Any]:
    vector: dict[str, Any] = {"dense": _numbers(point.vectors.dense)}
    for view, sparse in (("words", point.lexical.words), ("characters", point.lexical.characters)):
        if len(sparse.indices):
            vector[view] = _write_sparse(sparse)
    if point.vectors.tokens is not None and len(point.vectors.tokens):
        vector["tokens"] = _numbers(point.vectors.tokens)
    return {"id": str(point.id), "vector": vector, "payload": payload_of(point.place)}


def _write_sparse(sparse: SparseVector) -> dict[str, Any]:
    return {"indices": sparse.indices.tolist(), "values": _numbers(sparse.values)}


def _numbers(vector: NDArray[np.floating[Any]]) -> list[Any]:
    """As many digits as the server keeps, and some: a request is half as long."""
    return np.round(vector.astype(np.float64), _DIGITS).tolist()


def _hits(found: _Found) -> list[Hit]:
    return [Hit(point.id, point.score) for point in found.points]


@contextlib.contextmanager
def _nothing_there() -> Iterator[None]:
    """A collection dropped meanwhile has nothing to change."""
    try:
        yield
    except EngineRefused as error:
        if error.http_status != httpx.codes.NOT_FOUND:
            raise
