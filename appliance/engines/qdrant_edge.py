"""Qdrant's engine embedded: the default. It runs in a process of its own, a directory holds its collections."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import ApplianceError
from appliance.core.health import Health
from appliance.core.text import Text
from appliance.engines.qdrant_points import (
    changeable_payload_of,
    corpus_of,
    filter_of,
    matches_nothing,
    payload_of,
    place_of,
)
from appliance.engines.vector_process.host import NoCollection, VectorProcess
from appliance.engines.vector_process.protocol import (
    Count,
    Create,
    Delete,
    Drop,
    Names,
    Read,
    Rescore,
    Scroll,
    Search,
    SetPayload,
    Sparse,
    Status,
    Upsert,
    WirePoint,
    Write,
    is_name,
)
from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.embedder import QueryVectors
from appliance.ports.vector_store import Hit, Place, Point, Retrieval, VectorShape, Where

_NAME = "The vector store"
_READ_SECONDS = 30.0
_WRITE_SECONDS = 120.0
_BATCH = 128
_PAGE = 1_000


class QdrantEdgeStore:
    """VectorStore on qdrant-edge. What a call wrote is in a synced log when it returns; searches are exact."""

    kind = "qdrant_edge"

    def __init__(self, directory: Path) -> None:
        """The directory is made at the first use, and belongs to one process at a time."""
        self._process = VectorProcess(_NAME, directory.absolute())

    @property
    def process_id(self) -> int | None:
        """The id of the process that holds the vectors, while it runs."""
        return self._process.process_id

    async def create(self, name: str, shape: VectorShape) -> None:
        """Make a collection. Raises ValueError for a name that is no plain file name."""
        if not is_name(name):
            message = f"{name!r} cannot name a collection"
            raise ValueError(message)
        await self._write(Create(name, shape.dimensions, shape.token_dimensions))

    async def drop(self, name: str) -> None:
        """Remove a collection and its files."""
        await self._write(Drop(name))

    async def names(self) -> list[str]:
        """List the collections."""
        return await self._read(Names())

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points, some at a time, so that a search never waits for many."""
        for start in range(0, len(points), _BATCH):
            await self._write(Upsert(name, [_wire_point(point) for point in points[start : start + _BATCH]]))

    async def search(
        self, name: str, *, vectors: QueryVectors | None, lexical: LexicalVectors, where: Where, limit: int
    ) -> Retrieval:
        """Search all views in one call."""
        if matches_nothing(where) or limit < 1:
            return Retrieval([], [], [])
        call = Search(
            name=name,
            dense=b"" if vectors is None else _bytes(vectors.dense),
            words=_wire_sparse(lexical.words),
            characters=_wire_sparse(lexical.characters),
            filter=filter_of(where),
            corpus=corpus_of(where),
            limit=limit,
        )
        dense, words, characters = await self._read(call)
        return Retrieval(_hits(dense), _hits(words), _hits(characters))

    async def rescore(self, name: str, ids: Sequence[UUID], vectors: QueryVectors) -> list[Hit]:
        """Score points by MaxSim."""
        if not ids or vectors.tokens is None or not len(vectors.tokens):
            return []
        return _hits(await self._read(Rescore(name, [str(point) for point in ids], _bytes(vectors.tokens))))

    async def update_place(self, name: str, document_id: UUID, place: Place) -> None:
        """Change a document's collection, owner and tags; version and language belong to the vectors and stay."""
        await self._change(SetPayload(name, filter_of(Where(documents=(document_id,))), changeable_payload_of(place)))

    async def delete(self, name: str, where: Where) -> None:
        """Remove the points a filter matches; where there is no such collection there are none."""
        if not matches_nothing(where):
            await self._change(Delete(name, filter_of(where)))

    async def count(self, name: str, where: Where) -> int:
        """Count the points a filter matches; where there is no such collection there are none."""
        if matches_nothing(where):
            return 0
        try:
            return await self._read(Count(name, filter_of(where)))
        except NoCollection:
            return 0

    async def scan(self, name: str) -> AsyncIterator[tuple[UUID, Place]]:
        """Walk every point in the order of ids."""
        offset: str | None = None
        while True:
            page, offset = await self._read(Scroll(name, offset, _PAGE))
            for point, payload in page:
                yield UUID(point), place_of(payload)
            if offset is None:
                return

    async def check(self) -> Health:
        """Count what is there."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            counts: list[tuple[int, int]] = await self._read(Status())
        except ApplianceError as error:
            return Health(self.kind, ok=False, detail=error.words)
        points, segments = (sum(column) for column in zip((0, 0), *counts, strict=True))
        latency = round((loop.time() - started) * 1000, 2)
        return Health(
            self.kind,
            ok=True,
            detail=Text(f"points: {points}, segments: {segments}", f"points : {points}, segments : {segments}"),
            latency_ms=latency,
        )

    async def _read(self, call: Read) -> Any:
        return await self._process.call(call, seconds=_READ_SECONDS)

    async def _write(self, call: Write) -> None:
        await self._process.call(call, seconds=_WRITE_SECONDS)

    async def _change(self, call: SetPayload | Delete) -> None:
        """Change what is there; a collection dropped meanwhile has nothing to change."""
        try:
            await self._write(call)
        except NoCollection:
            return

    async def __aenter__(self) -> Self:
        """Start the process; it opens its collections meanwhile."""
        self._process.open()
        await self._process.ensure()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """End the process after a flush."""
        await self._process.close()


def _wire_point(point: Point) -> WirePoint:
    tokens = point.vectors.tokens
    return WirePoint(
        id=str(point.id),
        payload=payload_of(point.place),
        dense=_bytes(point.vectors.dense),
        words=_wire_sparse(point.lexical.words),
        characters=_wire_sparse(point.lexical.characters),
        tokens=b"" if tokens is None else _bytes(tokens),
    )


def _wire_sparse(vector: SparseVector) -> Sparse:
    return Sparse(np.ascontiguousarray(vector.indices, dtype=np.uint32).tobytes(), _bytes(vector.values))


def _bytes(vector: NDArray[np.floating[Any]]) -> bytes:
    return np.ascontiguousarray(vector, dtype=np.float32).tobytes()


def _hits(pairs: list[tuple[str, float]]) -> list[Hit]:
    return [Hit(point, score) for point, score in msgspec.convert(pairs, list[tuple[UUID, float]])]
