"""Any server on the LAN that speaks OpenAI's chat completions: vLLM, llama.cpp, LocalAI, TGI."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self

import httpx

from appliance.core.errors import ApplianceError, EngineFailed, EngineUnavailable
from appliance.core.health import Health
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.core.text import Text
from appliance.engines.briefly import Briefly
from appliance.engines.circuit import Circuit
from appliance.engines.http_engine import EngineRefused, HttpEngine
from appliance.engines.model_errors import ModelCannot, ModelNotFound
from appliance.engines.openai_wire import Piece, Reading, chat_body
from appliance.ports.chat import ChatRequest, Delta

_QUICK_SECONDS = 5.0
_DATA = b"data:"


class OpenAiCompatible:
    """LanguageModel over `/v1/chat/completions`."""

    kind = "openai"

    def __init__(self, settings: LanguageModelSettings) -> None:
        """`settings.url` with or without `/v1`."""
        self._settings = settings
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else None
        self._engine = HttpEngine(
            "the model server",
            settings.url.rstrip("/").removesuffix("/v1") + "/v1",
            connect_seconds=settings.connect_timeout_seconds,
            read_seconds=settings.first_token_timeout_seconds,
            headers=headers,
        )
        self._circuit = Circuit(self._engine.name)
        self._known = Briefly(self._names)

    async def resolve(self, model: str | None) -> str | None:
        """Name the model that would answer: the asked one, the configured one, or the first there."""
        wanted = model or self._settings.model
        names = await self._known.get()
        if not wanted:
            return names[0] if names else None
        if wanted in names or wanted in await self._known.get(fresh=True):
            return wanted
        raise ModelNotFound(model=wanted[:100])

    async def _names(self) -> list[str]:
        answer = await self._engine.call("GET", "/models", seconds=_QUICK_SECONDS)
        entries = answer.get("data") if isinstance(answer, dict) else None
        entries = entries if isinstance(entries, list) else []
        return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Write an answer; leaving the iterator closes the connection."""
        model = request.model or await self.resolve(None)
        if model is None:
            raise EngineUnavailable(engine=self._engine.name)
        try:
            with self._circuit.guard(model):
                async with aclosing(self._deltas(request, model)) as deltas:
                    async for delta in deltas:
                        yield delta
        except EngineRefused as error:
            self._known.forget()
            if error.http_status == httpx.codes.NOT_FOUND:
                raise ModelNotFound(model=model[:100]) from error
            if error.http_status == httpx.codes.BAD_REQUEST:
                raise ModelCannot(model=model[:100]) from error
            raise
        except ApplianceError:
            self._known.forget()
            raise

    async def _deltas(self, request: ChatRequest, model: str) -> AsyncGenerator[Delta]:
        reading = Reading()
        pieces = 0
        async with aclosing(self._pieces(request, model)) as stream:
            async for piece in stream:
                for delta in reading.take(piece):
                    yield delta
                    pieces += 1
                if pieces > request.max_tokens:
                    # Each piece is a token or more: an engine that does not keep to its limit is held to it here.
                    reading.reason = "length"
                    break
        if reading.reason is None:
            # The end without a reason: the engine died or was stopped.
            raise EngineFailed(engine=self._engine.name)
        yield reading.last()

    async def _pieces(self, request: ChatRequest, model: str) -> AsyncGenerator[Piece]:
        lines = self._engine.lines(
            "/chat/completions",
            chat_body(request, model),
            first_seconds=self._settings.first_token_timeout_seconds,
            idle_seconds=self._settings.idle_timeout_seconds,
        )
        async with aclosing(lines):
            async for line in lines:
                data = line.strip()
                if data.startswith(b"{"):
                    raise EngineFailed(engine=self._engine.name)  # an error said in plain JSON, in the middle
                if not data.startswith(_DATA):
                    continue
                if (data := data[len(_DATA) :].strip()) == b"[DONE]":
                    return
                piece: Piece = self._engine.decode(data, Piece)
                if piece.error:
                    raise EngineFailed(engine=self._engine.name)
                yield piece

    async def check(self) -> Health:
        """List the models."""
        try:
            names = await self._known.get(fresh=True)
        except ApplianceError as error:
            self._known.forget()
            return Health(self.kind, ok=False, detail=error.words)
        return Health(self.kind, ok=True, detail=Text(f"models: {len(names)}", f"modèles : {len(names)}"))

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first call."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        await self._engine.close()
