"""Bringing the views of a search together, best first, and judging whether they found anything at all.

Scores of a view are divided by its best, then weighed: this beat z-scores, min-max and reciprocal ranks
(research/retrieval.md). Weights follow what the embedder knows of the question's language. Pure functions: what an engine
returned goes in, an order comes out.
"""

import math
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.vector_store import Hit, Retrieval

RERANKED = 40
"""How many candidates late interaction orders anew; between 20 and 80 nDCG@10 moved by less than .005."""


class Weights(msgspec.Struct, frozen=True):
    """How much each view counts; they sum to 1. `tokens` counts only where late interaction ran."""

    words: float
    characters: float
    dense: float
    tokens: float


_KNOWN_LANGUAGE = Weights(0.12, 0.1, 0.26, 0.52)
_FOREIGN_LANGUAGE = Weights(0.16, 0.21, 0.21, 0.42)
_KNOWN_LANGUAGE_WITHOUT_TOKENS = Weights(0.3, 0.3, 0.4, 0.0)
_FOREIGN_LANGUAGE_WITHOUT_TOKENS = Weights(0.27, 0.63, 0.1, 0.0)


def choose_weights(language: str, known: frozenset[str] | None, *, has_tokens: bool) -> Weights:
    """Choose by whether the embedder was made for the question's language; `known` is None where it was made for many."""
    is_known = known is None or language in known
    if has_tokens:
        return _KNOWN_LANGUAGE if is_known else _FOREIGN_LANGUAGE
    return _KNOWN_LANGUAGE_WITHOUT_TOKENS if is_known else _FOREIGN_LANGUAGE_WITHOUT_TOKENS


class Candidate(msgspec.Struct):
    """A passage with what each view and stage gave it. None: that view did not return it."""

    id: UUID
    words: float | None = None
    characters: float | None = None
    dense: float | None = None
    tokens: float | None = None
    lexical: float | None = None
    fused: float = 0.0
    reranked: float | None = None
    score: float = 0.0


def fuse(retrieval: Retrieval, weights: Weights, *, limit: int) -> list[Candidate]:
    """First stage: one order of everything any view returned, best first; `score` is in 0..1.

    A passage that is missing from a view of `limit` hits counts there as its last hit, which it can only just have missed:
    as nothing at all it lost .02 nDCG@10 on SciFact.
    """
    views = (
        _View("words", retrieval.words, weights.words, limit),
        _View("characters", retrieval.characters, weights.characters, limit),
        _View("dense", retrieval.dense, weights.dense, limit),
    )
    found: dict[UUID, Candidate] = {}
    for view in views:
        for hit in view.hits:
            one = found.get(hit.id)
            if one is None:
                one = found[hit.id] = Candidate(hit.id)
            setattr(one, view.name, hit.score)
    words, characters, dense = views
    lexical = weights.words + weights.characters
    whole = lexical + weights.dense
    for one in found.values():
        by_words = words.weigh(one.words) + characters.weigh(one.characters)
        if one.words is not None or one.characters is not None:
            one.lexical = by_words / lexical
        one.score = one.fused = (by_words + dense.weigh(one.dense)) / whole
    return sorted(found.values(), key=lambda one: (-one.score, one.id.int))


def rerank(candidates: Sequence[Candidate], hits: Sequence[Hit], weights: Weights, *, mass: float) -> list[Candidate]:
    """Second stage: order the passages late interaction scored anew; the others follow in the order they had.

    `mass` is the sum of the question's token weights, so that `tokens` is a mean similarity.
    """
    late = {hit.id: hit.score / max(mass, 1e-9) for hit in hits}
    highest = max(late.values(), default=0.0)
    scored = [one for one in candidates if one.id in late]
    for one in scored:
        one.tokens = late[one.id]
        one.reranked = (1 - weights.tokens) * one.fused + weights.tokens * _share(one.tokens, highest)
        one.score = one.reranked
    ordered = sorted(scored, key=lambda one: (-one.score, one.id.int))
    lowest = ordered[-1].score if ordered else 1.0
    rest = [one for one in candidates if one.id not in late]
    for one in rest:
        one.score = min(lowest, (1 - weights.tokens) * one.fused)
    return ordered + rest


class _View:
    """One view's hits, and what a score in it is worth beside its best."""

    def __init__(self, name: str, hits: Sequence[Hit], weight: float, limit: int) -> None:
        best = max((hit.score for hit in hits), default=0.0)
        self.name = name
        self.hits = hits
        self._least = min(hit.score for hit in hits) if len(hits) >= limit else 0.0
        self._factor = weight / best if best > 0 else 0.0

    def weigh(self, score: float | None) -> float:
        return self._factor * max(self._least if score is None else score, 0.0)


def _share(score: float, best: float) -> float:
    return max(score, 0.0) / best if best > 0 else 0.0


class Evidence(msgspec.Struct, frozen=True):
    """What tells whether the documents speak of what was asked.

    `tokens`: best mean MaxSim; `dense`: best cosine; `coverage`: the largest share of the question's content words that
    stands in one of the best passages. None where the embedder gives no such vectors.
    """

    tokens: float | None
    dense: float | None
    coverage: float


class _Judge(msgspec.Struct, frozen=True):
    tokens: float
    dense: float
    coverage: float
    bias: float


_KNOWN_LANGUAGE_JUDGE = _Judge(tokens=11.31, dense=20.32, coverage=10.2, bias=-20.4)
_FOREIGN_LANGUAGE_JUDGE = _Judge(tokens=17.22, dense=11.75, coverage=5.94, bias=-20.2)
_JUDGE_BY_COVERAGE = _Judge(tokens=0.0, dense=0.0, coverage=12.73, bias=-4.6)
"""Logistic regressions on four sets' questions asked of their own and of each other's documents. Fitted on one half and asked on the
other they refuse 93.5 % of foreign questions and 2.1 % of a set's own; coverage alone 74 % and 3 %."""
SUPPORTED = 0.5
"""From this support on an answer is given."""


def judge(evidence: Evidence, *, known_language: bool) -> float:
    """Estimate how likely it is that the documents speak of what was asked, 0..1."""
    model = _JUDGE_BY_COVERAGE
    if evidence.tokens is not None:
        model = _KNOWN_LANGUAGE_JUDGE if known_language else _FOREIGN_LANGUAGE_JUDGE
    total = (
        model.tokens * (evidence.tokens or 0.0)
        + model.dense * (evidence.dense or 0.0)
        + model.coverage * evidence.coverage
        + model.bias
    )
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def blend_queries(main: LexicalVectors, others: Iterable[tuple[LexicalVectors, float]]) -> LexicalVectors:
    """Add terms to a question at a lower weight; a term that stands in both keeps the higher one."""
    for other, weight in others:
        main = LexicalVectors(
            words=_blend(main.words, other.words, weight), characters=_blend(main.characters, other.characters, weight)
        )
    return main


def _blend(one: SparseVector, other: SparseVector, weight: float) -> SparseVector:
    indices: NDArray[np.uint32] = np.union1d(one.indices, other.indices).astype(np.uint32)
    values = np.zeros(len(indices), dtype=np.float32)
    values[np.searchsorted(indices, one.indices)] = one.values
    places = np.searchsorted(indices, other.indices)
    values[places] = np.maximum(values[places], np.float32(weight) * other.values)
    return SparseVector(indices, values)
