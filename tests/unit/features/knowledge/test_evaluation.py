"""Question sets as they come, and measures against figures worked out by hand."""

import math
from pathlib import Path

import msgspec
import pytest

from appliance.features.knowledge.evaluation import (
    Outcome,
    Place,
    Question,
    QuestionSetUnreadable,
    hit,
    measure,
    ndcg,
    rank_places,
    read_question_set,
    recall,
    reciprocal_rank,
)


def write(folder: Path, name: str, *lines: object) -> None:
    (folder / name).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "Report 2022.pdf").write_bytes(b"%PDF-")
    (folder / "Notes.txt").write_bytes(b"notes")
    write(
        folder, "questions.jsonl", {"id": "q1", "text": "Revenue?", "answer": "12"}, {"id": "q2", "text": "Unjudged?"}
    )
    return folder


def test_pages_of_a_set_count_from_one(reports: Path) -> None:
    write(reports, "qrels.jsonl", {"qid": "q1", "document": "Report 2022.pdf", "page": 3, "rel": 1})
    found = read_question_set(reports)
    assert found.name == "reports"
    assert [path.name for path in found.files] == ["Notes.txt", "Report 2022.pdf"]
    assert found.questions == [Question("q1", "Revenue?", {Place("Report 2022.pdf", 3): 1})]


def test_the_older_form_counts_pages_from_zero_and_leaves_the_suffix_out(reports: Path) -> None:
    write(
        reports, "qrels.jsonl", {"qid": "q1", "did": "Report 2022#3", "rel": 2}, {"qid": "q1", "did": "Report 2022#0"}
    )
    assert read_question_set(reports).questions[0].relevant == {
        Place("Report 2022.pdf", 4): 2,
        Place("Report 2022.pdf", 1): 1,
    }


def test_a_document_without_a_page_is_relevant_as_a_whole(reports: Path) -> None:
    write(reports, "qrels.jsonl", {"qid": "q1", "document": "Notes", "rel": 1})
    assert read_question_set(reports).questions[0].relevant == {Place("Notes.txt"): 1}


def test_beir(tmp_path: Path) -> None:
    write(
        tmp_path,
        "corpus.jsonl",
        {"_id": "d1", "title": "One", "text": "first"},
        {"id": "d2", "text": "second"},
        {"id": "d3", "title": "One", "text": "first"},
        {"id": "empty", "title": "", "text": " "},
    )
    write(tmp_path, "queries.jsonl", {"_id": "7", "text": "first?"}, {"id": 8, "text": "second?"})
    write(
        tmp_path,
        "qrels.jsonl",
        {"query-id": "7", "corpus-id": "d3", "score": 2},
        {"qid": "8", "did": "d2", "rel": 1},
        {"qid": "8", "did": "d1", "rel": 0},
        {"qid": "not asked here", "did": "d1", "rel": 1},
    )
    found = read_question_set(tmp_path)
    assert [document.id for document in found.corpus] == ["d1", "d2"]
    assert [question.relevant for question in found.questions] == [{Place("d1"): 2}, {Place("d2"): 1}]
    assert found.questions[1].id == "8"


@pytest.mark.parametrize(
    "line, says",
    [
        (b"{", "line 2"),
        (b"[1]", "line 2"),
        (b'{"qid": "q1", "document": "Other.pdf"}', "not there"),
        (b'{"qid": "q1", "document": "Notes.txt", "page": 0}', "page"),
        (b'{"qid": "q1", "document": "Notes.txt", "page": "two"}', "page"),
        (b'{"qid": "q1", "document": "Notes.txt", "rel": "yes"}', "rel"),
        (b'{"qid": "q1"}', "did"),
        (b'{"document": "Notes.txt"}', "qid"),
        (b"\xff", "line 2"),
    ],
)
def test_a_bad_line_is_named(reports: Path, line: bytes, says: str) -> None:
    (reports / "qrels.jsonl").write_bytes(b'{"qid": "q1", "document": "Notes.txt"}\n' + line + b"\n")
    with pytest.raises(QuestionSetUnreadable) as raised:
        read_question_set(reports)
    problem = raised.value.to_problem("en")
    assert says in problem.detail
    assert "line 2" in problem.detail
    assert "ligne 2" in raised.value.to_problem("fr").detail


def test_a_folder_that_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetUnreadable):
        read_question_set(tmp_path)


def test_a_set_without_judgements(reports: Path) -> None:
    with pytest.raises(QuestionSetUnreadable, match="opened"):
        read_question_set(reports)
    write(reports, "qrels.jsonl", {"qid": "another", "document": "Notes.txt"})
    with pytest.raises(QuestionSetUnreadable, match="no question"):
        read_question_set(reports)


A, B, C, D = (Place(name) for name in "ABCD")


def test_ndcg_by_hand() -> None:
    relevant = {A: 1, B: 3}
    ideal = 3 + 1 / math.log2(3)
    assert ndcg([C, B, A], relevant, 10) == pytest.approx((3 / math.log2(3) + 1 / 2) / ideal)
    assert ndcg([B, A], relevant, 10) == pytest.approx(1)
    assert ndcg([C, D], relevant, 10) == 0
    assert ndcg([C, B], relevant, 1) == 0


def test_the_others_by_hand() -> None:
    relevant = {A: 1, B: 1}
    ranked = [C, A, D, B]
    assert (recall(ranked, relevant, 2), recall(ranked, relevant, 4)) == (0.5, 1)
    assert (hit(ranked, relevant, 1), hit(ranked, relevant, 2)) == (0, 1)
    assert (reciprocal_rank(ranked, relevant, 10), reciprocal_rank(ranked, relevant, 1)) == (0.5, 0)


def test_places_are_ranked_in_the_grain_of_the_question() -> None:
    found = [Place("A", 2), Place("A", 2), Place("B", 1), Place("A", 7)]
    assert rank_places(found, {Place("A"): 1}) == [A, B]
    assert rank_places(found, {Place("A", 7): 1}) == [Place("A", 2), Place("B", 1), Place("A", 7)]
    assert rank_places(found, {Place("A"): 1, Place("B", 1): 1}) == [A, Place("B", 1)]


def test_measures_are_means_over_the_questions() -> None:
    found = Outcome(Question("1", "?", {A: 1}), [B, A], refused=False)
    missed = Outcome(Question("2", "?", {A: 1}), [], refused=True)
    assert measure([found, missed]) == {
        "nDCG@10": pytest.approx(1 / math.log2(3) / 2, abs=1e-4),
        "hit@1": 0,
        "hit@5": 0.5,
        "recall@5": 0.5,
        "recall@10": 0.5,
        "MRR@10": 0.25,
        "refused": 0.5,
    }
