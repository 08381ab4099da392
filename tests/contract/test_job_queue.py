"""What the JobQueue promises on both databases: nothing is lost, nothing is done twice at once, nobody waits unfairly."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from appliance.core.database import Database, now
from appliance.core.errors import StoredProblem
from appliance.core.text import said
from appliance.engines.sql_queue import SqlQueue
from appliance.ports.job_queue import JobFilter, NewJob
from tests.contract.job_queues import LEASE_SECONDS, PROBLEM, Clock, add, claim, claim_one, get, status


async def test_a_job_keeps_what_it_was_given(database: Database, queue: SqlQueue) -> None:
    payload = {"file_id": str(uuid4()), "text": "é 🙂 \\u0041 \n", "list": [1, 2.5, None, True], "nested": {"a": {}}}
    owner = uuid4()
    [job_id] = await add(database, queue, payload=payload, owner_id=owner, key="k", priority=3)
    waiting = await get(database, queue, job_id)
    assert (waiting.status, waiting.attempts, waiting.progress, waiting.problem) == ("queued", 0, 0.0, None)
    job = await claim_one(queue)
    assert job.id == job_id
    assert (job.kind, job.payload, job.owner_id) == ("index", payload, owner)
    assert (job.status, job.attempts, job.cancel_requested) == ("running", 1, False)
    assert job.started_at is not None
    assert job.lease_until is not None
    assert (job.lease_until - job.started_at).total_seconds() == LEASE_SECONDS
    assert job.created_at.tzinfo is not None


async def test_it_commits_with_the_caller_and_rolls_back_with_it(database: Database, queue: SqlQueue) -> None:
    class Nevermind(Exception):
        pass

    async def think_again() -> None:
        async with database.begin() as transaction:
            await queue.enqueue(transaction, NewJob(kind="index", payload={}))
            await queue.enqueue(transaction, NewJob(kind="index", payload={}, key="k"))
            raise Nevermind

    with pytest.raises(Nevermind):
        await think_again()
    assert await claim(queue) is None
    async with database.begin() as transaction:
        await queue.enqueue(transaction, NewJob(kind="index", payload={}, key="k"))
    await claim_one(queue)


async def test_it_is_invisible_until_the_caller_commits(database: Database, queue: SqlQueue) -> None:
    added, leave = asyncio.Event(), asyncio.Event()

    async def enqueue_slowly() -> None:
        async with database.begin() as transaction:
            await queue.enqueue(transaction, NewJob(kind="index", payload={}))
            added.set()
            await leave.wait()

    task = asyncio.create_task(enqueue_slowly())
    await added.wait()
    async with database.read() as transaction:
        assert (await queue.page(transaction, JobFilter(), limit=10, offset=0))[1] == 0
    leave.set()
    await task
    await claim_one(queue)


async def test_each_job_is_claimed_exactly_once(database: Database, queue: SqlQueue) -> None:
    wanted = await add(database, queue, 120)
    claimed: Counter[UUID] = Counter()

    async def work(name: str) -> None:
        while (job := await claim(queue, name)) is not None:
            claimed[job.id] += 1
            if claimed.total() % 3:
                await queue.finish(job.id, worker=name)

    await asyncio.gather(*(work(f"w{number}") for number in range(12)))
    assert claimed == Counter(wanted)


async def test_two_who_want_the_same_job(database: Database, queue: SqlQueue) -> None:
    for _ in range(10):
        [job_id] = await add(database, queue)
        taken = await asyncio.gather(*(claim(queue, f"w{number}", job_id) for number in range(6)))
        assert len([job for job in taken if job is not None]) == 1


async def test_only_kinds_that_are_known_are_claimed(database: Database, queue: SqlQueue) -> None:
    await add(database, queue, kind="of_a_newer_version")
    assert await claim(queue) is None
    assert await queue.claim(worker="w", kinds=[]) is None
    assert await queue.claim(worker="w", kinds=["of_a_newer_version"]) is not None


async def test_a_key_adds_nothing_while_its_job_is_open(database: Database, queue: SqlQueue) -> None:
    [first] = await add(database, queue, key="document:1")
    assert await add(database, queue, key="document:1") == [first]
    await add(database, queue, key="document:2")
    job = await claim_one(queue, job_id=first)
    async with database.begin() as transaction:
        assert await queue.is_open(transaction, "document:1")
    await queue.finish(job.id, worker="w")
    async with database.read() as transaction:
        assert not await queue.is_open(transaction, "document:1")
    [second] = await add(database, queue, key="document:1")
    assert second != first


@pytest.mark.parametrize("end", ["finish", "fail", "cancel"])
async def test_a_key_queued_while_its_job_runs_has_it_run_once_more(
    database: Database, queue: SqlQueue, end: str
) -> None:
    """What it read may be old by then."""
    [first] = await add(database, queue, key="document:1")
    await claim_one(queue)
    if end == "cancel":
        async with database.begin() as transaction:
            await queue.cancel(transaction, first)
    assert await add(database, queue, key="document:1") == [first]
    assert await claim(queue) is None, "not beside itself"
    match end:
        case "finish":
            await queue.finish(first, worker="w")
        case "fail":
            await queue.fail(first, worker="w", problem=StoredProblem("unexpected"), retry_after_seconds=None)
        case _:
            await queue.end_cancelled(first, worker="w")
    again = await claim_one(queue)
    assert (again.id, again.attempts, again.cancel_requested, again.problem) == (first, 1, False, None)
    await queue.finish(first, worker="w")
    assert await status(database, queue, first) == "done"
    assert await claim(queue) is None


async def test_a_key_queued_just_as_its_job_ends_is_not_lost(database: Database, queue: SqlQueue) -> None:
    for _ in range(20):
        await add(database, queue, key="document:1")
        running = await claim_one(queue)
        _, [waiting] = await asyncio.gather(
            queue.finish(running.id, worker="w"), add(database, queue, key="document:1")
        )
        assert await status(database, queue, waiting) == "queued"
        await queue.finish((await claim_one(queue)).id, worker="w")


async def test_what_waits_for_another_try_and_is_asked_for_again_is_not_cancelled(
    database: Database, queue: SqlQueue
) -> None:
    [job_id] = await add(database, queue, key="document:1")
    await claim_one(queue)
    async with database.begin() as transaction:
        await queue.cancel(transaction, job_id)
    await queue.fail(job_id, worker="w", problem=StoredProblem("unexpected"), retry_after_seconds=0)
    assert await add(database, queue, key="document:1") == [job_id]
    assert not (await claim_one(queue)).cancel_requested


async def test_the_same_key_from_many_at_once(database: Database, queue: SqlQueue) -> None:
    for round_number in range(5):
        key = f"document:{round_number}"
        ids = await asyncio.gather(*(add(database, queue, key=key) for _ in range(8)))
        assert len({job_id for [job_id] in ids}) == 1


@pytest.mark.engine
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_key_that_another_process_queues_meanwhile_keeps_the_callers_rows(
    database: Database, queue: SqlQueue
) -> None:
    """The second waits for the first's commit, gets its job, and its own transaction still stands (SQLite: one writer)."""
    added, leave = asyncio.Event(), asyncio.Event()

    async def enqueue_slowly() -> UUID:
        async with database.begin() as transaction:
            job_id = await queue.enqueue(transaction, NewJob(kind="index", payload={}, key="k"))
            added.set()
            await leave.wait()
            return job_id

    async def enqueue_beside() -> list[UUID]:
        async with database.begin() as transaction:
            other = await queue.enqueue(transaction, NewJob(kind="delete", payload={}))
            asyncio.get_running_loop().call_later(0.1, leave.set)
            return [await queue.enqueue(transaction, NewJob(kind="index", payload={}, key="k")), other]

    first = asyncio.create_task(enqueue_slowly())
    await added.wait()
    there, other = await enqueue_beside()
    assert there == await first
    assert await status(database, queue, other) == "queued"


