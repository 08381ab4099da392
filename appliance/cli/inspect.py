"""`appliance doctor` and `appliance fsck`."""

import sys
from pathlib import Path
from typing import Any

import click

from appliance.cli.client import Client, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, to_json
from appliance.core.text import Text

_MARKS = {"ok": "✓", "warning": "!", "failure": "✗"}


@click.command(
    help=say(
        Text("Check the installation; exits 1 on any failure.", "Vérifier l’installation ; sort avec 1 en cas d’échec.")
    )
)
@with_data_directory
@with_json
def doctor(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Print every check with its evidence and its fix."""

    async def perform(client: Client) -> Any:
        return await client.call("GET", "/api/doctor")

    report = run_with_client(data_directory, config_file, perform)
    if as_json:
        click.echo(to_json(report))
    else:
        for finding in report["findings"]:
            click.echo(f"{_MARKS[finding['severity']]} {finding['id']}: {finding['evidence']}")
            if finding["severity"] != "ok" and finding["fix"]:
                click.echo(f"  → {finding['fix']}")
    sys.exit(0 if report["ok"] else 1)


@click.command(
    help=say(
        Text(
            "Prove that state, files and vectors agree; exits 1 where they do not.",
            "Prouver que l’état, les fichiers et les vecteurs concordent ; sort avec 1 sinon.",
        )
    )
)
@click.option("--repair", is_flag=True, help=say(Text("Mend what can be mended.", "Réparer ce qui peut l’être.")))
@with_data_directory
@with_json
def fsck(repair: bool, data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Print what disagrees."""

    async def perform(client: Client) -> Any:
        return await client.call("POST", "/api/fsck", params={"repair": str(repair).lower()})

    report = run_with_client(data_directory, config_file, perform)
    if as_json:
        click.echo(to_json(report))
    else:
        for found in report["discrepancies"]:
            state = say(Text("mended", "réparé")) if found["repaired"] else say(Text("found", "constaté"))
            click.echo(f"✗ {found['invariant']}: {found['kind']} {found['subject']} ({state})")
        verdict = (
            Text("{n} invariants hold.", "{n} invariants vérifiés.")
            if report["ok"]
            else Text("Not everything holds.", "Tout ne concorde pas.")
        )
        click.echo(say(verdict, n=report["invariants"]))
    sys.exit(0 if report["ok"] else 1)
