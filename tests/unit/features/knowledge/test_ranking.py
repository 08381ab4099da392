"""Fusing views, ordering anew, judging: on hand-made hits."""

from uuid import UUID

import numpy as np
import pytest

from appliance.features.knowledge.ranking import (
    SUPPORTED,
    Evidence,
    Weights,
    blend_queries,
    choose_weights,
    fuse,
    judge,
    rerank,
)
from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.vector_store import Hit, Retrieval

A, B, C = (UUID(int=number) for number in (1, 2, 3))
EVEN = Weights(0.25, 0.25, 0.25, 0.25)


def test_each_view_counts_relative_to_its_own_best() -> None:
    retrieval = Retrieval(
        words=[Hit(A, 20.0), Hit(B, 10.0)], characters=[Hit(A, 4.0)], dense=[Hit(B, 0.8), Hit(C, 0.4)]
    )
    found = {one.id: one for one in fuse(retrieval, EVEN, limit=60)}
    assert found[A].fused == pytest.approx(2 / 3)
    assert found[B].fused == pytest.approx((0.5 + 1.0) / 3)
    assert found[C].fused == pytest.approx(0.5 / 3)
    assert found[C].lexical is None
    assert found[B].lexical == pytest.approx(0.25)


def test_a_negative_similarity_counts_nothing() -> None:
    found = fuse(Retrieval(words=[], characters=[], dense=[Hit(A, -0.2)]), EVEN, limit=60)
    assert found[0].score == 0.0


def test_nothing_returned_is_an_empty_order() -> None:
    assert fuse(Retrieval([], [], []), EVEN, limit=60) == []


def test_a_passage_a_full_view_left_out_counts_as_its_last_hit() -> None:
    retrieval = Retrieval(words=[Hit(A, 10.0), Hit(B, 8.0)], characters=[], dense=[Hit(C, 0.9)])
    found = {one.id: one.fused for one in fuse(retrieval, EVEN, limit=2)}
    assert found[C] == pytest.approx((0.8 + 1.0) / 3)
    assert found[A] == pytest.approx(1 / 3)


def test_late_interaction_changes_the_order_and_keeps_the_rest_behind() -> None:
    candidates = fuse(
        Retrieval(words=[Hit(A, 3.0), Hit(B, 2.9), Hit(C, 2.8)], characters=[], dense=[]),
        Weights(0.5, 0.0, 0.0, 0.5),
        limit=60,
    )
    ordered = rerank(candidates, [Hit(A, 2.0), Hit(B, 8.0)], Weights(0.5, 0.0, 0.0, 0.5), mass=10.0)
    assert [one.id for one in ordered] == [B, A, C]
    assert ordered[0].tokens == pytest.approx(0.8)
    assert ordered[2].reranked is None
    assert ordered[0].score > ordered[1].score >= ordered[2].score


def test_equal_scores_have_one_order() -> None:
    hits = [Hit(C, 1.0), Hit(A, 1.0), Hit(B, 1.0)]
    assert [one.id for one in fuse(Retrieval(hits, [], []), EVEN, limit=60)] == [A, B, C]


@pytest.mark.parametrize("known", [frozenset({"en"}), None])
@pytest.mark.parametrize("has_tokens", [True, False])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_weights_sum_to_one(language: str, known: frozenset[str] | None, has_tokens: bool) -> None:
    weights = choose_weights(language, known, has_tokens=has_tokens)
    assert sum((weights.words, weights.characters, weights.dense, weights.tokens)) == pytest.approx(1.0)
    assert (weights.tokens > 0) == has_tokens


def test_an_embedder_that_does_not_know_the_language_counts_less() -> None:
    english = frozenset({"en"})
    for has_tokens in (True, False):
        known = choose_weights("en", english, has_tokens=has_tokens)
        foreign = choose_weights("fr", english, has_tokens=has_tokens)
        assert foreign.dense < known.dense


@pytest.mark.parametrize("known_language", [True, False])
def test_more_evidence_never_lowers_support(known_language: bool) -> None:
    weak = judge(Evidence(tokens=0.2, dense=0.1, coverage=0.0), known_language=known_language)
    strong = judge(Evidence(tokens=0.9, dense=0.8, coverage=1.0), known_language=known_language)
    assert weak < SUPPORTED < strong


def test_without_token_vectors_coverage_alone_judges() -> None:
    assert judge(Evidence(None, None, 0.0), known_language=True) < SUPPORTED
    assert judge(Evidence(None, None, 1.0), known_language=True) > SUPPORTED


def test_added_terms_weigh_less_and_never_lower_what_was_asked() -> None:
    asked = _lexical({1: 2.0, 5: 1.0})
    blended = blend_queries(asked, [(_lexical({5: 1.0, 9: 1.0}), 0.6)])
    assert dict(zip(blended.words.indices.tolist(), blended.words.values.tolist(), strict=True)) == pytest.approx(
        {1: 2.0, 5: 1.0, 9: 0.6}
    )


def _lexical(terms: dict[int, float]) -> LexicalVectors:
    vector = SparseVector(
        np.array(sorted(terms), dtype=np.uint32), np.array([terms[key] for key in sorted(terms)], dtype=np.float32)
    )
    return LexicalVectors(words=vector, characters=vector)
