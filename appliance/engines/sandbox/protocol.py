"""What the server and the host of untrusted work say to each other, a message per packet, and what a task is given."""

import os
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

RESULT, PROBLEM, EXCEPTION, OUT_OF_MEMORY = b"R", b"P", b"X", b"M"
"""The first byte of a task's output: its result, an ApplianceError, another exception's name and place, no memory."""

MESSAGE_BYTES = 192 * 1024
"""More than this does not fit in one packet of a socket pair (net.core.wmem_default is 212 992)."""


class TaskRequest(msgspec.Struct, tag="run", frozen=True, kw_only=True):
    """Fork a child and run `task` in it. Sent with the descriptors of the output and, if any, of the input."""

    number: int
    task: str
    arguments: bytes
    seconds: float
    memory_bytes: int
    output_bytes: int
    executables: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    niceness: int = 0


class TaskStop(msgspec.Struct, tag="stop", frozen=True):
    """Kill the child of a request, and all it started."""

    number: int


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    """The child of a request is gone, reaped, its folder removed. `status` is as os.waitpid gives it."""

    number: int
    status: int
    timed_out: bool
    cpu_seconds: float
    peak_memory_bytes: int


Message = TaskRequest | TaskStop


class Confinement(msgspec.Struct, frozen=True):
    """Which layers hold in a child."""

    namespaces: bool
    landlock: bool
    system_calls: bool

    def describe(self) -> str:
        """Name the layers that hold; limits and the audit hook always do."""
        layers = {"namespaces": self.namespaces, "landlock": self.landlock, "seccomp": self.system_calls}
        return ", ".join([*(name for name, holds in layers.items() if holds), "limits", "audit hook"])


class TaskContext:
    """What a task gets: its arguments, the open input, a folder of its own, its end, and where to write."""

    def __init__(self, request: TaskRequest, *, output: int, file: int | None, folder: str, held: Confinement) -> None:
        """`file` is open for reading only; `folder` is removed when the task ends."""
        self.arguments = request.arguments
        self.memory_bytes = request.memory_bytes
        self.file = file
        self.folder = folder
        self.confinement = held
        self.deadline = time.monotonic() + request.seconds
        self._output = output

    def write(self, data: bytes) -> None:
        """Add to the result; OSError (EFBIG) over the request's `output_bytes`."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]


class Tasks(Protocol):
    """A module that holds tasks: `python -m appliance.engines.sandbox.child FD MODULE` serves them by name."""

    TASKS: dict[str, Callable[[TaskContext], None]]
