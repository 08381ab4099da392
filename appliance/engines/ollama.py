"""Ollama: the usual way to a language model on the box. Its wire as of 0.17 (github.com/ollama/ollama, docs/api.md)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Self

import httpx
import msgspec

from appliance.core.errors import ApplianceError, EngineFailed, EngineUnavailable
from appliance.core.health import Health
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.core.text import Text
from appliance.engines.briefly import Briefly
from appliance.engines.circuit import Circuit
from appliance.engines.forced_call import ask_for_call, read_call
from appliance.engines.http_engine import EngineRefused, HttpEngine
from appliance.engines.model_errors import ContextExceeded, ModelCannot, ModelNotFound
from appliance.engines.ollama_host import OllamaHost
from appliance.engines.ollama_slots import Slots
from appliance.engines.ollama_wire import EMBEDDING_FAMILIES, Piece, chat_body
from appliance.ports.chat import ChatRequest, Delta

_NONE_THERE = Text(
    "no Ollama on loopback; answers are quoted", "aucun Ollama sur cette machine ; les réponses sont des citations"
)
_QUICK_SECONDS = 5.0
_TOO_LONG = "exceeds the context length"
"""Ollama's words for a prompt that it was told not to cut."""


class _Entry(msgspec.Struct):
    """A model that is there."""

    name: str
    modified_at: str = ""
    digest: str = ""
    details: dict[str, Any] | None = None


class _Tags(msgspec.Struct):
    models: list[_Entry] | None


class _Shown(msgspec.Struct):
    capabilities: list[str] | None = None


class _Version(msgspec.Struct):
    version: str


