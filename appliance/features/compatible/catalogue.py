"""Which models there are: what this room asks of whoever holds them."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from appliance.core.errors import EngineFailed, EngineTimedOut, EngineUnavailable, NotFound
from appliance.core.settings_sections import Settings
from appliance.features.compatible.errors import ListedModelNotFound
from appliance.features.generation import GenerationService
from appliance.ports.embedder import Embedder
from appliance.ports.model_host import HostedModel, ModelHost

MINILM = "all-minilm-l6-v2"
_AWAY = (NotFound, EngineUnavailable, EngineFailed, EngineTimedOut)
_MINILM_ALIASES = frozenset({"all-minilm"})


class ShownModel(msgspec.Struct, frozen=True, kw_only=True):
    """More of one model."""

    listed: HostedModel
    capabilities: tuple[str, ...] = ()
    context_length: int | None = None
    template: str = ""
    settings: str = ""
    licence: str = ""


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory; `expires_at` is None where it stays."""

    listed: HostedModel
    size_vram: int = 0
    expires_at: datetime | None = None
    context_length: int | None = None


class ModelCatalogue(Protocol):
    """What there is to write and to embed with."""

    async def list(self) -> "list[HostedModel]":
        """List the models, the embedder among them."""
        ...

    async def show(self, name: str) -> ShownModel:
        """Show one. Raises NotFound."""
        ...

    async def running(self) -> "list[LoadedModel]":
        """List those in memory."""
        ...


class Embedding:
    """The appliance's own embedder by the names clients know it by."""

    def __init__(self, embedder: Callable[[], Embedder], settings: Settings) -> None:
        """`embedder` is there once the indexes are open."""
        self._embedder = embedder
        self._settings = settings.embedder

    @property
    def embedder(self) -> Embedder:
        """The embedder itself."""
        return self._embedder()

    @property
    def name(self) -> str:
        """What it is listed as."""
        return self._settings.model if self._settings.kind == "ollama" else MINILM

    def is_named(self, name: str) -> bool:
        """Tell whether a client means it."""
        aliases = _MINILM_ALIASES if self._settings.kind == "minilm" else frozenset[str]()
        plain = name.removesuffix(":latest")
        return plain == self.name.removesuffix(":latest") or plain in aliases or name == self.embedder.identity


class EngineModels:
    """ModelCatalogue over the engine: what it holds and can write with, what the settings name, and the embedder."""

    def __init__(
        self, generation: GenerationService, embedding: Embedding, *, host: ModelHost, settings: Settings
    ) -> None:
        """`generation` tells which of the settings' names are there, where the engine does not list its models."""
        self._generation = generation
        self._embedding = embedding
        self._host = host
        self._settings = settings.language_model

    async def list(self) -> "list[HostedModel]":
        """List the models that write, the usual one first; an engine that is away has none."""
        hosted = {_plain(model.name): model for model in await self._hosted() if not model.embeds}
        wanted = (None, *([self._settings.model] if self._settings.model else []), *self._settings.fallbacks)
        usual = [name for model in wanted if (name := await self._resolve(model))]
        names: dict[str, str] = {}
        for name in (*usual, *(model.name for model in hosted.values())):
            names.setdefault(_plain(name), name)
        listed = [_listed(hosted.get(plain), name) for plain, name in names.items()]
        return [*listed, HostedModel(name=self._embedding.name, embeds=True)]

    async def _hosted(self) -> "list[HostedModel]":
        try:
            return await self._host.list()
        except _AWAY:
            return []

    async def _resolve(self, model: str | None) -> str | None:
        try:
            return await self._generation.resolve(model)
        except _AWAY:
            return None

    async def show(self, name: str) -> ShownModel:
        """Show one of them."""
        if self._embedding.is_named(name):
            listed = HostedModel(name=self._embedding.name, embeds=True)
            return ShownModel(listed=listed, capabilities=("embedding",))
        for model in await self._hosted():
            if _plain(model.name) == _plain(name):
                details = await self._host.show(model.name)
                return ShownModel(
                    listed=_listed(model, name),
                    capabilities=details.capabilities,
                    context_length=details.context_length,
                    template=details.template,
                    settings=details.settings,
                    licence=details.licence,
                )
        found = await self._generation.resolve(name)
        if found is None:
            raise ListedModelNotFound(model=name[:100])
        context = self._settings.context_length
        return ShownModel(listed=HostedModel(name=found), capabilities=("completion",), context_length=context)

    async def running(self) -> "list[LoadedModel]":
        """List what the engine has in memory, and the embedder, which stays."""
        hosted = {model.name: model for model in await self._hosted()}
        try:
            running = await self._host.running()
        except _AWAY:
            running = []
        loaded = [
            LoadedModel(
                listed=_listed(hosted.get(one.name), one.name),
                size_vram=one.size_vram,
                expires_at=one.expires_at,
                context_length=one.context_length,
            )
            for one in running
        ]
        return [*loaded, LoadedModel(listed=HostedModel(name=self._embedding.name, embeds=True))]


def _plain(name: str) -> str:
    return name.removesuffix(":latest")


def _listed(model: HostedModel | None, name: str) -> HostedModel:
    return HostedModel(name=name) if model is None else msgspec.structs.replace(model, name=name)
