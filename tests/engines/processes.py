"""Starting servers on free loopback ports, waiting until they are healthy, and stopping them by their pid."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
_PREFIX = "appliance-engines-"
_POLL_SECONDS = 0.05


class EngineDidNotStart(RuntimeError):
    """A server that is installed did not become healthy; its last words are in the message."""


class ServerProcess:
    """A child process that dies with this one. `log` is where its output goes."""

    def __init__(self, command: Sequence[str], *, log: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        self.log = log
        self._command = list(command)
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, user: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Start it; `wait_healthy` comes next."""
        tether = [sys.executable, "-S", str(_TETHER), self._stop_signal.name, user or "-", str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*tether, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                cwd=self.log.parent,
            )

    def wait_healthy(self, is_healthy: Callable[[], object], *, seconds: float = 60.0) -> None:
        """Ask until it is. Raises EngineDidNotStart."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running:
                break
            with contextlib.suppress(Exception):
                if is_healthy():
                    return
            time.sleep(_POLL_SECONDS)
        self.kill()
        words = self.log.read_text(errors="replace")[-2000:]
        message = f"{self._command[0]} is not healthy after {seconds:.0f} s:\n{words}"
        raise EngineDidNotStart(message)

    def stop(self, *, seconds: float = 20.0) -> None:
        """Ask it to end; kill it when it does not."""
        self._end(self._stop_signal, seconds)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL, 10.0)

    def freeze(self) -> None:
        """Stop it and its children without ending them: to the others, the machine has vanished."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            os.kill(pid, number)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10.0)


def free_port() -> int:
    """Find a loopback port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_listening(port: int) -> bool:
    """Tell whether somebody answers on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def make_directory() -> Path:
    """Make a directory for this process's servers, readable by their users; sweep those of processes that are gone."""
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = old.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(old, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    directory.chmod(0o755)
    return directory
