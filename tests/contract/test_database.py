"""What the state promises on both databases: one consistent view for who reads, all or nothing for who writes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Database, Table, Transaction, now


class ThingRow(Table):
    """A row with a column of each kind the rooms use."""

    __tablename__ = "contract_things"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    at: Mapped[datetime | None]
    facts: Mapped[dict[str, Any] | None]
    tags: Mapped[list[str]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as made:
        async with made.engine.begin() as connection:
            await connection.run_sync(Table.metadata.tables[ThingRow.__tablename__].create)
        yield made


def thing(name: str = "a", **more: Any) -> ThingRow:
    return ThingRow(**{"id": uuid4(), "name": name, "at": None, "facts": None, "tags": [], **more})


async def add(database: Database, *names: str) -> None:
    async with database.begin() as transaction:
        transaction.add_all(thing(name) for name in names)


async def count(transaction: Transaction) -> int:
    return await transaction.scalar(select(func.count()).select_from(ThingRow)) or 0


async def total(database: Database) -> int:
    async with database.read() as transaction:
        return await count(transaction)


async def test_every_kind_of_value_comes_back(database: Database) -> None:
    at = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
    facts = {"é": ["🙂", 1, 2.5, None, True, {"a": []}], "big": 2**53, "empty": {}}
    row = thing("naïve ‘name’ \\ % _", at=at, facts=facts, tags=["a", "b"])
    async with database.begin() as transaction:
        transaction.add(row)
    async with database.read() as transaction:
        found = await transaction.get_one(ThingRow, row.id)
    assert (found.name, found.facts, found.tags) == (row.name, facts, ["a", "b"])
    assert found.at == at
    assert found.at is not None
    assert found.at.tzinfo is not None


async def test_a_moment_needs_its_zone(database: Database) -> None:
    async def add_naive() -> None:
        async with database.begin() as transaction:
            transaction.add(thing(at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point

    with pytest.raises(StatementError, match="time zone"):
        await add_naive()


async def test_moments_compare(database: Database) -> None:
    moment = now()
    async with database.begin() as transaction:
        transaction.add_all(thing(str(hours), at=moment + timedelta(hours=hours)) for hours in (-1, 0, 1))
    async with database.read() as transaction:
        later = select(ThingRow.name).where(ThingRow.at >= moment.astimezone(UTC)).order_by(ThingRow.at)
        assert list(await transaction.scalars(later)) == ["0", "1"]


async def test_all_or_nothing(database: Database) -> None:
    async def break_off() -> None:
        async with database.begin() as transaction:
            transaction.add(thing())
            await transaction.flush()
            raise LookupError

    with pytest.raises(LookupError):
        await break_off()
    assert await total(database) == 0


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    for steps in range(0, 60, 3):

        async def write() -> None:
            async with database.begin() as transaction:
                transaction.add(thing("first"))
                await transaction.flush()
                transaction.add(thing("second"))

        task = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await add(database, "after")
    async with database.read() as transaction:
        names = list(await transaction.scalars(select(ThingRow.name)))
    assert names.count("first") == names.count("second"), "never half of it"
    assert names.count("after") == 1


async def test_who_reads_sees_one_moment(database: Database) -> None:
    await add(database, "a")
    async with database.read() as transaction:
        assert await count(transaction) == 1
        await add(database, "b", "c")
        assert await count(transaction) == 1
    assert await total(database) == 3


async def test_what_a_reader_changes_is_thrown_away(database: Database) -> None:
    async with database.read() as transaction:
        transaction.add(thing())
        await transaction.flush()
    assert await total(database) == 0


async def test_many_writers_take_turns(database: Database) -> None:
    await asyncio.gather(*(add(database, str(number)) for number in range(40)))
    assert await total(database) == 40


async def test_two_processes_write(database: Database, database_url: str) -> None:
    async with Database(database_url) as other:
        await asyncio.gather(
            *(add(database, f"here {number}") for number in range(15)),
            *(add(other, f"there {number}") for number in range(15)),
        )
        assert await total(other) == 30


async def test_check_names_the_version(database: Database) -> None:
    health = await database.check()
    assert health.ok
    assert health.detail[0].isdigit()


@pytest.mark.engine
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_was_cut_is_made_again(database: Database) -> None:
    await add(database, "before")
    async with Database(database.url.render_as_string(hide_password=False)) as other, other.begin() as transaction:
        cut = text(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await transaction.execute(cut)
    await add(database, "after")
    assert await total(database) == 2
