"""The server's end: starts the process, sends calls, matches answers; a process that died is started again."""

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
import structlog

from appliance.core.errors import EngineFailed, EngineTimedOut, EngineUnavailable, StorageFull
from appliance.engines.vector_process.protocol import FULL, LENGTH, MISSING, Read, Reply, Request, Write, frame

log = structlog.get_logger(__name__)
_CLOSE_SECONDS = 60.0


class NoCollection(EngineFailed):
    """There is no collection of that name."""


class VectorProcess:
    """One process over one directory."""

    def __init__(self, name: str, directory: Path) -> None:
        """`name` is what errors call the engine."""
        self._name = name
        self._directory = directory
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._last_number = 0
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """The process's id while it runs: for tests and `doctor`."""
        return self._process.pid if self._process and self._writer else None

    async def call(self, call: Write | Read, *, seconds: float) -> Any:
        """Ask once. Raises NoCollection, StorageFull, EngineFailed, EngineTimedOut, or EngineUnavailable where it died."""
        writer = await self.ensure()
        self._last_number += 1
        request = Request(self._last_number, call)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[request.number] = future
        try:
            async with asyncio.timeout(seconds):
                writer.write(frame(request))
                await writer.drain()
                reply = await future
        except TimeoutError as error:
            raise EngineTimedOut(engine=self._name, seconds=int(seconds)) from error
        except ConnectionError as error:
            raise EngineUnavailable(engine=self._name) from error
        finally:
            self._waiting.pop(request.number, None)
        return self._read(reply)

    def _read(self, reply: Reply) -> Any:
        match reply.error:
            case None:
                return reply.value
            case code if code == MISSING:
                raise NoCollection(engine=self._name)
            case code if code == FULL:
                raise StorageFull
            case message:
                log.error("vector_engine_failed", error=message)
                raise EngineFailed(engine=self._name)

    async def ensure(self) -> asyncio.StreamWriter:
        """Start the process where none runs."""
        async with self._starting:
            if self._closed:
                raise EngineUnavailable(engine=self._name)
            if self._writer is not None:
                return self._writer
            await self._reap()
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "appliance.engines.vector_process.child"),
                    *(str(theirs.fileno()), str(self._directory)),
                    pass_fds=[theirs.fileno()],
                    env=_bare_environment(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                )
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self._receiving = asyncio.create_task(self._receive(reader), name="vectors")
            return self._writer

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        decoder = msgspec.msgpack.Decoder(Reply)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = LENGTH.unpack(await reader.readexactly(LENGTH.size))[0]
                reply = decoder.decode(await reader.readexactly(length))
                future = self._waiting.get(reply.number)
                if future is not None and not future.done():
                    future.set_result(reply)
        if not self._closed:
            log.warning("vector_process_lost", calls=len(self._waiting))
        self._let_go()

    def _let_go(self) -> None:
        """Close our end; whoever waits is told."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EngineUnavailable(engine=self._name))

    async def _reap(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await process.wait()
                return
        log.error("vector_process_killed")
        process.kill()
        await process.wait()

    def open(self) -> None:
        """It may be started (again)."""
        self._closed = False

    async def close(self) -> None:
        """Close our end, which ends the process after a flush, and wait for that."""
        self._closed = True
        async with self._starting:
            self._let_go()
            await self._reap()
            if self._receiving is not None:
                await self._receiving
                self._receiving = None


def _bare_environment() -> dict[str, str]:
    """Give it what it needs to import and none of our settings.

    Two arenas: memory freed is given back nearly whole. With one, the engine's threads waited for each other, 2 ms of a
    search over 100 000 passages.
    """
    importable = os.pathsep.join(entry for entry in sys.path if entry)
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": importable, "MALLOC_ARENA_MAX": "2"}
