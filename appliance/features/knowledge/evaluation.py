"""How well passages are found, on a set of questions whose answers' places are known: readers and measures.

Measures are those of information retrieval, over documents or, where a set names pages, over pages: nDCG with linear gain
(as trec_eval), recall, reciprocal rank, hits; and the share of questions answered by "nothing found".
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from appliance.core.errors import Unprocessable
from appliance.core.text import Text

_QUESTIONS, _QUERIES, _CORPUS, _QRELS = "questions.jsonl", "queries.jsonl", "corpus.jsonl", "qrels.jsonl"
_NO_DOCUMENTS = frozenset({".json", ".jsonl"})


class QuestionSetUnreadable(Unprocessable):
    """A question set is not what it should be; `reason` names file and line."""

    code = "question_set_unreadable"
    title = Text("The question set cannot be read", "Le jeu de questions est illisible")
    hint = Text(
        "A set is a folder with documents, `questions.jsonl` and `qrels.jsonl`, or `corpus.jsonl`, `queries.jsonl` and `qrels.jsonl`.",
        "Un jeu : un dossier avec documents, `questions.jsonl` et `qrels.jsonl`, ou `corpus.jsonl`, `queries.jsonl` et `qrels.jsonl`.",
    )


class Place(NamedTuple):
    """What a question should find: a document by its name in the set and, where the set names pages, a page from 1."""

    document: str
    page: int | None = None


class Question(msgspec.Struct, frozen=True):
    """A question, and how relevant (1 or more) each place is to it."""

    id: str
    text: str
    relevant: Mapping[Place, int]


class CorpusDocument(msgspec.Struct, frozen=True):
    """A document of `corpus.jsonl`."""

    id: str
    title: str
    text: str


class QuestionSet(msgspec.Struct, frozen=True, kw_only=True):
    """Questions with what they should find, and either files or the texts of a corpus. `Place.document` is a file's name or an id."""

    name: str
    questions: Sequence[Question]
    files: Sequence[Path] = ()
    corpus: Sequence[CorpusDocument] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What one question found, best first, and whether it was answered by "nothing found"."""

    question: Question
    ranked: Sequence[Place]
    refused: bool


def read_question_set(folder: Path) -> QuestionSet:
    """Read either layout. Questions that name no relevant place are left out. Raises QuestionSetUnreadable."""
    if (folder / _CORPUS).is_file():
        return _read_corpus_set(folder)
    if (folder / _QUESTIONS).is_file():
        return _read_file_set(folder)
    raise _unreadable(
        f"{folder} holds neither {_QUESTIONS} nor {_CORPUS}.", f"{folder} ne contient ni {_QUESTIONS} ni {_CORPUS}."
    )


def _read_corpus_set(folder: Path) -> QuestionSet:
    """A text that stands there twice counts as one: the appliance keeps it once."""
    corpus: dict[tuple[str, str], CorpusDocument] = {}
    places: dict[str, Place] = {}
    for line in _lines(folder / _CORPUS):
        document = CorpusDocument(line.text("id", "_id"), line.text("title", default="").strip(), line.text("text"))
        if document.title or document.text.strip():
            first = corpus.setdefault((document.title, document.text), document)
            places[document.id] = Place(first.id)

    def find(line: _Line) -> Place | None:
        return places.get(line.text("did", "document", "corpus-id"))

    questions = _questions(folder / _QUERIES, _relevance(folder / _QRELS, find))
    return QuestionSet(name=folder.name, questions=questions, corpus=list(corpus.values()))


def _read_file_set(folder: Path) -> QuestionSet:
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix.lower() not in _NO_DOCUMENTS and not path.name.startswith(".")
    ]
    names = {path.stem: path.name for path in files} | {path.name: path.name for path in files}

    def find(line: _Line) -> Place | None:
        if "document" in line.values:
            name, page = line.text("document"), line.values.get("page")
        else:
            # `NAME#37`, as in FinanceBench's page numbers, counts pages from 0.
            name, _, index = line.text("did").rpartition("#")
            page = int(index) + 1 if index.isdigit() else None
        if page is not None and (not isinstance(page, int) or page < 1):
            raise line.error("`page` is not a number from 1", "`page` n’est pas un nombre à partir de 1")
        return Place(names[name], page) if name in names else None

    questions = _questions(folder / _QUESTIONS, _relevance(folder / _QRELS, find))
    return QuestionSet(name=folder.name, questions=questions, files=files)


class _Line(msgspec.Struct, frozen=True):
    """A line of a file, and where it stands."""

    path: Path
    number: int
    values: dict[str, Any]

    def text(self, *names: str, default: str | None = None) -> str:
        """Read a field under the first name it goes by."""
        value = next((self.values[name] for name in names if name in self.values), default)
        if isinstance(value, int):
            return str(value)
        if not isinstance(value, str):
            raise self.error(f"`{names[0]}` is missing", f"`{names[0]}` manque")
        return value

    def error(self, english: str, french: str) -> QuestionSetUnreadable:
        """Say what is wrong with this line."""
        return _unreadable(
            f"{self.path.name}, line {self.number}: {english}.", f"{self.path.name}, ligne {self.number} : {french}."
        )


def _unreadable(english: str, french: str) -> QuestionSetUnreadable:
    return QuestionSetUnreadable(reason=Text(english, french))


def _lines(path: Path) -> Iterator[_Line]:
    try:
        content = path.read_bytes()
    except OSError:
        raise _unreadable(f"{path} cannot be opened.", f"{path} ne peut pas être ouvert.") from None
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _Line(path, number, msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise _Line(path, number, {}).error("not a JSON object", "ce n’est pas un objet JSON") from None


def _relevance(path: Path, find: Callable[[_Line], Place | None]) -> dict[str, dict[Place, int]]:
    relevant: dict[str, dict[Place, int]] = {}
    for line in _lines(path):
        grade = line.values.get("rel", line.values.get("score", 1))
        if not isinstance(grade, int):
            raise line.error("`rel` is not a whole number", "`rel` n’est pas un nombre entier")
        place = find(line)
        if place is None:
            raise line.error("names a document that is not there", "nomme un document qui n’est pas là")
        if grade > 0:
            known = relevant.setdefault(line.text("qid", "query-id"), {})
            known[place] = max(grade, known.get(place, 0))
    return relevant


def _questions(path: Path, relevant: Mapping[str, Mapping[Place, int]]) -> list[Question]:
    found = [
        Question(name, line.text("text"), relevant[name])
        for line in _lines(path)
        if (name := line.text("id", "_id")) in relevant
    ]
    if not found:
        raise _unreadable(f"{path} has no question with an answer.", f"{path} n’a aucune question avec réponse.")
    return found


def rank_places(found: Sequence[Place], relevant: Mapping[Place, int]) -> list[Place]:
    """Give each place once, best first, in the grain the question is judged by: whole documents, or pages."""
    by_page = any(place.page is not None for place in relevant)
    whole = {place.document for place in relevant if place.page is None}
    grained = (Place(place.document) if not by_page or place.document in whole else place for place in found)
    return list(dict.fromkeys(grained))


def ndcg(ranked: Sequence[Place], relevant: Mapping[Place, int], k: int) -> float:
    """Discounted gain of the first `k` over the best that could be had."""
    gained = _discount([relevant.get(place, 0) for place in ranked[:k]])
    return gained / _discount(sorted(relevant.values(), reverse=True)[:k])


def _discount(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(position + 2) for position, gain in enumerate(gains))


def recall(ranked: Sequence[Place], relevant: Mapping[Place, int], k: int) -> float:
    """Share of the relevant places among the first `k`."""
    return len(set(ranked[:k]) & relevant.keys()) / len(relevant)


def hit(ranked: Sequence[Place], relevant: Mapping[Place, int], k: int) -> float:
    """1 where any relevant place is among the first `k`."""
    return float(any(place in relevant for place in ranked[:k]))


def reciprocal_rank(ranked: Sequence[Place], relevant: Mapping[Place, int], k: int) -> float:
    """1 / rank of the first relevant place, 0 beyond `k`."""
    return next((1 / rank for rank, place in enumerate(ranked[:k], 1) if place in relevant), 0.0)


def measure(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Average every measure over the questions; `refused` is the share that was answered by "nothing found"."""
    judged = [(rank_places(one.ranked, one.question.relevant), one.question.relevant) for one in outcomes]
    sums = {
        "nDCG@10": sum(ndcg(ranked, relevant, 10) for ranked, relevant in judged),
        "hit@1": sum(hit(ranked, relevant, 1) for ranked, relevant in judged),
        "hit@5": sum(hit(ranked, relevant, 5) for ranked, relevant in judged),
        "recall@5": sum(recall(ranked, relevant, 5) for ranked, relevant in judged),
        "recall@10": sum(recall(ranked, relevant, 10) for ranked, relevant in judged),
        "MRR@10": sum(reciprocal_rank(ranked, relevant, 10) for ranked, relevant in judged),
        "refused": sum(one.refused for one in outcomes),
    }
    return {name: round(total / len(outcomes), 4) for name, total in sums.items()}