async def test_a_lease_that_lapsed_is_anothers(database: Database, queue: SqlQueue, clock: Clock) -> None:
    [job_id] = await add(database, queue)
    await claim_one(queue, "dies")
    assert await claim(queue, "lives") is None
    clock.pass_seconds(LEASE_SECONDS - 1)
    assert await claim(queue, "lives") is None
    clock.pass_seconds(2)
    again = await claim_one(queue, "lives")
    assert (again.id, again.attempts) == (job_id, 2)
    assert await queue.heartbeat(job_id, worker="dies") == "lost"
    await queue.finish(job_id, worker="dies")
    await queue.fail(job_id, worker="dies", problem=PROBLEM, retry_after_seconds=None)
    await queue.release(job_id, worker="dies")
    assert await status(database, queue, job_id) == "running", "a dead worker's late words change nothing"
    assert await queue.heartbeat(job_id, worker="lives") == "held"
    await queue.finish(job_id, worker="lives")
    assert await status(database, queue, job_id) == "done"


async def test_a_heartbeat_keeps_the_lease_and_the_progress(database: Database, queue: SqlQueue, clock: Clock) -> None:
    [job_id] = await add(database, queue)
    await claim_one(queue, "steady")
    for step in range(1, 4):
        clock.pass_seconds(LEASE_SECONDS - 1)
        assert await queue.heartbeat(job_id, worker="steady", progress=step / 4) == "held"
        assert await claim(queue, "greedy") is None
    assert (await get(database, queue, job_id)).progress == 0.75
    assert await queue.heartbeat(job_id, worker="steady") == "held"
    assert (await get(database, queue, job_id)).progress == 0.75


