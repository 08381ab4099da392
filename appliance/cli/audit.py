"""`appliance audit`: the chain as a file, and its proof on any machine."""

import sys
from pathlib import Path
from typing import BinaryIO

import click

from appliance.cli.client import Client, raise_problem, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, to_json
from appliance.core.text import Text
from appliance.features.audit.chain import verify_export


@click.group(help=say(Text("Who did what, provably.", "Qui a fait quoi, preuve à l’appui.")))
def audit() -> None:
    """Group the commands about the audit chain."""


@audit.command(
    help=say(
        Text(
            "Write the whole chain as JSON lines, sealed, to stdout.",
            "Écrire toute la chaîne en lignes JSON, scellée, sur la sortie standard.",
        )
    )
)
@with_data_directory
def export(data_directory: Path | None, config_file: Path | None) -> None:
    """Export the chain."""

    async def perform(client: Client) -> None:
        async with client.http.stream("GET", "/api/audit/export") as response:
            if not response.is_success:
                await response.aread()
                raise_problem(response)
            async for data in response.aiter_bytes():
                sys.stdout.buffer.write(data)

    run_with_client(data_directory, config_file, perform)


@audit.command(
    help=say(
        Text(
            "Verify an export, offline; exits 1 where it does not hold.",
            "Vérifier un export, hors ligne ; sort avec 1 s’il ne tient pas.",
        )
    )
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--public-key",
    help=say(
        Text("The box's key, noted earlier (hexadecimal).", "La clé de la machine, notée auparavant (hexadécimal).")
    ),
)
@with_json
def verify(file: BinaryIO, public_key: str | None, as_json: bool) -> None:
    """Walk the chain and its seal."""
    verdict = verify_export(file, trusted_public_key=public_key)
    if as_json:
        click.echo(to_json(verdict))
    elif verdict.ok:
        click.echo(
            say(Text("{n} entries, unbroken and sealed.", "{n} entrées, sans rupture et scellées."), n=verdict.entries)
        )
    else:
        broken = Text("Broken at entry {n}: {reason}.", "Rupture à l’entrée {n} : {reason}.")
        click.echo(say(broken, n=verdict.broken_at, reason=verdict.reason))
    sys.exit(0 if verdict.ok else 1)
