"""Ollama's wire, as far as it is read and written here. Fields that are not named are ignored, as its clients expect.

Its reference: github.com/ollama/ollama, docs/api.md, as of 0.17.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

_Model = Annotated[str, Meta(min_length=1, max_length=200)]
_Images = Annotated[list[str], Meta(max_length=64)]
_Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Stops = str | Annotated[list[str], Meta(max_length=16)]
_Top = Annotated[int, Meta(ge=0, le=20)]
DoneReason = Literal["stop", "length", "load", "unload"]


class OllamaOptions(msgspec.Struct):
    """How to write. The context is never below `num_ctx` unless that is above the settings' own, which it cannot pass.

    One size serves everybody: another would make the engine load the model again. What does not fit is refused.
    """

    num_predict: Annotated[int, Meta(ge=-2, le=10_000_000)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=100)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: _Seed | None = None
    stop: _Stops | None = None
    num_ctx: int | None = None


class OllamaFunctionCall(msgspec.Struct):
    """A function and its arguments."""

    name: str
    arguments: dict[str, Any] = {}


class OllamaToolCall(msgspec.Struct, kw_only=True):
    """A call the model asked for."""

    id: str = ""
    function: OllamaFunctionCall


class OllamaMessageIn(msgspec.Struct):
    """A turn of the conversation; `images` are base64."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    images: _Images | None = None
    tool_calls: list[OllamaToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class OllamaFunction(msgspec.Struct, omit_defaults=True):
    """What a function is called, what it does, and the JSON schema of its arguments."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class OllamaTool(msgspec.Struct, kw_only=True):
    """A function the model may ask for."""

    type: str = "function"
    function: OllamaFunction


class OllamaOrder(msgspec.Struct, kw_only=True):
    """What chat and generate have in common."""

    model: _Model
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: OllamaOptions | None = None
    think: bool | str | None = None
    keep_alive: str | float | None = None
    logprobs: bool | None = None
    top_logprobs: _Top | None = None


class OllamaChatIn(OllamaOrder, kw_only=True):
    """Messages to answer; none of them asks for the model to be ready."""

    messages: Annotated[list[OllamaMessageIn], Meta(max_length=10_000)] | None = None
    tools: Annotated[list[OllamaTool], Meta(max_length=128)] | None = None


class OllamaGenerateIn(OllamaOrder, kw_only=True):
    """A prompt to complete; an empty one asks for the model to be ready."""

    prompt: str | None = None
    system: str | None = None
    images: _Images | None = None
    suffix: str | None = None
    template: str | None = None
    raw: bool | None = None


class OllamaEmbedIn(msgspec.Struct, kw_only=True):
    """Texts to embed."""

    model: _Model
    input: str | list[Any]
    dimensions: int | None = None


class OllamaEmbeddingsIn(msgspec.Struct, kw_only=True):
    """One text to embed, as older clients send it."""

    model: _Model
    prompt: str


class OllamaShowIn(msgspec.Struct, kw_only=True):
    """Which model; `name` in older clients."""

    model: str = ""
    name: str = ""


class OllamaMessageOut(msgspec.Struct, kw_only=True):
    """What was written. `sources` and `agent` where an assistant answered."""

    role: Literal["assistant"] = "assistant"
    content: str = ""
    thinking: str | UnsetType = UNSET
    tool_calls: list[OllamaToolCall] | UnsetType = UNSET
    sources: list[dict[str, Any]] | UnsetType = UNSET
    agent: str | UnsetType = UNSET


class OllamaLikely(msgspec.Struct):
    """A token that could have stood there."""

    token: str
    logprob: float


class OllamaChosen(msgspec.Struct, kw_only=True):
    """A written token, and the likeliest in its place."""

    token: str
    logprob: float
    top_logprobs: list[OllamaLikely] | UnsetType = UNSET


class OllamaLine(msgspec.Struct, kw_only=True):
    """What every line has; the counts and durations (nanoseconds) stand in the last."""

    model: str
    created_at: datetime
    logprobs: list[OllamaChosen] | UnsetType = UNSET
    done: bool = False
    done_reason: DoneReason | UnsetType = UNSET
    total_duration: int | UnsetType = UNSET
    load_duration: int | UnsetType = UNSET
    prompt_eval_count: int | UnsetType = UNSET
    prompt_eval_duration: int | UnsetType = UNSET
    eval_count: int | UnsetType = UNSET
    eval_duration: int | UnsetType = UNSET


class OllamaChatLine(OllamaLine, kw_only=True):
    """An answer, or a piece of it."""

    message: OllamaMessageOut


class OllamaGenerateLine(OllamaLine, kw_only=True):
    """A text, or a piece of it."""

    response: str = ""
    thinking: str | UnsetType = UNSET
    sources: list[dict[str, Any]] | UnsetType = UNSET


class OllamaEmbedOut(msgspec.Struct, kw_only=True):
    """One vector per text, in order. `prompt_eval_count` is estimated, four characters a token."""

    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int = 0
    prompt_eval_count: int


class OllamaEmbeddingOut(msgspec.Struct):
    """One vector."""

    embedding: list[float]


class OllamaDetails(msgspec.Struct, kw_only=True):
    """What a model is made of."""

    parent_model: str = ""
    format: str = "gguf"
    family: str = ""
    families: list[str] | None = None
    parameter_size: str = ""
    quantization_level: str = ""


class OllamaModelOut(msgspec.Struct, kw_only=True):
    """A model, or an assistant."""

    name: str
    model: str
    modified_at: datetime
    size: int
    digest: str
    details: OllamaDetails


class OllamaTags(msgspec.Struct):
    """What the caller may name."""

    models: list[OllamaModelOut]


class OllamaShown(msgspec.Struct, kw_only=True):
    """More of one model."""

    modelfile: str = ""
    parameters: str = ""
    template: str = ""
    license: str = ""
    details: OllamaDetails
    model_info: dict[str, Any]
    capabilities: list[str]
    modified_at: datetime


class OllamaLoaded(msgspec.Struct, kw_only=True):
    """A model in memory."""

    name: str
    model: str
    size: int
    digest: str
    details: OllamaDetails
    expires_at: datetime
    size_vram: int
    context_length: int


class OllamaProcesses(msgspec.Struct):
    """The models in memory."""

    models: list[OllamaLoaded]


class OllamaVersion(msgspec.Struct):
    """The version of Ollama whose wire is spoken here."""

    version: str
