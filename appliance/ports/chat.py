"""What is asked of a model that writes, and what comes back."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec


class ToolCall(msgspec.Struct, frozen=True):
    """A model's wish to have a function called; `arguments` is JSON, as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation. `images` are base64. A `tool` turn answers the call `tool_call_id` of `tool_name`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None
    images: tuple[str, ...] = ()


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to write. `shape` is a JSON schema the answer must keep to ({}: any JSON); `tools` as OpenAI describes them.

    `temperature`: None leaves it to the model, as its makers set it.
    `logprobs`: how many likeliest tokens to give with each token (0: the written one alone), where the engine can.
    `must_call`: the answer is a call of one of `tools`, whatever the model would rather do.
    `whole`: what does not fit the context is refused rather than cut, where the engine would cut it.
    `think`: whether a model that can reason before it answers does; None leaves it to the model.
    """

    messages: Sequence[Message]
    model: str | None = None
    max_tokens: int
    temperature: float | None = 0.2
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    shape: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()
    must_call: bool = False
    whole: bool = False
    logprobs: int | None = None
    think: bool | None = None
    keep_alive: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """What it cost, by the engine's own count; the seconds each part took where it tells them."""

    prompt_tokens: int
    completion_tokens: int
    prompt_seconds: float | None = None
    completion_seconds: float | None = None


class TokenChoice(msgspec.Struct, frozen=True):
    """A written token, the natural logarithm of its probability, and the likeliest in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Delta(msgspec.Struct, frozen=True):
    """A piece of the answer. The last one has `usage` (None where the engine gives none) and `reason`."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenChoice, ...] = ()
    usage: Usage | None = None
    reason: Literal["stop", "length", "tools"] | None = None
