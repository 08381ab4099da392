"""An engine that fails in every way, seen by clients that others wrote: a clear error, and the next request is fine."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.engines.ollama import Ollama
from tests.api.house import House, open_house
from tests.api.wire import calling
from tests.scripted_ollama import Fault, Script, ScriptedOllama

_PATHS = {"openai": "/v1/chat/completions", "ollama": "/ollama/api/chat"}
_BODY: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Revenue?"}]}
_FIRST_SECONDS, _IDLE_SECONDS = 2.0, 1.5
_SOON_SECONDS = 15.0


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama(Script("The revenue was 12 million euros.")) as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path, engine: ScriptedOllama) -> AsyncIterator[House]:
    settings = LanguageModelSettings(
        kind="ollama",
        url=engine.url,
        first_token_timeout_seconds=_FIRST_SECONDS,
        idle_timeout_seconds=_IDLE_SECONDS,
    )
    async with open_house(tmp_path, language_model=Ollama(settings)) as opened:
        yield opened


def _read(api: str, answer: httpx.Response) -> tuple[str, str | None]:
    """The words of a stream, and the error it ended with."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    read = [json.loads(line) for line in lines if line != "[DONE]"]
    error = read[-1].get("error")
    pieces = read[:-1] if error else read
    if api == "ollama":
        return "".join(piece["message"]["content"] for piece in pieces), error
    deltas = [choice["delta"].get("content") or "" for piece in pieces for choice in piece["choices"]]
    assert bool(error) != (lines[-1] == "[DONE]")
    return "".join(deltas), error and error["message"]


@pytest.mark.parametrize("fault", ["stall", "cut", "ends_early", "garbage", "invalid_utf8", "error_midstream"])
async def test_a_failure_after_some_words(house: House, engine: ScriptedOllama, fault: Fault) -> None:
    """Held for both APIs in one house: each starts slowly."""
    for api, path in _PATHS.items():
        engine.upcoming.append(Script("The revenue was 12 million euros.", fault=fault))
        broken = await house.member.api.post(path, json={**_BODY, "stream": True})
        words, error = _read(api, broken)
        assert (broken.status_code, words) == (200, "The revenue was"), api
        assert error, api
        assert "Ollama" in error, api
        started = time.monotonic()
        fine = await house.member.api.post(path, json={**_BODY, "stream": True})
        assert _read(api, fine) == ("The revenue was 12 million euros.", None), api
        assert time.monotonic() - started < _SOON_SECONDS


@pytest.mark.parametrize(
    "fault,status,code",
    [
        ("hang", 504, "engine_timed_out"),
        ("status_400", 400, "model_cannot"),
        ("status_500", 502, "engine_failed"),
        ("status_503", 502, "engine_failed"),
    ],
)
async def test_a_failure_before_the_first_word(
    house: House, engine: ScriptedOllama, *, fault: Fault, status: int, code: str
) -> None:
    for stream in (True, False):
        engine.script = Script(fault=fault)
        for api, path in _PATHS.items():
            answer = await house.member.api.post(path, json={**_BODY, "stream": stream})
            assert answer.status_code == status, (api, stream)
            assert api == "ollama" or answer.json()["error"]["code"] == code
        engine.script = Script("Well again.")
        for path in _PATHS.values():
            assert (await house.member.api.post(path, json={**_BODY, "stream": stream})).status_code == 200


async def test_an_engine_that_never_ends_is_held_to_the_limit(house: House, engine: ScriptedOllama) -> None:
    engine.script = Script(fault="repeats_forever")
    answer = await house.member.api.post(_PATHS["openai"], json={**_BODY, "max_tokens": 20})
    choice = answer.json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert 20 <= len(choice["message"]["content"].split()) <= 25


