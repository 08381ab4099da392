"""Durable work: a job commits in the same transaction as the row it is about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from appliance.core.database import Transaction
from appliance.core.errors import StoredProblem
from appliance.core.health import Health

Hold = Literal["held", "cancelled", "lost"]
"""Go on; stop, somebody asked for it; stop, the lease lapsed and the job is another's."""
JobStatus = Literal["queued", "running", "done", "dead", "cancelled"]


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """Work to do. The same `key` while such a job is queued or running adds nothing."""

    kind: str
    payload: dict[str, Any]
    owner_id: UUID | None = None
    key: str | None = None
    priority: int = 0
    delay_seconds: float = 0.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands. `progress` runs from 0 to 1; `wanted_again`: when this run ends, it runs once more."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    owner_id: UUID | None
    status: JobStatus
    progress: float
    attempts: int
    cancel_requested: bool
    wanted_again: bool
    problem: StoredProblem | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    run_after: datetime
    lease_until: datetime | None


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list; all that is given must hold."""

    owner_id: UUID | None = None
    status: JobStatus | None = None
    kind: str | None = None


class JobQueue(Protocol):
    """A queue in the state's own database. Owners take turns: nobody waits behind another's thousand files."""

    async def enqueue(self, transaction: Transaction, job: NewJob) -> UUID:
        """Add a job to the caller's transaction; gives the id of the one already there for the same key.

        One that runs already may have read what the caller changed: it runs once more.
        """
        ...

    async def claim(self, *, worker: str, kinds: Sequence[str], job_id: UUID | None = None) -> Job | None:
        """Take the next job (or that one) under a lease; None where none is due. A lapsed lease is claimed again."""
        ...

    async def heartbeat(self, job_id: UUID, *, worker: str, progress: float | None = None) -> Hold:
        """Lengthen the lease, and say whether the job is still this worker's to do."""
        ...

    async def finish(self, job_id: UUID, *, worker: str) -> None:
        """The job is done."""
        ...

    async def release(self, job_id: UUID, *, worker: str) -> None:
        """Give the job back, as if it had not been claimed."""
        ...

    async def fail(
        self, job_id: UUID, *, worker: str, problem: StoredProblem, retry_after_seconds: float | None
    ) -> None:
        """The job failed: again later, or None for the dead letters."""
        ...

    async def end_cancelled(self, job_id: UUID, *, worker: str) -> None:
        """The job stopped because that was asked for."""
        ...

    async def cancel(self, transaction: Transaction, job_id: UUID) -> bool:
        """Ask a job to stop; False where it has ended."""
        ...

    async def retry(self, transaction: Transaction, job_id: UUID) -> bool:
        """Queue a dead or cancelled job again; False where it is neither."""
        ...

    async def get(self, transaction: Transaction, job_id: UUID) -> Job | None:
        """Read a job."""
        ...

    async def is_open(self, transaction: Transaction, key: str) -> bool:
        """Tell whether a job of this key waits or runs."""
        ...

    async def page(
        self, transaction: Transaction, where: JobFilter, *, limit: int, offset: int
    ) -> tuple[list[Job], int]:
        """List jobs, newest first, and count all that match."""
        ...

    async def recover(self) -> int:
        """Queue again whatever was running; only for a process that knows itself the only one. Counts them."""
        ...

    async def forget_ended(self, before: datetime) -> int:
        """Drop jobs that ended before a moment; dead letters stay. Counts them."""
        ...

    async def check(self) -> Health:
        """Say whether the queue moves: how many wait, and since when the oldest."""
        ...


class JobCancelled(Exception):
    """What a handler raises that sees for itself that its work is not wanted any more."""


class JobContext(Protocol):
    """What a handler sees of its job while it runs."""

    @property
    def job(self) -> Job:
        """The job itself."""
        ...

    def report(self, progress: float) -> None:
        """Say how far the work is, from 0 to 1; written down at the next heartbeat."""
        ...


class JobHandler(Protocol):
    """How one kind of job is done. Running it twice must be harmless; it is cancelled by `asyncio.CancelledError`."""

    kind: str
    timeout_seconds: float

    async def run(self, context: JobContext) -> None:
        """Do the work. EngineUnavailable, EngineTimedOut and EngineFailed are tried again later, other errors are final."""
        ...

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        """Show the failure where people look; `retried`: the queue will try again by itself."""
        ...


class JobRunner(Protocol):
    """The workers of this process, as the rooms see them."""

    def wake(self) -> None:
        """Work was added: look now instead of at the next round."""
        ...

    async def run_now(self, job_id: UUID) -> None:
        """Do this job in this process at once, beside the workers; returns when it ended or is another process's."""
        ...

    async def cancel(self, job_id: UUID) -> None:
        """Stop a job that runs here or elsewhere now, not at its next heartbeat."""
        ...