async def test_finish_release_fail(database: Database, queue: SqlQueue, clock: Clock) -> None:
    [job_id] = await add(database, queue)
    await claim_one(queue)
    await queue.release(job_id, worker="w")
    released = await get(database, queue, job_id)
    assert (released.status, released.attempts, released.lease_until) == ("queued", 0, None)

    await claim_one(queue)
    await queue.fail(job_id, worker="w", problem=PROBLEM, retry_after_seconds=20)
    failed = await get(database, queue, job_id)
    assert (failed.status, failed.attempts, failed.problem) == ("queued", 1, PROBLEM)
    assert await claim(queue) is None
    clock.pass_seconds(21)

    assert (await claim_one(queue)).attempts == 2
    await queue.fail(job_id, worker="w", problem=PROBLEM, retry_after_seconds=None)
    dead = await get(database, queue, job_id)
    assert (dead.status, dead.problem) == ("dead", PROBLEM)
    assert dead.finished_at is not None
    assert await claim(queue) is None

    async with database.begin() as transaction:
        assert await queue.retry(transaction, job_id)
    again = await claim_one(queue)
    assert (again.attempts, again.problem) == (1, None)
    await queue.finish(job_id, worker="w")
    done = await get(database, queue, job_id)
    assert (done.status, done.progress) == ("done", 1.0)
    async with database.begin() as transaction:
        assert not await queue.retry(transaction, job_id)


async def test_a_retry_of_work_that_is_queued_again_already(database: Database, queue: SqlQueue) -> None:
    [dead] = await add(database, queue, key="k")
    await claim_one(queue)
    await queue.fail(dead, worker="w", problem=PROBLEM, retry_after_seconds=None)
    [waiting] = await add(database, queue, key="k")
    async with database.begin() as transaction:
        assert not await queue.retry(transaction, dead)
    assert await status(database, queue, dead) == "dead"
    assert await status(database, queue, waiting) == "queued"


async def test_cancel_while_it_waits(database: Database, queue: SqlQueue) -> None:
    [job_id] = await add(database, queue)
    async with database.begin() as transaction:
        assert await queue.cancel(transaction, job_id)
    assert await status(database, queue, job_id) == "cancelled"
    assert await claim(queue) is None
    async with database.begin() as transaction:
        assert not await queue.cancel(transaction, job_id)
        assert not await queue.cancel(transaction, uuid4())


