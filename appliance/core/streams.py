"""Server-sent events (WHATWG HTML, 9.2), with a comment now and then so that no proxy thinks the stream dead."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from litestar import Request
from litestar.response import Stream

from appliance.core.errors import ClientLeft

_Result = TypeVar("_Result")
QUIET_SECONDS = 15.0
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class NumberedEvent(Protocol):
    """An event with a number, so that a reader can go on after a cut."""

    @property
    def number(self) -> int:
        """Counts from 1."""
        ...

    @property
    def name(self) -> str:
        """What kind of event it is."""
        ...

    @property
    def data(self) -> Any:
        """What it carries: anything msgspec can encode."""
        ...


Event = TypeVar("Event", bound=NumberedEvent)


def server_sent_events(
    batches: AsyncIterator[Sequence[NumberedEvent]], *, headers: dict[str, str] | None = None
) -> Stream:
    """Answer with a stream of events. What is there at once is sent at once; an empty batch is a sign of life."""
    return Stream(_encode(batches), media_type="text/event-stream", headers={**STREAM_HEADERS, **(headers or {})})


async def _encode(batches: AsyncIterator[Sequence[NumberedEvent]]) -> AsyncIterator[bytes]:
    encode = msgspec.json.Encoder().encode
    async for events in batches:
        yield (
            b"".join(
                [
                    b"id: %d\nevent: %b\ndata: %b\n\n" % (one.number, one.name.encode(), encode(one.data))
                    for one in events
                ]
            )
            or b": still here\n\n"
        )


async def with_signs_of_life(events: AsyncIterator[Event]) -> AsyncIterator[Sequence[Event]]:
    """Give the events of an iterator that knows no time one by one, and none after each fifteen seconds without one."""
    upcoming: asyncio.Task[Event] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait([upcoming], timeout=QUIET_SECONDS)
            if not done:
                yield ()
                continue
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = None
            yield (event,)
    finally:
        if upcoming is not None:
            upcoming.cancel()


async def unless_gone(request: Request[Any, Any, Any], work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do work whose request has been read, and cancel it as soon as the client leaves. Raises ClientLeft then."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_wait_gone(request))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _wait_gone(request: Request[Any, Any, Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
