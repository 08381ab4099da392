"""Jobs as people see them: their own, and for an admin everybody's."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction
from appliance.core.errors import ApplianceError
from appliance.core.paging import Page
from appliance.core.text import Language
from appliance.features.audit import AuditService
from appliance.features.knowledge import DocumentService
from appliance.features.operations.errors import JobEnded, JobNotDead, JobNotFound
from appliance.features.operations.schemas import JobOut
from appliance.ports.job_queue import Job, JobFilter, JobQueue, JobRunner, JobStatus


class JobService:
    """Looks at, retries and stops durable work."""

    def __init__(
        self,
        database: Database,
        *,
        queue: JobQueue,
        runner: JobRunner,
        audit: AuditService,
        documents: DocumentService,
    ) -> None:
        """`runner` stops what runs now; `documents` knows the names of what jobs are about."""
        self._database = database
        self._queue = queue
        self._runner = runner
        self._audit = audit
        self._documents = documents

    async def page(
        self, caller: Caller, *, status: JobStatus | None, kind: str | None, limit: int, offset: int
    ) -> Page[JobOut]:
        """List jobs, newest first."""
        owner_id = None if caller.is_admin else caller.user_id
        where = JobFilter(owner_id=owner_id, status=status, kind=kind)
        async with self._database.read() as transaction:
            jobs, total = await self._queue.page(transaction, where, limit=limit, offset=offset)
            items = await self._show(transaction, caller, jobs)
        return Page(items=items, total=total, limit=limit, offset=offset)

    async def get(self, caller: Caller, job_id: UUID) -> JobOut:
        """Show one job."""
        async with self._database.read() as transaction:
            return await self._show_one(transaction, caller, job_id)

    async def retry(self, caller: Caller, job_id: UUID) -> JobOut:
        """Queue a dead letter again."""
        async with self._database.begin() as transaction:
            await self._find(transaction, caller, job_id)
            if not await self._queue.retry(transaction, job_id):
                raise JobNotDead
            await self._audit.record(transaction, caller, "job.retried", object_kind="job", object_id=job_id)
            job = await self._show_one(transaction, caller, job_id)
        self._runner.wake()
        return job

    async def cancel(self, caller: Caller, job_id: UUID) -> JobOut:
        """Stop a job."""
        async with self._database.begin() as transaction:
            await self._find(transaction, caller, job_id)
            if not await self._queue.cancel(transaction, job_id):
                raise JobEnded
            await self._audit.record(transaction, caller, "job.cancelled", object_kind="job", object_id=job_id)
            job = await self._show_one(transaction, caller, job_id)
        await self._runner.cancel(job_id)
        return job

    async def _find(self, transaction: Transaction, caller: Caller, job_id: UUID) -> Job:
        job = await self._queue.get(transaction, job_id)
        if job is None or (job.owner_id != caller.user_id and not caller.is_admin):
            raise JobNotFound
        return job

    async def _show_one(self, transaction: Transaction, caller: Caller, job_id: UUID) -> JobOut:
        job = await self._find(transaction, caller, job_id)
        return (await self._show(transaction, caller, [job]))[0]

    async def _show(self, transaction: Transaction, caller: Caller, jobs: Sequence[Job]) -> list[JobOut]:
        ids = {found for job in jobs if (found := _document(job)) is not None}
        names = await self._documents.names(transaction, caller, sorted(ids))
        return [_job(job, names.get(_document(job) or job.id), caller.language) for job in jobs]


def _document(job: Job) -> UUID | None:
    document_id = job.payload.get("document_id")
    return UUID(document_id) if document_id else None


def _job(job: Job, subject: str | None, language: Language) -> JobOut:
    return JobOut(
        id=job.id,
        kind=job.kind,
        status=job.status,
        progress=job.progress,
        attempts=job.attempts,
        problem=ApplianceError.restore(job.problem).to_problem(language) if job.problem else None,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        owner_id=job.owner_id,
        subject=subject,
    )
