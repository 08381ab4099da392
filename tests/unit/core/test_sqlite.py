"""The connections to SQLite, however what they were opened for ends."""

import asyncio
import contextlib
import gc
import queue
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosqlite import core
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.database import Database


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"


@contextlib.contextmanager
def nothing_left_open() -> Iterator[None]:
    """Fail where a connection was thrown away that nobody had closed."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [text for warning in said if "SqliteConnection" in (text := str(warning.message))] == []


async def ask(database: Database, kind: str = "read") -> None:
    async with getattr(database, kind)() as transaction:
        await transaction.scalar(text("select 1"))


class Watched(queue.Queue[Any]):
    """The way to a connection's thread; each turn that is asked for is told."""

    told: Callable[[], None] = staticmethod(lambda: None)

    def put_nowait(self, item: Any) -> None:
        super().put_nowait(item)
        self.told()


@pytest.mark.parametrize("kind", ["read", "begin"])
async def test_whoever_is_cancelled_at_any_turn_leaves_no_connection_open(
    database_url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "SimpleQueue", Watched)
    loop = asyncio.get_running_loop()

    async def cancel_at(turn: int) -> bool:
        """Ask for something and be cancelled once the thread is given its so many-th turn; tells whether it was."""
        turns = 0

        def told() -> None:
            nonlocal turns
            turns += 1
            if turns == turn:
                loop.call_soon(asking.cancel)

        monkeypatch.setattr(Watched, "told", staticmethod(told))
        async with Database(database_url) as database:
            asking = asyncio.create_task(ask(database, kind))
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            was_cancelled = asking.cancelled()
            await asyncio.wait_for(ask(database, kind), timeout=5)
        return was_cancelled

    turn = 1
    with nothing_left_open():
        while await cancel_at(turn):
            turn += 1
    assert turn > 2, "nothing was cancelled on its way"


@contextlib.asynccontextmanager
async def used_at_the_end(url: str, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> AsyncIterator[Any]:
    """Give what still goes on when its database is closed."""
    async with Database(url) as database:
        going_on = asyncio.create_task(work(database))
        await asyncio.sleep(0.05)
    yield going_on


async def test_whoever_reads_beyond_the_end_is_cut_off(database_url: str) -> None:
    async def read(database: Database) -> None:
        async with database.read() as transaction:
            await transaction.scalar(text("select 1"))
            await asyncio.sleep(0.1)
            await transaction.scalar(text("select 2"))

    with nothing_left_open():
        async with used_at_the_end(database_url, read) as reading:
            with pytest.raises(SQLAlchemyError):
                await reading
        del reading


async def test_what_is_being_written_at_the_end_is_written(database_url: str) -> None:
    async def write(database: Database) -> None:
        async with database.begin() as transaction:
            await transaction.execute(text("create table things (name text)"))
            await asyncio.sleep(0.2)
            await transaction.execute(text("insert into things values ('late')"))

    with nothing_left_open():
        async with used_at_the_end(database_url, write) as writing:
            await writing
    async with Database(database_url) as database, database.read() as transaction:
        assert await transaction.scalar(text("select name from things")) == "late"


async def test_closing_that_is_cancelled_leaves_nothing_open(database_url: str) -> None:
    async def use(opened: asyncio.Event) -> None:
        async with Database(database_url) as database:
            await asyncio.gather(*[ask(database) for _ in range(4)], ask(database, "begin"))
            opened.set()

    with nothing_left_open():
        opened = asyncio.Event()
        using = asyncio.create_task(use(opened))
        await opened.wait()
        using.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await using
        assert using.cancelled(), "it was closed before it could be cancelled"
        await asyncio.sleep(0.1)
        del using
