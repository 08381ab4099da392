"""A task can do what it likes: the server, its files and the other tasks go on."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from appliance.core.errors import InvalidRequest
from appliance.engines.sandbox.host import (
    Sandbox,
    SandboxError,
    SandboxLost,
    TaskCrashed,
    TaskOutOfMemory,
    TaskTimedOut,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SLEEP = str(Path(shutil.which("sleep") or "/bin/sleep").resolve())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox("tests.unit.engines.hostile_tasks", memory_bytes=512 << 20, output_bytes=80 << 20) as opened:
        yield opened


async def test_a_task_answers(sandbox: Sandbox) -> None:
    assert await sandbox.run("echo", b"hello", seconds=10) == b"hello"


async def test_a_task_reads_the_file_it_was_given_and_cannot_change_it(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"original")
    assert await sandbox.run("read_file", b"", seconds=10, file=path) == b"original"
    with pytest.raises(TaskCrashed):
        await sandbox.run("write_input", b"", seconds=10, file=path)
    assert path.read_bytes() == b"original"


async def test_a_file_that_is_not_there_is_the_callers_error(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await sandbox.run("echo", b"", seconds=10, file=tmp_path / "none")
    assert await sandbox.run("echo", b"after", seconds=10) == b"after"


async def test_many_megabytes_come_back(sandbox: Sandbox) -> None:
    assert len(await sandbox.run("answer_much", b"60", seconds=30)) == 60 << 20


async def test_an_answer_over_the_limit_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError):
        await sandbox.run("answer_much", b"100", seconds=30)


async def test_arguments_that_do_not_fit_are_refused_before_anything_starts(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        await sandbox.run("echo", b"x" * 10**6, seconds=10)


@pytest.mark.parametrize("task", ["sleep", "spin"])
async def test_a_task_is_killed_at_its_limit(sandbox: Sandbox, task: str) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(TaskTimedOut):
        await sandbox.run(task, b"", seconds=0.3)
    assert asyncio.get_running_loop().time() - started < 3


@pytest.mark.parametrize(
    "task, error",
    [
        ("take_memory", TaskOutOfMemory),
        ("crash", TaskCrashed),
        ("abort", TaskCrashed),
        ("leave", TaskCrashed),
        ("no_such_task", TaskCrashed),
    ],
)
async def test_a_task_that_breaks_breaks_alone(sandbox: Sandbox, task: str, error: type[SandboxError]) -> None:
    other = asyncio.create_task(sandbox.run("echo", b"other", seconds=10))
    host = sandbox.host_process
    with pytest.raises(error):
        await sandbox.run(task, b"", seconds=10)
    assert await other == b"other"
    assert host is None or sandbox.host_process == host


async def test_a_coded_error_arrives_as_it_was_raised(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await sandbox.run("refuse", b"", seconds=10)
    assert raised.value.facts == {"reason": "no"}


async def test_another_exception_is_named_and_its_message_is_not(sandbox: Sandbox) -> None:
    with pytest.raises(TaskCrashed) as raised:
        await sandbox.run("fail", b"", seconds=10)
    assert "RuntimeError" in str(raised.value)
    assert "contents" not in str(raised.value)


async def test_nothing_outside_can_be_reached(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"original")
    held = (await sandbox.run("describe", b"", seconds=20)).decode()
    done = (await sandbox.run("try_to_break_out", f"{os.getpid()} {secret}".encode(), seconds=20)).decode().split()
    permitted: set[str] = set()
    if "namespaces" not in held:
        permitted.add("signal")
    if "landlock" not in held:
        permitted |= {"read", "read-secret", "write-secret", "list"}
    assert set(done) <= permitted, f"{done} with {held}"
    assert secret.read_bytes() == b"original" or "write-secret" in permitted


async def test_settings_do_not_reach_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE__URL", "postgresql://secret")
    async with Sandbox("tests.unit.engines.hostile_tasks", memory_bytes=512 << 20) as fresh:
        await fresh.run("echo", b"", seconds=20)
        assert fresh.host_process is not None
        environment = Path(f"/proc/{fresh.host_process}/environ").read_bytes()  # noqa: ASYNC240
    assert b"secret" not in environment


async def test_the_folder_of_a_task_goes_with_it(sandbox: Sandbox) -> None:
    folder = (await sandbox.run("litter", b"", seconds=10)).decode()
    assert os.path.basename(folder).startswith("task-")  # noqa: PTH119
    assert not os.path.exists(folder)  # noqa: PTH110, ASYNC240


async def test_what_a_task_started_ends_with_it() -> None:
    async with Sandbox(
        "tests.unit.engines.hostile_tasks", memory_bytes=512 << 20, executables=[_SLEEP]
    ) as with_programs:
        before = _sleepers()
        await with_programs.run("start_grandchild", _SLEEP.encode(), seconds=10)
        assert _sleepers() == before


def _sleepers() -> set[str]:
    found: set[str] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cmdline").read_bytes() == f"{_SLEEP}\0".encode() + b"600\0":
                    found.add(entry.name)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found


async def test_cancelling_frees_the_place(sandbox: Sandbox) -> None:
    waiting = [asyncio.create_task(sandbox.run("sleep", b"", seconds=600)) for _ in range(3)]
    await sandbox.run("echo", b"", seconds=10, lane="interactive")  # by now the first two have been sent
    for task in waiting:
        task.cancel()
    assert all(
        isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*waiting, return_exceptions=True)
    )
    answers = await asyncio.wait_for(asyncio.gather(*(sandbox.run("echo", b"a", seconds=10) for _ in range(4))), 10)
    assert answers == [b"a"] * 4


async def test_the_interactive_lane_does_not_wait_for_the_other(sandbox: Sandbox) -> None:
    busy = [asyncio.create_task(sandbox.run("sleep", b"", seconds=600)) for _ in range(5)]
    assert await asyncio.wait_for(sandbox.run("echo", b"now", seconds=10, lane="interactive"), 10) == b"now"
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)


async def test_a_host_that_dies_fails_its_tasks_and_is_started_again() -> None:
    async with Sandbox("tests.unit.engines.hostile_tasks", memory_bytes=512 << 20) as sandbox:
        await sandbox.run("echo", b"", seconds=20)
        running = [asyncio.create_task(sandbox.run("sleep", b"", seconds=600)) for _ in range(2)]
        await sandbox.run("echo", b"", seconds=10, lane="interactive")
        first = sandbox.host_process
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert all(isinstance(one, SandboxLost) for one in await asyncio.gather(*running, return_exceptions=True))
        assert await sandbox.run("echo", b"again", seconds=20) == b"again"
        assert sandbox.host_process not in {None, first}


async def test_closing_ends_the_host_and_every_task() -> None:
    sandbox = Sandbox("tests.unit.engines.hostile_tasks", memory_bytes=512 << 20)
    async with sandbox:
        running = asyncio.create_task(sandbox.run("sleep", b"", seconds=600))
        await sandbox.run("echo", b"", seconds=20, lane="interactive")
        host = sandbox.host_process
        assert host is not None
    with pytest.raises(SandboxLost):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(host, 0)


async def test_an_idle_host_ends_and_comes_back() -> None:
    async with Sandbox("tests.unit.engines.hostile_tasks", memory_bytes=512 << 20, idle_seconds=0.0) as sandbox:
        assert await sandbox.run("echo", b"one", seconds=20) == b"one"
        while sandbox.host_process is not None:
            await asyncio.sleep(0)
        assert await sandbox.run("echo", b"two", seconds=20) == b"two"


async def test_closing_while_the_host_starts_leaves_nothing_behind() -> None:
    sandbox = Sandbox("tests.unit.engines.hostile_tasks", memory_bytes=512 << 20)
    async with sandbox:
        first = asyncio.create_task(sandbox.run("echo", b"", seconds=20))
        second = asyncio.create_task(sandbox.run("echo", b"", seconds=20))
        await asyncio.sleep(0)
        second.cancel()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(outcomes[0], SandboxLost)
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert sandbox.host_process is None
    with pytest.raises(SandboxLost):
        await sandbox.run("echo", b"", seconds=20)
