"""Shorthand for the suites of the job queue."""

from datetime import datetime, timedelta
from uuid import UUID

from appliance.core.database import Database, Transaction, now
from appliance.core.errors import StoredProblem
from appliance.engines.sql_queue import SqlQueue
from appliance.ports.job_queue import Job, JobStatus, NewJob

LEASE_SECONDS = 30.0
KINDS = ["index", "delete"]
PROBLEM = StoredProblem("engine_failed", {"engine": "Ollama"})


class Clock:
    """Moves the queue's time on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    async def __call__(self, _transaction: Transaction) -> datetime:
        return now() + self.ahead

    def pass_seconds(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


async def add(database: Database, queue: SqlQueue, count: int = 1, **more: object) -> list[UUID]:
    jobs = [NewJob(**{"kind": "index", "payload": {"number": number}, **more}) for number in range(count)]  # pyright: ignore[reportArgumentType]
    async with database.begin() as transaction:
        return [await queue.enqueue(transaction, job) for job in jobs]


async def claim(queue: SqlQueue, worker: str = "w", job_id: UUID | None = None) -> Job | None:
    return await queue.claim(worker=worker, kinds=KINDS, job_id=job_id)


async def claim_one(queue: SqlQueue, worker: str = "w", job_id: UUID | None = None) -> Job:
    job = await claim(queue, worker, job_id)
    assert job is not None
    return job


async def get(database: Database, queue: SqlQueue, job_id: UUID) -> Job:
    async with database.read() as transaction:
        job = await queue.get(transaction, job_id)
    assert job is not None
    return job


async def status(database: Database, queue: SqlQueue, job_id: UUID) -> JobStatus:
    return (await get(database, queue, job_id)).status
