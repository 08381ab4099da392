"""`appliance eval`: how well is found, on a question set, asked through the API as people ask."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec

from appliance.cli.ask import NothingToSearch
from appliance.cli.client import Client, Refused, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.routing import routing
from appliance.cli.words import say, table, to_json
from appliance.core.text import Text
from appliance.features.knowledge.evaluation import (
    CorpusDocument,
    Outcome,
    Place,
    Question,
    QuestionSet,
    measure,
    rank_places,
    read_question_set,
)

_AT_ONCE = 6
_PASSAGES = 40
"""Asked for per question: enough for ten different documents, no more than late interaction orders anyway."""
_NAME = "eval: {name}"


class IndexedSet(msgspec.Struct, frozen=True):
    """A set's documents in a collection of their own; `names` leads from a file's id to its name in the set."""

    collection: str
    names: Mapping[str, str]


class Run(msgspec.Struct, frozen=True):
    """One question as it was asked."""

    outcome: Outcome
    milliseconds: float


@click.group("eval", help=say(Text("Quality on a question set.", "La qualité sur un jeu de questions.")))
def evaluate() -> None:
    """Group the evaluations."""


evaluate.add_command(routing)


@evaluate.command(
    help=say(
        Text(
            "Index the documents of folder SET in a collection of their own, ask its questions, print and keep the measures.",
            "Indexer les documents du dossier SET dans leur propre collection, poser ses questions, afficher et garder les mesures.",
        )
    )
)
@click.argument("folder", metavar="SET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--keep",
    is_flag=True,
    help=say(
        Text(
            "Keep the collection: the next run indexes only what is new.",
            "Garder la collection : l’exécution suivante n’indexe que le nouveau.",
        )
    ),
)
@with_data_directory
@with_json
def retrieval(folder: Path, keep: bool, data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Measure how well passages are found."""
    question_set = read_question_set(folder.resolve())

    async def perform(client: Client) -> tuple[Any, list[Run]]:
        indexed = await index_set(client, question_set)
        try:
            started = time.perf_counter()
            runs = await ask_questions(client, question_set.questions, indexed)
            seconds = time.perf_counter() - started
        finally:
            if not keep:
                await client.call("DELETE", f"/api/collections/{indexed.collection}")
        body = {
            "kind": "retrieval",
            "name": question_set.name[:200],
            "questions": len(runs),
            "measures": summarise(runs),
            "seconds": round(seconds, 3),
        }
        return await client.call("POST", "/api/evaluations", body), runs

    kept, runs = run_with_client(data_directory, config_file, perform)
    click.echo(to_json({**kept, "results": [_detail(run) for run in runs]}) if as_json else _show(kept, runs))


async def index_set(client: Client, question_set: QuestionSet) -> IndexedSet:
    """Upload what is not there yet and wait for it; a file that cannot be read is said. Raises NothingToSearch."""
    collection = await _find_collection(client, _NAME.format(name=question_set.name)[:200])
    names: dict[str, str] = {}
    slots, done = asyncio.Semaphore(_AT_ONCE), 0

    async def add(path: Path, name: str) -> None:
        nonlocal done
        async with slots:
            try:
                uploaded = await client.upload(path, collection=collection)
                await client.call("POST", "/api/rag/index", {"file_id": uploaded["file_id"]})
                names[uploaded["file_id"]] = name
            except Refused as refused:
                click.echo(f"{name}: {refused.problem.title}. {refused.problem.hint}", err=True)
        done += 1
        _show_progress(done, len(files))

    with TemporaryDirectory() as directory:
        files = [(path, path.name) for path in question_set.files]
        files += _write_corpus(question_set.corpus, Path(directory))
        await asyncio.gather(*(add(path, name) for path, name in files))
    if not names:
        raise NothingToSearch
    return IndexedSet(collection, names)


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{say(Text('read', 'lu'))} {done}/{total}", nl=done == total, err=True)


