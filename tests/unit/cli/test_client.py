"""Commands that work through a server say plainly when it goes away."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.client import Client, Refused, ServerGone, run_with_client
from appliance.cli.data_directory import RunningServer, announced, hold

PROBLEM = b'{"type":"urn:appliance:failed","title":"No","status":409,"detail":"Not now.","hint":"Later."}'


@contextmanager
def server_that_answers(directory: Path, answer: bytes) -> Iterator[None]:
    """Hold a data directory and answer one connection with these bytes, then close it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with hold(directory), announced(directory, RunningServer(pid=os.getpid(), url=url, token="made-up")):
            yield
        thread.join(timeout=10)
        assert not thread.is_alive()


async def ask(client: Client) -> Any:
    return await client.call("GET", "/api/me")


def response(body: bytes, *, status: str = "409 Conflict") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", response(b"Internal Server Error", status="500 Oops")],
    ids=["closed", "cut short", "no problem of ours"],
)
def test_a_server_that_goes_away_is_an_error_with_a_hint(tmp_path: Path, answer: bytes) -> None:
    with server_that_answers(tmp_path, answer), pytest.raises(ServerGone) as caught:
        run_with_client(tmp_path, None, ask)
    assert caught.value.to_problem("fr").hint.startswith("Vérifiez qu’il fonctionne encore")


def test_a_problem_is_shown_as_it_was_answered(tmp_path: Path) -> None:
    with server_that_answers(tmp_path, response(PROBLEM)), pytest.raises(Refused) as caught:
        run_with_client(tmp_path, None, ask)
    assert caught.value.to_problem("en").hint == "Later."