async def test_a_call_of_a_function_goes_both_ways(house: House, engine: ScriptedOllama) -> None:
    """The engine sees the functions and the result, the client the call, on both wires, streamed and not."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": parameters}}
    engine.script = Script("Let me see.", calls=({"name": "weather", "arguments": {"city": "Brest"}},))
    api = house.member.api
    sent = {**_BODY, "tools": [tool], "tool_choice": "auto"}
    choice = (await api.post(_PATHS["openai"], json=sent)).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    called = choice["message"]["tool_calls"][0]
    assert called["type"] == "function"
    assert (called["function"]["name"], json.loads(called["function"]["arguments"])) == ("weather", {"city": "Brest"})
    assert engine.last().body["tools"] == [tool]
    streamed = (await api.post(_PATHS["openai"], json={**sent, "stream": True})).text
    assert '"finish_reason":"tool_calls"' in streamed
    assert '"tool_calls":[{"index":0,' in streamed
    line = (await api.post(_PATHS["ollama"], json={**_BODY, "tools": [tool], "stream": False})).json()
    assert line["message"]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Brest"}}

    engine.script = Script("It rains.")
    result = {"role": "tool", "tool_call_id": called["id"], "content": "rain"}
    turns = [*_BODY["messages"], {"role": "assistant", "content": None, "tool_calls": [called]}, result]
    assert (await api.post(_PATHS["openai"], json={**sent, "messages": turns})).status_code == 200
    *_, asked, told = engine.last().body["messages"]
    assert asked["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Brest"}}
    assert (told["role"], told["tool_name"], told["content"]) == ("tool", "weather", "rain")
    none = await api.post(_PATHS["openai"], json={**sent, "tool_choice": "none"})
    assert none.status_code == 200
    assert "tools" not in engine.last().body


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
async def test_a_function_is_called_where_it_must_be(house: House, engine: ScriptedOllama, choice: Any) -> None:
    """Ollama knows no such order: the answer is held to the JSON of the call, and read as one."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": name, "parameters": parameters}} for name in ("weather", "map")]
    is_named = choice != "required"
    call = {"city": "Brest"} if is_named else {"name": "map", "arguments": {"city": "Brest"}}
    engine.script = Script(json.dumps(call))
    sent = {**_BODY, "tools": tools, "tool_choice": choice}
    name = "weather" if is_named else "map"
    api = house.member.api
    message = (await api.post(_PATHS["openai"], json=sent)).json()["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    assert not message["message"]["content"]
    called = message["message"]["tool_calls"][0]["function"]
    assert (called["name"], json.loads(called["arguments"])) == (name, {"city": "Brest"})
    body = engine.last().body
    assert "tools" not in body
    assert body["format"] == parameters if is_named else set(body["format"]) == {"anyOf", "$defs"}
    assert [one["role"] for one in body["messages"]] == ["system", "user"]
    assert '"name":"weather"' in body["messages"][0]["content"]
    assert ('"name":"map"' in body["messages"][0]["content"]) is not is_named

    streamed = (await api.post(_PATHS["openai"], json={**sent, "stream": True})).text
    assert streamed.count('"tool_calls":[') == 1
    assert '"finish_reason":"tool_calls"' in streamed
    engine.upcoming.extend([Script("I would rather talk.")] * 2)  # it is asked once more
    assert (await api.post(_PATHS["openai"], json=sent)).json()["error"]["code"] == "engine_failed"
    engine.upcoming.append(Script('{"city": "Brest, and then some more'))
    cut = (await api.post(_PATHS["openai"], json={**sent, "max_tokens": 2})).json()["choices"][0]
    assert (cut["finish_reason"], cut["message"]["content"]) == ("length", '{"city": "Brest,')


async def test_no_function_and_none_that_is_unknown(house: House, engine: ScriptedOllama) -> None:
    tool = {"type": "function", "function": {"name": "weather"}}
    for choice, status in (("none", 200), ("auto", 200), ("perhaps", 400), ({"type": "function"}, 400)):
        answer = await house.member.api.post(_PATHS["openai"], json={**_BODY, "tools": [tool], "tool_choice": choice})
        assert answer.status_code == status
        assert status == 200 or answer.json()["error"]["param"] == "tool_choice"
        if status == 200:
            assert ("tools" in engine.last().body) is (choice == "auto")
            assert "format" not in engine.last().body


async def test_one_context_serves_everybody_and_nothing_is_cut(house: House, engine: ScriptedOllama) -> None:
    for asked in (128, 4096, 1_000_000, None):
        body = {**_BODY, "options": {"num_ctx": asked}, "stream": False}
        assert (await house.member.api.post(_PATHS["ollama"], json=body)).status_code == 200
        assert engine.last().body["options"]["num_ctx"] == LanguageModelSettings().context_length
        assert engine.last().body["truncate"] is False


async def test_what_is_asked_reaches_the_engine(house: House, engine: ScriptedOllama) -> None:
    picture = "iVBORw0KGgo="
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
    sent = {
        "model": "scripted",
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": content}],
        "response_format": form,
        "logprobs": True,
        "top_logprobs": 2,
        "top_p": 0.5,
        "reasoning_effort": "none",
        "max_completion_tokens": 5000,
    }
    assert (await house.member.api.post(_PATHS["openai"], json=sent)).status_code == 200
    asked = engine.last().body
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is this?", "images": [picture]},
    ]
    assert (asked["format"], asked["logprobs"], asked["top_logprobs"], asked["think"]) == (schema, True, 2, False)
    assert asked["options"] == {"num_predict": 1024, "num_ctx": 8192, "top_p": 0.5}, "limits are the appliance's"
    await house.admin.api.post(_PATHS["ollama"], json={**_BODY, "keep_alive": 300, "think": "high", "format": "json"})
    asked = engine.last().body
    assert (asked["keep_alive"], asked["think"], asked["format"]) == ("300s", True, "json")


@pytest.mark.parametrize("api", _PATHS)
async def test_who_leaves_at_once_closes_the_engines_connection(
    house: House, engine: ScriptedOllama, *, api: str
) -> None:
    """Whether the stream has begun or not: closing is not cut short by being told twice."""
    engine.script = Script("word " * 1000, tokens_per_second=100)
    headers = {"authorization": f"Bearer {house.member.key}"}
    for words in (0, 0, 1, 2, 0):
        body = {**_BODY, "stream": True}
        async with calling(house, "POST", _PATHS[api], headers=headers, json=body) as streaming:
            chunks = streaming.chunks()
            for _ in range(words):
                await anext(chunks)
            left = time.monotonic()
            streaming.leave()
            request = engine.last()
            await request.wait_ended()
        assert request.closed_at is not None
        assert request.closed_at - left < 0.3
