"""Telling live screens; what must happen is a job, an event may be lost."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, Self

from appliance.core.health import Health

Event = dict[str, Any]


class EventBus(Protocol):
    """Topics with listeners, in one process or over several."""

    async def publish(self, topic: str, event: Event) -> None:
        """Send to whoever listens now; never raises and never waits for a slow listener."""
        ...

    def subscribe(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Listen from now on; a listener that is too slow loses the oldest events."""
        ...

    async def check(self) -> Health:
        """Say whether the bus answers."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
