"""A small HTTP/1.1 server on asyncio streams, for tests: it notices at once when its client hangs up."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

_HEAD_BYTES = 64 * 1024
_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}


@dataclass
class Received:
    """One request as it came, and how it ended. Times are `time.monotonic()` seconds."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    received_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None
    closed_at: float | None = None
    """When the client hung up before the answer was complete; None where it waited for all of it."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def model(self) -> str:
        return str(self.body.get("model", "")) if isinstance(self.body, dict) else ""

    async def wait_ended(self, seconds: float = 5.0) -> None:
        """Wait until the answer is complete or the client hung up. Raises TimeoutError."""
        await asyncio.wait_for(self.ended.wait(), seconds)


class ClientLeft(Exception):
    """The client hung up in the middle of an answer."""


class Exchange:
    """One request being answered."""

    def __init__(self, request: Received, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self.request = request
        self._writer = writer
        self._gone = gone

    async def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer."""
        await self.send(_head(status, {"Content-Length": str(len(body)), **headers}) + body)

    async def answer_json(self, value: Any, *, status: int = 200) -> None:
        await self.answer(status, msgspec.json.encode(value), Content_Type="application/json; charset=utf-8")

    async def begin_stream(self, content_type: str) -> None:
        await self.send(_head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"}))

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Send raw bytes. Raises ClientLeft."""
        if self._gone.is_set():
            raise ClientLeft
        self._writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def pause(self, seconds: float) -> None:
        """Wait, but not for a client that has left. Raises ClientLeft."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), seconds)
            raise ClientLeft

    def cut(self) -> None:
        """Drop the connection as a dying process does."""
        self._writer.transport.abort()
        raise ClientLeft


class _Protocol(asyncio.StreamReaderProtocol):
    """Knows the moment the other side closes, also while nobody reads."""

    def __init__(self, serve: Callable[..., Awaitable[None]]) -> None:
        self.gone = asyncio.Event()
        reader = asyncio.StreamReader(limit=_HEAD_BYTES)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer, self.gone)

        super().__init__(reader, connected)

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


class WireServer:
    """Listens on loopback; a subclass answers in `handle`. `received` keeps every request."""

    def __init__(self, *, port: int = 0) -> None:
        """Port 0: a free one, kept over `refuse` and `accept`."""
        self.port = port
        self.received: list[Received] = []
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, exchange: Exchange) -> None:
        raise NotImplementedError

    async def wait_received(self, ending: str, *, seconds: float = 5.0) -> Received:
        """Wait for a request whose path ends so. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                for request in self.received:
                    if request.path.endswith(ending):
                        return request
                self._arrived.clear()
                await self._arrived.wait()

    async def accept(self) -> None:
        """Listen (again)."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Protocol(self._serve), "127.0.0.1", self.port, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close the door and drop everybody, as a server that died."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while (request := await _read_request(reader)) is not None:
                self.received.append(request)
                self._arrived.set()
                await self._answer(request, writer, gone)
        except (ClientLeft, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            del self._connections[task]
            writer.close()

    async def _answer(self, request: Received, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        try:
            await self.handle(Exchange(request, writer, gone))
            request.answered_at = time.monotonic()
        except ClientLeft:
            request.closed_at = time.monotonic()
            raise
        finally:
            request.ended.set()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.refuse()


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    try:
        body = msgspec.json.decode(raw) if raw else None
    except msgspec.DecodeError:
        body = raw
    return Received(method, path, body, headers)


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
