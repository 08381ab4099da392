"""An answer on its way to a client: written by a task of its own, so that a client that leaves stops it at once."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, Literal, Protocol

import msgspec

from appliance.core.errors import ApplianceError
from appliance.core.text import Language
from appliance.features.compatible.assistants import Sources
from appliance.ports.chat import Delta, TokenChoice, ToolCall, Usage

Piece = Delta | Sources
Reason = Literal["stop", "length", "tools"]


class Whole(msgspec.Struct):
    """All of an answer, put together."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenChoice, ...] = ()
    usage: Usage | None = None
    reason: Reason = "stop"
    sources: Sources | None = None

    def add(self, piece: Piece) -> None:
        """Take a piece, its words aside."""
        if isinstance(piece, Sources):
            self.sources = piece
            return
        self.tool_calls += piece.tool_calls
        self.usage = piece.usage or self.usage
        self.reason = "tools" if self.tool_calls else piece.reason or self.reason


class LiveAnswer:
    """What the writing task puts in and the response takes out. `model` is known once the first piece is there."""

    def __init__(self, model: str) -> None:
        """`model`: as it was asked for."""
        self.model = model
        self.started = time.perf_counter()
        self.first_at: float | None = None
        self.task: asyncio.Task[Any] | None = None
        self._stopped = False
        self._pieces: asyncio.Queue[Piece | ApplianceError | None] = asyncio.Queue()
        self._first: Piece | ApplianceError | None = None

    def put(self, piece: Piece) -> None:
        """Hand a piece on."""
        if self.first_at is None:
            self.first_at = time.perf_counter()
        self._pieces.put_nowait(piece)

    def end(self, error: ApplianceError | None = None) -> None:
        """Say that this was all, or what it failed with."""
        self._pieces.put_nowait(error)

    def stop(self) -> None:
        """Stop the engine, once: a second time would cut the closing of its connection short."""
        if self.task is not None and not self._stopped:
            self._stopped = True
            self.task.cancel()

    async def begin(self) -> None:
        """Wait for the first piece. Raises what came in its place."""
        try:
            self._first = await self._pieces.get()
        except BaseException:
            self.stop()
            raise
        if isinstance(self._first, ApplianceError):
            raise self._first

    async def pieces(self) -> AsyncGenerator[Piece]:
        """Give the pieces, after `begin`. Raises what the writing failed with; leaving early stops it."""
        try:
            piece = self._first
            while piece is not None:
                if isinstance(piece, ApplianceError):
                    raise piece
                yield piece
                piece = await self._pieces.get()
        finally:
            self.stop()

    async def whole(self) -> Whole:
        """Wait for all of it."""
        whole = Whole()
        text: list[str] = []
        thinking: list[str] = []
        logprobs: list[TokenChoice] = []
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                whole.add(piece)
                if isinstance(piece, Delta):
                    text.append(piece.text)
                    thinking.append(piece.thinking)
                    logprobs.extend(piece.logprobs)
        whole.text, whole.thinking, whole.logprobs = "".join(text), "".join(thinking), tuple(logprobs)
        return whole


class Form(Protocol):
    """How an answer is written on one API's wire, piece by piece."""

    def take(self, piece: Piece) -> Iterator[bytes]:
        """Write a piece."""
        ...

    def end(self) -> Iterator[bytes]:
        """Write what comes after the last."""
        ...

    def fail(self, error: ApplianceError, language: Language) -> bytes:
        """Write a failure in the middle."""
        ...


async def write_stream(answer: LiveAnswer, form: Form, language: Language) -> AsyncIterator[bytes]:
    """Write an answer as it comes; a failure is its last line, and what was written before stays."""
    try:
        async with aclosing(answer.pieces()) as pieces:
            async for piece in pieces:
                for line in form.take(piece):
                    yield line
    except ApplianceError as error:
        yield form.fail(error, language)
        return
    for line in form.end():
        yield line
