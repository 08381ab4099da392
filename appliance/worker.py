"""Claims jobs, runs their handlers, retries, heartbeats. Several processes may each have one."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Sequence
from typing import Self
from uuid import UUID

import structlog

from appliance.core.errors import (
    ApplianceError,
    EngineFailed,
    EngineTimedOut,
    EngineUnavailable,
    StoredProblem,
    Unexpected,
)
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import Worker as WorkerSettings
from appliance.core.tasks import Tasks
from appliance.ports.event_bus import EventBus
from appliance.ports.job_queue import Job, JobCancelled, JobHandler, JobQueue

log = structlog.get_logger(__name__)
_IDLE_SECONDS = 2.0
_RETRY_SECONDS = 2.0
_LONGEST_RETRY_SECONDS = 300.0
_PROCESS_CHARACTERS = 60
_CANCEL_TOPIC = "jobs.cancel"
WAKE_TOPIC = "jobs.added"


class _Running:
    """A job being done: its handler's view of it. `claim` is what the queue knows this attempt by."""

    def __init__(self, job: Job, claim: str) -> None:
        self.job = job
        self.claim = claim
        self.progress = 0.0
        self.cancelled = False
        self.lost = False
        self.doubted = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def report(self, progress: float) -> None:
        self.progress = min(max(progress, 0.0), 1.0)

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Worker:
    """Does jobs. `slots` of them at a time; none in a process that only serves, which still can `run_now`."""

    def __init__(
        self, queue: JobQueue, bus: EventBus, *, settings: WorkerSettings, metrics: Metrics, process: str, slots: int
    ) -> None:
        """`process` names this process among those that share the queue."""
        self._queue = queue
        self._bus = bus
        self._settings = settings
        self._metrics = metrics
        self._process = process[-_PROCESS_CHARACTERS:]
        self._claims = itertools.count(1)
        self._slots = slots
        self._handlers: dict[str, JobHandler] = {}
        self._running: dict[UUID, _Running] = {}
        self._woken = asyncio.Event()
        self._tasks = Tasks()

    def register(self, handlers: Sequence[JobHandler]) -> None:
        """Take a room's handlers in."""
        for handler in handlers:
            self._handlers[handler.kind] = handler

    def wake(self) -> None:
        """Look for work now, here and in the other processes."""
        self._woken.set()
        self._tasks.start(self._bus.publish(WAKE_TOPIC, {}), name="jobs_wake")

    async def run_now(self, job_id: UUID) -> None:
        """Do one job at once, beside the slots."""
        await self._claim_and_perform(job_id)

    async def _claim_and_perform(self, job_id: UUID | None = None) -> bool:
        """Do one job; False where none was to be had."""
        # Each attempt has a name of its own: one whose lease lapsed must not speak for the next, even in this process.
        claim = f"{self._process}/{next(self._claims)}"
        claiming = asyncio.ensure_future(self._queue.claim(worker=claim, kinds=list(self._handlers), job_id=job_id))
        try:
            job = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # Taken while the worker ended: its lease would keep everybody waiting. Where the state is away it does.
            with contextlib.suppress(Exception):
                if job := await claiming:
                    await self._queue.release(job.id, worker=claim)
            raise
        if job is None:
            return False
        with structlog.contextvars.bound_contextvars(job_id=str(job.id), job_kind=job.kind):
            await self._perform(_Running(job, claim))
        return True

    async def cancel(self, job_id: UUID) -> None:
        """Stop a job wherever it runs."""
        self._cancel_here(job_id)
        await self._bus.publish(_CANCEL_TOPIC, {"job_id": str(job_id)})

    def _cancel_here(self, job_id: UUID) -> None:
        # Only a hint: it may come when the job has ended and somebody had it done again, so the queue is asked.
        if running := self._running.get(job_id):
            running.doubted.set()

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            try:
                if await self._claim_and_perform():
                    continue
            except (
                Exception
            ):  # the state may be away for a while (a restart of PostgreSQL): work goes on when it is back
                log.exception("worker_interrupted")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._woken.wait()

    async def _perform(self, running: _Running) -> None:
        """Do one job to one of its ends: done, again later, dead, cancelled, or given back."""
        job, handler = running.job, self._handlers[running.job.kind]
        if job.cancel_requested:
            await self._end_cancelled(running, handler)
            return
        if job.attempts > self._settings.attempts:
            # Each attempt ended without a word: the work itself takes its process down.
            await self._fail(running, handler, Unexpected(), final=True)
            return
        self._running[job.id] = running
        beat = self._tasks.start(self._beat(running), name="job_heartbeat")
        running.task = self._tasks.start(self._run_handler(running, handler), name=f"job_{job.kind}", is_watched=True)
        try:
            await asyncio.wait([running.task])
            await self._conclude(running, handler)
        except asyncio.CancelledError:
            running.stop()
            await asyncio.wait([running.task])
            if not running.lost:
                await asyncio.shield(self._queue.release(job.id, worker=running.claim))
            raise
        finally:
            beat.cancel()
            if self._running.get(job.id) is running:
                del self._running[job.id]

    async def _run_handler(self, running: _Running, handler: JobHandler) -> None:
        async with asyncio.timeout(handler.timeout_seconds):
            await handler.run(running)

    async def _conclude(self, running: _Running, handler: JobHandler) -> None:
        job, task = running.job, running.task
        if task is None or running.lost:
            return
        if task.cancelled():
            if running.cancelled:
                await self._end_cancelled(running, handler)
            else:
                await self._queue.release(job.id, worker=running.claim)
            return
        error = task.exception()
        if error is None:
            await self._queue.finish(job.id, worker=running.claim)
            self._metrics.jobs.labels(job.kind, "done").inc()
            log.info("job_done")
        elif isinstance(error, JobCancelled):
            await self._end_cancelled(running, handler)
        elif isinstance(error, TimeoutError):
            timed_out = EngineTimedOut(engine=job.kind, seconds=int(handler.timeout_seconds))
            await self._fail(running, handler, timed_out, final=True)
        elif isinstance(error, EngineUnavailable | EngineTimedOut | EngineFailed):
            await self._fail(running, handler, error, final=job.attempts >= self._settings.attempts)
        elif isinstance(error, ApplianceError):
            await self._fail(running, handler, error, final=True)
        else:
            log.error("job_failed", exc_info=error)
            await self._fail(running, handler, Unexpected(), final=job.attempts >= self._settings.attempts)

    async def _fail(self, running: _Running, handler: JobHandler, error: ApplianceError, *, final: bool) -> None:
        job = running.job
        problem: StoredProblem = error.store()
        wait = min(_RETRY_SECONDS * 4 ** (job.attempts - 1), _LONGEST_RETRY_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        await handler.give_up(job, problem, retried=not final)
        await self._queue.fail(
            job.id, worker=running.claim, problem=problem, retry_after_seconds=None if final else wait
        )
        self._metrics.jobs.labels(job.kind, "dead" if final else "retried").inc()
        log.warning("job_not_done", code=error.code, attempts=job.attempts, final=final)

    async def _end_cancelled(self, running: _Running, handler: JobHandler) -> None:
        job = running.job
        await handler.give_up(job, StoredProblem("indexing_cancelled"), retried=False)
        await self._queue.end_cancelled(job.id, worker=running.claim)
        self._metrics.jobs.labels(job.kind, "cancelled").inc()

    async def _beat(self, running: _Running) -> None:
        """Lengthen the lease a few times per its length; stop the work when it is no longer ours or not wanted."""
        pause = self._settings.lease_seconds / 4
        loop = asyncio.get_running_loop()
        lapses_at = loop.time() + self._settings.lease_seconds
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await running.doubted.wait()
            running.doubted.clear()
            asked_at = loop.time()
            try:
                state = await self._queue.heartbeat(running.job.id, worker=running.claim, progress=running.progress)
            except Exception as error:  # noqa: BLE001 - the state may be away for a moment; past the lease the job is another's
                log.warning("job_heartbeat_failed", reason=type(error).__name__)
                state = "held" if loop.time() < lapses_at else "lost"
            else:
                lapses_at = asked_at + self._settings.lease_seconds
            if state == "held":
                continue
            running.cancelled, running.lost = state == "cancelled", state == "lost"
            running.stop()

    async def _hear(self) -> None:
        async with self._bus.subscribe(_CANCEL_TOPIC, WAKE_TOPIC) as events:
            async for event in events:
                if job_id := event.get("job_id"):
                    self._cancel_here(UUID(job_id))
                else:
                    self._woken.set()

    async def __aenter__(self) -> Self:
        """Begin to work."""
        self._tasks.start(self._hear(), name="jobs_events")
        for number in range(self._slots):
            self._tasks.start(self._work(), name=f"worker_{number}")
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Give back what is not finished."""
        await self._tasks.close()
