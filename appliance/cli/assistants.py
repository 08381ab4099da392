"""`appliance assistants`: list them, write one down, read one in, install the examples."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.client import Client, raise_problem, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, table, to_json
from appliance.core.text import Text


@click.group(help=say(Text("Who answers.", "Qui répond.")))
def assistants() -> None:
    """Group the commands about assistants."""


@assistants.command("list", help=say(Text("List assistants.", "Énumérer les assistants.")))
@with_data_directory
@with_json
def list_assistants(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """List all of them."""

    async def perform(client: Client) -> list[Any]:
        return [assistant async for assistant in client.pages("/api/assistants")]

    found = run_with_client(data_directory, config_file, perform)
    if as_json:
        click.echo(to_json(found))
        return
    off, on = say(Text("disabled", "désactivé")), say(Text("enabled", "activé"))
    rows = [
        [one["name"], one["title"], one["language"], one["model"] or "-", on if one["is_enabled"] else off]
        for one in found
    ]
    headers = [
        say(Text("name", "nom")),
        say(Text("title", "titre")),
        say(Text("language", "langue")),
        say(Text("model", "modèle")),
        say(Text("state", "état")),
    ]
    click.echo(table(rows, headers))


@assistants.command(help=say(Text("Write an assistant as TOML to stdout.", "Écrire un assistant en TOML sur stdout.")))
@click.argument("name")
@with_data_directory
def export(name: str, data_directory: Path | None, config_file: Path | None) -> None:
    """Print the file."""

    async def perform(client: Client) -> str:
        response = await client.http.get(f"/api/assistants/{name}/export")
        raise_problem(response)
        return response.text

    click.echo(run_with_client(data_directory, config_file, perform), nl=False)


@assistants.command(
    "import", help=say(Text("Make an assistant of a TOML file.", "Créer un assistant d’un fichier TOML."))
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--replace",
    is_flag=True,
    help=say(Text("Change the one of that name, if there is one.", "Modifier celui de ce nom, s’il existe.")),
)
@with_data_directory
@with_json
def import_file(
    file: Path, replace: bool, data_directory: Path | None, config_file: Path | None, as_json: bool
) -> None:
    """Read the file in."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        problem = say(Text("The file is not UTF-8.", "Le fichier n’est pas en UTF-8."))
        raise click.ClickException(problem) from None

    async def perform(client: Client) -> Any:
        return await client.call("POST", "/api/assistants/import", {"toml": text, "replace": replace})

    made = run_with_client(data_directory, config_file, perform)
    click.echo(to_json(made) if as_json else f"{made['name']}: {made['title']}")


@assistants.command(
    help=say(
        Text(
            "Install audrey and carole with their documents; what is there stays as it is.",
            "Installer audrey et carole avec leurs documents ; ce qui existe reste tel quel.",
        )
    )
)
@with_data_directory
@with_json
def examples(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Install the examples."""

    async def perform(client: Client) -> Any:
        return await client.call("POST", "/api/assistants/examples")

    installed = run_with_client(data_directory, config_file, perform)
    if as_json:
        click.echo(to_json(installed))
        return
    nothing = say(Text("nothing, they were there", "rien, ils étaient là"))
    rows = [
        [say(Text("assistants", "assistants ajoutés")), ", ".join(installed["assistants"]) or nothing],
        [say(Text("documents", "documents ajoutés")), str(len(installed["documents"]))],
    ]
    click.echo(table(rows, [say(Text("added", "ajout")), ""]))
