"""The job queue in the state's own database: SQLite or PostgreSQL, no further server.

Fair between owners by start-time fair queueing: an owner's next job gets the turn after their last waiting one, and
never one that has passed already, so a single file does not wait behind somebody's thousand.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Float, Index, Integer, String, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Database, Table, Transaction, now
from appliance.core.errors import StoredProblem
from appliance.core.health import Health
from appliance.core.ids import new_id
from appliance.core.text import Text
from appliance.ports.job_queue import Hold, Job, JobFilter, JobStatus, NewJob

_OPEN = ("queued", "running")
_LOOK_FOR_LAPSED = timedelta(seconds=1)


class JobRow(Table):
    """A job. `turn` orders owners fairly; `lease_until` says when a silent worker counts as dead.

    `wanted_again`: somebody queued its key while it ran, so what it read may be old: it runs once more.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_next", "status", text("priority DESC"), "turn", "created_at"),
        Index("ix_jobs_owner", "owner_id", "status", "turn"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]]
    owner_id: Mapped[UUID | None]
    key: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(BigInteger)
    progress: Mapped[float] = mapped_column(Float)
    attempts: Mapped[int] = mapped_column(Integer)
    worker: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    cancel_requested: Mapped[bool]
    wanted_again: Mapped[bool]
    problem: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    run_after: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


Index(
    "uq_jobs_open_key",
    JobRow.key,
    unique=True,
    sqlite_where=JobRow.status.in_(_OPEN),
    postgresql_where=JobRow.status.in_(_OPEN),
)


