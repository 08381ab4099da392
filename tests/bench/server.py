"""An appliance as people start it, for benches: `appliance up` in a process of its own, and a client as its first admin."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from appliance.cli.client import Client, connect
from appliance.core.settings import load_settings
from tests.engines.processes import ServerProcess, free_port
from tests.engines.weights import data_directory

_READY_SECONDS = 180.0


class Running:
    """A server that answers; `processes` are it and what it started."""

    def __init__(self, process: ServerProcess, client: Client, url: str) -> None:
        self.client = client
        self.url = url
        self._main = psutil.Process(process.pid)

    @property
    def processes(self) -> list[psutil.Process]:
        return [self._main, *self._main.children(recursive=True)]

    def resident_bytes(self) -> int:
        """Resident memory of all of them, what they share counted once."""
        return sum(_proportional_bytes(process) for process in self.processes)

    def cpu_seconds(self) -> float:
        """Time all of them have computed so far, those that have ended included."""
        total = 0.0
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total


def _proportional_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_full_info().pss)
    return 0


@asynccontextmanager
async def running(directory: Path, **environment: str) -> AsyncIterator[Running]:
    """Start `appliance up` on a data directory, wait until it answers, stop it. Without a language model unless it is set."""
    port = free_port()
    process = _start(directory, port, environment)
    try:
        async with connect(load_settings(directory, environment={})) as client:
            yield Running(process, client, f"http://127.0.0.1:{port}")
    finally:
        process.stop(seconds=60)


def _start(directory: Path, port: int, environment: dict[str, str]) -> ServerProcess:
    directory.mkdir(parents=True, exist_ok=True)
    log = directory.with_name(f"{directory.name}.log")
    log.unlink(missing_ok=True)
    appliance = Path(sys.executable).with_name("appliance")
    command = [str(appliance), "up", "--data-dir", str(directory), "--port", str(port)]
    process = ServerProcess(command, log=log)
    settings = {"APPLIANCE_LOGGING__FORMAT": "json", "APPLIANCE_LOGGING__LEVEL": "warning"}
    process.start(environment={**settings, "APPLIANCE_LANGUAGE_MODEL__KIND": "none", **environment})
    process.wait_healthy(lambda: b"Ready:" in log.read_bytes(), seconds=_READY_SECONDS)
    return process


def reference(*parts: str) -> Path:
    """A folder of the reference data. Raises FileNotFoundError with the way to get it."""
    folder = data_directory().joinpath("data", *parts)
    if not folder.is_dir():
        message = f"no reference data at {folder}; APPLIANCE_TEST_DATA names the folder they lie in"
        raise FileNotFoundError(message)
    return folder


def percentile(values: list[float], share: float) -> float:
    """Give the value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def now() -> float:
    """Seconds, for differences."""
    return time.perf_counter()
