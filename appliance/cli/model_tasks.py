"""Following a pull, an import or a speed test on the terminal; Ctrl-C stops it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from appliance.cli.client import Client, Refused, raise_problem
from appliance.core.errors import ApplianceError, Problem
from appliance.core.text import Text

_PIECE_BYTES = 1024 * 1024


class TaskStopped(ApplianceError):
    """Somebody stopped it."""

    code = "task_stopped"
    status = 409
    title = Text("It was stopped", "Cela a été arrêté")
    detail = Text("Somebody stopped this before its end.", "Quelqu’un a arrêté ceci avant la fin.")
    hint = Text("Repeat the command to go on.", "Relancez la commande pour continuer.")


async def follow(
    client: Client, path: str, *, body: Any = None, parameters: dict[str, str] | None = None, file: Path | None = None
) -> dict[str, Any]:
    """Start a task and follow it to its end: gives what its `done` says. Raises Refused or TaskStopped."""
    content = msgspec.json.encode(body) if file is None else _read(file)
    headers = {"Content-Type": "application/json" if file is None else "application/octet-stream"}
    if file is not None:
        headers["Content-Length"] = str((await asyncio.to_thread(file.stat)).st_size)
    async with client.http.stream("POST", path, params=parameters, content=content, headers=headers) as response:
        if not response.is_success:
            await response.aread()
            raise_problem(response)
        try:
            return await _to_the_end(response)
        except asyncio.CancelledError:
            with suppress(httpx.HTTPError):
                await client.http.post(f"/api/runs/{response.headers['x-run-id']}/stop")
            raise


async def _to_the_end(response: httpx.Response) -> dict[str, Any]:
    name = ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        if field != "data":
            continue
        if name == "progress":
            _show(msgspec.json.decode(value))
        elif name == "done":
            return msgspec.json.decode(value)
        elif name == "error":
            raise Refused(msgspec.json.decode(value, type=Problem))
    raise TaskStopped


async def _read(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while data := await asyncio.to_thread(opened.read, _PIECE_BYTES):
            yield data


def _show(step: dict[str, Any]) -> None:
    if sys.stderr.isatty():
        share = f" {100 * step['completed'] // step['total']} %" if step["total"] else ""
        click.echo(f"\r\x1b[K{step['status']}{share}", nl=step["status"] == "success", err=True)
