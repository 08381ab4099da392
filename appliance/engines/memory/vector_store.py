"""Passages in memory, scored exactly: what the other vector stores are held against."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Self
from uuid import UUID

import msgspec
import numpy as np

from appliance.core.errors import EngineFailed
from appliance.core.health import Health
from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.embedder import QueryVectors
from appliance.ports.vector_store import Hit, Place, Point, Retrieval, VectorShape, Where


class MemoryVectorStore:
    """VectorStore in a dictionary; gone with the process."""

    kind = "memory"

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._collections: dict[str, dict[UUID, Point]] = {}

    async def create(self, name: str, shape: VectorShape) -> None:
        """Make a collection."""
        self._collections.setdefault(name, {})

    async def drop(self, name: str) -> None:
        """Remove a collection."""
        self._collections.pop(name, None)

    async def names(self) -> list[str]:
        """List the collections."""
        return sorted(self._collections)

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points."""
        self._get(name).update({point.id: point for point in points})

    async def search(
        self, name: str, *, vectors: QueryVectors | None, lexical: LexicalVectors, where: Where, limit: int
    ) -> Retrieval:
        """Search all views."""
        every = self._get(name).values()
        allowed = [point for point in every if _matches(point.place, where)]
        corpus = [point for point in every if _matches(point.place, Where(collections=where.collections))]
        dense = {} if vectors is None else {point.id: float(point.vectors.dense @ vectors.dense) for point in allowed}
        words = _weigh(lexical.words, [point.lexical.words for point in corpus])
        characters = _weigh(lexical.characters, [point.lexical.characters for point in corpus])
        return Retrieval(
            dense=_best(dense, limit),
            words=_best(_overlaps(words, ((point.id, point.lexical.words) for point in allowed)), limit),
            characters=_best(_overlaps(characters, ((point.id, point.lexical.characters) for point in allowed)), limit),
        )

    async def rescore(self, name: str, ids: Sequence[UUID], vectors: QueryVectors) -> list[Hit]:
        """Score points by MaxSim."""
        points = self._get(name)
        if vectors.tokens is None or not len(vectors.tokens):
            return []
        scores: dict[UUID, float] = {}
        for wanted in ids:
            tokens = points[wanted].vectors.tokens if wanted in points else None
            if tokens is not None and len(tokens):
                scores[wanted] = float((vectors.tokens @ tokens.T).max(axis=1).sum())
        return _best(scores, len(scores))

    async def update_place(self, name: str, document_id: UUID, place: Place) -> None:
        """Change a document's collection, owner and tags; version and language belong to the vectors and stay."""
        points = self._collections.get(name, {})
        for point in list(points.values()):
            if point.place.document_id == document_id:
                kept = msgspec.structs.replace(place, version=point.place.version, language=point.place.language)
                points[point.id] = msgspec.structs.replace(point, place=kept)

    async def delete(self, name: str, where: Where) -> None:
        """Remove the points a filter matches; where there is no such collection there are none."""
        points = self._collections.get(name, {})
        for point in [point for point in points.values() if _matches(point.place, where)]:
            del points[point.id]

    async def count(self, name: str, where: Where) -> int:
        """Count the points a filter matches; where there is no such collection there are none."""
        return sum(_matches(point.place, where) for point in self._collections.get(name, {}).values())

    async def scan(self, name: str) -> AsyncIterator[tuple[UUID, Place]]:
        """Walk every point in the order of ids."""
        for _, point in sorted(self._get(name).items()):
            yield point.id, point.place

    async def check(self) -> Health:
        """It is there as long as the process is."""
        return Health(self.kind, ok=True, detail=str(sum(map(len, self._collections.values()))))

    def _get(self, name: str) -> dict[UUID, Point]:
        try:
            return self._collections[name]
        except KeyError:
            raise EngineFailed(engine="The vector store") from None

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


def _matches(place: Place, where: Where) -> bool:
    allowed = (
        (where.collections, {place.collection_id}),
        (where.documents, {place.document_id}),
        (where.agent_owners, {place.agent_owner}),
        (where.languages, {place.language}),
        (where.tags, set(place.tags)),
    )
    return (
        all(values is None or bool(held.intersection(values)) for values, held in allowed)
        and (where.version is None or place.version == where.version)
        and (where.version_not is None or place.version != where.version_not)
    )


def _weigh(query: SparseVector, corpus: Sequence[SparseVector]) -> dict[int, float]:
    """Multiply a question's terms by idf as Qdrant counts it, over the passages that have the view: ln((n - f + .5) / (f + .5) + 1)."""
    held = [vector.indices for vector in corpus if len(vector.indices)]
    frequencies = np.array([sum(bool(np.isin(term, indices)) for indices in held) for term in query.indices])
    idf = np.log((len(held) - frequencies + 0.5) / (frequencies + 0.5) + 1)
    return dict(zip(query.indices.tolist(), (query.values * idf).tolist(), strict=True))


def _overlaps(query: dict[int, float], passages: Iterable[tuple[UUID, SparseVector]]) -> dict[UUID, float]:
    """Multiply with each passage that shares a term."""
    scores: dict[UUID, float] = {}
    for point, vector in passages:
        pairs = zip(vector.indices.tolist(), vector.values.tolist(), strict=True)
        shared = [query[term] * weight for term, weight in pairs if term in query]
        if shared:
            scores[point] = sum(shared)
    return scores


def _best(scores: dict[UUID, float], limit: int) -> list[Hit]:
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Hit(point, score) for point, score in ordered[:limit]]
