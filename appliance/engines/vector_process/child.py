"""The process that holds the vectors: `python -m appliance.engines.vector_process.child DESCRIPTOR DIRECTORY`.

One thread, since the engine holds the interpreter in every call: reads go before writes that wait, and merging and
flushing before neither. The server's end closing is its end, after a flush; a second one waits for the first to end.
"""

import contextlib
import errno
import fcntl
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

from appliance.engines.vector_process.protocol import (
    FULL,
    LENGTH,
    MISSING,
    Count,
    Create,
    Delete,
    Drop,
    Names,
    Read,
    Reply,
    Request,
    Rescore,
    Scroll,
    Search,
    SetPayload,
    Status,
    Upsert,
    Write,
    frame,
)
from appliance.engines.vector_process.shards import NoCollection, Shards

_READ_BYTES = 1024 * 1024
_IDLE_SECONDS = 0.5
_LOCK_SECONDS = 60.0


class Host:
    """Takes requests and answers them one after the other."""

    def __init__(self, control: socket.socket, shards: Shards) -> None:
        """`control` is this end of the pair."""
        self._control = control
        self._shards = shards
        self._decoder = msgspec.msgpack.Decoder(Request)
        self._received = bytearray()
        self._reads: deque[Request] = deque()
        self._writes: deque[Request] = deque()

    def serve(self) -> None:
        """Work until the server's end closes."""
        self._open_all()
        while self._listen(0.0 if self._reads or self._writes else _IDLE_SECONDS):
            if self._reads or self._writes:
                request = self._reads.popleft() if self._reads else self._writes.popleft()
                self._control.sendall(frame(self._answer(request)))
            if not self._reads:
                self._shards.tend()

    def _open_all(self) -> None:
        """Open what is there before the first question; a collection that cannot be opened says so when it is asked."""
        for name in self._shards.names():
            with contextlib.suppress(Exception):
                self._shards.get(name)
        self._shards.release_memory()

    def _listen(self, seconds: float) -> bool:
        """Take in what has come. False once the other end is closed."""
        while select.select([self._control], [], [], seconds)[0]:
            data = self._control.recv(_READ_BYTES)
            if not data:
                return False
            self._received += data
            seconds = 0.0
        self._split()
        return True

    def _split(self) -> None:
        start = 0
        while len(self._received) - start >= LENGTH.size:
            end = start + LENGTH.size + LENGTH.unpack_from(self._received, start)[0]
            if len(self._received) < end:
                break
            request = self._decoder.decode(bytes(self._received[start + LENGTH.size : end]))
            (self._reads if isinstance(request.call, Read) else self._writes).append(request)
            start = end
        del self._received[:start]

    def _answer(self, request: Request) -> Reply:
        try:
            return Reply(request.number, self._do(request.call))
        except NoCollection:
            return Reply(request.number, error=MISSING)
        except Exception as error:  # noqa: BLE001 - whatever the engine raises is its answer
            return Reply(request.number, error=FULL if _is_full(error) else f"{type(error).__name__}: {error}"[:500])

    def _do(self, call: Write | Read) -> Any:
        return self._change(call) if isinstance(call, Write) else self._look(call)

    def _change(self, call: Write) -> None:
        match call:
            case Create():
                self._shards.create(call)
            case Drop(name):
                self._shards.drop(name)
            case Upsert(name, points):
                self._shards.get(name).upsert(points)
            case SetPayload(name, wanted, payload):
                self._shards.get(name).set_payload(wanted, payload)
            case Delete(name, wanted):
                self._shards.get(name).delete(wanted)

    def _look(self, call: Read) -> Any:
        match call:
            case Search():
                return self._shards.get(call.name).search(call)
            case Rescore(name, ids, tokens):
                return self._shards.get(name).rescore(ids, tokens)
            case Count(name, wanted):
                return self._shards.get(name).count(wanted)
            case Scroll():
                return self._shards.get(call.name).scroll(call)
            case Names():
                return self._shards.names()
            case Status():
                return [self._shards.get(name).status() for name in self._shards.names()]


def _is_full(error: Exception) -> bool:
    """The engine gives its failures as words."""
    by_number = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return by_number or "No space left" in str(error)


def _lock(path: Path) -> Any:
    """Hold the directory; one that ended just now may still be flushing."""
    file = path.open("w")
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return file


def main() -> None:
    """Serve a directory to the other end of a descriptor."""
    for number in (signal.SIGINT, signal.SIGTERM):  # those are for the server, which closes its end when it is done
        signal.signal(number, signal.SIG_IGN)
    directory = Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket(fileno=int(sys.argv[1])) as control, _lock(directory / "lock"):
        shards = Shards(directory)
        try:
            with contextlib.suppress(ConnectionError):
                Host(control, shards).serve()
        finally:
            shards.close()


if __name__ == "__main__":
    main()
