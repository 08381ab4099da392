"""Finding passages: a dense vector, two sparse ones and a multivector per passage, filtered inside the engine."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, Self
from uuid import UUID

import msgspec

from appliance.core.health import Health
from appliance.ports.analyzer import LexicalVectors
from appliance.ports.embedder import PassageVectors, QueryVectors


class VectorShape(msgspec.Struct, frozen=True):
    """What one collection of vectors holds."""

    dimensions: int
    token_dimensions: int | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a point may be filtered by; everything else stands in the state."""

    document_id: UUID
    collection_id: UUID
    version: int
    language: str
    agent_owner: str | None = None
    tags: tuple[str, ...] = ()


class Point(msgspec.Struct, frozen=True):
    """One passage in the engine."""

    id: UUID
    place: Place
    lexical: LexicalVectors
    vectors: PassageVectors


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """A filter: all that is given must hold, any value of each is enough. `collections` is the caller's permission."""

    collections: tuple[UUID, ...] | None = None
    documents: tuple[UUID, ...] | None = None
    agent_owners: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    version: int | None = None
    version_not: int | None = None


class Hit(msgspec.Struct, frozen=True):
    """A point and its score under one view."""

    id: UUID
    score: float


class Retrieval(msgspec.Struct, frozen=True):
    """The best points under each view, best first."""

    dense: list[Hit]
    words: list[Hit]
    characters: list[Hit]


class VectorStore(Protocol):
    """A store of points by collection name. What was upserted or deleted survives `kill -9` once the call returns."""

    async def create(self, name: str, shape: VectorShape) -> None:
        """Make a collection; nothing happens where it is there already."""
        ...

    async def drop(self, name: str) -> None:
        """Remove a collection and its files; nothing happens where there is none."""
        ...

    async def names(self) -> list[str]:
        """List the collections."""
        ...

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write points; the same id again replaces."""
        ...

    async def search(
        self, name: str, *, vectors: QueryVectors | None, lexical: LexicalVectors, where: Where, limit: int
    ) -> Retrieval:
        """Search all views at once; idf is counted over what `where.collections` lets through. No vectors: words alone."""
        ...

    async def rescore(self, name: str, ids: Sequence[UUID], vectors: QueryVectors) -> list[Hit]:
        """Score points by MaxSim over their token vectors; points without any are left out."""
        ...

    async def update_place(self, name: str, document_id: UUID, place: Place) -> None:
        """Change what a document's points are filtered by (tags, owner), keeping their vectors."""
        ...

    async def delete(self, name: str, where: Where) -> None:
        """Remove the points a filter matches."""
        ...

    async def count(self, name: str, where: Where) -> int:
        """Count the points a filter matches, exactly."""
        ...

    def scan(self, name: str) -> AsyncIterator[tuple[UUID, Place]]:
        """Walk every point: for `fsck`."""
        ...

    async def check(self) -> Health:
        """Say whether the engine answers."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
