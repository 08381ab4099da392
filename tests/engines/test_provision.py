"""The servers of a session end with it, however it ends, and what is missing is said."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines import install
from tests.engines.fixtures import skip_or_fail
from tests.engines.install import NotInstalled, find_minio
from tests.engines.processes import EngineDidNotStart, ServerProcess, free_port, is_listening, make_directory
from tests.engines.servers import Postgresql, Redis

pytestmark = pytest.mark.engine
_SECONDS = 20.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["redis", "postgresql"])
def test_a_server_dies_with_its_session(name: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.engines.provision", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stderr is not None
    url = child.stdout.readline().strip().partition("=")[2]
    if not url:
        skip_or_fail(child.stderr.read().strip())
    port = int(url.rpartition(":")[2].partition("/")[0])
    assert is_listening(port)
    child.send_signal(signal.SIGKILL)
    child.wait()
    wait_for(lambda: not is_listening(port))
    child.stdout.close()
    child.stderr.close()


def test_what_a_dead_session_left_is_swept() -> None:
    left = Path(make_directory())
    gone = left.with_name(left.name.replace(f"-{os.getpid()}-", "-4194305-"))
    left.rename(gone)
    make_directory().rmdir()
    assert not gone.exists()


def test_a_server_comes_back_with_what_it_kept(own_engine_directory: Path) -> None:
    server = Postgresql(own_engine_directory, install=False)
    server.start()
    try:
        first = server.process.pid
        server.process.kill()
        assert not is_listening(server.port)
        server.start()
        assert server.process.pid != first
        assert is_listening(server.port)
    finally:
        server.process.stop()


def test_a_server_that_does_not_start_says_why(own_engine_directory: Path) -> None:
    program = Redis(own_engine_directory, install=False).process._command[0]
    process = ServerProcess([program, "--port", "not-a-port"], log=own_engine_directory / "log")
    process.start()
    with pytest.raises(EngineDidNotStart, match="not-a-port"):
        process.wait_healthy(lambda: is_listening(free_port()))


def test_what_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(install, "_GO", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotInstalled, match="just engines"):
        find_minio(install=False)
    with pytest.raises(NotInstalled, match="no Go on this machine"):
        find_minio(install=True)
