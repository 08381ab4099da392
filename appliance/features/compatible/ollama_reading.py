"""Ollama's requests as ours."""

from typing import Any

import msgspec

from appliance.core.caller import Caller
from appliance.core.text import Text
from appliance.features.compatible.ollama_schemas import (
    OllamaChatIn,
    OllamaEmbedIn,
    OllamaGenerateIn,
    OllamaMessageIn,
    OllamaOptions,
    OllamaOrder,
)
from appliance.features.compatible.openai_reading import (
    check_picture,
    check_texts,
    invalid,
    refuse_silence,
    wrong_dimensions,
)
from appliance.ports.chat import ChatRequest, Message, ToolCall


def read_chat(data: OllamaChatIn, caller: Caller, *, limit: int) -> ChatRequest | None:
    """Read a chat request; None where it only asks for the model to be ready. Raises InvalidRequest."""
    if not data.messages:
        return None
    messages = [_message(message, f"messages[{number}]") for number, message in enumerate(data.messages)]
    tools = tuple(msgspec.to_builtins(tool) for tool in data.tools or ())
    return _request(data, refuse_silence(messages), caller, limit=limit, tools=tools)


def read_generate(data: OllamaGenerateIn, caller: Caller, *, limit: int) -> ChatRequest | None:
    """Read a prompt as one message of the user; None where there is none. Raises InvalidRequest."""
    for name in ("suffix", "template", "raw"):
        if getattr(data, name):
            raise invalid(
                name,
                Text(
                    f"`{name}` is not taken: every prompt passes through the model's own template.",
                    f"`{name}` n’est pas accepté : tout texte passe par le gabarit propre au modèle.",
                ),
            )
    if not data.prompt and not data.images:
        return None
    images = tuple(check_picture(one, "images") for one in data.images or ())
    system = [Message("system", data.system)] if data.system else []
    return _request(data, [*system, Message("user", data.prompt or "", images=images)], caller, limit=limit)


def read_texts(data: OllamaEmbedIn, *, dimensions: int) -> list[str]:
    """Read what is to be embedded into vectors of `dimensions`."""
    if data.dimensions not in {None, 0, dimensions}:
        raise wrong_dimensions(dimensions)
    return check_texts(data.input)


def _request(
    data: OllamaOrder, messages: list[Message], caller: Caller, *, limit: int, tools: tuple[dict[str, Any], ...] = ()
) -> ChatRequest:
    options = data.options or OllamaOptions()
    asked = options.num_predict if options.num_predict and options.num_predict > 0 else limit
    stops = [options.stop] if isinstance(options.stop, str) else options.stop or []
    return ChatRequest(
        messages=messages,
        model=data.model,
        max_tokens=min(asked, limit),
        temperature=options.temperature,
        top_p=options.top_p,
        seed=options.seed,
        stop=tuple(stop for stop in stops if stop),
        shape=_shape(data.format),
        tools=tools,
        logprobs=(data.top_logprobs or 0) if data.logprobs else None,
        think=data.think if isinstance(data.think, bool) else True if data.think else None,
        keep_alive=_keep_alive(data.keep_alive) if caller.is_admin else None,
    )


def _message(message: OllamaMessageIn, place: str) -> Message:
    calls = tuple(
        ToolCall(call.id, call.function.name, msgspec.json.encode(call.function.arguments).decode())
        for call in message.tool_calls or ()
    )
    return Message(
        role=message.role,
        content=message.content or "",
        tool_calls=calls,
        tool_call_id=message.tool_call_id,
        tool_name=message.tool_name,
        images=tuple(check_picture(one, f"{place}.images") for one in message.images or ()),
    )


def _shape(wanted: str | dict[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(wanted, dict):
        return wanted
    if not wanted:
        return None
    if wanted == "json":
        return {}
    raise invalid("format", Text("`format` is `json` or a JSON schema.", "`format` est `json` ou un schéma JSON."))


def _keep_alive(value: str | float | None) -> str | None:
    """Write numbers as the seconds they are."""
    return value if value is None or isinstance(value, str) else f"{value:g}s"
