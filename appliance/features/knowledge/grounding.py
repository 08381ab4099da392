"""Holding an answer against the passages it cites, sentence by sentence, without a model.

A sentence is supported when its words stand in a cited passage, its names and numbers all do (or the numbers follow from
numbers that do), and neither denies what the other says. A model's word for it is never taken.
"""

import re
from collections.abc import Sequence

import msgspec

from appliance.features.knowledge.citations import cited_numbers, without_citations
from appliance.features.knowledge.numbers import Number, find_numbers, follows, stands
from appliance.features.knowledge.schemas import GroundedSentence
from appliance.features.knowledge.sentences import Span, find_sentences
from appliance.ports.analyzer import Analyzer, Term

_MARKUP = re.compile(r"[*_`#>|]+")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|ne|n['’]|pas|jamais|aucune?|sans|ni|guère)\b|n['’]t\b|\bn['’](?=\w)",
    re.IGNORECASE,
)
_WORDS_IN_PASSAGE = 0.75
_WORDS_IN_WINDOW = 0.5
_WINDOW_SENTENCES = 3
_LEAST_TERMS = 2


class CitedPassage(msgspec.Struct, frozen=True):
    """A passage as it was shown: its number, its text, and its header (document and heading), which may bear a year or name."""

    number: int
    text: str
    header: str
    language: str


class Quote(msgspec.Struct, frozen=True):
    """The stretch of a passage that bears a sentence best, and how much of the sentence it bears (0..1)."""

    number: int
    span: Span
    coverage: float


class _Prepared(msgspec.Struct, frozen=True):
    passage: CitedPassage
    sentences: list[Span]
    stems_by_sentence: list[set[str]]
    stems: set[str]
    numbers: list[Number]