class SqlQueue:
    """JobQueue on SQLAlchemy."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        """A worker that is silent for `lease_seconds` counts as dead."""
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)
        self._next_look = datetime.min.replace(tzinfo=UTC)

    async def enqueue(self, transaction: Transaction, job: NewJob) -> UUID:
        """Add a job to the caller's transaction."""
        insert = sqlite_insert if self._database.is_sqlite else postgresql_insert
        while True:
            if job.key and (there := await self._join_open_job(transaction, job.key)):
                return there
            moment = await self._moment(transaction)
            values = {
                "id": new_id(),
                "kind": job.kind,
                "payload": job.payload,
                "owner_id": job.owner_id,
                "key": job.key,
                "status": "queued",
                "priority": job.priority,
                "turn": await self._next_turn(transaction, job.owner_id, priority=job.priority, moment=moment),
                "progress": 0.0,
                "attempts": 0,
                "cancel_requested": False,
                "wanted_again": False,
                "created_at": moment,
                "run_after": moment + timedelta(seconds=job.delay_seconds),
            }
            # Where another process queues the same key meanwhile, this waits for its commit, adds nothing, and looks again.
            statement = insert(JobRow).values(values).on_conflict_do_nothing().returning(JobRow.id)
            if (added := await transaction.scalar(statement)) is not None:
                return added

    async def _moment(self, transaction: Transaction) -> datetime:
        """The present, by the one clock that all who share the queue share."""
        if self._database.is_sqlite:
            return now()
        return (await transaction.execute(select(func.now()))).scalar_one()

    async def _join_open_job(self, transaction: Transaction, key: str) -> UUID | None:
        """Find the job of a key that waits, or have the one that runs run once more."""
        there = select(JobRow).where(JobRow.key == key, JobRow.status.in_(_OPEN))
        job = await transaction.scalar(there.with_for_update().execution_options(populate_existing=True))
        if job is None:
            return None
        if job.status == "running":
            job.wanted_again = True
        else:
            job.cancel_requested = False
        await transaction.flush()
        return job.id

    async def _open_job(self, transaction: Transaction, key: str) -> UUID | None:
        return await transaction.scalar(select(JobRow.id).where(JobRow.key == key, JobRow.status.in_(_OPEN)))

    async def is_open(self, transaction: Transaction, key: str) -> bool:
        """Tell whether a job of this key waits or runs."""
        return await self._open_job(transaction, key) is not None

    async def _next_turn(
        self, transaction: Transaction, owner_id: UUID | None, *, priority: int, moment: datetime
    ) -> int:
        """Give the turn after the owner's last, and never one that has passed: what waits for a retry stands aside."""
        waiting = select(JobRow.turn).where(JobRow.status == "queued", JobRow.priority == priority)
        floor = await transaction.scalar(waiting.where(JobRow.run_after <= moment).order_by(JobRow.turn).limit(1))
        own = waiting.where(JobRow.owner_id == owner_id)
        last = await transaction.scalar(own.order_by(JobRow.turn.desc()).limit(1))
        return max(floor or 0, (last or 0) + 1)

    async def claim(self, *, worker: str, kinds: Sequence[str], job_id: UUID | None = None) -> Job | None:
        """Take the next job under a lease; a lapsed lease counts as waiting."""
        async with self._database.begin() as transaction:
            moment = await self._moment(transaction)
            await self._requeue_lapsed(transaction, moment, job_id)
            due = (JobRow.status == "queued", JobRow.run_after <= moment, JobRow.kind.in_(kinds))
            chosen = select(JobRow.id).where(*due)
            if job_id is not None:
                chosen = chosen.where(JobRow.id == job_id)
            order = (JobRow.priority.desc(), JobRow.turn, JobRow.created_at)
            chosen = chosen.order_by(*order).limit(1).with_for_update(skip_locked=True)
            statement = (
                update(JobRow)
                .where(JobRow.id == chosen.scalar_subquery())
                .values(
                    status="running",
                    worker=worker,
                    attempts=JobRow.attempts + 1,
                    lease_until=moment + self._lease,
                    started_at=moment,
                    progress=0.0,
                    wanted_again=False,
                )
                .returning(JobRow)
                .execution_options(synchronize_session=False)
            )
            row = (await transaction.execute(statement)).scalar_one_or_none()
            return _job(row) if row else None

    async def _requeue_lapsed(self, transaction: Transaction, moment: datetime, job_id: UUID | None) -> None:
        """Put what silent workers held back where it waited; looked for once a second, so that claims stay cheap."""
        if job_id is None and moment < self._next_look:
            return
        self._next_look = moment + _LOOK_FOR_LAPSED
        lapsed = select(JobRow.id).where(JobRow.status == "running", JobRow.lease_until < moment)
        await transaction.execute(
            update(JobRow)
            .where(JobRow.id.in_(lapsed.with_for_update(skip_locked=True).scalar_subquery()))
            .values(status="queued", worker=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )

    async def heartbeat(self, job_id: UUID, *, worker: str, progress: float | None = None) -> Hold:
        """Lengthen the lease."""
        values: dict[str, Any] = {} if progress is None else {"progress": progress}
        held = update(JobRow).where(*_held(job_id, worker)).returning(JobRow.cancel_requested)
        async with self._database.begin() as transaction:
            until = await self._moment(transaction) + self._lease
            row = (await transaction.execute(held.values(lease_until=until, **values))).first()
        if row is None:
            return "lost"
        return "cancelled" if row[0] else "held"

    async def finish(self, job_id: UUID, *, worker: str) -> None:
        """The job is done."""
        await self._end(job_id, worker, status="done", progress=1.0, problem=None)

    async def release(self, job_id: UUID, *, worker: str) -> None:
        """Give a job back untouched: the worker ends before it."""
        await self._end(job_id, worker, status="queued", attempts=JobRow.attempts - 1, finished_at=None, progress=0.0)

    async def fail(
        self, job_id: UUID, *, worker: str, problem: StoredProblem, retry_after_seconds: float | None
    ) -> None:
        """The job failed: again later, or for the dead letters."""
        stored = msgspec.to_builtins(problem)
        if retry_after_seconds is None:
            await self._end(job_id, worker, status="dead", problem=stored)
            return
        await self._end(
            job_id,
            worker,
            pause=timedelta(seconds=retry_after_seconds),
            status="queued",
            problem=stored,
            finished_at=None,
            progress=0.0,
        )

    async def _end(self, job_id: UUID, worker: str, *, pause: timedelta | None = None, **values: Any) -> None:
        async with self._database.begin() as transaction:
            moment = await self._moment(transaction)
            values = {"worker": None, "lease_until": None, "finished_at": moment, **values}
            job = await transaction.scalar(select(JobRow).where(*_held(job_id, worker)).with_for_update())
            if job is None:
                return
            if job.wanted_again:
                values = {**_ONCE_MORE, "run_after": moment}
            elif pause is not None:
                values["run_after"] = moment + pause
            await transaction.execute(update(JobRow).where(JobRow.id == job_id).values(**values))

    async def end_cancelled(self, job_id: UUID, *, worker: str) -> None:
        """The job stopped because somebody asked for it."""
        await self._end(job_id, worker, status="cancelled")

    async def cancel(self, transaction: Transaction, job_id: UUID) -> bool:
        """Stop a job: at once while it waits, at its next heartbeat while it runs."""
        job = await transaction.get(JobRow, job_id, populate_existing=True, with_for_update=True)
        if job is None or job.status not in _OPEN:
            return False
        if job.status == "queued":
            job.status, job.finished_at = "cancelled", await self._moment(transaction)
        else:
            job.cancel_requested, job.wanted_again = True, False
        await transaction.flush()
        return True

    async def retry(self, transaction: Transaction, job_id: UUID) -> bool:
        """Queue a dead or cancelled job again, with all its attempts; False also where its work is queued already."""
        job = await transaction.get(JobRow, job_id, populate_existing=True, with_for_update=True)
        if job is None or job.status not in {"dead", "cancelled"}:
            return False
        if job.key and await self._open_job(transaction, job.key):
            return False
        moment = await self._moment(transaction)
        job.turn = await self._next_turn(transaction, job.owner_id, priority=job.priority, moment=moment)
        job.status, job.attempts, job.run_after = "queued", 0, moment
        job.problem, job.cancel_requested, job.finished_at = None, False, None
        await transaction.flush()
        return True

    async def get(self, transaction: Transaction, job_id: UUID) -> Job | None:
        """Read a job."""
        row = await transaction.get(JobRow, job_id, populate_existing=True)
        return _job(row) if row else None

    async def page(
        self, transaction: Transaction, where: JobFilter, *, limit: int, offset: int
    ) -> tuple[list[Job], int]:
        """List jobs, newest first, and count all that match."""
        conditions: list[ColumnElement[bool]] = []
        if where.owner_id is not None:
            conditions.append(JobRow.owner_id == where.owner_id)
        if where.status is not None:
            conditions.append(JobRow.status == where.status)
        if where.kind is not None:
            conditions.append(JobRow.kind == where.kind)
        total = await transaction.scalar(select(func.count()).select_from(JobRow).where(*conditions))
        statement = select(JobRow).where(*conditions).order_by(JobRow.created_at.desc()).limit(limit).offset(offset)
        return [_job(row) for row in await transaction.scalars(statement)], total or 0

    async def recover(self) -> int:
        """Queue again what was running: for a start that knows itself alone on the data directory."""
        statement = (
            update(JobRow)
            .where(JobRow.status == "running")
            .values(status="queued", worker=None, lease_until=None, progress=0.0)
            .returning(JobRow.id)
        )
        async with self._database.begin() as transaction:
            return len((await transaction.execute(statement)).all())

    async def forget_ended(self, before: datetime) -> int:
        """Drop jobs that ended well or were cancelled before a moment; dead letters stay."""
        statement = (
            delete(JobRow)
            .where(JobRow.status.in_(("done", "cancelled")), JobRow.finished_at < before)
            .returning(JobRow.id)
        )
        async with self._database.begin() as transaction:
            return len((await transaction.execute(statement)).all())

    async def check(self) -> Health:
        """Say how many jobs wait, and since when the oldest is due."""
        kind = "sqlite" if self._database.is_sqlite else "postgresql"
        statement = select(func.count(), func.min(JobRow.run_after)).where(JobRow.status == "queued")
        try:
            async with self._database.read() as transaction:
                moment = await self._moment(transaction)
                waiting, oldest = (await transaction.execute(statement)).one()
                dead = await transaction.scalar(select(func.count()).where(JobRow.status == "dead"))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return Health(kind, ok=False, detail=type(error).__name__)
        age = max(0, int((moment - oldest).total_seconds())) if oldest else 0
        detail = Text(f"waiting: {waiting}, dead: {dead}", f"en attente : {waiting}, abandonnées : {dead}")
        if waiting:
            since = Text(f"oldest due {age} s ago", f"la plus ancienne depuis {age} s")
            detail = Text(f"{detail.en}, {since.en}", f"{detail.fr}, {since.fr}")
        return Health(kind, ok=True, detail=detail)


_ONCE_MORE: dict[str, Any] = {
    "status": "queued",
    "worker": None,
    "lease_until": None,
    "attempts": 0,
    "progress": 0.0,
    "problem": None,
    "cancel_requested": False,
}


def _held(job_id: UUID, worker: str) -> tuple[ColumnElement[bool], ...]:
    return (JobRow.id == job_id, JobRow.worker == worker, JobRow.status == "running")


def _job(row: JobRow) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        payload=row.payload,
        owner_id=row.owner_id,
        status=cast("JobStatus", row.status),
        progress=row.progress,
        attempts=row.attempts,
        cancel_requested=row.cancel_requested,
        wanted_again=row.wanted_again,
        problem=msgspec.convert(row.problem, StoredProblem) if row.problem else None,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        run_after=row.run_after,
        lease_until=row.lease_until,
    )
