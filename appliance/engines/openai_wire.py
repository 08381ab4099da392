"""OpenAI's `/v1/chat/completions` on the wire: a request as its body, the chunks of the answer as deltas."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from appliance.core.ids import new_id
from appliance.engines.token_choices import ChosenToken
from appliance.ports.chat import ChatRequest, Delta, Message, TokenChoice, ToolCall, Usage

_REASONS: dict[str, Literal["stop", "length", "tools"]] = {"length": "length", "tool_calls": "tools"}


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Said(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None


class _Logprobs(msgspec.Struct):
    content: list[ChosenToken] | None = None


class _Choice(msgspec.Struct):
    delta: _Said = msgspec.field(default_factory=_Said)
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Piece(msgspec.Struct):
    """A `chat.completion.chunk`: what is read of it."""

    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


class Reading:
    """Puts the chunks of one answer together: a tool call comes in pieces, the reason and the usage in chunks of their own."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.reason: Literal["stop", "length", "tools"] | None = None
        self._usage: Usage | None = None
        self._calls: dict[int, ToolCall] = {}

    def take(self, piece: Piece) -> Iterator[Delta]:
        """Give what a chunk says."""
        if piece.usage:
            self._usage = Usage(piece.usage.prompt_tokens, piece.usage.completion_tokens)
        for choice in piece.choices:
            if choice.finish_reason:
                self.reason = _REASONS.get(choice.finish_reason, "stop")
            said = choice.delta
            for call in said.tool_calls or ():
                self._add(call)
            delta = Delta(
                text=said.content or "",
                thinking=said.reasoning or said.reasoning_content or "",
                logprobs=_choices(choice.logprobs),
            )
            if delta.text or delta.thinking or delta.logprobs:
                yield delta

    def last(self) -> Delta:
        """Give the end of the answer."""
        calls = tuple(self._calls[index] for index in sorted(self._calls))
        return Delta(tool_calls=calls, usage=self._usage, reason=self.reason)

    def _add(self, call: _Call) -> None:
        known = self._calls.get(call.index) or ToolCall(call.id or f"call_{new_id().hex[-12:]}", "", "")
        self._calls[call.index] = ToolCall(
            call.id or known.id,
            known.name + (call.function.name or ""),
            known.arguments + (call.function.arguments or ""),
        )


def chat_body(request: ChatRequest, model: str) -> dict[str, Any]:
    """Write the body of a chat completion."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = list(request.tools)
        if request.must_call:
            body["tool_choice"] = "required"
    if request.logprobs is not None:
        body["logprobs"] = True
        if request.logprobs:
            body["top_logprobs"] = request.logprobs
    if request.shape is not None:
        schema = {"name": "answer", "schema": request.shape, "strict": True}
        body["response_format"] = (
            {"type": "json_schema", "json_schema": schema} if request.shape else {"type": "json_object"}
        )
    return body


def _message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        pictures = [{"type": "image_url", "image_url": {"url": f"data:image/*;base64,{one}"}} for one in message.images]
        body["content"] = [{"type": "text", "text": message.content}, *pictures]
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    return body


def _choices(logprobs: _Logprobs | None) -> tuple[TokenChoice, ...]:
    chosen = logprobs.content if logprobs else None
    return tuple(one.choice() for one in chosen or ())
