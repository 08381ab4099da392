"""What routing sees of a text: folded words, pairs and stems, and character n-grams that forgive typing and endings."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.core.text import LANGUAGES
from appliance.ports.analyzer import Analyzer

_WORD = re.compile(r"[a-z0-9]+|[!?]")
_SHORTEST_GRAM, _LONGEST_GRAM = 3, 5
Floats = NDArray[np.float32]


def fold(text: str) -> str:
    """Lower the letters and take their accents off: people type without them."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def find_words(text: str) -> list[str]:
    """List the folded words, and the marks that show a mood, each alone."""
    return _WORD.findall(fold(text))


def word_terms(text: str, analyzer: Analyzer) -> list[str]:
    """Words, pairs of neighbours, and stems in both languages: people mix them, and short texts do not tell theirs."""
    words = find_words(text)
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    stems = [f"={stem}" for language in LANGUAGES for stem in sorted(analyzer.stems(text, language=language))]
    return [*words, *pairs, *stems]


def character_terms(text: str) -> list[str]:
    """Cut each word, with its borders, into pieces of 3 to 5 characters."""
    found: list[str] = []
    for word in find_words(text):
        bordered = f" {word} "
        for length in range(_SHORTEST_GRAM, _LONGEST_GRAM + 1):
            found += [bordered[start : start + length] for start in range(max(1, len(bordered) - length + 1))]
    return found


class TermSpace:
    """Texts as unit vectors over weighed terms (log counts, inverse document frequency), kept sparse."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        """Learn the terms of some texts and keep their vectors."""
        self._terms: dict[str, int] = {}
        for terms in texts:
            for term in terms:
                self._terms.setdefault(term, len(self._terms))
        seen = Counter(term for terms in texts for term in set(terms))
        counts = np.array([seen[term] for term in self._terms], dtype=np.float32)
        self._rarity: Floats = np.log1p(len(texts) / np.maximum(counts, 1.0)).astype(np.float32)
        rows = [self._encode(terms) for terms in texts]
        self._size = len(texts)
        self._columns = np.concatenate([columns for columns, _ in rows]) if rows else np.empty(0, dtype=np.intp)
        self._values = np.concatenate([values for _, values in rows]) if rows else np.empty(0, dtype=np.float32)
        self._rows = np.repeat(np.arange(self._size), [len(columns) for columns, _ in rows])

    def _encode(self, terms: Sequence[str]) -> tuple[NDArray[np.intp], Floats]:
        known = Counter(self._terms[term] for term in terms if term in self._terms)
        columns = np.fromiter(known.keys(), dtype=np.intp, count=len(known))
        counts = np.fromiter(known.values(), dtype=np.float32, count=len(known))
        values = np.log1p(counts) * self._rarity[columns]
        length = float(np.sqrt(np.square(values).sum()))
        return columns, (values / length if length else values).astype(np.float32)

    def similarities(self, terms: Sequence[str]) -> Floats:
        """Give the cosine of a text to each text of the space."""
        columns, values = self._encode(terms)
        wanted = np.zeros(len(self._terms), dtype=np.float32)
        wanted[columns] = values
        summed = np.bincount(self._rows, weights=self._values * wanted[self._columns], minlength=self._size)
        return summed.astype(np.float32)

    def gram(self) -> Floats:
        """Give the cosines of all texts of the space to each other."""
        dense = np.zeros((self._size, len(self._terms)), dtype=np.float32)
        dense[self._rows, self._columns] = self._values
        return dense @ dense.T


class Terms(msgspec.Struct, frozen=True):
    """Both lexical views of one text."""

    words: list[str]
    characters: list[str]


def read_terms(text: str, analyzer: Analyzer) -> Terms:
    """Look at a text once."""
    return Terms(word_terms(text, analyzer), character_terms(text))
