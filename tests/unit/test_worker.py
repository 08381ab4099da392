"""The worker brings every job to one of its ends, whatever fails meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from appliance.core.database import Database
from appliance.core.errors import EngineUnavailable, StoredProblem, Unprocessable
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import Worker as WorkerSettings
from appliance.core.text import Text
from appliance.engines.local_bus import LocalBus
from appliance.engines.sql_queue import SqlQueue
from appliance.migrations import upgrade
from appliance.ports.job_queue import Job, JobCancelled, JobContext, NewJob
from appliance.worker import Worker

LEASE_SECONDS = 1.5
Do = Callable[[JobContext], Awaitable[None]]


class Handler:
    """Does what a test says; keeps how often, and what was given up."""

    kind = "task"

    def __init__(self, do: Do, *, timeout_seconds: float = 30.0) -> None:
        self.timeout_seconds = timeout_seconds
        self.runs = 0
        self.given_up: list[tuple[str, bool]] = []
        self._do = do

    async def run(self, context: JobContext) -> None:
        self.runs += 1
        await self._do(context)

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        assert job.kind == self.kind
        self.given_up.append((problem.code, retried))


class Bench:
    """A queue, and workers on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queue = SqlQueue(database, lease_seconds=LEASE_SECONDS)
        self.bus = LocalBus()

    @asynccontextmanager
    async def working(self, handler: Handler, *, slots: int = 2, attempts: int = 3) -> AsyncIterator[Worker]:
        settings = WorkerSettings(concurrency=slots, attempts=attempts, lease_seconds=LEASE_SECONDS)
        worker = Worker(self.queue, self.bus, settings=settings, metrics=Metrics(), process="a-host:1:abc", slots=slots)
        worker.register([handler])
        async with worker:
            yield worker

    async def add(self, **more: Any) -> UUID:
        async with self.database.begin() as transaction:
            return await self.queue.enqueue(transaction, NewJob(kind="task", payload={}, **more))

    async def get(self, job_id: UUID) -> Job:
        async with self.database.read() as transaction:
            job = await self.queue.get(transaction, job_id)
        assert job is not None
        return job

    async def wait(self, job_id: UUID, *wanted: str) -> Job:
        """Wait until the job has one of these statuses."""
        async with asyncio.timeout(10):
            while (job := await self.get(job_id)).status not in wanted:
                await asyncio.sleep(0.01)
        return job


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr("appliance.worker._RETRY_SECONDS", 0.0)
    monkeypatch.setattr("appliance.worker._IDLE_SECONDS", 0.05)
    async with Database(f"sqlite+aiosqlite:///{tmp_path / 'appliance.db'}") as database:
        await upgrade(database)
        yield Bench(database)


async def nothing(_context: JobContext) -> None:
    pass


async def forever(_context: JobContext) -> None:
    await asyncio.Event().wait()


def failing(*errors: Exception) -> Do:
    """Raise these one after the other, then succeed."""
    left = list(errors)

    async def do(_context: JobContext) -> None:
        if left:
            raise left.pop(0)

    return do


UNAVAILABLE = EngineUnavailable(engine="Ollama")
FINAL = Unprocessable(reason=Text("no", "non"))


async def test_a_job_is_done_once(bench: Bench) -> None:
    handler = Handler(nothing)
    job_id = await bench.add()
    async with bench.working(handler):
        assert (await bench.wait(job_id, "done")).progress == 1.0
    assert (handler.runs, handler.given_up) == (1, [])


@pytest.mark.parametrize("error", [UNAVAILABLE, ValueError("a bug")])
async def test_what_may_pass_is_tried_again(bench: Bench, error: Exception) -> None:
    handler = Handler(failing(error, error))
    job_id = await bench.add()
    async with bench.working(handler):
        assert (await bench.wait(job_id, "done", "dead")).status == "done"
    code = "engine_unavailable" if error is UNAVAILABLE else "unexpected"
    assert (handler.runs, handler.given_up) == (3, [(code, True), (code, True)])


async def test_what_does_not_pass_ends_among_the_dead(bench: Bench) -> None:
    handler = Handler(failing(*[UNAVAILABLE] * 9))
    job_id = await bench.add()
    async with bench.working(handler):
        job = await bench.wait(job_id, "dead")
    assert job.problem == UNAVAILABLE.store()
    assert handler.given_up == [
        ("engine_unavailable", True),
        ("engine_unavailable", True),
        ("engine_unavailable", False),
    ]


async def test_what_cannot_change_is_not_tried_again(bench: Bench) -> None:
    handler = Handler(failing(FINAL))
    job_id = await bench.add()
    async with bench.working(handler):
        await bench.wait(job_id, "dead")
    assert (handler.runs, handler.given_up) == (1, [("unprocessable", False)])


async def test_a_job_has_its_time(bench: Bench) -> None:
    handler = Handler(forever, timeout_seconds=0.1)
    job_id = await bench.add()
    async with bench.working(handler):
        await bench.wait(job_id, "dead")
    assert handler.given_up == [("engine_timed_out", False)]


async def test_cancel_stops_it_at_once(bench: Bench) -> None:
    handler = Handler(forever)
    job_id = await bench.add()
    async with bench.working(handler) as worker:
        await bench.wait(job_id, "running")
        async with bench.database.begin() as transaction:
            assert await bench.queue.cancel(transaction, job_id)
        await worker.cancel(job_id)
        await bench.wait(job_id, "cancelled")
    assert handler.given_up == [("indexing_cancelled", False)]


