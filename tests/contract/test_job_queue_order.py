"""Who comes next: owners take turns, priority goes first, a delay is kept."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from appliance.core.database import Database
from appliance.engines.sql_queue import SqlQueue
from tests.contract.job_queues import PROBLEM, Clock, add, claim, claim_one


async def test_owners_take_turns(database: Database, queue: SqlQueue) -> None:
    many, few = uuid4(), uuid4()
    await add(database, queue, 30, owner_id=many)
    await add(database, queue, 3, owner_id=few)
    await add(database, queue, 1)
    order = [(await claim_one(queue)).owner_id for _ in range(8)]
    assert order.count(few) == 3
    assert order.count(None) == 1


async def test_somebody_who_comes_later_waits_one_turn(database: Database, queue: SqlQueue) -> None:
    many, late = uuid4(), uuid4()
    await add(database, queue, 40, owner_id=many)
    for _ in range(15):
        await queue.finish((await claim_one(queue)).id, worker="w")
    await add(database, queue, 2, owner_id=late)
    order = [(await claim_one(queue)).owner_id for _ in range(4)]
    assert order == [many, late, many, late]


async def test_a_job_that_waits_for_its_retry_does_not_open_the_front(database: Database, queue: SqlQueue) -> None:
    many, late, stumbling = uuid4(), uuid4(), uuid4()
    [first] = await add(database, queue, owner_id=stumbling)
    await claim_one(queue, job_id=first)
    await queue.fail(first, worker="w", problem=PROBLEM, retry_after_seconds=600)
    await add(database, queue, 40, owner_id=many)
    for _ in range(15):
        await queue.finish((await claim_one(queue)).id, worker="w")
    await add(database, queue, 10, owner_id=late)
    order = [(await claim_one(queue)).owner_id for _ in range(10)]
    assert order.count(many) == 5, "the late one takes turns, however many they bring"


async def test_a_retried_letter_waits_its_turn(database: Database, queue: SqlQueue) -> None:
    many, other = uuid4(), uuid4()
    dead = await add(database, queue, 5, owner_id=other)
    for job_id in dead:
        await claim_one(queue, job_id=job_id)
        await queue.fail(job_id, worker="w", problem=PROBLEM, retry_after_seconds=None)
    await add(database, queue, 30, owner_id=many)
    for _ in range(10):
        await queue.finish((await claim_one(queue)).id, worker="w")
    async with database.begin() as transaction:
        for job_id in dead:
            assert await queue.retry(transaction, job_id)
    order = [(await claim_one(queue)).owner_id for _ in range(6)]
    assert order.count(many) == 3


@pytest.mark.engine
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_on_postgresql_time_is_the_databases(database: Database, queue: SqlQueue) -> None:
    """Machines without a time server disagree; a lease must lapse for all of them at once."""
    async with database.begin() as transaction:
        there = await transaction.scalar(text("select transaction_timestamp()"))
        assert await queue._moment(transaction) == there


async def test_priority_goes_first(database: Database, queue: SqlQueue) -> None:
    await add(database, queue, 5)
    [urgent] = await add(database, queue, priority=1)
    assert (await claim_one(queue)).id == urgent


async def test_a_delayed_job_waits(database: Database, queue: SqlQueue, clock: Clock) -> None:
    [job_id] = await add(database, queue, delay_seconds=60)
    assert await claim(queue) is None
    assert await claim(queue, job_id=job_id) is None
    clock.pass_seconds(61)
    assert (await claim_one(queue)).id == job_id
