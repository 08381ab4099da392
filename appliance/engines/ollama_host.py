"""The models an Ollama holds: its wire as of 0.17 (github.com/ollama/ollama, docs/api.md)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from appliance.core.database import now
from appliance.core.errors import ApplianceError, EngineTimedOut
from appliance.engines.http_engine import EngineBroken, EngineRefused, HttpEngine
from appliance.engines.model_errors import ModelNotFound, ModelRefused, PullFailed
from appliance.engines.ollama_slots import find_loaded, free_slot
from appliance.engines.ollama_weights import Details, SharedWeights, Weights, weights_of
from appliance.engines.ollama_wire import EMBEDDING_FAMILIES
from appliance.ports.model_host import HostedModel, Measured, ModelDetails, PullProgress, RunningModel

_CONNECT_SECONDS, _READ_SECONDS, _QUICK_SECONDS = 2.0, 30.0, 5.0
_IDLE_SECONDS = 300.0
"""A registry may be silent for minutes while layers are checked; so may a disk."""
_LOAD_SECONDS = 600.0
_PIECE_BYTES = 1024 * 1024
_LOOK_SECONDS = 0.25
_FOR_GOOD = timedelta(days=3650)
"""What is to stay for good has an end centuries away on Ollama's wire."""
_NANOSECONDS = 1e9


class _Entry(msgspec.Struct):
    """A model that is there, or in memory."""

    name: str
    size: int = 0
    digest: str = ""
    modified_at: str = ""
    details: Details | None = None
    size_vram: int = 0
    expires_at: str = ""
    context_length: int = 0


class _List(msgspec.Struct):
    models: list[_Entry] | None = None


class _Shown(msgspec.Struct):
    capabilities: list[str] | None = None
    model_info: dict[str, Any] | None = None
    template: str = ""
    parameters: str = ""
    license: str | list[str] = ""
    modelfile: str = ""


class _Version(msgspec.Struct):
    version: str


class _Step(msgspec.Struct):
    """A line of `/api/create`."""

    status: str = ""
    error: str | None = None


class _Piece(msgspec.Struct):
    """A line of `/api/generate`, or the answer of `/api/embed`: what is read of it. Durations in nanoseconds."""

    response: str = ""
    done: bool = False
    error: str | None = None
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0


