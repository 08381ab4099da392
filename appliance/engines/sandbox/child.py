"""The host of untrusted work: a process of its own that forks one confined child for each task.

`python -m appliance.engines.sandbox.child DESCRIPTOR MODULE FOLDER` serves the TASKS of a module to the server at the
other end of a socket pair, with scratch folders in FOLDER. It imports what the tasks need once, so that a child is
there in milliseconds, and touches no hostile byte itself. The server's end closing is its end, and its own end is the
end of every child.
"""

import gc
import importlib
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn, cast

import msgspec

import appliance
from appliance.core.errors import ApplianceError
from appliance.engines.sandbox import confinement
from appliance.engines.sandbox.protocol import (
    EXCEPTION,
    MESSAGE_BYTES,
    OUT_OF_MEMORY,
    PROBLEM,
    RESULT,
    Confinement,
    Message,
    TaskContext,
    TaskReport,
    TaskRequest,
    Tasks,
    TaskStop,
)

_READABLE = (
    *(entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))),
    *(sys.prefix, sys.base_prefix, str(Path(appliance.__file__).parent)),
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"),
    *("/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom"),
)
_LOADERS = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")


class Child(msgspec.Struct):
    """One task under way."""

    number: int
    process: int
    process_file: int
    folder: str
    deadline: float
    timed_out: bool = False


class Host:
    """Takes requests, forks, watches the clock, reports. One thread, no state but its children."""

    def __init__(self, control: socket.socket, tasks: Tasks, *, scratch: str, namespaces: bool) -> None:
        """`control` is this end of the pair; `namespaces` says whether they were left already."""
        self._control = control
        self._tasks = tasks
        self._scratch = scratch
        self._namespaces = namespaces
        self._children: dict[int, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._hook = confinement.AuditHook()
        self._decoder = msgspec.msgpack.Decoder(Message)

    def serve(self) -> None:
        """Work until the server's end closes."""
        while True:
            for key, _events in self._selector.select(self._patience()):
                if key.fileobj is not self._control:
                    self._finish(cast("Child", key.data))
                elif not self._receive():
                    self._end()
                    return
            self._kill_late()

    def _end(self) -> None:
        for child in self._children.values():
            _kill(child)
            os.waitpid(child.process, 0)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _patience(self) -> float | None:
        waiting = [child.deadline for child in self._children.values() if not child.timed_out]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _kill_late(self) -> None:
        for child in self._children.values():
            if not child.timed_out and time.monotonic() >= child.deadline:
                child.timed_out = True
                _kill(child)

    def _receive(self) -> bool:
        packet, descriptors, _flags, _address = socket.recv_fds(self._control, MESSAGE_BYTES, 4)
        if not packet:
            return False
        match self._decoder.decode(packet):
            case TaskRequest() as request:
                self._fork(request, descriptors)
            case TaskStop(number):
                if child := self._children.get(number):
                    _kill(child)
            case _:
                pass
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _fork(self, request: TaskRequest, descriptors: list[int]) -> None:
        folder = tempfile.mkdtemp(prefix="task-", dir=self._scratch)
        process = os.fork()
        if process == 0:
            self._become_child(request, descriptors, folder)
        process_file = os.pidfd_open(process)
        child = Child(request.number, process, process_file, folder, time.monotonic() + request.seconds)
        self._children[request.number] = child
        self._selector.register(process_file, selectors.EVENT_READ, child)

    def _finish(self, child: Child) -> None:
        """Reap a child that has ended; its group goes with it while its number is still its own."""
        _kill(child)
        _process, status, usage = os.wait4(child.process, 0)
        _reap_group(child.process)
        self._selector.unregister(child.process_file)
        os.close(child.process_file)
        shutil.rmtree(child.folder, ignore_errors=True)
        del self._children[child.number]
        report = TaskReport(
            number=child.number,
            status=status,
            timed_out=child.timed_out,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=usage.ru_maxrss * 1024,
        )
        self._control.send(msgspec.msgpack.encode(report))

    def _become_child(self, request: TaskRequest, descriptors: list[int], folder: str) -> NoReturn:
        """Give everything up, run the task, end. Nothing here returns to the host's loop."""
        exit_status = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            output, file = descriptors[0], descriptors[1] if len(descriptors) > 1 else None
            self._control.close()
            self._selector.close()
            held = self._confine(request, folder, descriptors)
            context = TaskContext(request, output=output, file=file, folder=folder, held=held)
            exit_status = _run(self._tasks, request.task, context, output)
        finally:
            os._exit(exit_status)

    def _confine(self, request: TaskRequest, folder: str, descriptors: list[int]) -> Confinement:
        confinement.die_with_parent(1 if self._namespaces else _HOST)
        confinement.refuse_new_rights()
        confinement.prefer_for_killing()
        os.nice(request.niceness)
        os.chdir(folder)
        tempfile.tempdir = folder
        loaders = _LOADERS if request.executables else ()
        landlock = confinement.close_files(
            readable=(*_READABLE, *request.readable),
            writable=(folder, "/dev/null"),
            executable=(*request.executables, *loaders),
            descriptors=descriptors[1:],
        )
        confinement.limit_resources(
            memory_bytes=request.memory_bytes,
            seconds=request.seconds,
            output_bytes=request.output_bytes,
            processes=bool(request.executables),
        )
        self._hook.arm(request.executables)
        filtered = confinement.filter_system_calls(execution=bool(request.executables))
        return Confinement(self._namespaces, landlock, filtered)


def _run(tasks: Tasks, name: str, context: TaskContext, output: int) -> int:
    os.write(output, RESULT)
    gc.enable()
    try:
        tasks.TASKS[name](context)
    except ApplianceError as error:
        problem = PROBLEM + msgspec.msgpack.encode(error.store())
    except MemoryError:
        problem = OUT_OF_MEMORY
    except Exception as error:  # noqa: BLE001 - whatever hostile bytes raise becomes a name and a place, never contents
        problem = EXCEPTION + _place(error).encode()
    else:
        return 0
    os.ftruncate(output, 0)
    os.pwrite(output, problem, 0)
    return 0


def _place(error: Exception) -> str:
    """Name an exception and the line of ours it came through; its message could hold contents."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "appliance" in frame.filename]
    place = f" in {Path(frames[-1].filename).stem}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _kill(child: Child) -> None:
    for kill in (os.killpg, os.kill):  # the group is there once the child has made its session
        try:
            kill(child.process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _reap_group(group: int) -> None:
    """Wait for what a child had started: all of it is killed, and ours since its parent ended."""
    while True:
        try:
            os.waitid(os.P_PGID, group, os.WEXITED)
        except ChildProcessError:
            return


def main(arguments: list[str]) -> int:
    """Leave the namespaces if the kernel lets us, import, serve."""
    descriptor, module, scratch = int(arguments[0]), arguments[1], arguments[2]
    namespaces = confinement.leave_namespaces()
    if namespaces and (inner := os.fork()):
        os.close(descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF
    if namespaces:
        confinement.die_with_parent(0)  # the parent's number is not seen from inside
    else:
        confinement.adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the server, which then closes its end
    signal.signal(signal.SIGTERM, _end)
    tasks = cast("Tasks", importlib.import_module(module))
    gc.disable()
    gc.freeze()
    Host(socket.socket(fileno=descriptor), tasks, scratch=scratch, namespaces=namespaces).serve()
    return 0


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    os._exit(0)


_HOST = os.getpid()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
