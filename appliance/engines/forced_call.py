"""Having a model call a function where its engine cannot be told to: the answer is held to the JSON of the call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import msgspec

from appliance.core.errors import EngineFailed
from appliance.core.ids import new_id
from appliance.core.text import Text
from appliance.ports.chat import ChatRequest, Delta, Message, ToolCall

_ONE = "Answer with the JSON arguments of this function:\n"
_SEVERAL = 'Call one of these functions. Answer {"name": ..., "arguments": {...}}:\n'


def ask_for_call(request: ChatRequest) -> ChatRequest:
    """Ask for the JSON of a call in place of words. The functions stand in the system's message, as text."""
    functions = [_function(tool) for tool in request.tools]
    described = "\n".join(msgspec.json.encode(function).decode() for function in functions)
    order = (_ONE if len(functions) == 1 else _SEVERAL) + described
    first, *others = request.messages
    if first.role == "system":
        messages = [msgspec.structs.replace(first, content=f"{first.content}\n\n{order}"), *others]
    else:
        messages = [Message("system", order), first, *others]
    shape = _arguments(functions[0]) if len(functions) == 1 else _one_of(functions)
    return msgspec.structs.replace(request, messages=messages, shape=shape, tools=(), must_call=False, logprobs=None)


async def read_call(
    deltas: AsyncGenerator[Delta], tools: tuple[dict[str, Any], ...], *, engine: Text | str
) -> AsyncGenerator[Delta]:
    """Give what was written as the call it is; what a limit cut stays words. Raises EngineFailed for anything else."""
    words: list[str] = []
    async with aclosing(deltas):
        async for delta in deltas:
            words.append(delta.text)
            if delta.reason is None:
                if delta.thinking:
                    yield Delta(thinking=delta.thinking)
                continue
            text = "".join(words)
            call = _call(text, [_function(tool)["name"] for tool in tools])
            if call is not None:
                yield msgspec.structs.replace(delta, text="", tool_calls=(call,), reason="tools")
            elif delta.reason == "length":
                yield msgspec.structs.replace(delta, text=text)
            else:
                raise EngineFailed(engine=engine)


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", tool["function"])


def _arguments(function: dict[str, Any]) -> dict[str, Any]:
    return function.get("parameters") or {"type": "object"}


def _one_of(functions: list[dict[str, Any]]) -> dict[str, Any]:
    """Make one schema of several; each function's own references are led to where its schema stands now."""
    parts = {f"f{number}": _arguments(function) for number, function in enumerate(functions)}
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": function["name"]}, "arguments": {"$ref": f"#/$defs/{part}"}},
            "required": ["name", "arguments"],
        }
        for part, function in zip(parts, functions, strict=True)
    ]
    return {"anyOf": calls, "$defs": {part: _moved(schema, f"#/$defs/{part}") for part, schema in parts.items()}}


def _moved(schema: Any, place: str) -> Any:
    if isinstance(schema, list):
        return [_moved(one, place) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    moved = {name: _moved(value, place) for name, value in cast("dict[str, Any]", schema).items()}
    if isinstance(reference := moved.get("$ref"), str) and reference.startswith("#"):
        moved["$ref"] = place + reference[1:]
    return moved


def _call(text: str, names: list[str]) -> ToolCall | None:
    try:
        read: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    name, arguments = (names[0], read) if len(names) == 1 else _named(read)
    if name not in names or not isinstance(arguments, dict):
        return None
    return ToolCall(f"call_{new_id().hex[-12:]}", name, msgspec.json.encode(arguments).decode())


def _named(read: Any) -> tuple[Any, Any]:
    if not isinstance(read, dict):
        return None, None
    call = cast("dict[str, Any]", read)
    return call.get("name"), call.get("arguments")