async def test_cancel_while_it_runs(database: Database, queue: SqlQueue) -> None:
    [job_id] = await add(database, queue)
    await claim_one(queue)
    async with database.begin() as transaction:
        assert await queue.cancel(transaction, job_id)
    assert await queue.heartbeat(job_id, worker="w") == "cancelled"
    await queue.end_cancelled(job_id, worker="w")
    assert await status(database, queue, job_id) == "cancelled"
    async with database.begin() as transaction:
        assert await queue.retry(transaction, job_id)
    assert not (await claim_one(queue)).cancel_requested


async def test_recover_queues_what_ran(database: Database, queue: SqlQueue) -> None:
    [running, waiting] = await add(database, queue, 2)
    await claim_one(queue, "before the crash", running)
    assert await queue.recover() == 1
    assert await queue.recover() == 0
    assert {(await claim_one(queue)).id for _ in range(2)} == {running, waiting}
    assert (await get(database, queue, running)).attempts == 2, "a job that takes its process down is counted"


async def test_pages(database: Database, queue: SqlQueue) -> None:
    mine, other = uuid4(), uuid4()
    first = await add(database, queue, 3, owner_id=mine)
    await add(database, queue, 2, owner_id=other, kind="delete")
    await claim_one(queue, job_id=first[0])
    async with database.read() as transaction:
        everything, total = await queue.page(transaction, JobFilter(), limit=4, offset=0)
        assert (len(everything), total) == (4, 5)
        assert [job.kind for job in everything] == ["delete", "delete", "index", "index"]
        running, total = await queue.page(transaction, JobFilter(status="running", owner_id=mine), limit=4, offset=0)
        assert ([job.id for job in running], total) == (first[:1], 1)
        rest, total = await queue.page(transaction, JobFilter(kind="index"), limit=2, offset=2)
        assert (len(rest), total) == (1, 3)
        assert await queue.get(transaction, uuid4()) is None


async def test_what_ended_is_forgotten_and_dead_letters_stay(database: Database, queue: SqlQueue, clock: Clock) -> None:
    done, dead, cancelled, waiting = await add(database, queue, 4)
    await claim_one(queue, job_id=done)
    await queue.finish(done, worker="w")
    await claim_one(queue, job_id=dead)
    await queue.fail(dead, worker="w", problem=PROBLEM, retry_after_seconds=None)
    async with database.begin() as transaction:
        await queue.cancel(transaction, cancelled)
    assert await queue.forget_ended(now() - timedelta(days=1)) == 0
    clock.pass_seconds(1)
    assert await queue.forget_ended(now() + timedelta(seconds=5)) == 2
    async with database.read() as transaction:
        left, _ = await queue.page(transaction, JobFilter(), limit=10, offset=0)
    assert {job.id for job in left} == {dead, waiting}


async def test_check_counts(database: Database, queue: SqlQueue) -> None:
    empty = await queue.check()
    assert empty.ok
    assert said(empty.detail, "en") == "waiting: 0, dead: 0"
    await add(database, queue, 3)
    job = await claim_one(queue)
    await queue.fail(job.id, worker="w", problem=PROBLEM, retry_after_seconds=None)
    health = await queue.check()
    assert (health.ok, said(health.detail, "en")) == (True, "waiting: 2, dead: 1, oldest due 0 s ago")


@pytest.mark.parametrize("end", ["finish", "release"])
async def test_a_worker_that_is_cut_off_mid_call_loses_nothing(database: Database, queue: SqlQueue, end: str) -> None:
    """Cancelled at any await, a call has happened or it has not."""
    await add(database, queue, 30)
    call: Callable[..., Awaitable[None]] = getattr(queue, end)

    async def one() -> None:
        job = await claim(queue)
        if job is not None:
            await call(job.id, worker="w")

    for steps in range(30):
        task = asyncio.create_task(one())
        for _ in range(steps * 3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await queue.recover()
    async with database.read() as transaction:
        _, waiting = await queue.page(transaction, JobFilter(status="queued"), limit=1, offset=0)
        _, done = await queue.page(transaction, JobFilter(status="done"), limit=1, offset=0)
    assert waiting + done == 30
