"""One way into the state: SQLite (WAL) in the data directory, or PostgreSQL by its URL.

A service method opens one transaction and nobody else commits. SQLite has one writer at a time, so writes queue here,
fairly, instead of meeting `database is locked`; readers never wait for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self, TypeVar
from uuid import UUID
from weakref import WeakSet

import msgspec
from sqlalchemy import JSON, DateTime, MetaData, TypeDecorator, Uuid, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from appliance.core.errors import ApplianceError, WrittenMeanwhile
from appliance.core.health import Health
from appliance.core.sqlite import SqliteConnection, connect

_WRITTEN_WITHIN_SECONDS = 5.0

Transaction = AsyncSession
"""A session inside one transaction; only `Database` makes them."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, in UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse a moment without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a moment needs its time zone"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give SQLite's naive moments their zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Table(DeclarativeBase):
    """The base of every table; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        UUID: Uuid(),
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        list[str]: JSON().with_variant(JSONB(), "postgresql"),
        list[Any]: JSON().with_variant(JSONB(), "postgresql"),
    }


_Result = TypeVar("_Result")


async def look_again(
    work: Callable[[], Awaitable[_Result]], *, times: int, after: tuple[type[ApplianceError], ...] = (WrittenMeanwhile,)
) -> _Result:
    """Do a piece of work, and do it again where others were quicker at the same moment; the last time it raises."""
    for _ in range(times - 1):
        with suppress(*after):
            return await work()
    return await work()


class Database:
    """The state. `begin()` writes, `read()` only reads."""

    def __init__(self, url: str) -> None:
        """`url`: `sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://…`."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = asyncio.Lock()
        self._opened: WeakSet[SqliteConnection] = WeakSet()
        if self.is_sqlite:
            self.engine = self._sqlite_engine(pool_size=1, begin="BEGIN IMMEDIATE", only_reads=False)
            self._reader = self._sqlite_engine(pool_size=4, begin="BEGIN", only_reads=True)
        else:
            self.engine = create_async_engine(
                self.url, pool_size=10, max_overflow=10, pool_pre_ping=True, json_serializer=_to_json
            )
            # PostgreSQL's default shows a reader what others commit between two statements.
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._write_sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._read_sessions = async_sessionmaker(self._reader, expire_on_commit=False)

    def _sqlite_engine(self, *, pool_size: int, begin: str, only_reads: bool) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            async_creator=partial(self._connect, only_reads=only_reads),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=60,
            json_serializer=_to_json,
        )

        @event.listens_for(engine.sync_engine, "begin")
        def on_begin(connection: Any) -> None:
            connection.exec_driver_sql(begin)

        return engine

    async def _connect(self, *, only_reads: bool) -> SqliteConnection:
        connection = await connect(self.url.database or "", only_reads=only_reads)
        self._opened.add(connection)
        return connection

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Transaction]:
        """One transaction that may write: commits at the end, rolls back on an error.

        Raises WrittenMeanwhile where a constraint says that somebody else was quicker; whoever can, looks again.
        """
        try:
            async with self._turn(), self._write_sessions() as session, session.begin():
                yield session
        except IntegrityError as error:
            raise WrittenMeanwhile from error

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self._writer if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        """One consistent view; what is changed in it is thrown away. Rows read in it may be looked at after it."""
        async with self._read_sessions() as session:
            yield session  # closing rolls back; rolling back by hand would expire the rows

    async def check(self) -> Health:
        """Ask the database for one."""
        started = asyncio.get_running_loop().time()
        try:
            async with self.read() as session:
                version = await session.scalar(
                    text("select sqlite_version()" if self.is_sqlite else "show server_version")
                )
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return Health(self.url.get_backend_name(), ok=False, detail=type(error).__name__)
        elapsed = (asyncio.get_running_loop().time() - started) * 1000
        return Health(self.url.get_backend_name(), ok=True, detail=str(version), latency_ms=round(elapsed, 2))

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first transaction."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection, after what is being written; whoever still reads is cut off."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WRITTEN_WITHIN_SECONDS), self._turn():
                    pass
            await self._reader.dispose()
            await self.engine.dispose()
        finally:
            for connection in self._opened:
                connection.stop()


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
