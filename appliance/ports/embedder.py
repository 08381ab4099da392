"""Turning text into vectors: one per text, and where the model gives them one per token."""

from collections.abc import Sequence
from typing import Protocol, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.core.health import Health

Vector = NDArray[np.float32]


class PassageVectors(msgspec.Struct, frozen=True):
    """`dense`: (dimensions,), unit length. `tokens`: (kept tokens, token_dimensions) for late interaction, or None."""

    dense: Vector
    tokens: Vector | None = None


class QueryVectors(msgspec.Struct, frozen=True):
    """As PassageVectors; a token's length is its weight, so that any MaxSim engine weighs it. `token_mass` is the sum of the weights."""

    dense: Vector
    tokens: Vector | None = None
    token_mass: float = 0.0


class Embedder(Protocol):
    """A model that embeds. `identity` names weights and everything else the vectors depend on."""

    identity: str
    dimensions: int
    token_dimensions: int | None
    languages: frozenset[str] | None
    """ISO 639-1 codes the model was made for; None where it knows many."""

    async def embed_passages(self, texts: Sequence[str]) -> list[PassageVectors]:
        """Embed passages, in order. Raises EngineUnavailable, EngineFailed or EngineTimedOut."""
        ...

    async def embed_query(self, text: str) -> QueryVectors:
        """Embed a question."""
        ...

    async def check(self) -> Health:
        """Say whether the model answers."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