def _write_corpus(corpus: Sequence[CorpusDocument], directory: Path) -> list[tuple[Path, str]]:
    """Write each text as a file: one with a title as HTML, where a title is said and no part of the text.

    The file's name tells nothing, so that none is found by it.
    """
    written: list[tuple[Path, str]] = []
    for number, document in enumerate(corpus, 1):
        path = directory / f"{number}.{'html' if document.title else 'txt'}"
        path.write_text(_as_html(document) if document.title else document.text, encoding="utf-8")
        written.append((path, document.id))
    return written


def _as_html(document: CorpusDocument) -> str:
    paragraphs = "\n".join(f"<p>{escape(line)}</p>" for line in document.text.split("\n") if line.strip())
    return f'<!doctype html><meta charset="utf-8"><title>{escape(document.title)}</title>\n{paragraphs}'


async def _find_collection(client: Client, name: str) -> str:
    async for collection in client.pages("/api/collections"):
        if collection["name"] == name and collection["right"] == "owner":
            return collection["id"]
    return (await client.call("POST", "/api/collections", {"name": name}))["id"]


async def ask_questions(client: Client, questions: Sequence[Question], indexed: IndexedSet) -> list[Run]:
    """Ask one after the other, as one person would."""
    return [await _ask(client, question, indexed) for question in questions]


async def _ask(client: Client, question: Question, indexed: IndexedSet) -> Run:
    body = {"query": question.text, "limit": _PASSAGES, "collection": indexed.collection}
    started = time.perf_counter()
    answer = await client.call("POST", "/api/rag/search", body)
    milliseconds = (time.perf_counter() - started) * 1000
    places = [
        Place(indexed.names[passage["file_id"]], passage["page"])
        for passage in answer["results"]
        if passage["file_id"] in indexed.names
    ]
    ranked = rank_places(places, question.relevant)
    return Run(Outcome(question, ranked, answer["nothing_found"]), milliseconds)


def summarise(runs: Sequence[Run]) -> dict[str, float]:
    """Average the measures, and say how long a question took."""
    times = [run.milliseconds for run in runs]
    cuts = quantiles(times, n=20) if len(times) > 1 else times * 19
    times_ms = {"p50 ms": round(cuts[9], 1), "p95 ms": round(cuts[18], 1)}
    return {**measure([run.outcome for run in runs]), **times_ms}


def _detail(run: Run) -> dict[str, Any]:
    outcome = run.outcome
    relevant = outcome.question.relevant
    rank = next((rank for rank, place in enumerate(outcome.ranked, 1) if place in relevant), None)
    return {
        "id": outcome.question.id,
        "rank": rank,
        "refused": outcome.refused,
        "milliseconds": round(run.milliseconds, 1),
        "found": [place._asdict() for place in outcome.ranked[:10]],
        "relevant": [place._asdict() for place in relevant],
    }


def _show(kept: dict[str, Any], runs: Sequence[Run]) -> str:
    rows = [[name, f"{value:.3f}" if "ms" not in name else f"{value:.1f}"] for name, value in kept["measures"].items()]
    missed = [run.outcome.question for run in runs if not _is_found(run.outcome)]
    lines = [
        f"{kept['name']}: {len(runs)} {say(Text('questions', 'questions'))}",
        "",
        table(rows, [say(Text("measure", "mesure")), say(Text("value", "valeur"))]),
    ]
    if missed:
        lines += ["", say(Text("Not among the first ten:", "Pas parmi les dix premiers :"))]
        lines += [f"  {question.id}: {question.text[:90]} → {_name(question)}" for question in missed[:10]]
    if len(missed) > 10:
        lines.append(f"  … {len(missed) - 10}")
    return "\n".join(lines)


def _is_found(outcome: Outcome) -> bool:
    return any(place in outcome.question.relevant for place in outcome.ranked[:10])


def _name(question: Question) -> str:
    """Name the first place it should have found, the page as people count."""
    place = next(iter(question.relevant))
    return f"{place.document}, {say(Text('page', 'page'))} {place.page}" if place.page else place.document