class Ollama:
    """LanguageModel over Ollama's own API."""

    kind = "ollama"

    def __init__(self, settings: LanguageModelSettings) -> None:
        """`settings.model` may be empty: then the newest model there that completes text."""
        self._settings = settings
        self._engine = HttpEngine(
            "Ollama",
            settings.url,
            connect_seconds=settings.connect_timeout_seconds,
            read_seconds=settings.first_token_timeout_seconds,
        )
        self._circuit = Circuit(self._engine.name)
        self._host = OllamaHost(settings.url)
        self._slots = Slots(self._engine.name, self._free, patience_seconds=settings.first_token_timeout_seconds)
        self._completes: dict[str, bool] = {}
        self._known = Briefly(self._there)

    async def resolve(self, model: str | None) -> str | None:
        """Name the model that would answer. Raises ModelNotFound for a named one that is not there."""
        wanted = model or self._settings.model
        if wanted:
            return await self._find(wanted)
        there = await self._known.get()
        for entry in sorted(there, key=lambda entry: entry.modified_at, reverse=True):
            if await self._can_complete(entry):
                return entry.name
        return None

    async def _find(self, wanted: str) -> str:
        for is_fresh in (False, True):  # what is not among the known may have come since
            for entry in await self._known.get(fresh=is_fresh):
                if entry.name in {wanted, f"{wanted}:latest"}:
                    return entry.name
        raise ModelNotFound(model=wanted[:100])

    async def _there(self) -> list[_Entry]:
        tags: _Tags = await self._engine.call("GET", "/api/tags", seconds=_QUICK_SECONDS, kind=_Tags)
        return tags.models or []

    async def _can_complete(self, entry: _Entry) -> bool:
        """Tell a model that writes from one that only embeds; asked once per digest."""
        digest = entry.digest or entry.name
        if digest not in self._completes:
            body = {"model": entry.name}
            try:
                shown: _Shown = await self._engine.call("POST", "/api/show", body, seconds=_QUICK_SECONDS, kind=_Shown)
            except EngineFailed:
                shown = _Shown()
            family = (entry.details or {}).get("family")
            by_family = family not in EMBEDDING_FAMILIES
            known = shown.capabilities
            self._completes[digest] = by_family if known is None else "completion" in known
        return self._completes[digest]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Write an answer; leaving the iterator closes the connection, and Ollama stops computing."""
        model = request.model or await self.resolve(None)
        if model is None:
            raise EngineUnavailable(engine=self._engine.name)
        try:
            with self._circuit.guard(model):
                async with aclosing(self._answer(request, model)) as deltas:
                    async for delta in deltas:
                        yield delta
        except EngineRefused as error:
            self._known.forget()
            if error.http_status == httpx.codes.NOT_FOUND:
                raise ModelNotFound(model=model[:100]) from error
            if error.http_status == httpx.codes.BAD_REQUEST and _TOO_LONG in error.reason:
                raise ContextExceeded(tokens=self._settings.context_length, param="messages") from error
            if error.http_status == httpx.codes.BAD_REQUEST:
                raise ModelCannot(model=model[:100]) from error
            raise
        except ApplianceError:
            self._known.forget()
            raise

    def _answer(self, request: ChatRequest, model: str) -> AsyncGenerator[Delta]:
        """Write; where a function must be called, which Ollama cannot be told, the answer is held to the call's JSON."""
        if not (request.must_call and request.tools):
            return self._deltas(request, model)
        return read_call(self._deltas(ask_for_call(request), model), request.tools, engine=self._engine.name)

    async def _free(self, model: str) -> bool:
        return await self._host.free(model, context_length=self._settings.context_length)

    async def _deltas(self, request: ChatRequest, model: str) -> AsyncGenerator[Delta]:
        for may_repeat in (True, False):
            turns = self._slots.turn(model, may_repeat=may_repeat)
            async with turns as turn, aclosing(self._lines(request, model)) as lines:
                pieces, called = 0, False
                async for line in lines:
                    turn.hear()
                    piece: Piece = self._engine.decode(line, Piece)
                    if piece.error or piece.done:
                        turn.finish()
                    if piece.error:
                        break
                    called = called or bool(piece.message.tool_calls)
                    if delta := piece.delta(called=called):
                        yield delta
                        pieces += 1
                    if piece.done:
                        return
                    if pieces > request.max_tokens:
                        # Each piece is a token or more: an engine that does not keep to its limit is held to it here.
                        yield Delta(reason="length")
                        return
                # An error, or the end without the last line: the engine died or was stopped.
                raise EngineFailed(engine=self._engine.name)

    def _lines(self, request: ChatRequest, model: str) -> AsyncGenerator[bytes]:
        return self._engine.lines(
            "/api/chat",
            chat_body(request, model, context_length=self._settings.context_length),
            first_seconds=self._settings.first_token_timeout_seconds,
            idle_seconds=self._settings.idle_timeout_seconds,
        )

    async def check(self) -> Health:
        """Ask for the version and how many models there are."""
        try:
            version = await self._version()
            there = await self._known.get(fresh=True)
        except ApplianceError as error:
            self._known.forget()
            return Health(self.kind, ok=False, detail=error.words)
        models = len(there)
        detail = Text(f"{version}, models: {models}", f"{version}, modèles : {models}")
        return Health(self.kind, ok=True, detail=detail, version=version)

    async def _version(self) -> str:
        told: _Version = await self._engine.call("GET", "/api/version", seconds=_QUICK_SECONDS, kind=_Version)
        return told.version

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first call."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        await self._engine.close()
        await self._host.__aexit__(*exception)


class AutomaticOllama(Ollama):
    """Ollama when one answers on loopback: looked for at each question until it does, since people start it later."""

    kind = "auto"

    async def resolve(self, model: str | None) -> str | None:
        """Name the model that would answer; None where no Ollama answers and none was asked for by name."""
        try:
            return await super().resolve(model)
        except (EngineUnavailable, EngineFailed):
            if model:
                raise
            return None

    async def check(self) -> Health:
        """No Ollama is no failure here: answers are quoted then."""
        found = await super().check()
        if found.ok:
            return msgspec.structs.replace(found, kind="ollama")
        return Health("none", ok=True, detail=_NONE_THERE)
