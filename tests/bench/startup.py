"""From `appliance up` to the first `/health` 200 on a data directory that is there already, and what it holds when idle."""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import psutil

from tests.bench.figures import Figure, at_most
from tests.bench.server import now, running
from tests.engines.processes import free_port

_STARTS = 5
_IDLE_SECONDS = 15.0
_LIBRARIES = "import litestar, uvicorn, sqlalchemy.ext.asyncio, msgspec, structlog, httpx, numpy"


async def measure(directory: Path) -> list[Figure]:
    """Start it several times, beside a bare import of the libraries it stands on."""
    home = directory / "startup"
    async with running(home) as server:
        await server.client.call("GET", "/status")  # the first start converts the weights and makes the first admin
    starts: list[float] = []
    computed: list[float] = []
    imports: list[float] = []
    for _ in range(_STARTS):
        imports.append(_seconds_of([sys.executable, "-c", _LIBRARIES]))
        seconds, processor = _start(home)
        starts.append(seconds)
        computed.append(processor)
    async with running(home) as server:
        await asyncio.sleep(_IDLE_SECONDS)
        each = [process.memory_info().rss / 1024**2 for process in server.processes]
        shared_once = server.resident_bytes() / 1024**2
    note = (
        f"median of {_STARTS}, worst {max(starts):.2f} s; {median(computed):.2f} s of processor time; "
        f"{median(starts) / median(imports):.2f} x importing its libraries ({median(imports):.2f} s)"
    )
    return [
        at_most("up to the first /health", median(starts), 2.5, 1.5, " s", note=note),
        at_most("idle, resident", sum(each), 300, 200, " MB", note=_describe(each, shared_once)),
    ]


def _describe(each: list[float], shared_once: float) -> str:
    processes = " + ".join(f"{size:.0f}" for size in each)
    return f"processes of {processes} MB; {shared_once:.0f} MB with what they share counted once"


def _seconds_of(command: list[str]) -> float:
    started = now()
    subprocess.run(command, check=True)
    return now() - started


def _start(home: Path) -> tuple[float, float]:
    """Start, ask until it answers, end it: seconds by the clock, and of processor time."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("appliance")), "up", "--data-dir", str(home), "--port", str(port)]
    started = now()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _is_healthy(port):
            if process.poll() is not None:
                message = f"`appliance up` ended with {process.returncode}"
                raise RuntimeError(message)
            time.sleep(0.005)
        times = psutil.Process(process.pid).cpu_times()
        return now() - started, times.user + times.system
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            psutil.Process(process.pid).kill()


def _is_healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
