"""A bag of hashed words as vectors: texts that share words are near, so search behaves, and needs no weights."""

import re
import zlib
from collections.abc import Sequence
from typing import Self

import numpy as np

from appliance.core.health import Health
from appliance.ports.embedder import PassageVectors, QueryVectors, Vector

_WORD = re.compile(r"\w+")


class MemoryEmbedder:
    """Embedder without a model. The same word gives the same vector in every process."""

    def __init__(
        self,
        *,
        dimensions: int = 64,
        token_dimensions: int | None = 16,
        languages: frozenset[str] | None = None,
        identity: str = "",
    ) -> None:
        """`identity` tells two of the same shape apart."""
        self.dimensions = dimensions
        self.token_dimensions = token_dimensions
        self.languages = languages
        self.identity = identity or f"memory:{dimensions}:{token_dimensions}"

    async def embed_passages(self, texts: Sequence[str]) -> list[PassageVectors]:
        """Embed passages, in order."""
        return [PassageVectors(self._dense(text), self._tokens(text)) for text in texts]

    async def embed_query(self, text: str) -> QueryVectors:
        """Embed a question; every word weighs one."""
        tokens = self._tokens(text)
        return QueryVectors(self._dense(text), tokens, 0.0 if tokens is None else float(len(tokens)))

    def _dense(self, text: str) -> Vector:
        words = _words(text) or [""]
        return _unit(np.sum([_vector_of(word, self.dimensions) for word in words], axis=0))

    def _tokens(self, text: str) -> Vector | None:
        if self.token_dimensions is None:
            return None
        words = _words(text) or [""]
        return np.stack([_unit(_vector_of(word, self.token_dimensions)) for word in words])

    async def check(self) -> Health:
        """It is there as long as the process is."""
        return Health("memory", ok=True, detail=self.identity)

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _vector_of(word: str, dimensions: int) -> Vector:
    """Draw a direction from the word's CRC: in many dimensions two of them are nearly orthogonal."""
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(dimensions, dtype=np.float32)


def _unit(vector: Vector) -> Vector:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
