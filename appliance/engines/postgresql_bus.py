"""Events between processes over PostgreSQL's LISTEN and NOTIFY: no further server where the state lives there anyway."""

import asyncio

import asyncpg
import structlog

from appliance.engines.shared_bus import SharedBus

log = structlog.get_logger(__name__)
_CHANNEL = "appliance_events"
_PAYLOAD_BYTES = 7_900  # NOTIFY takes less than 8000 bytes (PostgreSQL manual, NOTIFY)
_TIMEOUT_SECONDS = 5
_QUIET_SECONDS = 10.0


class PostgresqlBus(SharedBus):
    """One connection that listens, one that notifies, both made again when they break."""

    kind = "postgresql"
    failures = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

    def __init__(self, url: str) -> None:
        """`url`: `postgresql://user:password@host:port/database`."""
        super().__init__()
        self._dsn = url.replace("postgresql+asyncpg://", "postgresql://")
        self._notifier: asyncpg.Connection | None = None

    async def _send(self, data: bytes) -> None:
        if len(data) > _PAYLOAD_BYTES:
            log.warning("event_too_large", bus=self.kind, size_bytes=len(data))
            return
        try:
            if self._notifier is None:
                self._notifier = await self._connect()
            await self._notifier.execute("select pg_notify($1, $2)", _CHANNEL, data.decode(), timeout=_TIMEOUT_SECONDS)
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._notifier is not None:
            self._notifier.terminate()
            self._notifier = None

    async def _connect(self) -> "asyncpg.Connection":
        return await asyncpg.connect(self._dsn, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)

    async def _listen(self) -> None:
        connection = await self._connect()
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        try:
            await connection.add_listener(_CHANNEL, lambda _connection, _pid, _channel, data: self.receive(str(data)))
            self._listening.set()
            while True:
                try:
                    async with asyncio.timeout(_QUIET_SECONDS):
                        await broken.wait()
                    raise ConnectionResetError
                except TimeoutError:
                    # A connection that died without a word looks like silence.
                    await connection.execute("select 1")
        finally:
            connection.terminate()

    async def _ask(self) -> None:
        connection = await self._connect()
        await connection.close(timeout=_TIMEOUT_SECONDS)

    async def __aexit__(self, *exception: object) -> None:
        """Close both connections."""
        await super().__aexit__(*exception)
        self._hang_up()
