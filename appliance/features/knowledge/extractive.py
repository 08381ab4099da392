"""Answering without a language model: the best supported sentences, word for word, each with its source.

A sentence is weighed by the question's words it holds (rare ones more), by what kind of thing is asked for, by its
nearness in meaning where the embedder knows the language, and by how well its passage was found.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from appliance.features.knowledge.merging import FoundPassage
from appliance.features.knowledge.numbers import find_numbers
from appliance.features.knowledge.sentences import Span, find_sentences
from appliance.ports.analyzer import Analyzer
from appliance.ports.embedder import Embedder

_SENTENCES = 3
_SENTENCE_CHARACTERS = 600
_CANDIDATES = 40
_SHARE_OF_BEST = 0.72
_WEIGHTS = {"words": 0.4, "meaning": 0.2, "passage": 0.15, "kind": 0.25}
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:much|many|long|often|far|old)|what (?:percentage|amount|number|rate|ratio|share)|combien|quel(?:le)? (?:est le )?"
    r"(?:montant|taux|nombre|prix|pourcentage|part|durée|délai|âge)|revenue|sales|margin|income|cost|chiffre d['’]affaires)\b",
    re.IGNORECASE,
)
_ASKS_TIME = re.compile(
    r"\b(?:when|what (?:year|date|day)|since when|quand|en quelle année|quel(?:le)? (?:date|année|jour)|depuis quand)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|\b(?:january|february|march|april|may|june|july|august|"
    r"september|october|november|december|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|"
    r"décembre|siècle|century)\b",
    re.IGNORECASE,
)


_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_ANOTHER_YEAR = 0.6
_LEAST_PART_OF_NAME = 3
_ONLY_HEADER = 0.6


class ExtractedSentence(msgspec.Struct, frozen=True):
    """A sentence that is quoted: where it stands in its passage, and its weight (0..1)."""

    passage: FoundPassage
    span: Span
    weight: float

    @property
    def text(self) -> str:
        """The words, as they stand."""
        return self.passage.text[self.span.start : self.span.end]


class Extract(msgspec.Struct, frozen=True):
    """An answer by quoting: `[n]` after the nth sentence."""

    text: str
    sentences: list[ExtractedSentence]


class _Candidate(msgspec.Struct):
    passage: FoundPassage
    span: Span
    text: str
    stems: set[str]
    header: set[str]
    nearby: set[str]
    meaning: float = 0.0


class Extractor:
    """Picks sentences. `embedder` gives the one of the index that is searched, or None."""

    def __init__(self, analyzer: Analyzer, embedder: Callable[[], Embedder | None]) -> None:
        """The analyzer splits words the way the question's language asks for."""
        self._analyzer = analyzer
        self._embedder = embedder

    async def extract(self, question: str, passages: Sequence[FoundPassage], *, language: str) -> Extract:
        """Quote the sentences that bear on a question most, best first; none where none shares a word with it."""
        wanted = self._analyzer.stems(question, language=language)
        candidates = [candidate for passage in passages for candidate in self._candidates(passage, wanted)]
        rarity = _rarity([candidate.stems for candidate in candidates])
        lexical = {id(one): _coverage(one, wanted, rarity) for one in candidates}
        best = sorted(candidates, key=lambda one: lexical[id(one)], reverse=True)[:_CANDIDATES]
        await self._add_meaning(question, best, language)
        highest = max((passage.score for passage in passages), default=1.0) or 1.0
        weighed = [
            ExtractedSentence(one.passage, one.span, self._weigh(one, question, lexical[id(one)], highest))
            for one in best
            if lexical[id(one)] > 0 or one.meaning > 0
        ]
        return _compose(sorted(weighed, key=lambda sentence: sentence.weight, reverse=True))

    def _candidates(self, passage: FoundPassage, wanted: set[str]) -> list[_Candidate]:
        language = passage.language or "en"
        terms = self._analyzer.terms(passage.text, language=language)
        named = passage.header.casefold()
        header = self._analyzer.stems(passage.header, language=language)
        # A file named BESTBUY_2023.pdf is about Best Buy.
        header |= {stem for stem in wanted if len(stem) >= _LEAST_PART_OF_NAME and stem in named}
        spans = [_shorten(passage.text, span, terms, wanted) for span in find_sentences(passage.text)]
        stems = [{term.stem for term in terms if span.start <= term.start < span.end} for span in spans]
        found: list[_Candidate] = []
        for index, span in enumerate(spans):
            around = stems[max(0, index - 1) : index] + stems[index + 1 : index + 2]
            nearby = set[str]().union(*around)
            text = passage.text[span.start : span.end]
            if stems[index]:
                found.append(_Candidate(passage, span, text, stems[index], header, nearby))
        return found

    async def _add_meaning(self, question: str, candidates: Sequence[_Candidate], language: str) -> None:
        embedder = self._embedder()
        if (
            embedder is None
            or not candidates
            or (embedder.languages is not None and language not in embedder.languages)
        ):
            return
        query = (await embedder.embed_query(question)).dense
        vectors = await embedder.embed_passages([candidate.text for candidate in candidates])
        for candidate, vector in zip(candidates, vectors, strict=True):
            candidate.meaning = max(0.0, float(np.dot(query, vector.dense)))

    def _weigh(self, candidate: _Candidate, question: str, words: float, highest: float) -> float:
        parts: dict[str, float] = {
            "words": words,
            "passage": max(0.0, candidate.passage.score) / highest,
            "kind": _answers_kind(question, candidate.text),
        }
        if candidate.meaning > 0:
            parts["meaning"] = candidate.meaning
        total = sum(_WEIGHTS[name] for name in parts)
        weight = sum(_WEIGHTS[name] * value for name, value in parts.items()) / total
        return weight * _ANOTHER_YEAR if _tells_of_another_year(question, candidate.text) else weight


