"""Words and characters as sparse vectors: BM25 over Snowball stems and over character 4-grams.

The numbers are those of research/retrieval.md (k1 .9 and b .4 for words, .9 and .75 for characters); on all four sets
nDCG@10 moves by less than .006 when either is changed by half or n-grams of 3 to 5 are taken instead, so they stand for
any collection. The expected length follows the collection's chunk size alone: a passage's vector depends on nothing but
its text, so indexing twice gives the same vectors, and half or double that length moved nDCG@10 by less than .004.
"""

import re
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
import Stemmer
from numpy.typing import NDArray

from appliance.engines.language.detection import LanguageDetector, fold
from appliance.engines.language.little_words import INSTRUCTION_WORDS, LITTLE_WORDS, QUESTION_WORDS
from appliance.engines.language.tokens import find_spellings, find_tokens, is_number, normalise, split_mixed
from appliance.ports.analyzer import LexicalVectors, SparseVector, Term

_K1 = 0.9
_B_WORDS = 0.4
_B_CHARACTERS = 0.75
_GRAM = 4
_CHARACTERS_PER_WORD = 10.0
"""A passage of 1200 characters held 97 to 130 counted words in the four sets."""
_GRAMS_PER_WORD = 5.6
"""Measured beside it: 550 to 730 4-grams."""
_MEMORY_WORDS = 20_000
_SENTENCE_END = re.compile(r"[.?!](?=\s|$)")
_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
_Ids = NDArray[np.uint32]


class SnowballAnalyzer:
    """Analyzer for every language Snowball stems; others are searched by whole words and by 4-grams."""

    identity = "snowball-2"

    def __init__(self) -> None:
        """Nothing is loaded before the first text."""
        self._languages: dict[str, _Language] = {}
        self._detector = LanguageDetector()

    async def detect_language(self, text: str) -> str:
        """Name the language of a text."""
        return await self._detector.detect(text)

    def encode_passages(self, texts: Sequence[str], *, language: str, characters: int) -> list[LexicalVectors]:
        """Weigh by BM25's term part; numbers do not lengthen a passage, or tables would never be found."""
        words = characters / _CHARACTERS_PER_WORD
        grams = words * _GRAMS_PER_WORD
        known = self._language(language)
        return [known.encode_passage(text, words=words, grams=grams) for text in texts]

    def encode_query(self, text: str, *, language: str) -> LexicalVectors:
        """Weigh each term by how often it stands in the question."""
        return self._language(language).encode_query(text)

    def stems(self, text: str, *, language: str) -> set[str]:
        """Give the stems of a text's content words, each once."""
        known = self._language(language)
        return {stem for written in find_spellings(text, language) for stem in known.look_up(written).stems}

    def terms(self, text: str, *, language: str) -> list[Term]:
        """List content words with their places; of `FY2022` its parts too."""
        known = self._language(language)
        return [
            Term(stem, token.start, token.end, word.is_number)
            for token in find_tokens(text, language)
            for word in (known.look_up(token.written),)
            for stem in word.stems
        ]

    def _language(self, language: str) -> "_Language":
        known = self._languages.get(language)
        if known is None:
            known = self._languages[language] = _Language(language)
        return known


class _Word:
    """What is known of one spelling: its stems; their ids and those of its 4-grams once they are asked for."""

    __slots__ = ("_grams", "_ids", "folded", "is_little", "is_number", "stems")

    def __init__(self, folded: str, stems: tuple[str, ...], *, is_little: bool = False) -> None:
        self.folded = folded
        self.is_number = is_number(folded)
        self.is_little = is_little
        self.stems = stems
        self._ids: _Ids | None = None
        self._grams: _Ids | None = None

    @property
    def ids(self) -> _Ids:
        if self._ids is None:
            self._ids = _ids_of(self.stems)
        return self._ids

    @property
    def grams(self) -> _Ids:
        if self._grams is None:
            self._grams = _ids_of(() if self.is_little else _grams(self.folded))
        return self._grams


