"""Talking HTTP to an engine on loopback or the LAN: timeouts, limits, and its failures as ours."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, cast

import httpx
import msgspec

from appliance.core.errors import EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.engines.flowing_answer import BrokenAnswer, FlowingAnswer, NoConnection

_LINE_BYTES = 1024 * 1024
_ANSWER_BYTES = 64 * 1024 * 1024
_REASON_BYTES = 16 * 1024


class HttpEngine:
    """One engine at one address. Follows no redirect and no proxy of the environment: the address is the address."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        connect_seconds: float,
        read_seconds: float,
        headers: dict[str, str] | None = None,
    ) -> None:
        """`name` is what errors call the engine; `read_seconds` bounds a call. HTTPS trusts what the system trusts."""
        self.name = name
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._tls = ssl.create_default_context() if url.startswith("https:") else None
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Accept-Encoding": "identity", **(headers or {})},
            timeout=httpx.Timeout(None, connect=connect_seconds),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30),
            verify=self._tls or False,
            follow_redirects=False,
            trust_env=False,
        )

    async def call(
        self, method: str, path: str, body: Any = None, *, seconds: float | None = None, kind: Any = Any
    ) -> Any:
        """Call once and decode JSON of a `kind`; None: the answer has no body that is read.

        Raises EngineUnavailable, EngineTimedOut, EngineFailed, or EngineRefused (4xx).
        """
        seconds = seconds or self._read_seconds
        received = bytearray()
        with self._timing(seconds):
            async with asyncio.timeout(seconds), self._answer(method, path, body) as response:
                async for data in response.aiter_raw():
                    received += data
                    if len(received) > _ANSWER_BYTES:
                        raise EngineFailed(engine=self.name)
        return None if kind is None else self.decode(bytes(received), kind)

    async def lines(self, path: str, body: Any, *, first_seconds: float, idle_seconds: float) -> AsyncGenerator[bytes]:
        """Post, and give the answer's lines as they come; closing the iterator closes the connection: the engine stops.

        A line must be whole in time, so a trickle of bytes is a stall too; one over 1 MB is none. Raises as `call`.
        """
        loop = asyncio.get_running_loop()
        allowed, waiting = first_seconds, b""
        deadline = loop.time() + allowed
        async with AsyncExitStack() as stack:
            with self._flowing(allowed):
                async with asyncio.timeout_at(deadline):
                    answer = await stack.enter_async_context(self._flow(path, body))
                    if not httpx.codes.is_success(answer.status):
                        await self._refuse(answer, deadline)
            while True:
                with self._flowing(allowed):
                    data = await answer.read(deadline)
                if not data:
                    break
                *whole, waiting = (waiting + data).split(b"\n")
                if len(waiting) > _LINE_BYTES:
                    raise EngineFailed(engine=self.name)
                for line in whole:
                    if line.strip():
                        yield line
                if whole:
                    allowed = idle_seconds
                    deadline = loop.time() + allowed
            if waiting.strip():
                yield waiting

    def _flow(self, path: str, body: Any) -> FlowingAnswer:
        content, headers = msgspec.json.encode(body), {"Content-Type": "application/json", "Connection": "close"}
        request = self._client.build_request("POST", path, content=content, headers=headers)
        return FlowingAnswer(request, tls=self._tls, connect_seconds=self._connect_seconds)

    async def _refuse(self, answer: FlowingAnswer, deadline: float) -> None:
        """Raise what the engine answered instead of a stream."""
        received = b""
        while len(received) <= _REASON_BYTES and (data := await answer.read(deadline)):
            received += data
        raise _broken(answer.status, self.name, received)

    async def upload(self, path: str, pieces: AsyncIterator[bytes], *, length: int) -> None:
        """Post bytes as they come; whoever waits bounds the time. Raises as `call`."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        request = self._client.build_request("POST", path, content=pieces, headers=headers)
        async with self._sent(request) as response:
            await response.aread()

    def decode(self, data: bytes, kind: Any = Any) -> Any:
        """Decode JSON of a known shape. Raises EngineFailed for anything else."""
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EngineFailed(engine=self.name) from error

    @asynccontextmanager
    async def _answer(self, method: str, path: str, body: Any) -> AsyncIterator[httpx.Response]:
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if content is not None else None
        request = self._client.build_request(method, path, content=content, headers=headers)
        async with self._sent(request) as response:
            yield response

    @asynccontextmanager
    async def _sent(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        with self._translating():
            response = await self._client.send(request, stream=True)
            try:
                if not response.is_success:
                    raise _broken(response.status_code, self.name, await _beginning(response))
                yield response
            finally:
                await response.aclose()

    @contextmanager
    def _timing(self, seconds: float) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise EngineTimedOut(engine=self.name, seconds=int(seconds)) from error

    @contextmanager
    def _flowing(self, seconds: float) -> Iterator[None]:
        try:
            with self._timing(seconds):
                yield
        except NoConnection as error:
            raise EngineUnavailable(engine=self.name) from error
        except (BrokenAnswer, PermissionError) as error:
            raise EngineFailed(engine=self.name) from error

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise EngineUnavailable(engine=self.name) from error
        except (httpx.HTTPError, httpx.InvalidURL, PermissionError) as error:
            raise EngineFailed(engine=self.name) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class EngineBroken(EngineFailed):
    """The engine answered no success; `reason` is what it said, where it said something."""

    def __init__(self, http_status: int, *, engine: str, reason: str = "") -> None:
        """Keep the status and the words, so that an adapter can tell a missing model from a bad request."""
        self.http_status = http_status
        self.reason = reason
        super().__init__(engine=engine)


class EngineRefused(EngineBroken):
    """The engine answered 4xx: it does not have or does not take what was asked for."""

    may_pass = False


async def _beginning(response: httpx.Response) -> bytes:
    received = b""
    async for data in response.aiter_raw():
        received += data
        if len(received) > _REASON_BYTES:
            break
    return received


def _broken(http_status: int, engine: str, received: bytes) -> EngineBroken:
    kind = EngineRefused if httpx.codes.is_client_error(http_status) else EngineBroken
    return kind(http_status, engine=engine, reason=_reason(received))


def _reason(received: bytes) -> str:
    """Read `{"error": "…"}`, as Ollama says it; nothing where the answer is of another kind."""
    try:
        said = msgspec.json.decode(received)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    error: Any = cast("dict[str, Any]", said).get("error") if isinstance(said, dict) else None
    return error[:300] if isinstance(error, str) else ""
