"""Words and characters of a text as sparse vectors, in its language: what finds a name, a number, a typing error."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray


class SparseVector(msgspec.Struct, frozen=True):
    """Term ids (uint32, ascending, unique) and their weights. Passages carry BM25's term part; the engine multiplies by idf."""

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


class LexicalVectors(msgspec.Struct, frozen=True):
    """The two lexical views of one text."""

    words: SparseVector
    characters: SparseVector


class Term(msgspec.Struct, frozen=True):
    """A content word as it stands in a text: its stem and its place (code points)."""

    stem: str
    start: int
    end: int
    is_number: bool = False


class Analyzer(Protocol):
    """Splits text into terms the way its language asks for. Pure and fast; safe from any thread, but for languages."""

    identity: str
    """Names everything the sparse vectors depend on: part of the vector collection's name."""

    async def detect_language(self, text: str) -> str:
        """Name the language of a text (ISO 639-1), `en` where nothing tells. May load what it needs, in a thread."""
        ...

    def encode_passages(self, texts: Sequence[str], *, language: str, characters: int) -> list[LexicalVectors]:
        """Weigh the terms of passages; `characters` is the collection's chunk size, which fixes the expected length."""
        ...

    def encode_query(self, text: str, *, language: str) -> LexicalVectors:
        """Weigh the terms of a question, without its question words."""
        ...

    def stems(self, text: str, *, language: str) -> set[str]:
        """Give the stems of a text's content words, each once: what tells whether two texts share a word."""
        ...

    def terms(self, text: str, *, language: str) -> list[Term]:
        """List the content words of a text, in order: for support, quotes and highlighting."""
        ...