class Grounder:
    """Checks one answer against its passages."""

    def __init__(self, analyzer: Analyzer, passages: Sequence[CitedPassage]) -> None:
        """`passages`: in the order of their numbers."""
        self._analyzer = analyzer
        self._prepared = {passage.number: self._prepare(passage) for passage in passages}

    def _prepare(self, passage: CitedPassage) -> _Prepared:
        sentences = find_sentences(passage.text)
        terms = self._analyzer.terms(passage.text, language=passage.language)
        header = self._analyzer.stems(passage.header, language=passage.language)
        return _Prepared(
            passage=passage,
            sentences=sentences,
            stems_by_sentence=[
                {term.stem for term in terms if span.start <= term.start < span.end} for span in sentences
            ],
            stems={term.stem for term in terms} | header,
            numbers=find_numbers(f"{passage.text}\n{passage.header.replace('_', ' ')}"),
        )

    def ground(self, answer: str, *, language: str) -> list[GroundedSentence]:
        """Judge every sentence; offsets are code points of `answer`.

        A sentence without a citation of its own is held against what the rest of the answer cites.
        """
        cited_anywhere = self._citations(answer)
        answer_numbers = find_numbers(without_citations(answer))
        grounded: list[GroundedSentence] = []
        for span in find_sentences(answer):
            sentence = answer[span.start : span.end]
            own = self._citations(sentence)
            candidates = own or cited_anywhere
            supported = [
                number for number in candidates if self._supports(sentence, number, answer_numbers, language=language)
            ]
            if (
                not supported
                and len(candidates) > 1
                and self._supports_together(sentence, candidates, answer_numbers, language)
            ):
                supported = candidates
            if not own and not _claims_something(self._terms(sentence, language), sentence):
                continue
            sources = own or supported
            grounded.append(
                GroundedSentence(start=span.start, end=span.end, supported=bool(supported), sources=sources)
            )
        return grounded

    def quote(self, sentence: str, number: int, *, language: str) -> Quote | None:
        """Find the sentences of a passage that bear a sentence best."""
        prepared = self._prepared[number]
        wanted = {term.stem for term in self._terms(sentence, language)}
        best: Quote | None = None
        for index, stems in enumerate(prepared.stems_by_sentence):
            coverage = len(wanted & stems) / max(1, len(wanted))
            if best is None or coverage > best.coverage:
                best = Quote(number, prepared.sentences[index], coverage)
        return best

    def _citations(self, text: str) -> list[int]:
        return [number for number in cited_numbers(text) if number in self._prepared]

    def _terms(self, sentence: str, language: str) -> list[Term]:
        return self._analyzer.terms(_plain(sentence), language=language)

    def _supports(self, sentence: str, number: int, answer_numbers: list[Number], *, language: str) -> bool:
        return self._bears(sentence, [self._prepared[number]], answer_numbers, language)

    def _supports_together(
        self, sentence: str, numbers: list[int], answer_numbers: list[Number], language: str
    ) -> bool:
        return self._bears(sentence, [self._prepared[number] for number in numbers], answer_numbers, language)

    def _bears(self, sentence: str, prepared: list[_Prepared], answer_numbers: list[Number], language: str) -> bool:
        plain = _plain(sentence)
        terms = self._analyzer.terms(plain, language=language)
        words = {term.stem for term in terms if not term.is_number}
        stems = set[str]().union(*(entry.stems for entry in prepared))
        numbers = find_numbers(plain)
        if not words and not numbers:
            return False
        if words and len(words & stems) / len(words) < _WORDS_IN_PASSAGE:
            return False
        if any(_is_name(term, plain) and term.stem not in stems for term in terms):
            return False
        if not self._bears_numbers(numbers, words, prepared, answer_numbers):
            return False
        window = self._best_window(words, prepared)
        if window is None:
            return bool(numbers)
        text, coverage = window
        return coverage >= _WORDS_IN_WINDOW and _denies(plain) == _denies(text)

    def _bears_numbers(
        self, numbers: list[Number], words: set[str], prepared: list[_Prepared], answer_numbers: list[Number]
    ) -> bool:
        there = [number for entry in prepared for number in entry.numbers]
        missing = [number for number in numbers if not stands(number, there)]
        if not missing:
            return True
        said = [number for number in answer_numbers if stands(number, there)]
        operands = said + [number for entry in prepared for number in _numbers_of_lines(entry, words)]
        return all(follows(number, operands) for number in missing)

    def _best_window(self, words: set[str], prepared: list[_Prepared]) -> tuple[str, float] | None:
        """Find the few neighbouring sentences that share most words; of equals, the shortest."""
        best: tuple[str, float] | None = None
        for entry in prepared:
            for width in range(1, _WINDOW_SENTENCES + 1):
                for index in range(len(entry.sentences) - width + 1):
                    stems = set[str]().union(*entry.stems_by_sentence[index : index + width])
                    coverage = len(words & stems) / max(1, len(words))
                    if coverage > (best[1] + 0.1 * (width > 1) if best else 0):
                        start, end = entry.sentences[index].start, entry.sentences[index + width - 1].end
                        best = entry.passage.text[start:end], coverage
        return best


def _numbers_of_lines(entry: _Prepared, words: set[str]) -> list[Number]:
    """Take operands from sentences and rows that speak of the same thing."""
    spans = [span for span, stems in zip(entry.sentences, entry.stems_by_sentence, strict=True) if words & stems]
    return [number for number in entry.numbers if any(span.start <= number.start < span.end for span in spans)]


def _claims_something(terms: list[Term], sentence: str) -> bool:
    """A heading or a lead-in (`Here is what the documents say:`) claims nothing."""
    return len(terms) >= _LEAST_TERMS and not sentence.rstrip().endswith(":")


def _is_name(term: Term, text: str) -> bool:
    """A capital inside a sentence: a name, which must stand there letter for letter."""
    word = text[term.start : term.end]
    return (
        term.start > 0
        and word[:1].isupper()
        and not term.is_number
        and text[: term.start].rstrip()[-1:] not in ".!?:•-–\n"
    )


def _denies(text: str) -> bool:
    return len(_NEGATION.findall(text)) > 0


def _plain(sentence: str) -> str:
    """Leave markup and citations out."""
    return _MARKUP.sub(" ", without_citations(sentence)).strip()
