"""Who holds the data directory: one process at a time, found by the others through a small file in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from appliance.core.errors import SettingsError
from appliance.core.text import Text


class RunningServer(msgspec.Struct, frozen=True):
    """A server on this data directory: where it answers, and what lets the machine's own command line in."""

    pid: int
    url: str
    token: str
    certificate: str = ""


class DirectoryHeld(SettingsError):
    """Another process holds the data directory."""

    code = "directory_held"
    title = Text("The data directory is in use", "Le dossier de données est utilisé")
    detail = Text("{directory} is held by process {pid}.", "{directory} est tenu par le processus {pid}.")
    hint = Text(
        "Stop that one first, or give this one another --data-dir.",
        "Arrêtez-le d’abord, ou donnez un autre --data-dir à celui-ci.",
    )


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Hold a data directory for as long as the context lasts. Raises DirectoryHeld where another process does."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode().strip() or "?"
            raise DirectoryHeld(directory=str(directory), pid=holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def announced(directory: Path, server: RunningServer) -> Iterator[None]:
    """Say where the server answers, to whoever may read the data directory."""
    path = directory / "server.json"
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(server))
    fresh.rename(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_server(directory: Path) -> RunningServer | None:
    """Find the server that holds a data directory; a file left by a crash names nobody that lives."""
    try:
        server = msgspec.json.decode((directory / "server.json").read_bytes(), type=RunningServer)
        os.kill(server.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return None
    try:
        with hold(directory):
            return None
    except DirectoryHeld:
        return server
