"""`appliance config show`: what holds, and where it came from."""

from pathlib import Path

import click

from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, table, to_json
from appliance.core.settings import load_settings
from appliance.core.text import Text


@click.group(help=say(Text("The settings.", "Les réglages.")))
def config() -> None:
    """Group the commands about settings."""


@config.command(
    help=say(
        Text(
            "Show the effective settings and where each came from.", "Montrer les réglages en vigueur et leur origine."
        )
    )
)
@with_data_directory
@with_json
def show(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Print every setting, secrets masked."""
    loaded = load_settings(data_directory, config_file=config_file)
    settings = loaded.effective()
    if as_json:
        click.echo(to_json({line.name: {"value": line.value, "origin": line.origin} for line in settings}))
        return
    rows = [[line.name, "" if line.value == "" else str(line.value), line.origin] for line in settings]
    headers = [say(Text("setting", "réglage")), say(Text("value", "valeur")), say(Text("origin", "origine"))]
    click.echo(table(rows, headers))
