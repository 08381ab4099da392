"""What goes over the wire about models."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from appliance.features.runs import RunStatus

Role = Literal["chat", "router", "embed", "rerank", "speech"]
AssignableRole = Literal["chat", "router"]
Source = Literal["chosen", "settings", "automatic", "built_in", "none"]
ModelKind = Literal["language_model", "embedder", "reranker", "transcriber", "synthesizer"]
ModelState = Literal["loaded", "ready", "made when needed", "missing", "damaged"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]*$")]
AnyName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""Servers that are not Ollama call models as they like."""
KeepAlive = Annotated[str, msgspec.Meta(max_length=20, pattern=r"^(-1|[0-9]{1,9}(\.[0-9]{1,3})?(s|m|h|d)?)$")]
ContextLength = Annotated[int, msgspec.Meta(ge=128, le=16_777_216)]


class Speed(msgspec.Struct, kw_only=True):
    """The last speed test of a model as it is; a rate is None where the engine counted nothing."""

    prompt_tokens: int
    prompt_tokens_per_second: float | None
    tokens: int
    tokens_per_second: float | None
    load_seconds: float
    context_length: int
    measured_at: datetime


class Model(msgspec.Struct, kw_only=True):
    """A model; `size` as people say it (`4.1GB`), `role` what it can do, `serves` what it is used for.

    `context_length` is the one it is loaded with, `size_vram` what of it lies on the GPU, `expires_at` when it leaves
    memory: None where it is not loaded, or stays.
    """

    name: str
    size: str
    size_bytes: int
    role: ModelKind
    loaded: bool
    digest: str
    parameters: str
    quantization: str
    engine: str
    state: ModelState
    serves: list[Role]
    context_length: int | None
    family: str
    licence: str
    modified_at: datetime | None
    size_in_memory: int
    size_vram: int
    expires_at: datetime | None
    speed: Speed | None


class ModelEngine(msgspec.Struct, kw_only=True):
    """Who holds the models; `manages`: whether they can be loaded, fetched and deleted from here."""

    kind: str
    ok: bool
    manages: bool
    version: str
    detail: str
    hint: str


class ModelList(msgspec.Struct, kw_only=True):
    """Every model: those of the engine and the appliance's own weights."""

    models: list[Model]
    engine: ModelEngine


class ModelShown(Model, kw_only=True):
    """One model with the rest of it; `trained_context_length` is the most it was made for."""

    capabilities: list[str]
    trained_context_length: int | None
    template: str
    settings: str
    licence_text: str


class LoadRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`keep_alive` after the last use: `30s`, `5m`, `2h`, seconds, `0` or `-1` for good."""

    model: Name
    keep_alive: KeepAlive | None = None
    context_length: ContextLength | None = None


class ModelNamed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A model by its name."""

    model: Name


class PullRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`insecure`: the registry may speak HTTP."""

    model: Name
    insecure: bool = False


class ModelTask(msgspec.Struct, kw_only=True):
    """A pull, import or speed test that goes on: its run, to be followed or stopped at `/api/runs`."""

    run_id: UUID
    kind: Literal["pull", "import", "speed"]
    model: str
    status: RunStatus
    created_at: datetime


class LoadedModel(msgspec.Struct, kw_only=True):
    """A model in memory: bytes in all, and of these on the GPU; `also`: other models of the same weights."""

    name: str
    also: list[str]
    size_bytes: int
    size_vram: int
    context_length: int | None
    expires_at: datetime | None


class MemoryView(msgspec.Struct, kw_only=True):
    """What models take, and what this machine has; `same_machine`: the engine runs here too."""

    loaded: list[LoadedModel]
    models_ram_bytes: int
    models_vram_bytes: int
    total_bytes: int
    available_bytes: int
    same_machine: bool


class RoleOut(msgspec.Struct, kw_only=True):
    """A role and the model that serves it; `source` says who decided, `setting` where that stands.

    `built_in`: the appliance's own weights serve it, no engine does. `none`: nobody does.
    """

    role: Role
    model: str | None
    engine: str
    source: Source
    assignable: bool
    setting: str


class RolesOut(msgspec.Struct, kw_only=True):
    """Every role."""

    roles: list[RoleOut]


class RolesIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Roles to give; null leaves one to the settings, one that is not named stays as it is."""

    chat: AnyName | msgspec.UnsetType | None = msgspec.UNSET
    router: AnyName | msgspec.UnsetType | None = msgspec.UNSET


class WeightFileOut(msgspec.Struct, kw_only=True):
    """A file of weights: the sha256 it must have, and whether it is there and has it."""

    path: str
    sha256: str
    size_bytes: int
    present: bool
    verified: bool


class WeightsOut(msgspec.Struct, kw_only=True):
    """Weights of the manifest on disk."""

    name: str
    role: ModelKind
    engine: str
    source: str
    licence: str
    state: ModelState
    size_bytes: int
    files: list[WeightFileOut]


class ManifestOut(msgspec.Struct, kw_only=True):
    """The manifest held against the disk; `ok` unless weights are damaged or missing."""

    ok: bool
    verified_at: datetime
    weights: list[WeightsOut]
