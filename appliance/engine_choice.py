"""Every engine, chosen by its `kind` in the settings.

Adapters are imported where they are chosen, so that a box pays in start-up time and memory only for what it uses.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from appliance.core.errors import SettingsError
from appliance.core.settings import LoadedSettings
from appliance.core.settings_sections import Settings
from appliance.core.text import Text
from appliance.ports.analyzer import Analyzer
from appliance.ports.document_writer import DocumentWriter
from appliance.ports.embedder import Embedder
from appliance.ports.event_bus import EventBus
from appliance.ports.language_model import LanguageModel
from appliance.ports.model_host import ModelHost
from appliance.ports.object_store import ObjectStore
from appliance.ports.parser import Parser
from appliance.ports.vector_store import VectorStore
from appliance.ports.weight_store import WeightStore


class Engines(msgspec.Struct, kw_only=True):
    """Adapters given instead of those of the settings: for tests. `embedder` needs no entering."""

    parser: Parser | None = None
    analyzer: Analyzer | None = None
    embedder: Embedder | None = None
    vectors: VectorStore | None = None
    objects: ObjectStore | None = None
    language_model: LanguageModel | None = None
    bus: EventBus | None = None
    model_host: ModelHost | None = None


def require_shared_engines(settings: Settings) -> None:
    """Raise SettingsError where several processes are asked to share what only one can hold."""
    embedded = [
        name
        for name, is_embedded in (
            ("[database] url", not settings.database.url.startswith("postgresql")),
            ("[vector_store] kind", settings.vector_store.kind == "qdrant_edge"),
            ("[object_store] kind", settings.object_store.kind == "filesystem"),
            ("[event_bus] kind", settings.event_bus.kind == "memory"),
        )
        if is_embedded
    ]
    if embedded:
        listed = ", ".join(embedded)
        raise SettingsError(
            reason=Text(
                f"`serve` and `work` share their engines; these are embedded in one process: {listed}.",
                f"`serve` et `work` partagent leurs moteurs ; ceux-ci vivent dans un seul processus : {listed}.",
            ),
            advice=Text(
                "Set PostgreSQL, a Qdrant server, an S3 store and Redis (or PostgreSQL) for events, or use `up`.",
                "Réglez PostgreSQL, un serveur Qdrant, un stockage S3 et Redis (ou PostgreSQL) pour les événements, ou utilisez `up`.",
            ),
        )


class EmbedderFactory:
    """Makes embedders from what settings, or an older index, say of them."""

    def __init__(self, loaded: LoadedSettings, given: Embedder | None) -> None:
        """`given`: a test's own."""
        self._loaded = loaded
        self._given = given

    async def from_settings(self, known: list[dict[str, Any]]) -> tuple[Embedder, dict[str, Any]]:
        """Make the settings' embedder, with the facts to make it again.

        `known`: the facts kept with earlier indexes, so that a server that is away now is no obstacle.
        """
        settings = self._loaded.settings.embedder
        facts: dict[str, Any] = {"kind": settings.kind, "url": settings.url, "model": settings.model}
        if self._given is not None:
            return self._given, {"kind": "given", "identity": self._given.identity}
        if settings.kind == "minilm":
            return self._minilm(settings.model), facts
        for other in known:
            if {name: other.get(name) for name in facts} == facts:
                return await self._ollama(other), other
        from appliance.engines.ollama_embedder import connect_ollama_embedder

        embedder = await connect_ollama_embedder(settings)
        return embedder, {**facts, "dimensions": embedder.dimensions, "digest": embedder.digest}

    async def restore(self, facts: dict[str, Any]) -> Embedder | None:
        """Make an older index's embedder again; None where it cannot be had."""
        match facts.get("kind"):
            case "minilm":
                return self._minilm(facts.get("model", ""))
            case "ollama":
                return await self._ollama(facts)
            case "given" if self._given is not None and facts.get("identity") == self._given.identity:
                return self._given
            case _:
                return None

    def _minilm(self, folder: str) -> Embedder:
        from appliance.engines.minilm import MiniLM

        directory = Path(folder) if folder else self._loaded.data_directory / "models" / "all-minilm-l6-v2"
        return MiniLM(directory, threads=self._loaded.settings.embedder.threads, convert=not folder)

    async def _ollama(self, facts: dict[str, Any]) -> Embedder:
        from appliance.engines.ollama_embedder import OllamaEmbedder

        settings = msgspec.structs.replace(self._loaded.settings.embedder, url=facts["url"], model=facts["model"])
        return OllamaEmbedder(settings, dimensions=facts["dimensions"], digest=facts["digest"])


