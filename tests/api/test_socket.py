"""What only shows on a real connection: bodies that are refused while they are sent, and who is answered meanwhile."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
import uvicorn

from tests.api.house import House
from tests.engines.processes import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
_LIMIT = 1024 * 1024
SETTINGS = {"limits__upload_bytes": _LIMIT}
_PIECE = b"x" * 65536
_BUFFERS = 16 * 1024 * 1024
"""What the kernel takes at most before the other end has read a byte."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(house: House) -> AsyncIterator[int]:
    """The appliance on a socket, as `appliance up` serves it."""
    number = free_port()
    config = uvicorn.Config(house.app, port=number, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield number
    server.should_exit = True
    await running


def head(house: House, path: str, *more: str) -> bytes:
    """The head of a request."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {house.member.key}",
        "Content-Type: multipart/form-data; boundary=b",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("path", ["/api/rag/upload", "/api/rag/chat"])
async def test_two_gigabytes_are_refused_by_their_announcement(house: House, port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head(house, path, "Content-Length: 2147483648"))
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"urn:appliance:too_large" in answer
    writer.close()
    await writer.wait_closed()


async def test_a_body_without_an_announced_end_is_cut(house: House, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head(house, "/api/rag/upload", "Transfer-Encoding: chunked"))
    disposition = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    writer.write(b"%x\r\n%b\r\n" % (len(disposition), disposition))
    answering, sent = asyncio.ensure_future(reader.readuntil(b"}")), 0
    try:
        async with asyncio.timeout(20):
            while not answering.done():
                writer.write(b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE))
                sent += len(_PIECE)
                await asyncio.wait([answering], timeout=0.001)
                await writer.drain()
    except ConnectionError:
        pass  # it hung up on us, after its answer
    assert (await answering).startswith(b"HTTP/1.1 413 ")
    assert sent < _LIMIT + _BUFFERS
    writer.transport.abort()
    await house.nothing_incoming()


async def test_slow_senders_keep_nobody_waiting(house: House, port: int) -> None:
    """Twenty uploads that never end, and an answer at once."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for _, writer in opened:
        writer.write(head(house, "/api/rag/upload", "Content-Length: 1000") + b"--b\r\nContent-Disp")
    headers = {"authorization": f"Bearer {house.member.key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        started = time.monotonic()
        assert (await client.get("/api/me")).status_code == 200
        assert time.monotonic() - started < 3
    for _, writer in opened:
        writer.transport.abort()
    await house.nothing_incoming()


async def test_garbage_ends_only_its_own_connection(port: int) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 1000, b"GET /" + b"a" * 200_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(garbage + b"\r\n\r\n")
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = await asyncio.wait_for(reader.read(), 10)
        assert not answer or answer.startswith(b"HTTP/1.1 400 ")
        writer.transport.abort()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get("/health")).status_code == 200
