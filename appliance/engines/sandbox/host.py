"""Runs untrusted work in child processes: nothing a task does, or meets, reaches the server or another task.

A host process (`sandbox_child`) is started with the first task and forks one confined child per task. The server only
sends a request over a socket pair and waits for the report; the wall clock is kept in the host, and above it here. A
host that dies fails the tasks under way with SandboxLost and is started again by the next one.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import msgspec
import structlog

from appliance.core.errors import ApplianceError, StoredProblem
from appliance.engines.sandbox.protocol import (
    EXCEPTION,
    MESSAGE_BYTES,
    OUT_OF_MEMORY,
    PROBLEM,
    RESULT,
    TaskReport,
    TaskRequest,
    TaskStop,
)

log = structlog.get_logger(__name__)

DEFAULT_LANES: Mapping[str, int] = {"batch": 2, "interactive": 2}
_GRACE_SECONDS = 10.0  # how long after a task's own limit a silent host is taken for dead
_LARGE_BYTES = 256 * 1024
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP, signal.SIGILL}


class SandboxError(Exception):
    """A task did not end by itself."""


class TaskTimedOut(SandboxError):
    """It was killed at its limit of `seconds`."""


class TaskOutOfMemory(SandboxError):
    """It met its memory limit, or the kernel ended it to have memory again."""


class TaskCrashed(SandboxError):
    """It ended by a signal or by an exception that is no ApplianceError; the argument names which."""


class SandboxLost(SandboxError):
    """The host of all tasks ended; trying again is right."""


class Sandbox:
    """Tasks of one module, in lanes: a lane has so many places, and one lane never waits for another."""

    def __init__(
        self,
        module: str,
        *,
        memory_bytes: int,
        output_bytes: int = 1 << 30,
        lanes: Mapping[str, int] = DEFAULT_LANES,
        executables: Sequence[str] = (),
        readable: Sequence[str] = (),
        idle_seconds: float = 600.0,
    ) -> None:
        """Take absolute paths in `executables` (programs a task may start) and `readable` (more that it may read)."""
        self._module = module
        self._memory_bytes = memory_bytes
        self._output_bytes = output_bytes
        self._places = {lane: asyncio.Semaphore(places) for lane, places in lanes.items()}
        self._running = dict.fromkeys(lanes, 0)
        self._executables = tuple(executables)
        self._readable = tuple(readable)
        self._idle_seconds = idle_seconds
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._scratch: TemporaryDirectory[str] | None = None
        self._waiting: dict[int, asyncio.Future[TaskReport]] = {}
        self._closed = False
        self._last_number = 0
        self._idle_timer: asyncio.TimerHandle | None = None

    @property
    def host_process(self) -> int | None:
        """The host's process id while it runs: for tests and `doctor`."""
        return self._process.pid if self._process and self._control else None

    def running(self, lane: str) -> int:
        """Count the tasks of a lane that have a place."""
        return self._running[lane]

    async def run(
        self, task: str, arguments: bytes, *, seconds: float, lane: str = "batch", file: Path | None = None
    ) -> bytes:
        """Run one task over one file and give back what it wrote.

        Raises what the task raised if that is an ApplianceError, else a SandboxError; OSError where `file` cannot be
        opened. Cancelling kills the child. `seconds` count from its start, not from the wait for a place.
        """
        await self._places[lane].acquire()
        self._running[lane] += 1
        kept = contextlib.ExitStack()
        kept.callback(self._leave, lane)
        with kept:
            output = os.memfd_create("task-output")
            kept.callback(os.close, output)
            descriptors = [output]
            if file is not None:
                descriptors.append(os.open(file, os.O_RDONLY))
                kept.callback(os.close, descriptors[-1])
            number, future = await self._send(task, arguments, seconds, descriptors, lane)
            report = await self._wait(number, future, seconds, kept)
            return await self._conclude(task, report, output, seconds)

    def _leave(self, lane: str) -> None:
        self._running[lane] -= 1
        self._places[lane].release()

    async def _send(
        self, task: str, arguments: bytes, seconds: float, descriptors: list[int], lane: str
    ) -> tuple[int, asyncio.Future[TaskReport]]:
        control = await self._ensure_host()
        self._last_number += 1
        request = TaskRequest(
            number=self._last_number,
            task=task,
            arguments=arguments,
            seconds=seconds,
            memory_bytes=self._memory_bytes,
            output_bytes=self._output_bytes,
            executables=self._executables,
            readable=self._readable,
            niceness=5 if lane == "batch" else 0,
        )
        packet = msgspec.msgpack.encode(request)
        if len(packet) > MESSAGE_BYTES:
            message = f"{len(arguments)} bytes of arguments do not fit in one message"
            raise ValueError(message)
        future: asyncio.Future[TaskReport] = asyncio.get_running_loop().create_future()
        self._waiting[request.number] = future
        try:
            socket.send_fds(control, [packet], descriptors)
        except OSError as error:
            del self._waiting[request.number]
            self._lose_host()
            raise SandboxLost from error
        return request.number, future

    async def _wait(
        self, number: int, future: asyncio.Future[TaskReport], seconds: float, kept: contextlib.ExitStack
    ) -> TaskReport:
        try:
            # Not asyncio.wait_for: in Python 3.11 it forgets a cancellation that comes with the result.
            async with asyncio.timeout(seconds + _GRACE_SECONDS):
                return await asyncio.shield(future)
        except TimeoutError:
            self._lose_host()
            raise SandboxLost from None
        except asyncio.CancelledError:
            self._stop(number)
            if not future.done():  # its place and its files are free once it is really gone
                later = kept.pop_all()
                future.add_done_callback(lambda done: (done.cancelled() or done.exception(), later.close()))
            raise

    def _stop(self, number: int) -> None:
        if self._control is not None and number in self._waiting:
            with contextlib.suppress(OSError):  # a host that is gone has stopped it already
                self._control.send(msgspec.msgpack.encode(TaskStop(number)))

    async def _conclude(self, task: str, report: TaskReport, output: int, seconds: float) -> bytes:
        log.debug(
            "sandbox_task_ended",
            task=task,
            status=report.status,
            cpu_seconds=round(report.cpu_seconds, 3),
            peak_megabytes=report.peak_memory_bytes >> 20,
        )
        if report.timed_out:
            raise TaskTimedOut(seconds)
        if os.WIFSIGNALED(report.status):
            raise self._explain_signal(report)
        size = os.fstat(output).st_size
        data = await asyncio.to_thread(_read, output, size) if size > _LARGE_BYTES else _read(output, size)
        tag, body = data[:1], data[1:]
        if tag == PROBLEM:
            raise ApplianceError.restore(msgspec.msgpack.decode(body, type=StoredProblem))
        if tag == OUT_OF_MEMORY:
            raise TaskOutOfMemory
        if tag == EXCEPTION or tag != RESULT or report.status != 0:
            raise TaskCrashed(body.decode(errors="replace") or f"exit {os.waitstatus_to_exitcode(report.status)}")
        return body

    def _explain_signal(self, report: TaskReport) -> SandboxError:
        number = os.WTERMSIG(report.status)
        if number == signal.SIGXCPU:
            return TaskTimedOut()
        starved = report.peak_memory_bytes > self._memory_bytes * 0.6  # C libraries abort when an allocation fails
        if number == signal.SIGKILL or (number in _CRASHES and starved):
            return TaskOutOfMemory()
        return TaskCrashed(signal.Signals(number).name)

    async def _ensure_host(self) -> socket.socket:
        async with self._starting:
            if self._idle_timer:
                self._idle_timer.cancel()
                self._idle_timer = None
            if self._closed:
                raise SandboxLost
            if self._control is not None:
                return self._control
            await self._reap()
            self._scratch = TemporaryDirectory(prefix="appliance-tasks-", ignore_cleanup_errors=True)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setblocking(False)
            try:
                with theirs:
                    self._process = await self._start_host(theirs, self._scratch.name)
            except BaseException:  # a caller that gave up while the host started must not leave its end open
                ours.close()
                raise
            self._control = ours
            asyncio.get_running_loop().add_reader(ours, self._receive)
            return ours

    async def _start_host(self, theirs: socket.socket, scratch: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "appliance.engines.sandbox.child"),
            *(str(theirs.fileno()), self._module, scratch),
            pass_fds=[theirs.fileno()],
            env=_bare_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def _receive(self) -> None:
        if self._control is None:
            return
        try:
            packet = self._control.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if not packet:
            log.warning("sandbox_host_lost", module=self._module, tasks=len(self._waiting))
            self._lose_host()
            return
        report = msgspec.msgpack.decode(packet, type=TaskReport)
        future = self._waiting.pop(report.number, None)
        if future and not future.done():
            future.set_result(report)
        if not self._waiting:
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(self._idle_seconds, self._lose_host)

    def _lose_host(self) -> None:
        """End the host, and with it every child; whoever waits is told."""
        if self._idle_timer:
            self._idle_timer.cancel()
            self._idle_timer = None
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(SandboxLost())

    async def _reap(self) -> None:
        if self._process is not None:
            await self._process.wait()
            self._process = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    async def __aenter__(self) -> Self:
        """Wait: the host starts with the first task."""
        self._closed = False
        return self

    async def __aexit__(self, *exception: object) -> None:
        """End the host and everything under it."""
        self._closed = True
        self._lose_host()
        async with self._starting:  # one that is starting just now ends too
            self._lose_host()
            await self._reap()


def _bare_environment() -> dict[str, str]:
    """Give a child what it needs to import, and none of our settings: there are secrets among them."""
    importable = os.pathsep.join(entry for entry in sys.path if entry)
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": importable}


def _read(descriptor: int, size: int) -> bytes:
    pieces: list[bytes] = []
    offset = 0
    while offset < size and (piece := os.pread(descriptor, size - offset, offset)):
        pieces.append(piece)
        offset += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