def choose_bus(loaded: LoadedSettings) -> EventBus:
    """Choose what carries events."""
    settings = loaded.settings.event_bus
    match settings.kind:
        case "redis":
            from appliance.engines.redis_bus import RedisBus

            return RedisBus(settings.url or "redis://127.0.0.1:6379/0")
        case "postgresql":
            from appliance.engines.postgresql_bus import PostgresqlBus

            return PostgresqlBus(settings.url or loaded.database_url)
        case "memory":
            from appliance.engines.local_bus import LocalBus

            return LocalBus()


def choose_objects(loaded: LoadedSettings) -> ObjectStore:
    """Choose where bytes live."""
    match loaded.settings.object_store.kind:
        case "s3":
            from appliance.engines.s3 import S3Store

            return S3Store(loaded.settings.object_store)
        case "filesystem":
            from appliance.engines.filesystem import FilesystemStore

            return FilesystemStore(loaded.data_directory / "objects")


def choose_vectors(loaded: LoadedSettings) -> VectorStore:
    """Choose where vectors live."""
    match loaded.settings.vector_store.kind:
        case "qdrant":
            from appliance.engines.qdrant_server import QdrantServerStore

            return QdrantServerStore(loaded.settings.vector_store)
        case "qdrant_edge":
            from appliance.engines.qdrant_edge import QdrantEdgeStore

            return QdrantEdgeStore(loaded.data_directory / "vectors")


def choose_analyzer() -> Analyzer:
    """Choose what cuts words."""
    from appliance.engines.snowball import SnowballAnalyzer

    return SnowballAnalyzer()


def choose_parser(loaded: LoadedSettings) -> Parser:
    """Choose what reads files."""
    from appliance.engines.reading.parser import Limits, SandboxedParser

    limits = loaded.settings.limits
    return SandboxedParser(
        limits=Limits(pages=limits.document_pages, characters=limits.document_characters),
        seconds=limits.parse_seconds,
        memory_bytes=limits.parse_memory_bytes,
        ocr_page_seconds=limits.ocr_page_seconds,
        places=loaded.settings.worker.concurrency,
    )


def choose_document_writer() -> DocumentWriter:
    """Choose what writes documents for word processors."""
    from appliance.engines.docx_document import DocxWriter

    return DocxWriter()


def choose_language_model(settings: Settings) -> LanguageModel:
    """Choose who writes answers."""
    match settings.language_model.kind:
        case "openai":
            from appliance.engines.openai import OpenAiCompatible

            return OpenAiCompatible(settings.language_model)
        case "ollama":
            from appliance.engines.ollama import Ollama

            return Ollama(settings.language_model)
        case "auto":
            from appliance.engines.ollama import AutomaticOllama

            return AutomaticOllama(settings.language_model)
        case "none":
            from appliance.engines.no_model import NoModel

            return NoModel()


def choose_model_host(settings: Settings) -> ModelHost:
    """Choose who holds models: where the language model is, else where an Ollama embeds."""
    match settings.language_model.kind:
        case "auto" | "ollama":
            from appliance.engines.ollama_host import OllamaHost

            return OllamaHost(settings.language_model.url)
        case "none" if settings.embedder.kind == "ollama":
            from appliance.engines.ollama_host import OllamaHost

            return OllamaHost(settings.embedder.url)
        case "openai":
            from appliance.engines.other_hosts import OpenAiHost

            return OpenAiHost(settings.language_model)
        case "none":
            from appliance.engines.other_hosts import NoHost

            return NoHost()


def choose_weights(loaded: LoadedSettings) -> WeightStore:
    """Choose where the appliance's own weights lie."""
    from appliance.engines.embedded_models import EmbeddedModels

    return EmbeddedModels(loaded.data_directory / "models")


def holds_models_here(settings: Settings) -> bool:
    """Tell whether the engine that holds models runs on this machine, by its address."""
    embeds = settings.language_model.kind == "none" and settings.embedder.kind == "ollama"
    host = urlsplit(settings.embedder.url if embeds else settings.language_model.url).hostname or ""
    return host in {"localhost", "127.0.0.1", "::1"}
