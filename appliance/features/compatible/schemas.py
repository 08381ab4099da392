"""OpenAI's wire, as far as it is read and written here. Fields that are not named are ignored, as its clients expect.

Its reference: platform.openai.com/docs/api-reference (chat, completions, embeddings, models).
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

_Model = Annotated[str, Meta(min_length=1, max_length=200)]
_Temperature = Annotated[float, Meta(ge=0, le=2)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Tokens = Annotated[int, Meta(ge=1, le=10_000_000)]
_Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Stops = str | Annotated[list[str], Meta(max_length=16)]
Finish = Literal["stop", "length", "tool_calls"]


class OpenAIImageUrl(msgspec.Struct):
    """A picture: `data:image/…;base64,…`."""

    url: str


class OpenAIPart(msgspec.Struct):
    """A part of a message: `text`, or `image_url`."""

    type: str
    text: str | None = None
    image_url: OpenAIImageUrl | None = None


class OpenAIFunctionCall(msgspec.Struct):
    """A function and the JSON of its arguments."""

    name: str
    arguments: str = "{}"


class OpenAIToolCall(msgspec.Struct, kw_only=True):
    """A call the model asked for."""

    id: str = ""
    type: str = "function"
    function: OpenAIFunctionCall


class OpenAIMessageIn(msgspec.Struct):
    """A turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[OpenAIPart] | None = None
    tool_calls: list[OpenAIToolCall] | None = None
    tool_call_id: str | None = None


class OpenAIFunction(msgspec.Struct, omit_defaults=True):
    """What a function is called, what it does, and the JSON schema of its arguments."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class OpenAITool(msgspec.Struct):
    """A function the model may ask for."""

    type: Literal["function"]
    function: OpenAIFunction


class OpenAIJsonSchema(msgspec.Struct, kw_only=True):
    """A schema the answer must keep to."""

    name: str = ""
    schema: dict[str, Any] | None = None


class OpenAIFormat(msgspec.Struct):
    """`text`, `json_object` or `json_schema`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: OpenAIJsonSchema | None = None


class OpenAIStreamOptions(msgspec.Struct):
    """With `include_usage` a last chunk counts the tokens."""

    include_usage: bool | None = None


class OpenAIChatIn(msgspec.Struct, kw_only=True):
    """What to answer, and how."""

    model: _Model
    messages: Annotated[list[OpenAIMessageIn], Meta(min_length=1, max_length=10_000)]
    stream: bool | None = None
    stream_options: OpenAIStreamOptions | None = None
    n: int | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    temperature: _Temperature | None = None
    top_p: _Share | None = None
    seed: _Seed | None = None
    stop: _Stops | None = None
    tools: Annotated[list[OpenAITool], Meta(max_length=128)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: OpenAIFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    reasoning_effort: str | None = None


class OpenAICompletionIn(msgspec.Struct, kw_only=True):
    """A prompt, as older clients send it."""

    model: _Model
    prompt: str | list[Any]
    stream: bool | None = None
    stream_options: OpenAIStreamOptions | None = None
    n: int | None = None
    max_tokens: _Tokens | None = None
    temperature: _Temperature | None = None
    top_p: _Share | None = None
    seed: _Seed | None = None
    stop: _Stops | None = None


class OpenAIEmbeddingsIn(msgspec.Struct, kw_only=True):
    """Texts to embed."""

    model: _Model
    input: str | list[Any]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None


class OpenAIModel(msgspec.Struct, kw_only=True):
    """A model, or an assistant."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "appliance"


class OpenAIModels(msgspec.Struct, kw_only=True):
    """What the caller may name."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class OpenAIUsage(msgspec.Struct):
    """What it cost, by the engine's own count."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class OpenAICallOut(msgspec.Struct, kw_only=True):
    """A call the model asks for; `index` in chunks alone."""

    index: int | UnsetType = UNSET
    id: str
    type: Literal["function"] = "function"
    function: OpenAIFunctionCall


class OpenAIMessageOut(msgspec.Struct, kw_only=True):
    """What was written. `sources` and `agent` where an assistant answered, `reasoning` where the model thought aloud."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[OpenAICallOut] | UnsetType = UNSET
    sources: list[dict[str, Any]] | UnsetType = UNSET
    agent: str | UnsetType = UNSET


class OpenAILikely(msgspec.Struct):
    """A token that could have stood there."""

    token: str
    logprob: float
    bytes: list[int]


class OpenAIChosen(msgspec.Struct):
    """A written token, and the likeliest in its place."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[OpenAILikely]


class OpenAILogprobs(msgspec.Struct):
    """The written tokens."""

    content: list[OpenAIChosen]


class OpenAIChoice(msgspec.Struct, kw_only=True):
    """The one answer."""

    index: int = 0
    message: OpenAIMessageOut
    logprobs: OpenAILogprobs | None = None
    finish_reason: Finish


class OpenAIChunkChoice(msgspec.Struct, kw_only=True):
    """The next piece of the one answer."""

    index: int = 0
    delta: OpenAIMessageOut
    logprobs: OpenAILogprobs | None = None
    finish_reason: Finish | None = None


class OpenAIChat(msgspec.Struct, kw_only=True):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[OpenAIChoice]
    usage: OpenAIUsage | None


class OpenAIChunk(msgspec.Struct, kw_only=True):
    """A piece of an answer."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[OpenAIChunkChoice]
    usage: OpenAIUsage | UnsetType | None = UNSET


class OpenAITextChoice(msgspec.Struct, kw_only=True):
    """The one text, or its next piece."""

    index: int = 0
    text: str
    logprobs: None = None
    finish_reason: Finish | None


class OpenAICompletion(msgspec.Struct, kw_only=True):
    """A completed prompt, or a piece of it."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[OpenAITextChoice]
    usage: OpenAIUsage | UnsetType | None = UNSET


class OpenAIEmbedding(msgspec.Struct, kw_only=True):
    """A vector: numbers, or base64 of little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class OpenAIEmbeddingsUsage(msgspec.Struct):
    """Estimated from the texts' length, four characters a token: the embedder counts none."""

    prompt_tokens: int
    total_tokens: int


class OpenAIEmbeddings(msgspec.Struct, kw_only=True):
    """One vector per text, in order."""

    object: Literal["list"] = "list"
    data: list[OpenAIEmbedding]
    model: str
    usage: OpenAIEmbeddingsUsage
