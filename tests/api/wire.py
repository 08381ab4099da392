"""One ASGI request by hand: a body that comes piece by piece, and an answer that is read as it goes out."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from tests.api.house import Answered, House

_SECONDS = 15.0


class SentEvent(NamedTuple):
    """A server-sent event as a browser reads it."""

    number: int
    name: str
    data: Any


class Call:
    """A request that goes on. `taken`: how many bytes of the body the appliance asked for so far."""

    def __init__(self, body: AsyncIterable[bytes] | None, answered: "list[Call] | None" = None) -> None:
        self.taken = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self._pieces = body.__aiter__() if body is not None else None
        self._answered = answered
        self._started = asyncio.Event()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._pieces is not None:
            try:
                piece = await anext(self._pieces)
            except StopAsyncIteration:
                self._pieces = None
                return {"type": "http.request", "body": b"", "more_body": False}
            self.taken += len(piece)
            return {"type": "http.request", "body": piece, "more_body": True}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            self._started.set()
            if self._answered is not None:
                self._answered.append(self)
        elif message["type"] == "http.response.body":
            if message.get("body"):
                self._chunks.put_nowait(message["body"])
            if not message.get("more_body"):
                self._chunks.put_nowait(None)

    async def begin(self) -> None:
        """Wait for status and headers."""
        await asyncio.wait_for(self._started.wait(), _SECONDS)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer's bytes as they go out."""
        while (chunk := await asyncio.wait_for(self._chunks.get(), _SECONDS)) is not None:
            yield chunk

    async def read(self) -> bytes:
        """All of them."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def events(self) -> AsyncIterator[SentEvent]:
        """The answer as server-sent events."""
        waiting = b""
        async for chunk in self.chunks():
            waiting += chunk
            while b"\n\n" in waiting:
                block, _, waiting = waiting.partition(b"\n\n")
                if not block.startswith(b":"):
                    yield _event(block.decode())

    def leave(self) -> None:
        """Close the connection, as a browser does that goes elsewhere."""
        self._gone.set()


def _event(block: str) -> SentEvent:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    return SentEvent(int(fields["id"]), fields["event"], msgspec.json.decode(fields["data"]))


@asynccontextmanager
async def calling(
    house: House,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    body: AsyncIterable[bytes] | None = None,
    answered: "list[Call] | None" = None,
) -> AsyncIterator[Call]:
    """Call and give the answer once it begins; the connection is closed at the end, and the request must then end.

    `answered` gets the call as soon as its answer begins: for a body that watches for it.
    """
    named = {"host": "localhost", **(headers or {})}
    if json is not None:
        encoded = msgspec.json.encode(json)
        body = _once(encoded)
        named |= {"content-type": "application/json", "content-length": str(len(encoded))}
    plain, _, query = path.partition("?")
    call = Call(body, answered)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "client": ("127.0.0.1", 50001),
        "server": ("localhost", 80),
        "state": {},
    }
    task = asyncio.ensure_future(house.app(scope, call.receive, call.send))
    try:
        await call.begin()
        house.answered.append(Answered(method, plain, call.status))
        yield call
    finally:
        call.leave()
        await asyncio.wait_for(task, _SECONDS)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
