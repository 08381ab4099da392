"""The listener that `appliance up` opens."""

import asyncio
import socket
from pathlib import Path

import pytest

from appliance.cli.up import AddressTaken, _listen
from appliance.core.settings import load_settings


async def test_answers_are_not_held_back(tmp_path: Path) -> None:
    """Nagle's algorithm with a delayed ACK costs 40 ms an answer, since heads and bodies are written apart."""
    listener = _listen(load_settings(tmp_path, environment={}, flags={"server.port": 0}))
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(look, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        assert await asyncio.wait_for(accepted, 5)
        writer.close()
        await writer.wait_closed()


def test_a_taken_address_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressTaken) as raised:
            _listen(load_settings(tmp_path, environment={}, flags={"server.port": port}))
    assert str(port) in raised.value.to_problem("fr").detail