class _Language:
    """One language's stems and little words, with a bounded memory of the words met."""

    def __init__(self, language: str) -> None:
        self._name = language
        self._little = LITTLE_WORDS.get(language, frozenset())
        self._asking = QUESTION_WORDS.get(language, frozenset())
        self._instructing = INSTRUCTION_WORDS.get(language, frozenset())
        algorithm = _STEMMERS.get(language)
        self._stemmer = Stemmer.Stemmer(algorithm) if algorithm else None
        self._memory: dict[str, _Word] = {}

    def encode_passage(self, text: str, *, words: float, grams: float) -> LexicalVectors:
        found = [self.look_up(token.written) for token in find_tokens(text, self._name)]
        length = sum(len(word.ids) for word in found if not word.is_number)
        word_ids, word_counts = _count(word.ids for word in found)
        gram_ids, gram_counts = _count(word.grams for word in found)
        return LexicalVectors(
            words=SparseVector(word_ids, _saturate(word_counts, length / words, _B_WORDS)),
            characters=SparseVector(gram_ids, _saturate(gram_counts, int(gram_counts.sum()) / grams, _B_CHARACTERS)),
        )

    def encode_query(self, text: str) -> LexicalVectors:
        found = self._asked(text)
        word_ids, word_counts = _count(word.ids for word in found)
        gram_ids, gram_counts = _count(word.grams for word in found)
        return LexicalVectors(
            words=SparseVector(word_ids, word_counts.astype(np.float32)),
            characters=SparseVector(gram_ids, gram_counts.astype(np.float32)),
        )

    def _asked(self, text: str) -> "list[_Word]":
        """Leave out words that ask, and in longer questions those that say how to answer; never everything."""
        words = [self.look_up(token.written) for token in find_tokens(text, self._name)]
        left_out = self._asking
        if len(_SENTENCE_END.findall(text.strip())) > 1:
            left_out = left_out | self._instructing
        kept = [word for word in words if word.folded not in left_out]
        return kept if any(len(word.ids) for word in kept) else words

    def look_up(self, written: str) -> _Word:
        known = self._memory.get(written)
        if known is None:
            if len(self._memory) >= _MEMORY_WORDS:
                self._memory = {}
            known = self._memory[written] = self._analyze(normalise(written))
        return known

    def _analyze(self, word: str) -> _Word:
        """Stem the whole and, of letters run together with digits, the parts."""
        folded = fold(word)
        if folded in self._little:
            return _Word(folded, (), is_little=True)
        forms = [word, *split_mixed(word)]
        stems = tuple(self._stem(form) for form in forms if fold(form) not in self._little)
        return _Word(folded, stems)

    def _stem(self, form: str) -> str:
        return fold(self._stemmer.stemWord(form)) if self._stemmer and form.isalpha() else fold(form)


def _grams(word: str) -> tuple[str, ...]:
    """Cut the whole, with its borders, into 4-grams."""
    bordered = f"_{word}_"
    if len(bordered) <= _GRAM:
        return (bordered,)
    return tuple(bordered[start : start + _GRAM] for start in range(len(bordered) - _GRAM + 1))


def _ids_of(terms: Sequence[str]) -> _Ids:
    """CRC-32 is the same on every machine and run; of four bytes it is one to one, so 4-grams of ASCII never collide."""
    return np.array([zlib.crc32(term.encode()) for term in terms], dtype=np.uint32)


def _count(ids: Iterable[_Ids]) -> tuple[_Ids, NDArray[np.int64]]:
    every = [some for some in ids if len(some)]
    if not every:
        return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.int64)
    unique, counts = np.unique(np.concatenate(every), return_counts=True)
    return unique, counts


def _saturate(counts: NDArray[np.int64], relative_length: float, b: float) -> NDArray[np.float32]:
    """BM25's term part, f (k1 + 1) / (f + k1 (1 - b + b l)); the engine multiplies by idf (Robertson and Zaragoza 2009)."""
    return (counts * (_K1 + 1) / (counts + _K1 * (1 - b + b * relative_length))).astype(np.float32)
