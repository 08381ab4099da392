"""Tasks that misbehave, for the sandbox's tests: run in its children, never here."""

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from appliance.core.errors import InvalidRequest
from appliance.engines.sandbox.protocol import TaskContext


def echo(context: TaskContext) -> None:
    context.write(context.arguments)


def read_file(context: TaskContext) -> None:
    assert context.file is not None
    context.write(os.read(context.file, 1000))


def write_input(context: TaskContext) -> None:
    assert context.file is not None
    os.write(context.file, b"changed")


def answer_much(context: TaskContext) -> None:
    for _piece in range(int(context.arguments)):
        context.write(b"x" * (1 << 20))


def sleep(_context: TaskContext) -> None:
    time.sleep(600)


def spin(_context: TaskContext) -> None:
    while True:
        pass


def take_memory(_context: TaskContext) -> None:
    bytearray(8 << 30)


def crash(_context: TaskContext) -> None:
    ctypes.string_at(0)


def abort(_context: TaskContext) -> None:
    os.abort()


def leave(_context: TaskContext) -> None:
    os._exit(7)


def refuse(_context: TaskContext) -> None:
    raise InvalidRequest(reason="no")


def fail(_context: TaskContext) -> None:
    message = "contents of a document"
    raise RuntimeError(message)


def start_grandchild(context: TaskContext) -> None:
    process = subprocess.Popen([context.arguments.decode(), "600"])
    context.write(str(process.pid).encode())


def litter(context: TaskContext) -> None:
    Path("left-behind").write_text("x", encoding="utf-8")
    context.write(context.folder.encode())


def describe(context: TaskContext) -> None:
    context.write(context.confinement.describe().encode())


def try_to_break_out(context: TaskContext) -> None:
    """Report what was possible, a word for each."""
    server, outside = context.arguments.decode().split(" ", 1)
    attempts: dict[str, Callable[[], object]] = {
        "socket": socket.socket,
        "connect": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        "read": lambda: Path("/etc/passwd").read_bytes(),
        "read-secret": lambda: Path(outside).read_bytes(),
        "write-secret": lambda: Path(outside).write_bytes(b"x"),
        "list": lambda: list(Path("/").iterdir()),
        "program": lambda: subprocess.run(["/bin/true"], check=True),
        "execute": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "session": os.setsid,
        "signal": lambda: os.kill(int(server), 0),
    }
    done: list[str] = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, PermissionError):
            continue
        done.append(name)
    context.write(" ".join(done).encode())


TASKS = {
    name: task
    for name, task in list(globals().items())
    if callable(task) and getattr(task, "__module__", "") == __name__ and not isinstance(task, type)
}
