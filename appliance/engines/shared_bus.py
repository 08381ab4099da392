"""Events between processes: what every bus over a server has in common."""

import asyncio
from abc import abstractmethod
from typing import ClassVar, Self

import msgspec
import structlog

from appliance.core.health import Health
from appliance.core.ids import new_id
from appliance.core.tasks import Tasks
from appliance.core.text import Text
from appliance.engines.local_bus import LocalBus
from appliance.ports.event_bus import Event

log = structlog.get_logger(__name__)
_NOT_YET = Text("not listening yet", "pas encore à l’écoute")
_OUTBOX = 1_000
_RECONNECT_SECONDS = 1.0
_READY_SECONDS = 2.0
_Envelope = tuple[str, str, Event]


class SharedBus(LocalBus):
    """Delivers here at once and sends to the others behind the caller's back: a slow or absent server delays nobody."""

    failures: ClassVar[tuple[type[BaseException], ...]] = (OSError, TimeoutError)
    """What the server's client raises when the server is away or goes."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        super().__init__()
        self._origin = new_id().hex
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(_OUTBOX)
        self._listening = asyncio.Event()
        self._tasks = Tasks()

    async def publish(self, topic: str, event: Event) -> None:
        """Send to all processes, this one included; what waits for an absent server gives way to what is newer."""
        self.deliver(topic, event)
        if self._outbox.full():
            self._outbox.get_nowait()
        self._outbox.put_nowait(msgspec.json.encode((self._origin, topic, event)))

    def receive(self, data: bytes | str) -> None:
        """Take what came over the server, unless it is our own coming back."""
        try:
            origin, topic, event = msgspec.json.decode(data, type=_Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.warning("event_unreadable", bus=self.kind)
            return
        if origin != self._origin:
            self.deliver(topic, event)

    @abstractmethod
    async def _send(self, data: bytes) -> None:
        """Send to all processes."""

    @abstractmethod
    async def _listen(self) -> None:
        """Set `_listening` and `receive` until the connection breaks (one of `failures`), also without a word."""

    @abstractmethod
    async def _ask(self) -> None:
        """Ask the server for any answer."""

    async def _send_all(self) -> None:
        while not is_ending():
            data = await self._outbox.get()
            try:
                await self._send(data)
            except Exception as error:  # noqa: BLE001 - whatever the client raises, the bus goes on
                log.warning("event_not_shared", bus=self.kind, reason=type(error).__name__)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_always(self) -> None:
        while not is_ending():
            try:
                await self._listen()
                continue
            except Exception as error:  # noqa: BLE001 - whatever the client raises, the bus goes on
                log.warning("event_bus_interrupted", bus=self.kind, reason=type(error).__name__)
            finally:
                self._listening.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def check(self) -> Health:
        """Say whether the server answers and we hear what the others say."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await self._ask()
        except self.failures as error:
            return Health(self.kind, ok=False, detail=type(error).__name__)
        elapsed = round((loop.time() - started) * 1000, 2)
        heard = self._listening.is_set()
        return Health(self.kind, ok=heard, detail="" if heard else _NOT_YET, latency_ms=elapsed)

    async def __aenter__(self) -> Self:
        """Listen from now on; a server that is away now is no reason not to start."""
        self._tasks.start(self._listen_always(), name=f"{self.kind}_bus_listens")
        self._tasks.start(self._send_all(), name=f"{self.kind}_bus_sends")
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._listening.wait()
        except TimeoutError:
            log.warning("event_bus_not_ready", bus=self.kind)
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Stop listening."""
        await self._tasks.close()


def is_ending() -> bool:
    """Tell whether the running task was asked to end: a client on Python 3.11's `wait_for` may swallow its cancellation."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