class OllamaHost:
    """ModelHost over Ollama's own API."""

    kind = "ollama"
    manages = True

    def __init__(self, url: str) -> None:
        """`url`: as in the settings."""
        self._engine = HttpEngine("Ollama", url, connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS)
        self._shared = SharedWeights(self._weights)

    async def require(self) -> None:
        """It must answer."""
        await self.version()

    async def version(self) -> str:
        """Name its version."""
        told: _Version = await self._engine.call("GET", "/api/version", seconds=_QUICK_SECONDS, kind=_Version)
        return told.version

    async def list(self) -> "list[HostedModel]":
        """List what is there, by name."""
        return sorted((_describe(entry) for entry in await self._entries("/api/tags")), key=lambda model: model.name)

    async def _entries(self, path: str) -> "list[_Entry]":
        told: _List = await self._engine.call("GET", path, seconds=_QUICK_SECONDS, kind=_List)
        return told.models or []

    async def show(self, name: str) -> ModelDetails:
        """Ask for the rest of one model."""
        shown = await self._shown(name)
        info = shown.model_info or {}
        lengths = [
            length for key, length in info.items() if key.endswith(".context_length") and isinstance(length, int)
        ]
        return ModelDetails(
            capabilities=tuple(shown.capabilities or ()),
            context_length=lengths[0] if lengths else None,
            template=shown.template,
            settings=shown.parameters,
            licence=shown.license if isinstance(shown.license, str) else "\n\n".join(shown.license),
        )

    async def _shown(self, name: str) -> _Shown:
        with _explaining(name):
            return await self._engine.call("POST", "/api/show", {"model": name}, kind=_Shown)

    async def _weights(self, name: str) -> Weights:
        return weights_of((await self._shown(name)).modelfile)

    async def running(self) -> "list[RunningModel]":
        """List what is in memory, each with the other names it answers by."""
        loaded = await self._entries("/api/ps")
        there = await self._entries("/api/tags") if loaded else []
        return [
            RunningModel(
                name=entry.name,
                size=entry.size,
                size_vram=entry.size_vram,
                expires_at=_end(entry.expires_at),
                context_length=entry.context_length or None,
                also=tuple(await self._shared.names(entry, there)),
            )
            for entry in loaded
        ]

    async def load(self, name: str, *, context_length: int, keep_alive_seconds: float | None) -> None:
        """Ask for nothing, with the context length that later questions have: it is loaded for that one."""
        body: dict[str, Any] = {"model": name, "options": {"num_ctx": context_length}}
        if keep_alive_seconds is not None:
            body["keep_alive"] = -1 if keep_alive_seconds < 0 else f"{keep_alive_seconds:g}s"
        path = "/api/generate" if await self._completes(name) else "/api/embed"
        asked = {"prompt": "", "stream": False} if path == "/api/generate" else {"input": []}
        with _explaining(name):
            await self._engine.call("POST", path, body | asked, seconds=_LOAD_SECONDS, kind=_Piece)

    async def _completes(self, name: str) -> bool:
        capabilities = (await self.show(name)).capabilities
        return not capabilities or "completion" in capabilities

    async def unload(self, name: str) -> None:
        """Ask it to go at once; what is being written is finished first."""
        with _explaining(name):
            await self._engine.call(
                "POST", "/api/generate", {"model": name, "keep_alive": 0, "stream": False}, kind=None
            )

    async def free(self, name: str, *, context_length: int) -> bool:
        """Get back a slot that was lost when a reader left; True where one was. See `free_slot`."""
        return await free_slot(self, self._engine, name, context_length=context_length)

    async def remove(self, name: str) -> None:
        """Delete a model, out of memory first: there it would stay without a name to unload it by."""
        if await find_loaded(self, name):
            with suppress(ModelNotFound, ModelRefused, EngineBroken):  # a damaged one is deleted all the same
                await self.unload(name)
        with _explaining(name):
            await self._engine.call("DELETE", "/api/delete", {"model": name}, kind=None)

    async def pull(self, name: str, *, insecure: bool) -> AsyncGenerator[PullProgress]:
        """Have Ollama fetch a model, step by step. `insecure`: the registry may speak HTTP."""
        body: dict[str, Any] = {"model": name, "insecure": insecure, "stream": True}
        last = PullProgress()
        lines = self._engine.lines("/api/pull", body, first_seconds=_IDLE_SECONDS, idle_seconds=_IDLE_SECONDS)
        try:
            async with aclosing(lines):
                async for line in lines:
                    last: PullProgress = self._engine.decode(line, PullProgress)
                    if last.error is not None:
                        raise PullFailed(engine="Ollama", reason=last.error[:300])
                    yield last
        except EngineBroken as error:
            raise PullFailed(engine="Ollama", reason=error.reason or str(error.http_status)) from error
        if last.status != "success":
            raise PullFailed(engine="Ollama", reason=last.status or "no answer")

    async def has_blob(self, digest: str) -> bool:
        """Ask for its head."""
        try:
            await self._engine.call("HEAD", f"/api/blobs/{digest}", kind=None)
        except EngineRefused as error:
            if error.http_status == httpx.codes.NOT_FOUND:
                return False
            raise
        return True

    async def upload_blob(self, digest: str, path: Path) -> AsyncGenerator[int]:
        """Send a file; Ollama holds it to its digest once more. A stop leaves nothing there."""
        sent = _Sent()
        pieces = sent.read(path)
        length = (await asyncio.to_thread(path.stat)).st_size
        sending = asyncio.ensure_future(self._engine.upload(f"/api/blobs/{digest}", pieces, length=length))
        loop = asyncio.get_running_loop()
        moved, seen = loop.time(), -1
        try:
            while not (await asyncio.wait([sending], timeout=_LOOK_SECONDS))[0]:
                if sent.bytes != seen:
                    moved, seen = loop.time(), sent.bytes
                    yield seen
                if loop.time() - moved > _IDLE_SECONDS:
                    raise EngineTimedOut(engine="Ollama", seconds=int(_IDLE_SECONDS))
            with _refusing():
                sending.result()
            yield sent.bytes
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def create(
        self, name: str, digest: str, *, template: str = "", settings: dict[str, float] | None = None
    ) -> AsyncGenerator[str]:
        """Make a model of a GGUF that was uploaded."""
        body: dict[str, Any] = {"model": name, "files": {"model.gguf": digest}, "stream": True}
        body |= {"template": template} if template else {}
        body |= {"parameters": settings} if settings else {}
        last = _Step()
        lines = self._engine.lines("/api/create", body, first_seconds=_IDLE_SECONDS, idle_seconds=_IDLE_SECONDS)
        with _refusing():
            async with aclosing(lines):
                async for line in lines:
                    last: _Step = self._engine.decode(line, _Step)
                    if last.error is not None:
                        raise ModelRefused(reason=last.error[:300])
                    yield last.status
        if last.status != "success":
            raise ModelRefused(reason=last.status or "no answer")

    async def measure(
        self, name: str, *, prompt: str, max_tokens: int, context_length: int
    ) -> AsyncGenerator[int | Measured]:
        """Write, or where the model only embeds, embed."""
        options: dict[str, Any] = {"num_ctx": context_length, "num_predict": max_tokens, "temperature": 0}
        if not await self._completes(name):
            yield await self._measure_embedding(name, prompt, context_length)
            return
        body = {"model": name, "prompt": prompt, "stream": True, "options": options}
        lines = self._engine.lines("/api/generate", body, first_seconds=_LOAD_SECONDS, idle_seconds=_IDLE_SECONDS)
        pieces, is_whole = 0, False
        try:
            with _explaining(name):
                async with aclosing(lines):
                    async for line in lines:
                        piece: _Piece = self._engine.decode(line, _Piece)
                        is_whole = piece.done or piece.error is not None
                        if piece.error is not None:
                            raise ModelRefused(reason=piece.error[:300])
                        if piece.done:
                            yield _measured(piece)
                            return
                        pieces += 1
                        yield pieces
            raise ModelRefused(reason="the answer has no end")
        finally:
            if pieces and not is_whole:
                with suppress(ApplianceError):  # who measured is told what went wrong, not this
                    await self.free(name, context_length=context_length)

    async def _measure_embedding(self, name: str, prompt: str, context_length: int) -> Measured:
        body = {"model": name, "input": prompt, "options": {"num_ctx": context_length}}
        with _explaining(name):
            piece: _Piece = await self._engine.call("POST", "/api/embed", body, seconds=_LOAD_SECONDS, kind=_Piece)
        seconds = max(0, piece.total_duration - piece.load_duration) / _NANOSECONDS
        return Measured(piece.load_duration / _NANOSECONDS, piece.prompt_eval_count, seconds)

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first call."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        await self._engine.close()


