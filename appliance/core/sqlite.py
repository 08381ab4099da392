"""SQLite's connection for SQLAlchemy: each statement is one turn of its thread, and nothing else is.

aiosqlite opens, executes, fetches and closes in a turn of its thread each, and every turn waits until the machine gets
round to it: four times what a small statement takes. Rows are fetched whole either way. A transaction begins in the turn
of its first statement, and nobody waits for the end of one that only reads.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL  # pyright: ignore[reportPrivateUsage] - how its thread is ended


class _Cursor:
    """What SQLAlchemy asks of an asyncio driver's cursor; it holds the rows of its statement."""

    arraysize = 1

    def __init__(self, connection: "SqliteConnection") -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Self:
        if statement.startswith("BEGIN"):
            self._connection.begin = statement
        else:
            await self._connection.run(self._do, self._connection.take_begin(), "execute", statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Any) -> Self:
        await self._connection.run(self._do, self._connection.take_begin(), "executemany", statement, parameters)
        return self

    def _do(self, connection: sqlite3.Connection, begin: str, method: str, statement: str, parameters: Any) -> None:
        if begin:
            connection.execute(begin).close()
        cursor = getattr(connection, method)(statement, parameters)
        try:
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else ()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    async def close(self) -> None:
        self._rows = ()


class SqliteConnection(aiosqlite.Connection):
    """A connection whose cursors do each statement at once. `begin`: how the transaction will, that has no statement yet."""

    begin = ""
    only_reads = False

    def take_begin(self) -> str:
        """Give it to the statement that comes first."""
        begin, self.begin = self.begin, ""
        return begin

    async def commit(self) -> None:
        """End the transaction, if it has begun."""
        if not self.take_begin():
            await super().commit()

    async def rollback(self) -> None:
        """End it without a trace. One that only read has none, and what comes next waits for it in the thread anyway."""
        if self.take_begin():
            return
        if self.only_reads:
            self._turn(self._conn.rollback)
        else:
            await super().rollback()

    def cursor(self) -> _Cursor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Open a cursor, which costs nothing yet."""
        return _Cursor(self)

    def make_daemon(self) -> None:
        """Let the process end before the thread: as SQLAlchemy's dialect does with connections it makes itself."""
        self._thread.daemon = True

    async def close(self) -> None:
        """Close it after what it was asked to do before, once, whoever is cancelled meanwhile."""
        if stopping := self._stop(asyncio.get_running_loop().create_future()):
            await stopping

    def stop(self) -> None:
        """Close it likewise; nobody waits."""
        self._stop(None)

    def _stop(self, stopped: asyncio.Future[Any] | None) -> asyncio.Future[Any] | None:
        """Let the thread's last turn be the one that closes. aiosqlite's own waits for ever if that is asked for twice."""
        if not self._running:
            return None
        self._running = False
        self._turn(self._close, stopped)
        return stopped

    def _close(self) -> object:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return _STOP_RUNNING_SENTINEL

    async def create_function(self, *arguments: Any, **more: Any) -> None:
        """Define a function in SQL; nobody waits, for what comes next comes after it in the thread anyway."""
        self._turn(partial(self._conn.create_function, *arguments, **more))

    def _turn(self, work: Callable[[], Any], done: asyncio.Future[Any] | None = None) -> None:
        self._tx.put_nowait((done, work))  # pyright: ignore[reportUnknownMemberType]

    async def run(self, work: Any, *arguments: Any) -> Any:
        """Do something with the connection in its own thread."""
        return await self._execute(work, self._conn, *arguments)  # pyright: ignore[reportUnknownMemberType]


async def connect(path: str, *, only_reads: bool) -> SqliteConnection:
    """Open a file, made where it is missing. `only_reads`: nothing that is done with it is ever committed.

    It is ready when it is there: whoever is cancelled between opening and making ready would leave it open.
    """
    connection = SqliteConnection(partial(_open, path), iter_chunk_size=64)
    connection.only_reads = only_reads
    connection.make_daemon()
    await connection
    return connection


def _open(path: str) -> sqlite3.Connection:
    # sqlite3 opens transactions by itself, too late for BEGIN IMMEDIATE; SQLAlchemy's documented remedy is None.
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection
