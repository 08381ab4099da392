"""`appliance`: each command is imported when it is called, so that the light ones stay light."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from appliance import __version__
from appliance.cli.words import say, speak
from appliance.core.errors import ApplianceError
from appliance.core.text import Text

_COMMANDS = {
    "up": ("up", "up"),
    "serve": ("up", "serve"),
    "work": ("up", "work"),
    "ask": ("ask", "ask"),
    "users": ("people", "users"),
    "keys": ("people", "keys"),
    "models": ("models", "models"),
    "doctor": ("inspect", "doctor"),
    "fsck": ("inspect", "fsck"),
    "assistants": ("assistants", "assistants"),
    "audit": ("audit", "audit"),
    "eval": ("evaluate", "evaluate"),
    "config": ("config", "config"),
}


class Commands(click.Group):
    """Finds a command by name and imports its module then."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order people meet them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        return getattr(importlib.import_module(f"appliance.cli.{module}"), name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="appliance")
def commands() -> None:
    """One box on your own network that answers from your documents."""


commands.help = say(
    Text(
        "One box on your own network that answers from your documents.",
        "Une machine, sur votre propre réseau, qui répond d’après vos documents.",
    )
)


def main() -> None:
    """Run a command; an error is said with what to do next."""
    try:
        code = commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2 if isinstance(error, click.UsageError) else 1)
    except click.Abort:
        sys.exit(130)
    except ApplianceError as error:
        problem = error.to_problem(speak())
        click.echo(f"{say(Text('error', 'erreur'))}: {problem.title}. {problem.detail}", err=True)
        if problem.hint:
            click.echo(f"{say(Text('hint', 'conseil'))}: {problem.hint}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader (`head`) has gone; Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def with_data_directory(command: Any) -> Any:
    """Give a command `--data-dir` and `--config`."""
    command = click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help=say(
            Text(
                "Settings file [default: appliance.toml in the data directory].",
                "Fichier de réglages [défaut : appliance.toml dans le dossier de données].",
            )
        ),
    )(command)
    return click.option(
        "--data-dir",
        "data_directory",
        type=click.Path(path_type=Path, file_okay=False),
        help=say(
            Text(
                "Where everything is kept [default: ./var, or APPLIANCE_DATA_DIR].",
                "Où tout est conservé [défaut : ./var, ou APPLIANCE_DATA_DIR].",
            )
        ),
    )(command)


def with_json(command: Any) -> Any:
    """Give a command `--json`."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help=say(Text("Print JSON, in the shape of the REST API.", "Écrire du JSON, dans la forme de l’API REST.")),
    )(command)
