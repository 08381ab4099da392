"""Events within one process: the embedded default, and the last yard of the buses between processes."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from appliance.core.health import Health
from appliance.core.text import Text
from appliance.ports.event_bus import Event

_BACKLOG = 1_000


class LocalBus:
    """Hands each event to the listeners of its topic; one that is a thousand events behind loses the oldest."""

    kind = "memory"

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._listeners: defaultdict[str, set[asyncio.Queue[Event]]] = defaultdict(set)

    async def publish(self, topic: str, event: Event) -> None:
        """Send to whoever listens now."""
        self.deliver(topic, event)

    def deliver(self, topic: str, event: Event) -> None:
        """Put an event into each listener's queue."""
        for queue in tuple(self._listeners.get(topic, ())):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[Event]]:
        """Listen from now on."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_BACKLOG)
        for topic in topics:
            self._listeners[topic].add(queue)
        try:
            yield _Listener(queue)
        finally:
            for topic in topics:
                self._listeners[topic].discard(queue)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    async def check(self) -> Health:
        """It is there as long as the process is."""
        count = sum(map(len, self._listeners.values()))
        return Health(self.kind, ok=True, detail=Text(f"listeners: {count}", f"à l’écoute : {count}"))

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


class _Listener:
    """A class and not a generator: a wait that is cancelled must not end the listening."""

    def __init__(self, queue: asyncio.Queue[Event]) -> None:
        self._queue = queue

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await self._queue.get()
