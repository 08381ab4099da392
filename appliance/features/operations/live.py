"""One stream per browser with whatever changes that its person may see."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from appliance.core.caller import Caller
from appliance.ports.event_bus import Event, EventBus
from appliance.ports.live import LiveTopic

_STREAM_SECONDS = 120.0
"""Then the browser asks again, and is let in or not by what it may by then."""


class LiveEvent(msgspec.Struct, frozen=True):
    """An event for a screen. Numbers count within one stream; a lost one is made good by looking again."""

    number: int
    name: str
    data: Any


class LiveService:
    """Joins the topics of all rooms."""

    def __init__(self, bus: EventBus, topics: Sequence[LiveTopic]) -> None:
        """`topics`: what each room offers."""
        self._bus = bus
        self._topics = topics

    async def follow(self, caller: Caller) -> AsyncIterator[LiveEvent]:
        """Give every event the caller may see, from now on; begins with `ready`."""
        joined: asyncio.Queue[tuple[LiveTopic, Event]] = asyncio.Queue(1_000)
        async with asyncio.TaskGroup() as group:
            listeners = [group.create_task(self._listen(topic, joined)) for topic in self._topics]
            try:
                number = 1
                yield LiveEvent(number, "ready", {})
                until = asyncio.get_running_loop().time() + _STREAM_SECONDS
                while (remaining := until - asyncio.get_running_loop().time()) > 0:
                    try:
                        async with asyncio.timeout(remaining):
                            topic, event = await joined.get()
                    except TimeoutError:
                        return
                    if await topic.may_see(caller, event):
                        number += 1
                        yield LiveEvent(number, topic.name, event)
            finally:
                for listener in listeners:
                    listener.cancel()

    async def _listen(self, topic: LiveTopic, joined: "asyncio.Queue[tuple[LiveTopic, Event]]") -> None:
        async with self._bus.subscribe(topic.topic) as events:
            async for event in events:
                if joined.full():
                    joined.get_nowait()
                joined.put_nowait((topic, event))
