"""A network between a browser and an appliance that can be unplugged, in the middle of an answer too."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

_BLOCK = 16 * 1024


class Cable:
    """Carries bytes on loopback; unplugged, every connection breaks and none is made."""

    def __init__(self, behind: str, loop: asyncio.AbstractEventLoop) -> None:
        """`behind`: the address of who answers."""
        self.url = ""
        self._port = urlsplit(behind).port
        self._loop = loop
        self._is_plugged = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[Any]] = set()

    def unplug(self) -> None:
        self._loop.call_soon_threadsafe(self._set, False)

    def plug(self) -> None:
        self._loop.call_soon_threadsafe(self._set, True)

    def _set(self, is_plugged: bool) -> None:
        self._is_plugged = is_plugged
        if not is_plugged:
            for writer in self._writers:
                writer.transport.abort()

    async def cut(self) -> None:
        """Break every connection for good."""
        self._set(False)
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, both ways, until either end is gone."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        if not self._is_plugged:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ends = {writer, far_writer}
        self._writers |= ends
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer), return_exceptions=True)
        self._writers -= ends


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    writer.close()


@contextmanager
def cabled(behind: str) -> Iterator[Cable]:
    """Lay one, on a thread of its own: the browser's driver holds this one."""
    loop = asyncio.new_event_loop()
    cable = Cable(behind, loop)
    listening = threading.Event()
    leaving = asyncio.Event()

    async def serve() -> None:
        server: Any = await asyncio.start_server(cable.carry, "127.0.0.1", 0)
        cable.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        listening.set()
        await leaving.wait()
        server.close()
        await cable.cut()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="cable")
    thread.start()
    assert listening.wait(10)
    try:
        yield cable
    finally:
        loop.call_soon_threadsafe(leaving.set)
        thread.join(10)
        loop.close()
