"""Ollama's `/api/chat` on the wire: a request as its body, a line of the answer as a delta."""

from typing import Any

import msgspec

from appliance.core.ids import new_id
from appliance.engines.token_choices import ChosenToken
from appliance.ports.chat import ChatRequest, Delta, Message, ToolCall, Usage

_NANOSECONDS = 1e9
EMBEDDING_FAMILIES = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "gemma-embedding"})


class _Function(msgspec.Struct):
    name: str
    arguments: dict[str, Any] = {}


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Said(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class Piece(msgspec.Struct):
    """A line of the answer: what is read of it."""

    message: _Said = msgspec.field(default_factory=_Said)
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None
    logprobs: list[ChosenToken] | None = None
    error: Any = None

    def delta(self, *, called: bool) -> Delta | None:
        """Give what the line says; None where it says nothing. `called`: the answer has asked for a tool."""
        said = self.message
        delta = Delta(
            text=said.content or "",
            thinking=said.thinking or "",
            tool_calls=tuple(_call(one) for one in said.tool_calls or ()),
            logprobs=tuple(one.choice() for one in self.logprobs or ()),
        )
        if not self.done:
            return delta if delta.text or delta.thinking or delta.tool_calls or delta.logprobs else None
        reason = "length" if self.done_reason == "length" else "tools" if called else "stop"
        return msgspec.structs.replace(delta, usage=self._usage(), reason=reason)

    def _usage(self) -> Usage | None:
        if self.prompt_eval_count is None and self.eval_count is None:
            return None
        return Usage(
            self.prompt_eval_count or 0,
            self.eval_count or 0,
            _seconds(self.prompt_eval_duration),
            _seconds(self.eval_duration),
        )


def chat_body(request: ChatRequest, model: str, *, context_length: int) -> dict[str, Any]:
    """Write the body of `/api/chat`. The context's length is always said: Ollama's own default cuts prompts silently."""
    options: dict[str, Any] = {
        "num_predict": request.max_tokens,
        "num_ctx": context_length,
    }
    chosen = {"temperature": request.temperature, "seed": request.seed, "top_p": request.top_p}
    options |= {name: value for name, value in chosen.items() if value is not None}
    if request.stop:
        options["stop"] = list(request.stop)
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "options": options,
    }
    if request.shape is not None:
        body["format"] = request.shape or "json"
    if request.tools:
        body["tools"] = list(request.tools)
    if request.whole:
        body["truncate"] = False
    if request.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.logprobs}
    if request.think is not None:
        body["think"] = request.think
    if request.keep_alive is not None:
        body["keep_alive"] = request.keep_alive
    return body


def _message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        body["images"] = list(message.images)
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": _arguments(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.tool_name:
        body["tool_name"] = message.tool_name
    return body


def _arguments(text: str) -> Any:
    """Read a call's arguments; a model's own words that are no JSON object go back as one."""
    try:
        read = msgspec.json.decode(text)
    except msgspec.DecodeError:
        read = None
    return read if isinstance(read, dict) else {"input": text}


def _call(call: _Call) -> ToolCall:
    arguments = msgspec.json.encode(call.function.arguments).decode()
    return ToolCall(call.id or f"call_{new_id().hex[-12:]}", call.function.name, arguments)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _NANOSECONDS
