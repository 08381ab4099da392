"""One life of an appliance in a process of its own: what it is told to do comes over a pipe, and so does what it did.

The process is forked from one that has imported everything, so that a life begins at once; whoever kills it kills the
processes it started too, as a power cut does.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import structlog

from appliance.asgi import create_app
from appliance.bootstrap import Engines, build
from appliance.cli.data_directory import hold
from appliance.core.settings import load_settings
from appliance.engines.memory import MemoryEmbedder, MemoryParser

_SECONDS = 60.0
_PRELOADED = ["appliance.asgi", "appliance.bootstrap", "appliance.engines.qdrant_edge", "appliance.engines.snowball"]
_Context = multiprocessing.get_context("forkserver")
_Context.set_forkserver_preload([*_PRELOADED, "litestar.plugins.pydantic", "tests.journeys.life"])


@dataclass(frozen=True)
class Call:
    """An HTTP call to make; `upload` is the text of a file to send."""

    method: str
    path: str
    json: Any = None
    upload: tuple[str, str] | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any


Being = Callable[[Connection, Path, dict[str, object], str | None], None]


class Killed(Exception):
    """The process died before it answered."""


class Life:
    """A running appliance, from outside."""

    def __init__(
        self, directory: Path, settings: dict[str, object], *, embedder: str | None, being: Being | None = None
    ) -> None:
        """`embedder` names a made-up one (None: the settings' own). `being`: what to be instead of `live`."""
        self._pipe, theirs = _Context.Pipe()
        self._process = _Context.Process(target=being or live, args=(theirs, directory, settings, embedder))
        self._process.start()
        theirs.close()

    def wait_ready(self) -> None:
        """Wait until it answers. Raises Killed where it died on its way."""
        assert self.receive() == "ready"

    def arm(self, failpoint: str) -> None:
        """Have it die at a step."""
        self._send(failpoint)

    def end(self) -> None:
        """Have it end by itself, as a service does that is stopped, and wait for that."""
        self._send(None)
        self._process.join(_SECONDS)
        assert self._process.exitcode == 0

    def call(self, method: str, path: str, **more: Any) -> Answer:
        """Make a call. Raises Killed."""
        self._send(Call(method, path, **more))
        return self.receive()

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise Killed from None

    def receive(self) -> Any:
        """Wait for what it says next. Raises Killed."""
        try:
            if not self._pipe.poll(_SECONDS):
                message = f"no answer within {_SECONDS:.0f} s"
                raise TimeoutError(message)
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Killed from None

    def wait_killed(self) -> None:
        """Wait for its death by SIGKILL, and take its children with it."""
        self._process.join(_SECONDS)
        assert self._process.exitcode == -signal.SIGKILL
        self._end_children()

    def kill(self) -> None:
        """End it and its children as a power cut does; nothing happens where it is dead already."""
        if self._pipe.closed:
            return
        self._end_children()
        self._process.join(_SECONDS)

    def _end_children(self) -> None:
        assert self._process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._pipe.close()


def live(pipe: Connection, directory: Path, settings: dict[str, object], embedder: str | None) -> None:
    """Be an appliance until told to stop."""
    be_quiet()
    engines = Engines(parser=MemoryParser())
    if embedder is not None:
        engines.embedder = MemoryEmbedder(identity=embedder)
    with hold(directory):
        asyncio.run(_live(pipe, directory, settings, engines))


def be_quiet() -> None:
    """Be the head of one's own processes, and log nothing."""
    os.setsid()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(),
    )


async def _live(pipe: Connection, directory: Path, settings: dict[str, object], engines: Engines) -> None:
    loaded = load_settings(directory, environment={}, flags={"language_model.kind": "none", **settings})
    appliance = build(loaded, engines)
    async with appliance:
        await appliance.people.ensure_first_admin()
        headers = {"authorization": f"Bearer {appliance.access.control_token}"}
        transport = httpx.ASGITransport(create_app(appliance))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=None
        ) as http:
            pipe.send("ready")
            while (told := await asyncio.to_thread(pipe.recv)) is not None:
                if isinstance(told, str):
                    appliance.failpoints.arm(told)
                else:
                    pipe.send(await _perform(http, told))


async def _perform(http: httpx.AsyncClient, call: Call) -> Answer:
    options: dict[str, Any] = {"json": call.json} if call.json is not None else {}
    if call.upload is not None:
        name, text = call.upload
        options = {"files": {"file": (name, text.encode())}, "data": call.fields}
    answer = await http.request(call.method, call.path, **options)
    return Answer(answer.status_code, answer.json() if "json" in answer.headers.get("content-type", "") else None)


@contextlib.contextmanager
def living(directory: Path, settings: dict[str, object] | None = None, *, embedder: str | None) -> Iterator[Life]:
    """One life that is over at the end, however it went."""
    life = Life(directory, settings or {}, embedder=embedder)
    try:
        yield life
    finally:
        life.kill()