def _rarity(sentences: Sequence[set[str]]) -> dict[str, float]:
    """Inverse document frequency over the candidate sentences themselves (Spärck Jones 1972)."""
    counts = Counter(stem for stems in sentences for stem in stems)
    return {stem: math.log(1 + len(sentences) / count) for stem, count in counts.items()}


def _coverage(candidate: _Candidate, wanted: set[str], rarity: dict[str, float]) -> float:
    """Share of the question's weight a sentence holds; words of its neighbours count half.

    What the passage's header says (a company, a year) need not stand in the sentence again: rows of tables never name it.
    A sentence that says no more of the question than its header does counts less, a heading itself not at all.
    """
    total = sum(rarity.get(stem, 0.0) for stem in wanted)
    own = wanted & candidate.stems
    if not total or not own or candidate.stems <= candidate.header:
        return 0.0
    told = own | (wanted & candidate.header)
    beside = (wanted & candidate.nearby) - told
    share = (sum(rarity.get(stem, 0.0) for stem in told) + sum(rarity.get(stem, 0.0) for stem in beside) / 2) / total
    return share if own - candidate.header else share * _ONLY_HEADER


def _tells_of_another_year(question: str, sentence: str) -> bool:
    """A question that names a year is not answered by a sentence that names only others."""
    asked = set(_YEAR.findall(question))
    told = set(_YEAR.findall(sentence))
    return bool(asked and told) and not asked & told


def _answers_kind(question: str, sentence: str) -> float:
    """A question for a number or a time is answered by a sentence that has one."""
    if _ASKS_TIME.search(question):
        return 1.0 if _TIME.search(sentence) else 0.0
    if _ASKS_NUMBER.search(question):
        return 1.0 if any(not number.is_year for number in find_numbers(sentence)) else 0.0
    return 0.5


def _shorten(text: str, span: Span, terms: Sequence[Any], wanted: set[str]) -> Span:
    """Cut a sentence without end (a broken layout) to the stretch around the question's words, at word borders."""
    if span.end - span.start <= _SENTENCE_CHARACTERS:
        return span
    hits = [term.start for term in terms if span.start <= term.start < span.end and term.stem in wanted]
    middle = hits[len(hits) // 2] if hits else span.start
    start = max(span.start, middle - _SENTENCE_CHARACTERS // 2)
    end = min(span.end, start + _SENTENCE_CHARACTERS)
    while start > span.start and not text[start - 1].isspace():
        start -= 1
    while end < span.end and not text[end].isspace():
        end += 1
    return Span(start, end)


def _compose(ranked: Sequence[ExtractedSentence]) -> Extract:
    if not ranked:
        return Extract("", [])
    chosen: list[ExtractedSentence] = []
    for sentence in ranked:
        if sentence.weight < ranked[0].weight * _SHARE_OF_BEST or len(chosen) == _SENTENCES:
            break
        if not any(_repeats(sentence.text, other.text) for other in chosen):
            chosen.append(sentence)
    lines = [f"{_one_line(sentence.text)} [{number}]" for number, sentence in enumerate(chosen, 1)]
    return Extract("\n\n".join(lines), chosen)


def _repeats(text: str, other: str) -> bool:
    first, second = set(text.lower().split()), set(other.lower().split())
    return len(first & second) > 0.8 * min(len(first), len(second))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
