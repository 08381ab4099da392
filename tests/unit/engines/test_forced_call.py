"""Asking for a call by its JSON schema: what is asked, and what is read of the answer."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from appliance.core.errors import EngineFailed
from appliance.engines.forced_call import ask_for_call, read_call
from appliance.engines.openai_wire import chat_body
from appliance.ports.chat import ChatRequest, Delta, Message, Usage

_TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}, "all": {"$ref": "#"}},
    "$defs": {"node": {"type": "array", "items": [{"$ref": "#/$defs/node"}]}},
}


def tool(name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **({"parameters": parameters} if parameters else {})}}


def request(*tools: dict[str, Any], system: str = "") -> ChatRequest:
    before = [Message("system", system)] if system else []
    return ChatRequest(
        messages=[*before, Message("user", "Go.")], max_tokens=9, tools=tools, must_call=True, logprobs=1
    )


def test_one_function_is_asked_for_its_arguments() -> None:
    asked = ask_for_call(request(tool("fly", _TREE), system="You are a bird."))
    assert (asked.shape, asked.tools, asked.must_call, asked.logprobs) == (_TREE, (), False, None)
    assert [one.role for one in asked.messages] == ["system", "user"]
    assert asked.messages[0].content.startswith("You are a bird.\n\n")
    assert ask_for_call(request(tool("fly"))).shape == {"type": "object"}
    assert [one.role for one in ask_for_call(request(tool("fly"))).messages] == ["system", "user"]


def test_references_of_several_stay_their_own() -> None:
    shape = ask_for_call(request(tool("fly", _TREE), tool("swim", _TREE))).shape
    assert shape is not None
    assert [one["properties"]["name"] for one in shape["anyOf"]] == [{"const": "fly"}, {"const": "swim"}]
    second = shape["$defs"]["f1"]
    assert second["properties"] == {"root": {"$ref": "#/$defs/f1/$defs/node"}, "all": {"$ref": "#/$defs/f1"}}
    assert second["$defs"]["node"]["items"] == [{"$ref": "#/$defs/f1/$defs/node"}]


def test_an_engine_that_can_be_told_is_told() -> None:
    body = chat_body(request(tool("fly")), "model")
    assert (body["tool_choice"], body["tools"]) == ("required", [tool("fly")])
    assert "response_format" not in body


async def read(text: str, *names: str, reason: Any = "stop") -> list[Delta]:
    async def written() -> AsyncGenerator[Delta]:
        yield Delta(thinking="Hm.")
        for character in text:
            yield Delta(text=character)
        yield Delta(usage=Usage(1, 2), reason=reason)

    tools = tuple(tool(name) for name in names)
    return [delta async for delta in read_call(written(), tools, engine="an engine")]


async def test_what_is_written_is_a_call() -> None:
    thought, last = await read('{"height": 3}', "fly")
    assert (thought.thinking, last.text, last.reason, last.usage) == ("Hm.", "", "tools", Usage(1, 2))
    assert [(call.name, call.arguments) for call in last.tool_calls] == [("fly", '{"height":3}')]
    *_, last = await read('{"name": "swim", "arguments": {}}', "fly", "swim")
    assert [(call.name, call.arguments) for call in last.tool_calls] == [("swim", "{}")]
    *_, last = await read('{"height": 3}', "fly", reason="length")
    assert last.reason == "tools", "it was whole when the limit came"


async def test_what_a_limit_cut_stays_words() -> None:
    *_, last = await read('{"height": ', "fly", reason="length")
    assert (last.text, last.tool_calls, last.reason) == ('{"height": ', (), "length")


@pytest.mark.parametrize(
    "text", ["", "No.", "[]", "7", '{"name": "run", "arguments": {}}', '{"name": "fly", "arguments": 7}', "[" * 100_000]
)
async def test_what_is_no_call_is_a_failure(text: str) -> None:
    with pytest.raises(EngineFailed):
        await read(text, "fly", "swim")
