"""Embedding through Ollama: how a multilingual model (bge-m3, nomic) comes in by settings alone."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

import httpx
import msgspec
import numpy as np

from appliance.core.errors import ApplianceError, EngineFailed
from appliance.core.health import Health
from appliance.core.settings_sections import Embedder as EmbedderSettings
from appliance.engines.circuit import Circuit
from appliance.engines.http_engine import EngineRefused, HttpEngine
from appliance.engines.model_errors import ModelNotFound
from appliance.ports.embedder import PassageVectors, QueryVectors, Vector

_BATCH = 32
_CONNECT_SECONDS = 2.0
_ENGLISH_MODELS = ("all-minilm", "nomic-embed-text", "mxbai-embed-large", "bge-large-en", "snowflake-arctic-embed:")
# nomic and e5 were trained with a word in front that tells a question from a passage (their model cards).
_PREFIXES = {"nomic-embed-text": ("search_query: ", "search_document: "), "e5": ("query: ", "passage: ")}


class _Entry(msgspec.Struct):
    name: str
    digest: str = ""


class _Tags(msgspec.Struct):
    models: list[_Entry] | None


class _Embeddings(msgspec.Struct):
    embeddings: list[list[float]]


class OllamaEmbedder:
    """Embedder over `/api/embed`. It gives one vector a text, no token vectors."""

    token_dimensions: int | None = None

    def __init__(self, settings: EmbedderSettings, *, dimensions: int, digest: str) -> None:
        """Made by `connect`, which asks the engine for `dimensions` and the model's digest."""
        self.dimensions = dimensions
        self.digest = digest
        self.identity = f"ollama:{settings.model}:{digest[:16]}"
        english = settings.model.startswith(_ENGLISH_MODELS) and "v2-moe" not in settings.model
        self.languages: frozenset[str] | None = frozenset({"en"}) if english else None
        self._settings = settings
        self._engine = _engine(settings)
        self._circuit = Circuit(self._engine.name)
        prefixes = next((pair for name, pair in _PREFIXES.items() if name in settings.model), ("", ""))
        self._query_prefix, self._passage_prefix = prefixes

    async def embed_passages(self, texts: Sequence[str]) -> list[PassageVectors]:
        """Embed in batches, in order."""
        found: list[PassageVectors] = []
        for start in range(0, len(texts), _BATCH):
            batch = [self._passage_prefix + text for text in texts[start : start + _BATCH]]
            found += [PassageVectors(vector) for vector in await self._embed(batch)]
        return found

    async def embed_query(self, text: str) -> QueryVectors:
        """Embed a question; a person waits for it, so an engine that keeps failing is not waited for."""
        with self._circuit.guard("query"):
            return QueryVectors((await self._embed([self._query_prefix + text]))[0])

    async def _embed(self, texts: list[str]) -> list[Vector]:
        vectors = await request_embeddings(self._engine, self._settings.model, texts)
        if any(vector.shape != (self.dimensions,) for vector in vectors):
            raise EngineFailed(engine=self._engine.name)
        return vectors

    async def check(self) -> Health:
        """Embed one word."""
        started = asyncio.get_running_loop().time()
        try:
            await self._embed(["ok"])
        except ApplianceError as error:
            return Health("ollama", ok=False, detail=error.words)
        elapsed = (asyncio.get_running_loop().time() - started) * 1000
        return Health("ollama", ok=True, detail=self._settings.model, latency_ms=round(elapsed, 2))

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        await self._engine.close()


async def connect_ollama_embedder(settings: EmbedderSettings) -> OllamaEmbedder:
    """Ask the engine what the model gives. Raises ModelNotFound, or an engine's error when it does not answer."""
    engine = _engine(settings)
    try:
        vector = (await request_embeddings(engine, settings.model, ["ok"]))[0]
        tags: _Tags = await engine.call("GET", "/api/tags", kind=_Tags)
    finally:
        await engine.close()
    names = {settings.model, f"{settings.model}:latest"}
    digest = next((entry.digest for entry in tags.models or [] if entry.name in names), "")
    return OllamaEmbedder(settings, dimensions=vector.shape[0], digest=digest)


async def request_embeddings(engine: HttpEngine, model: str, texts: list[str]) -> list[Vector]:
    """Ask for one unit vector a text; what is no vector of numbers is the engine's failure."""
    body: dict[str, Any] = {"model": model, "input": texts, "truncate": True}
    try:
        answer: _Embeddings = await engine.call("POST", "/api/embed", body, kind=_Embeddings)
    except EngineRefused as error:
        if error.http_status == httpx.codes.NOT_FOUND:
            raise ModelNotFound(model=model[:100]) from error
        raise
    if len(answer.embeddings) != len(texts):
        raise EngineFailed(engine=engine.name)
    return [_unit(row, engine.name) for row in answer.embeddings]


def _unit(row: list[float], engine: str) -> Vector:
    vector = np.asarray(row, dtype=np.float32)
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0:
        raise EngineFailed(engine=engine)
    return vector / np.float32(norm)


def _engine(settings: EmbedderSettings) -> HttpEngine:
    return HttpEngine("Ollama", settings.url, connect_seconds=_CONNECT_SECONDS, read_seconds=settings.timeout_seconds)