class _Sent:
    """A file on its way, and how much of it went."""

    def __init__(self) -> None:
        self.bytes = 0

    async def read(self, path: Path) -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while data := await asyncio.to_thread(file.read, _PIECE_BYTES):
                yield data
                self.bytes += len(data)


def _describe(entry: _Entry) -> HostedModel:
    details = entry.details or Details()
    return HostedModel(
        name=entry.name,
        size=entry.size,
        digest=entry.digest,
        family=details.family,
        parameters=details.parameter_size,
        quantization="" if details.quantization_level == "unknown" else details.quantization_level,
        modified_at=_moment(entry.modified_at),
        embeds=details.family in EMBEDDING_FAMILIES,
    )


def _measured(piece: _Piece) -> Measured:
    return Measured(
        piece.load_duration / _NANOSECONDS,
        piece.prompt_eval_count,
        piece.prompt_eval_duration / _NANOSECONDS,
        piece.eval_count,
        piece.eval_duration / _NANOSECONDS,
    )


def _moment(told: str) -> datetime | None:
    """Read a moment; a zone it does not name is UTC, and what is none is not known."""
    try:
        moment = msgspec.convert(told, datetime, strict=False)
    except msgspec.ValidationError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _end(told: str) -> datetime | None:
    moment = _moment(told)
    return None if moment is None or moment - now() > _FOR_GOOD else moment


@contextmanager
def _explaining(name: str) -> Iterator[None]:
    """Tell a model that is not there from what Ollama says it cannot do with one."""
    try:
        yield
    except EngineBroken as error:
        if error.http_status == httpx.codes.NOT_FOUND:
            raise ModelNotFound(model=name[:100]) from error
        if error.reason:
            raise ModelRefused(reason=error.reason) from error
        raise


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except EngineBroken as error:
        raise ModelRefused(reason=error.reason or str(error.http_status)) from error
