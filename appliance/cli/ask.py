"""`appliance ask`: a question to the documents, from the terminal."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from appliance.cli.client import Client, Refused, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, to_json
from appliance.core.errors import ApplianceError
from appliance.core.text import Text

_AT_ONCE = 4


class NothingToSearch(ApplianceError):
    """None of the files could be read."""

    code = "nothing_to_search"
    status = 422
    title = Text("Nothing to search", "Rien à interroger")
    detail = Text("None of the files could be read.", "Aucun des fichiers n’a pu être lu.")
    hint = Text("The lines above say why.", "Les lignes ci-dessus disent pourquoi.")


@click.command(
    help=say(
        Text(
            "Answer QUESTION from the files and folders of PATH, or from every document.",
            "Répondre à QUESTION d’après les fichiers et dossiers PATH, ou d’après tous les documents.",
        )
    )
)
@click.argument("question")
@click.argument("paths", metavar="[PATH]…", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--model", help=say(Text("Language model to answer.", "Modèle de langage pour répondre.")))
@with_data_directory
@with_json
def ask(
    question: str,
    paths: tuple[Path, ...],
    model: str | None,
    data_directory: Path | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Index what is new, ask, print the answer and its numbered sources."""

    async def perform(client: Client) -> Any:
        body: dict[str, Any] = {"question": question}
        if model:
            body["model"] = model
        if paths:
            body["filters"] = {"documents": await add_files(client, list(walk_files(paths)))}
        return await client.call("POST", "/api/rag/chat", body)

    answer = run_with_client(data_directory, config_file, perform)
    click.echo(to_json(answer) if as_json else _show(answer))


def walk_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Name the files of paths and folders, hidden ones left out."""
    for path in paths:
        if path.is_dir():
            yield from (
                found for found in sorted(path.rglob("*")) if found.is_file() and not found.name.startswith(".")
            )
        else:
            yield path


async def add_files(client: Client, files: list[Path], **fields: str) -> list[str]:
    """Send files and wait until each is indexed or has failed; a failure is said and costs the others nothing."""
    slots, done = asyncio.Semaphore(_AT_ONCE), 0
    ids: list[str] = []

    async def add(path: Path) -> None:
        nonlocal done
        async with slots:
            try:
                uploaded = await client.upload(path, **fields)
                await client.call("POST", "/api/rag/index", {"file_id": uploaded["file_id"]})
                ids.append(uploaded["file_id"])
            except Refused as refused:
                click.echo(f"{path.name}: {refused.problem.title}. {refused.problem.hint}", err=True)
            done += 1
            _show_progress(done, len(files))

    await asyncio.gather(*(add(path) for path in files))
    if not ids:
        raise NothingToSearch
    return ids


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{say(Text('read', 'lu'))} {done}/{total}", nl=done == total, err=True)


def _show(answer: dict[str, Any]) -> str:
    label = answer["model"] or answer["mode"]
    lines = [answer["answer"], ""]
    for number, source in enumerate(answer["sources"], 1):
        lines.append(f"[{number}] {source['document']}{_place(source)}: “{' '.join(source['quote'].split())}”")
    if answer["notice"]:
        lines += ["", answer["notice"]]
    return "\n".join([*lines, "", f"({label})"])


def _place(source: dict[str, Any]) -> str:
    if source["page"] is not None:
        return f", {say(Text('page', 'page'))} {source['page']}"
    if locator := source["locator"]:
        return f", {locator['value']}"
    return ""
