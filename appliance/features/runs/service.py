"""Starting, following and stopping generations, over reloads, second windows and second processes."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.errors import ApplianceError, Unexpected
from appliance.core.failpoints import Failpoints
from appliance.core.ids import made_at, new_id
from appliance.core.integrity import Discrepancy, Invariant
from appliance.core.tasks import Tasks
from appliance.core.text import Text
from appliance.features.runs.errors import RunInterrupted, RunNotFound
from appliance.features.runs.journal import RunJournal
from appliance.features.runs.live import LiveRun
from appliance.features.runs.repository import RunRepository
from appliance.features.runs.schemas import FINAL, Run, RunEvent
from appliance.features.runs.tables import RunRow
from appliance.ports.event_bus import EventBus

log = structlog.get_logger(__name__)
_POLL_SECONDS = 0.5
_QUIET_LOOKS = 30
_SILENT_AFTER = timedelta(seconds=8)
_HEARTBEAT_SECONDS = 2.0
_BEGINS_WITHIN = timedelta(seconds=2)
_BEGIN_LOOK_SECONDS = 0.1
_KEPT = timedelta(days=1)
_STOP_TOPIC = "runs.stop"
_ALIVE = Text(
    "Every run that goes on belongs to a process that lives.",
    "Chaque exécution qui se poursuit appartient à un processus vivant.",
)


Work = Callable[[LiveRun], Awaitable[None]]
"""What generates: it emits its events into the run. Asked to stop it is cancelled, and may still emit its end."""


class RunService:
    """The runs of this process, and the way to those of others."""

    def __init__(self, database: Database, bus: EventBus, *, process: str, failpoints: Failpoints) -> None:
        """`process` names this process among those that share the state."""
        self._database = database
        self._bus = bus
        self._process = process
        self._repository = RunRepository()
        self._journal = RunJournal(database, failpoints)
        self._tasks = Tasks()
        self._suspected: frozenset[UUID] = frozenset()

    @property
    def invariant(self) -> Invariant:
        """What `fsck` proves of this room."""
        return Invariant("runs.alive", _ALIVE, self._prove, self._mend)

    def open(self) -> None:
        """Begin to listen for stops asked of another process, and to show that this one lives."""
        self._tasks.start(self._journal.keep(), name="runs_journal")
        self._tasks.start(self._hear_stops(), name="runs_stops")
        self._tasks.start(self._beat(), name="runs_heartbeat")

    async def close(self) -> None:
        """End every run as a crash would, with all that was said: it is interrupted, not stopped by anybody."""
        for live in list(self._journal.live.values()):
            if not live.stopping:
                live.abandon()
        for live in list(self._journal.live.values()):
            await live.ended.wait()
        await self._tasks.close()

    async def start(self, caller: Caller, kind: str, work: Work, *, run_id: UUID | None = None) -> LiveRun:
        """Begin a generation in the background. `work` ends with `done`. `run_id`: where it is written down already."""
        moment = now()
        live = LiveRun(run_id or new_id())
        row = RunRow(
            id=live.id,
            kind=kind,
            owner_id=caller.user_id,
            status="running",
            process=self._process,
            seen_at=moment,
            created_at=moment,
            finished_at=None,
        )
        self._journal.begin(live, row)
        live.task = self._tasks.start(self._perform(live, work, caller), name=f"run_{kind}")
        return live

    async def _perform(self, live: LiveRun, work: Work, caller: Caller) -> None:
        status = "done"
        try:
            await work(live)
            status = "stopped" if live.stopping else "done"
        except asyncio.CancelledError:
            status = "stopped" if live.stopping else "interrupted"
        except ApplianceError as error:
            status = "failed"
            live.fail(error, caller.language)
        except Exception:  # the outermost frame of a background task: its follower must hear of any failure
            log.exception("run_failed", run_id=str(live.id))
            status = "failed"
            live.fail(Unexpected(), caller.language)
        finally:
            live.end(status)
            await asyncio.shield(self._journal.end(live, status))

    async def get(self, caller: Caller, run_id: UUID) -> Run:
        """Show one run."""
        if live := self._journal.live.get(run_id):
            # Whoever starts a run hears its id before the state does.
            await live.recorded.wait()
        while True:
            async with self._database.read() as transaction:
                row = await self._repository.readable(transaction, caller, run_id)
            if row is not None:
                return _run(row)
            # Another process may have said its id a moment before it writes it down.
            if not _is_younger(run_id, _BEGINS_WITHIN):
                raise RunNotFound
            await asyncio.sleep(_BEGIN_LOOK_SECONDS)

    async def running(self, caller: Caller, kinds: Sequence[str]) -> list[tuple[Run, RunEvent | None]]:
        """List the caller's runs of some kinds that go on, each with what it said first."""
        for live in list(self._journal.live.values()):
            await live.recorded.wait()
        found: list[tuple[Run, RunEvent | None]] = []
        async with self._database.read() as transaction:
            for row in await self._repository.running(transaction, caller, kinds):
                live = self._journal.live.get(row.id)
                events = [] if live else await self._repository.events_after(transaction, row.id, 0)
                found.append((_run(row), live.first if live else next(iter(events), None)))
        return found

    async def follow(
        self, caller: Caller, run_id: UUID, *, after: int = 0, quiet_seconds: float | None = None
    ) -> AsyncIterator[Sequence[RunEvent]]:
        """Give the events after a number, then what comes, to the end. Raises RunNotFound before the first batch."""
        await self.get(caller, run_id)
        live = self._journal.live.get(run_id)
        return live.batches(after, quiet_seconds=quiet_seconds) if live else self._follow_remote(caller, run_id, after)

    async def _follow_remote(self, caller: Caller, run_id: UUID, after: int) -> AsyncIterator[Sequence[RunEvent]]:
        """Read what another process (or an earlier one) writes down; empty now and then where it says nothing."""
        for look in itertools.count(1):
            run = await self.get(caller, run_id)
            async with self._database.read() as transaction:
                events = await self._repository.events_after(transaction, run_id, after)
            if events:
                after = events[-1].number
                yield events
            if run.status == "interrupted":
                yield (RunEvent(after + 1, "error", RunInterrupted().to_problem(caller.language)),)
            if run.status in FINAL:
                return
            if look % _QUIET_LOOKS == 0:
                yield ()
            await asyncio.sleep(_POLL_SECONDS)

    async def wait_end(self, run_id: UUID) -> bool:
        """Wait for a run of this process to end. False at once for any other run."""
        if live := self._journal.live.get(run_id):
            await live.ended.wait()
            return True
        return False

    async def said(self, run_id: UUID, *, alone: bool = False) -> list[RunEvent] | None:
        """Read what an ended run had said, whoever's; None while it still speaks, here or elsewhere, or may just begin.

        `alone`: nothing has begun yet that shares the state, so what is not written down never will be.
        """
        if run_id in self._journal.live:
            return None
        async with self._database.read() as transaction:
            status = await self._repository.status(transaction, run_id)
            if status is None and not alone and _is_younger(run_id, _SILENT_AFTER):
                return None
            if status is not None and status not in FINAL:
                return None
            return await self._repository.events_after(transaction, run_id, 0)

    async def stop(self, caller: Caller, run_id: UUID) -> Run:
        """Stop a run wherever it lives; the engine's connection is closed at once."""
        run = await self.get(caller, run_id)
        if live := self._journal.live.get(run_id):
            live.stop()
        elif run.status not in FINAL:
            await self._bus.publish(_STOP_TOPIC, {"run_id": str(run_id)})
        return run

    async def _hear_stops(self) -> None:
        async with self._bus.subscribe(_STOP_TOPIC) as events:
            async for event in events:
                if live := self._journal.live.get(UUID(event["run_id"])):
                    live.stop()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            if not self._journal.live:
                continue
            try:
                async with self._database.begin() as transaction:
                    await self._repository.touch(transaction, list(self._journal.live), now())
            except Exception as error:  # noqa: BLE001 - the state may be away for a moment; the next beat tells again
                log.warning("runs_heartbeat_failed", reason=type(error).__name__)

    async def sweep(self, *, alone: bool) -> int:
        """Mark runs whose process died as interrupted, and forget old ones. `alone`: no other process runs."""
        lost = await self.interrupt_lost(alone=alone)
        async with self._database.begin() as transaction:
            await self._repository.forget(transaction, before=now() - _KEPT)
        return lost

    async def interrupt_lost(self, *, alone: bool = False) -> int:
        """Mark runs whose process died as interrupted: those that were silent at two looks, or all where `alone`.

        One look is not enough: where the state itself was away nobody could be heard.
        """
        silent = await self._silent(alone=alone)
        lost = silent if alone else silent & self._suspected
        self._suspected = silent - lost
        if lost:
            async with self._database.begin() as transaction:
                for run_id in lost:
                    await self._repository.interrupt(transaction, run_id, now())
        return len(lost)

    async def _silent(self, *, alone: bool = False) -> frozenset[UUID]:
        before = None if alone else now() - _SILENT_AFTER
        async with self._database.read() as transaction:
            silent = await self._repository.silent(transaction, before=before)
        return frozenset(silent) - self._journal.live.keys()

    async def _prove(self) -> list[Discrepancy]:
        return [Discrepancy("process_gone", str(run_id)) for run_id in await self._silent()]

    async def _mend(self, discrepancy: Discrepancy) -> bool:
        async with self._database.begin() as transaction:
            await self._repository.interrupt(transaction, UUID(discrepancy.subject), now())
        return True


def _is_younger(run_id: UUID, age: timedelta) -> bool:
    """Tell whether a run got its id within such a time, by this machine's clock or another's."""
    return abs(time.time() - made_at(run_id)) < age.total_seconds()


def _run(row: RunRow) -> Run:
    return Run(
        id=row.id,
        kind=row.kind,
        status=row.status,  # pyright: ignore[reportArgumentType]
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
