"""What models there are: those of the engine, and the weights that run inside the appliance."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from appliance.core.database import now
from appliance.core.errors import ApplianceError
from appliance.core.machine import read_memory
from appliance.core.text import Language, describe_bytes
from appliance.features.model_registry.schemas import (
    LoadedModel,
    ManifestOut,
    MemoryView,
    Model,
    ModelEngine,
    ModelList,
    ModelShown,
    Role,
    Speed,
    WeightFileOut,
    WeightsOut,
)
from appliance.ports.model_host import HostedModel, ModelDetails, ModelHost, RunningModel
from appliance.ports.weight_store import StoredWeights, WeightStore

_VERIFIED_SECONDS = 60.0
Serving = Mapping[str, Sequence[Role]]
Speeds = Mapping[tuple[str, str], Speed]


class ModelCatalog:
    """Looks; it changes nothing and needs no state, so that the command line may look without a server."""

    def __init__(self, host: ModelHost, weights: WeightStore, *, same_machine: bool = True) -> None:
        """`same_machine`: the engine that holds models runs on this one."""
        self._host = host
        self._weights = weights
        self._same_machine = same_machine
        self._stored: list[StoredWeights] = []
        self._verified_at: datetime | None = None

    async def list(self, language: Language, serving: Serving, speeds: Speeds) -> ModelList:
        """List them; an engine that is away is said, and costs the rest nothing."""
        models = [_of_weights(stored, serving) for stored in await self._read_weights(again=False)]
        try:
            hosted = await self._host.list()
            running = await self._running()
            engine = await self._engine()
        except ApplianceError as error:
            return ModelList(models=models, engine=self._away(error, language))
        models += [self._of_host(model, running.get(model.name), serving, speeds) for model in hosted]
        return ModelList(models=models, engine=engine)

    async def _running(self) -> Mapping[str, RunningModel]:
        """What is in memory, by each name it has."""
        return {name: model for model in await self._host.running() for name in model.names}

    async def _engine(self) -> ModelEngine:
        host = self._host
        version = await host.version()
        return ModelEngine(kind=host.kind, ok=True, manages=host.manages, version=version, detail="", hint="")

    def _away(self, error: ApplianceError, language: Language) -> ModelEngine:
        problem, host = error.to_problem(language), self._host
        return ModelEngine(
            kind=host.kind,
            ok=False,
            manages=host.manages,
            version="",
            detail=problem.detail,
            hint=problem.hint,
        )

    async def show(self, name: str, serving: Serving, speeds: Speeds) -> ModelShown:
        """Show one, of the engine or of the manifest. Raises ModelNotFound."""
        for stored in await self._read_weights(again=False):
            if stored.weights.name == name:
                return _shown(_of_weights(stored, serving), ModelDetails(licence=stored.weights.licence))
        details = await self._host.show(name)
        running = await self._running()
        known = {model.name: model for model in await self._host.list()}
        found = known.get(name) or known.get(f"{name}:latest") or HostedModel(name=name)
        return _shown(self._of_host(found, running.get(found.name), serving, speeds), details)

    async def digest(self, name: str) -> str:
        """Name the digest of a model of the engine; empty where it tells none."""
        return next((model.digest for model in await self._host.list() if model.name in {name, f"{name}:latest"}), "")

    async def memory(self) -> MemoryView:
        """Say what models take and what this machine has; an engine that is away takes nothing."""
        try:
            running = await self._host.running()
        except ApplianceError:
            running = []
        machine = await asyncio.to_thread(read_memory)
        return MemoryView(
            loaded=[
                LoadedModel(
                    name=model.name,
                    also=list(model.also),
                    size_bytes=model.size,
                    size_vram=model.size_vram,
                    context_length=model.context_length,
                    expires_at=model.expires_at,
                )
                for model in running
            ],
            models_ram_bytes=sum(max(0, model.size - model.size_vram) for model in running),
            models_vram_bytes=sum(model.size_vram for model in running),
            total_bytes=machine.total,
            available_bytes=machine.available,
            same_machine=self._same_machine,
        )

    async def manifest(self, *, again: bool) -> ManifestOut:
        """Hold the manifest against the disk; unless `again`, what was read a minute ago stands."""
        stored = await self._read_weights(again=again)
        return ManifestOut(
            ok=all(one.state in {"ready", "made when needed"} for one in stored),
            verified_at=self._verified_at or now(),
            weights=[_manifest_entry(one) for one in stored],
        )

    async def _read_weights(self, *, again: bool) -> Sequence[StoredWeights]:
        fresh = self._verified_at is not None and (now() - self._verified_at).total_seconds() < _VERIFIED_SECONDS
        if again or not fresh:
            self._stored = await asyncio.to_thread(self._weights.list)
            self._verified_at = now()
        return self._stored

    def _of_host(self, model: HostedModel, running: RunningModel | None, serving: Serving, speeds: Speeds) -> Model:
        return Model(
            name=model.name,
            size=_size(model.size),
            size_bytes=model.size,
            role="embedder" if model.embeds else "language_model",
            loaded=running is not None,
            digest=model.digest,
            parameters=model.parameters,
            quantization=model.quantization,
            engine=self._host.kind,
            state="loaded" if running else "ready",
            serves=_serves(model.name, serving),
            context_length=running.context_length if running else None,
            family=model.family,
            licence="",
            modified_at=model.modified_at,
            size_in_memory=running.size if running else 0,
            size_vram=running.size_vram if running else 0,
            expires_at=running.expires_at if running else None,
            speed=speeds.get((model.name, model.digest)),
        )


def _of_weights(stored: StoredWeights, serving: Serving) -> Model:
    weights = stored.weights
    return Model(
        name=weights.name,
        size=_size(stored.size),
        size_bytes=stored.size,
        role=weights.role,
        loaded=False,
        digest=weights.files[0].sha256,
        parameters=weights.parameters,
        quantization=weights.quantization,
        engine=weights.engine,
        state=stored.state,
        serves=_serves(weights.name, serving),
        context_length=None,
        family=weights.source,
        licence=weights.licence,
        modified_at=None,
        size_in_memory=0,
        size_vram=0,
        expires_at=None,
        speed=None,
    )


def _shown(model: Model, details: ModelDetails) -> ModelShown:
    return ModelShown(
        **msgspec.structs.asdict(model),
        capabilities=list(details.capabilities),
        trained_context_length=details.context_length,
        template=details.template,
        settings=details.settings,
        licence_text=details.licence,
    )


def _manifest_entry(stored: StoredWeights) -> WeightsOut:
    weights = stored.weights
    files = [
        WeightFileOut(
            path=file.path, sha256=file.sha256, size_bytes=file.size, present=file.present, verified=file.verified
        )
        for file in stored.files
    ] or [
        WeightFileOut(path=file.path, sha256=file.sha256, size_bytes=file.size, present=False, verified=False)
        for file in weights.files
    ]
    return WeightsOut(
        name=weights.name,
        role=weights.role,
        engine=weights.engine,
        source=weights.source,
        licence=weights.licence,
        state=stored.state,
        size_bytes=stored.size,
        files=files,
    )


def _serves(name: str, serving: Serving) -> list[Role]:
    """A name in the settings may lack its `:latest`."""
    return [role for known in dict.fromkeys((name, name.removesuffix(":latest"))) for role in serving.get(known, ())]


def _size(size: int) -> str:
    """Say it as Ollama's own list does: without a space, in English, the same for every client."""
    return describe_bytes(size).en.replace(" ", "")
