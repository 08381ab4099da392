"""One answer of an engine as it flows: HTTP/1.1 on a connection of its own.

A token costs more on its way through a general HTTP client than everything else that is done with it (ADR 21): each piece
there passes a pool, two state machines and a task switch. Here a piece that has come is in hand, and all that came since
the last look are one.
"""

import asyncio
import ipaddress
import ssl
from contextlib import suppress
from typing import Self

import httptools
import httpx

_HEAD_BYTES = 64 * 1024
_HELD_BYTES = 256 * 1024
_NEXT_ADDRESS_SECONDS = 0.25
_INFORMATIONAL = 200


class NoConnection(Exception):
    """Nobody answers there."""


class BrokenAnswer(Exception):
    """What came is no HTTP, or ended before its end."""


class FlowingAnswer(asyncio.Protocol):
    """`async with FlowingAnswer(request) as answer`: sent, and its status there; leaving hangs up at once."""

    status = 0

    def __init__(self, request: httpx.Request, *, tls: ssl.SSLContext | None, connect_seconds: float) -> None:
        """`request` says where to and what; `tls` is used for an `https` address."""
        self._request = request
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._head_bytes = 0
        self._is_framed = False
        self._is_paused = False
        self._is_whole = False
        self._failure: Exception | None = None
        self._news: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, send, wait for the status. Raises NoConnection, BrokenAnswer, or PermissionError of the egress guard."""
        try:
            await self._connect()
            self._send()
            while not self.status:
                await self._wait()
        except BaseException:
            self._hang_up()
            raise
        return self

    async def _connect(self) -> None:
        url = self._request.url
        is_secret = url.scheme == "https"
        try:
            async with asyncio.timeout(self._connect_seconds):
                await asyncio.get_running_loop().create_connection(
                    lambda: self,
                    url.host,
                    url.port or (443 if is_secret else 80),
                    ssl=self._tls if is_secret else None,
                    happy_eyeballs_delay=None if _is_address(url.host) else _NEXT_ADDRESS_SECONDS,
                )
        except PermissionError:
            raise
        except OSError as error:  # TimeoutError and ssl.SSLError are such
            raise NoConnection from error

    async def __aexit__(self, *exception: object) -> None:
        """Hang up: an engine that writes still stops."""
        self._hang_up()

    async def read(self, deadline: float) -> bytes:
        """Give what has come since, at the latest at a moment of the loop's clock; nothing is the end.

        Raises TimeoutError or BrokenAnswer, after what had come before.
        """
        while not self._received:
            if self._failure is not None:
                raise self._failure
            if self._is_whole:
                return b""
            await self._wait(deadline)
        data = bytes(self._received)
        self._received.clear()
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def _send(self) -> None:
        assert self._transport is not None  # noqa: S101 - a connection that was made has one
        headers = self._request.headers.raw
        if any(b"\r" in value or b"\n" in value for _, value in headers):
            message = "a header has a line break in it"
            raise BrokenAnswer(message)
        first = b"%b %b HTTP/1.1" % (self._request.method.encode(), self._request.url.raw_path)
        lines = [first, *(b"%b: %b" % pair for pair in headers), b"", self._request.content]
        self._transport.write(b"\r\n".join(lines))

    async def _wait(self, deadline: float | None = None) -> None:
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        timer = None if deadline is None else loop.call_at(deadline, self._fail_waiting)
        try:
            await self._news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()

    def _fail_waiting(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_exception(TimeoutError())

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self._hang_up()
        self._tell()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio has a connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream, as asked for
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Asyncio has bytes."""
        if not self.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BrokenAnswer(str(error)))
            return
        if not self.status and self._head_bytes > _HEAD_BYTES:
            self._fail(BrokenAnswer("the head does not end"))
        elif len(self._received) > _HELD_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            with suppress(RuntimeError):  # it is closing
                self._transport.pause_reading()
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio has lost the connection: the end of an answer that has no other."""
        if exc is None and self.status and not self._is_framed:
            self._is_whole = True
        if not self._is_whole and self._failure is None:
            self._failure = BrokenAnswer(str(exc or "the connection ended in the middle"))
        self._tell()

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser has read a header."""
        if name.lower() in {b"content-length", b"transfer-encoding"} and value:
            self._is_framed = True

    def on_headers_complete(self) -> None:
        """The parser has read the head."""
        status = self._parser.get_status_code()
        self.status = status if status >= _INFORMATIONAL else 0

    def on_body(self, body: bytes) -> None:
        """The parser has read a piece of the body."""
        self._received += body

    def on_message_complete(self) -> None:
        """The parser has read all of it."""
        self._is_whole = self.status > 0


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False
