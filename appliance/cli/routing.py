"""`appliance eval routing`: who is chosen for messages whose answerer is known."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import click
import msgspec

from appliance.cli.client import Client, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, table, to_json
from appliance.core.errors import Unprocessable
from appliance.core.text import Text

_FILE = "messages.jsonl"
_SHOWN = 10


class RoutingSetUnreadable(Unprocessable):
    """A labelled set is not what it should be; `reason` names file and line."""

    code = "routing_set_unreadable"
    title = Text("The labelled set cannot be read", "Le jeu étiqueté est illisible")
    hint = Text(
        'A set is a file of lines `{"id", "text", "language", "label", "current"?}`, or a folder with `messages.jsonl`.',
        'Un jeu : un fichier de lignes `{"id", "text", "language", "label", "current"?}`, ou un dossier avec `messages.jsonl`.',
    )


class LabelledMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message, who should answer it, and who answered last."""

    id: str
    text: str
    language: str
    label: str
    current: str | None = None


class Routed(msgspec.Struct, frozen=True):
    """Whom a message went to."""

    message: LabelledMessage
    agent: str
    confidence: float

    @property
    def is_right(self) -> bool:
        """It went where it should."""
        return self.agent == self.message.label


def read_routing_set(path: Path) -> list[LabelledMessage]:
    """Read a set. Raises RoutingSetUnreadable."""
    path = path / _FILE if path.is_dir() else path
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        reason = Text(f"{path} cannot be opened.", f"{path} ne peut pas être ouvert.")
        raise RoutingSetUnreadable(reason=reason) from None
    messages: list[LabelledMessage] = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                messages.append(msgspec.json.decode(line, type=LabelledMessage))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            reason = Text(f"{path.name}, line {number}: {error}.", f"{path.name}, ligne {number} : {error}.")
            raise RoutingSetUnreadable(reason=reason) from None
    if not messages:
        raise RoutingSetUnreadable(reason=Text(f"{path.name} is empty.", f"{path.name} est vide."))
    return messages


@click.command(
    help=say(
        Text(
            "Route the messages of SET by the classifier alone: as shipped, and cross-validated. Print and keep the measures.",
            "Router les messages de SET par le classifieur seul : tel quel, et en validation croisée. Afficher et garder les mesures.",
        )
    )
)
@click.argument("path", metavar="SET", type=click.Path(path_type=Path, exists=True))
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True)
@click.option(
    "--model",
    "with_model",
    is_flag=True,
    help=say(
        Text(
            "Ask the language model too, message by message.",
            "Interroger aussi le modèle de langage, message par message.",
        )
    ),
)
@with_data_directory
@with_json
def routing(
    path: Path,
    folds: int,
    with_model: bool,
    data_directory: Path | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Measure who is chosen."""
    place = path.resolve()
    name = (place if place.is_dir() else place.parent).name[:200]
    messages = read_routing_set(place)

    async def perform(client: Client) -> tuple[Any, dict[str, list[Routed]]]:
        started = time.perf_counter()
        runs = await route_set(client, messages, folds=folds)
        if with_model:
            runs["with model"] = await ask_model(client, messages)
        body = {
            "kind": "routing",
            "name": name,
            "questions": len(messages),
            "measures": {
                f"{run_name} {key}": value for run_name, run in runs.items() for key, value in measure(run).items()
            },
            "seconds": round(time.perf_counter() - started, 3),
        }
        return await client.call("POST", "/api/evaluations", body), runs

    kept, runs = run_with_client(data_directory, config_file, perform)
    if as_json:
        detail = {name: {"confusion": confusion(run), "results": _details(run)} for name, run in runs.items()}
        click.echo(to_json({**kept, "runs": detail}))
    else:
        click.echo("\n\n".join(_show(name, run) for name, run in runs.items()))


async def route_set(client: Client, messages: Sequence[LabelledMessage], *, folds: int) -> dict[str, list[Routed]]:
    """Have the classifier judge every message, as shipped and with the other folds learnt."""
    sent = [{"text": one.text, "label": one.label, "current": one.current} for one in messages]
    answer = await client.call("POST", "/api/assistants/evaluate", {"messages": sent, "folds": folds})
    pairs = list(zip(messages, answer["judged"], strict=True))
    return {
        "shipped": [Routed(one, judged["shipped"], judged["shipped_confidence"]) for one, judged in pairs],
        "cross-validated": [Routed(one, judged["learnt"], judged["learnt_confidence"]) for one, judged in pairs],
    }


async def ask_model(client: Client, messages: Sequence[LabelledMessage]) -> list[Routed]:
    """Route each message as the product would now, the language model included."""
    routed: list[Routed] = []
    for one in messages:
        body = {"message": one.text, "current": one.current}
        answer = await client.call("POST", "/api/assistants/route", body)
        routed.append(Routed(one, answer["agent"], answer["confidence"]))
    return routed


def measure(run: Sequence[Routed]) -> dict[str, float]:
    """Average: accuracy in all and by language, and how far the mean confidence is from it."""
    measures = {"accuracy": mean(one.is_right for one in run)}
    for language in sorted({one.message.language for one in run}):
        measures[f"accuracy {language}"] = mean(one.is_right for one in run if one.message.language == language)
    measures["confidence"] = mean(one.confidence for one in run)
    measures["calibration error"] = calibration_error(run)
    return {name: round(value, 4) for name, value in measures.items()}


def calibration_error(run: Sequence[Routed], *, bins: int = 10) -> float:
    """Average the gap between confidence and accuracy over bins of confidence, weighed by their size (Guo et al. 2017)."""
    total = 0.0
    for number in range(bins):
        inside = [one for one in run if min(bins - 1, int(one.confidence * bins)) == number]
        if inside:
            gap = abs(mean(one.confidence for one in inside) - mean(one.is_right for one in inside))
            total += gap * len(inside) / len(run)
    return total


def confusion(run: Sequence[Routed]) -> dict[str, dict[str, int]]:
    """Count by label, then by whom it went to."""
    names = sorted({one.message.label for one in run} | {one.agent for one in run})
    return {
        label: {agent: sum(one.message.label == label and one.agent == agent for one in run) for agent in names}
        for label in names
    }


def _details(run: Sequence[Routed]) -> list[dict[str, Any]]:
    return [
        {"id": one.message.id, "label": one.message.label, "agent": one.agent, "confidence": one.confidence}
        for one in run
    ]


def _show(name: str, run: Sequence[Routed]) -> str:
    titles = {
        "shipped": Text("As shipped, no message of the set learnt", "Tel quel, sans aucun message du jeu"),
        "cross-validated": Text("Cross-validated", "En validation croisée"),
        "with model": Text("With the language model", "Avec le modèle de langage"),
    }
    rows = [[key, f"{value:.3f}"] for key, value in measure(run).items()]
    counted = confusion(run)
    matrix = [[label, *(str(count) for count in counts.values())] for label, counts in counted.items()]
    wrong = [one for one in run if not one.is_right]
    lines = [
        say(titles[name]),
        "",
        table(rows, [say(Text("measure", "mesure")), say(Text("value", "valeur"))]),
        "",
        table(matrix, [say(Text("label \\ chosen", "étiquette \\ choix")), *counted]),
    ]
    if wrong:
        lines += ["", say(Text("Gone elsewhere:", "Partis ailleurs :"))]
        lines += [f"  {one.message.label} → {one.agent}: {one.message.text[:90]}" for one in wrong[:_SHOWN]]
    if len(wrong) > _SHOWN:
        lines.append(f"  … {len(wrong) - _SHOWN}")
    return "\n".join(lines)
