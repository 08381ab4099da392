"""A life that listens on a port, so that people are in the middle of an answer when it dies."""

import asyncio
import socket
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from appliance.asgi import create_app
from appliance.bootstrap import Appliance, Engines, build
from appliance.cli.data_directory import hold
from appliance.core.settings import load_settings
from appliance.engines.memory import MemoryEmbedder, MemoryParser
from tests.journeys.life import Life, be_quiet

_SECONDS = 30.0


class Served(Life):
    """A running server, from outside; `url` and `token` once it is ready."""

    def __init__(self, directory: Path, settings: dict[str, object]) -> None:
        super().__init__(directory, settings, embedder="memory", being=serve)
        self.url = ""
        self.token = ""

    def wait_ready(self) -> None:
        self.url, self.token = self.receive()

    def arm(self, failpoint: str) -> None:
        super().arm(failpoint)
        assert self.receive() == "armed"

    def client(self) -> httpx.AsyncClient:
        """Call it as its admin."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=_SECONDS)


async def begin(directory: Path, settings: dict[str, object]) -> Served:
    """Start a server on what is in a directory."""
    served = Served(directory, settings)
    try:
        await asyncio.to_thread(served.wait_ready)
    except BaseException:
        served.kill()
        raise
    return served


def serve(pipe: Connection, directory: Path, settings: dict[str, object], embedder: str | None) -> None:
    """Be a server until killed."""
    be_quiet()
    engines = Engines(parser=MemoryParser(), embedder=MemoryEmbedder(identity=embedder or "memory"))
    loaded = load_settings(directory, environment={}, flags=settings)
    with hold(directory):
        asyncio.run(_serve(pipe, build(loaded, engines)))


async def _serve(pipe: Connection, appliance: Appliance) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    async with appliance:
        await appliance.people.ensure_first_admin()
        config = uvicorn.Config(
            create_app(appliance),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        running = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started and not running.done():
            await asyncio.sleep(0.005)
        pipe.send((f"http://127.0.0.1:{listener.getsockname()[1]}", appliance.access.control_token))
        armed = asyncio.ensure_future(_hear(pipe, appliance))
        await asyncio.wait([running, armed], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await running


async def _hear(pipe: Connection, appliance: Appliance) -> None:
    """Arm what it is told to, until it is told nothing: then it ends as a service does that is stopped."""
    told: Any
    while (told := await asyncio.to_thread(pipe.recv)) is not None:
        appliance.failpoints.arm(told)
        pipe.send("armed")