async def test_a_late_word_of_a_cancellation_does_not_stop_what_was_asked_for_again(bench: Bench) -> None:
    handler = Handler(forever)
    job_id = await bench.add()
    async with bench.working(handler) as worker:
        await bench.wait(job_id, "running")
        for _ in range(3):
            await worker.cancel(job_id)
            await asyncio.sleep(LEASE_SECONDS / 10)
        assert (await bench.get(job_id)).status == "running"
    assert (handler.runs, handler.given_up) == (1, [])


async def test_a_handler_that_sees_itself_that_it_is_not_wanted(bench: Bench) -> None:
    handler = Handler(failing(JobCancelled()))
    job_id = await bench.add()
    async with bench.working(handler):
        await bench.wait(job_id, "cancelled")
    assert handler.given_up == [("indexing_cancelled", False)]


async def test_cancel_that_was_not_heard_stops_it_at_its_heartbeat(bench: Bench) -> None:
    job_id = await bench.add()
    async with bench.working(Handler(forever)):
        await bench.wait(job_id, "running")
        async with bench.database.begin() as transaction:
            await bench.queue.cancel(transaction, job_id)
        await bench.wait(job_id, "cancelled")


async def test_closing_gives_it_back(bench: Bench) -> None:
    job_id = await bench.add()
    async with bench.working(Handler(forever)):
        await bench.wait(job_id, "running")
    job = await bench.get(job_id)
    assert (job.status, job.attempts) == ("queued", 0)


async def test_what_is_taken_while_it_closes_is_given_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, taken = bench.queue.claim, asyncio.Event()

    async def slowly(**wanted: Any) -> Job | None:
        job = await claim(**wanted)
        if job:
            taken.set()
            await asyncio.sleep(0.1)
        return job

    monkeypatch.setattr(bench.queue, "claim", slowly)
    job_id = await bench.add()
    handler = Handler(forever)
    async with bench.working(handler, slots=1):
        await taken.wait()
    job = await bench.get(job_id)
    assert (job.status, job.attempts, handler.runs) == ("queued", 0, 0)


async def test_long_work_keeps_its_lease(bench: Bench) -> None:
    async def slow(context: JobContext) -> None:
        for step in range(6):
            context.report(step / 6)
            await asyncio.sleep(LEASE_SECONDS / 4)

    handler = Handler(slow)
    job_id = await bench.add()
    async with bench.working(handler):
        await bench.wait(job_id, "done")
    assert handler.runs == 1


async def test_a_state_that_is_away_for_a_moment_costs_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat, failures = bench.queue.heartbeat, 2

    async def stumbling(*arguments: Any, **more: Any) -> str:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError
        return await heartbeat(*arguments, **more)

    monkeypatch.setattr(bench.queue, "heartbeat", stumbling)

    async def slow(_context: JobContext) -> None:
        await asyncio.sleep(LEASE_SECONDS * 1.3)

    handler = Handler(slow)
    job_id = await bench.add()
    async with bench.working(handler):
        await bench.wait(job_id, "done")
    assert (handler.runs, failures) == (1, 0)


async def test_an_attempt_whose_lease_lapsed_stops_and_the_next_one_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where both are in one process: after the state was away, or the machine slept."""
    heartbeat, stopped, away = bench.queue.heartbeat, asyncio.Event(), True

    async def absent(*arguments: Any, **more: Any) -> str:
        if away:
            raise ConnectionError
        return await heartbeat(*arguments, **more)

    monkeypatch.setattr(bench.queue, "heartbeat", absent)

    async def first_hangs(context: JobContext) -> None:
        nonlocal away
        if context.job.attempts > 1:
            away = False
            return
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    handler = Handler(first_hangs)
    job_id = await bench.add()
    async with bench.working(handler):
        job = await bench.wait(job_id, "done")
        await asyncio.wait_for(stopped.wait(), 5)
    assert (job.attempts, handler.runs, handler.given_up) == (2, 2, [])


async def test_work_that_takes_its_process_down_is_given_up(bench: Bench) -> None:
    handler = Handler(nothing)
    job_id = await bench.add()
    for _ in range(3):
        assert await bench.queue.claim(worker="dies", kinds=["task"], job_id=job_id)
        await bench.queue.recover()
    async with bench.working(handler):
        await bench.wait(job_id, "dead")
    assert (handler.runs, handler.given_up) == (0, [("unexpected", False)])


async def test_a_process_that_serves_does_only_what_it_is_told(bench: Bench) -> None:
    handler = Handler(nothing)
    waiting, wanted = await bench.add(), await bench.add()
    async with bench.working(handler, slots=0) as worker:
        await worker.run_now(wanted)
        assert (await bench.get(wanted)).status == "done"
        assert (await bench.get(waiting)).status == "queued"
        await worker.run_now(wanted)
    assert handler.runs == 1


async def test_slots_bound_what_runs_at_once(bench: Bench) -> None:
    running, most, full = 0, 0, asyncio.Event()

    async def counted(_context: JobContext) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0.02)
        running -= 1

    jobs = [await bench.add() for _ in range(8)]
    async with bench.working(Handler(counted), slots=3):
        for job_id in jobs:
            await bench.wait(job_id, "done")
    assert most == 3
