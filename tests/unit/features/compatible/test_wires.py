"""What goes over two wires that are not ours: errors, requests read, answers written."""

import base64
import json
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest

from appliance.core.caller import Caller, Role
from appliance.core.error_shapes import OLLAMA_SHAPE, OPENAI_SHAPE, PROBLEM_SHAPE, ollama_error, openai_error, shape_of
from appliance.core.errors import ApplianceError, InvalidRequest, NotSignedIn
from appliance.core.settings_sections import Settings
from appliance.core.text import Text
from appliance.engines.memory import MemoryEmbedder
from appliance.engines.model_errors import ModelNotFound
from appliance.features.compatible import Embedding, ShownModel, Sources, ollama_reading, openai_reading
from appliance.features.compatible.live import LiveAnswer, Whole
from appliance.features.compatible.ollama_schemas import OllamaChatIn, OllamaGenerateIn
from appliance.features.compatible.ollama_writing import ChatForm, GenerateForm, write_shown
from appliance.features.compatible.openai_writing import ChatWriting, pack, write_model
from appliance.features.compatible.schemas import OpenAIChatIn
from appliance.ports.chat import ChatRequest, Delta, TokenChoice, ToolCall, Usage
from appliance.ports.model_host import HostedModel

LIMIT = 100
CALL = ToolCall("call_1", "weather", '{"city": "Brest"}')


@pytest.mark.parametrize(
    "path,shape",
    [
        ("/v1", OPENAI_SHAPE),
        ("/v1/chat/completions", OPENAI_SHAPE),
        ("/v1beta/models", PROBLEM_SHAPE),
        ("/ollama/", OLLAMA_SHAPE),
        ("/ollama/api/tags", OLLAMA_SHAPE),
        ("/api/v1/models", PROBLEM_SHAPE),
        ("/", PROBLEM_SHAPE),
    ],
)
def test_the_path_chooses_the_shape(path: str, shape: object) -> None:
    assert shape_of(path) is shape


# What the command line shows is what a server has said already.
_SAID = [kind for kind in ApplianceError.kinds().values() if not kind.__module__.startswith("appliance.cli")]


@pytest.mark.parametrize("kind", _SAID, ids=lambda kind: kind.code)
def test_every_error_can_be_said_in_each_shape(kind: type[ApplianceError]) -> None:
    error = ApplianceError.__new__(kind)
    ApplianceError.__init__(error, retry_after_seconds=3)
    for language in ("en", "fr"):
        said = openai_error(error, language, None).error
        assert said.message == ollama_error(error, language, None).error
        assert said.message
        assert said.code
        assert said.type == "server_error" if kind.status >= 500 else said.type.endswith("_error")


def test_codes_that_clients_compare_have_openais_names() -> None:
    def code(error: ApplianceError) -> tuple[str, str | None]:
        body = openai_error(error, "en", None).error
        return body.code, body.param

    assert code(NotSignedIn()) == ("invalid_api_key", None)
    assert code(ModelNotFound(model="x")) == ("model_not_found", "model")
    assert code(InvalidRequest(reason=Text("a", "b"), param="n")) == ("invalid_request", "n")


def read(**changes: Any) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **changes}
    return openai_reading.read_chat(msgspec.convert(body, OpenAIChatIn), limit=LIMIT)


def test_a_chat_request_of_openai_is_read() -> None:
    assert (read().max_tokens, read().temperature, read().shape, read().logprobs) == (LIMIT, None, None, None)
    assert read(max_tokens=5, max_completion_tokens=7).max_tokens == 7
    assert read(max_tokens=10_000).max_tokens == LIMIT
    assert (read(stop="a").stop, read(stop=["a", "", "b"]).stop) == (("a",), ("a", "b"))
    assert read(response_format={"type": "json_object"}).shape == {}
    assert read(response_format={"type": "text"}).shape is None
    assert (read(logprobs=True).logprobs, read(logprobs=True, top_logprobs=3).logprobs) == (0, 3)
    assert (read(top_logprobs=3).logprobs, read(reasoning_effort="high").think) == (None, None)


def test_the_named_function_alone_is_offered() -> None:
    tools = [{"type": "function", "function": {"name": name, "strict": True}} for name in ("fly", "swim")]

    def offered(choice: object) -> list[str]:
        return [tool["function"]["name"] for tool in read(tools=tools, tool_choice=choice).tools]

    assert offered("auto") == offered("required") == offered(None) == ["fly", "swim"]
    assert offered("none") == []
    assert offered({"type": "function", "function": {"name": "swim"}}) == ["swim"]
    for wrong in ({"type": "function", "function": {"name": "run"}}, {"function": 7}, {}):
        with pytest.raises(InvalidRequest):
            offered(wrong)


def test_parts_of_a_message_are_joined_and_a_result_knows_its_function() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "rain"}]},
        {"role": "tool", "tool_call_id": "unknown", "content": "snow"},
    ]
    first, second, third, fourth = read(messages=messages).messages
    assert (first.content, second.content, second.tool_calls[0].name) == ("a\nb", "", "weather")
    assert (third.tool_name, third.content, fourth.tool_name) == ("weather", "rain", None)


def caller(role: Role) -> Caller:
    return Caller(user_id=uuid4(), username="x", role=role)


def read_ollama(role: Role = "member", **changes: Any) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **changes}
    request = ollama_reading.read_chat(msgspec.convert(body, OllamaChatIn), caller(role), limit=LIMIT)
    assert request is not None
    return request


def test_a_chat_request_of_ollama_is_read() -> None:
    assert [read_ollama(options={"num_predict": n}).max_tokens for n in (-2, -1, 0, 7, 10_000)] == [
        100,
        100,
        100,
        7,
        100,
    ]
    assert [read_ollama(format=form).shape for form in (None, "", "json", {"type": "object"})] == [
        None,
        None,
        {},
        {"type": "object"},
    ]
    assert [read_ollama(think=think).think for think in (None, True, False, "high", "")] == [
        None,
        True,
        False,
        True,
        None,
    ]
    kept = [read_ollama("admin", keep_alive=kept).keep_alive for kept in (None, -1, 0, 1.5, "5m")]
    assert kept == [None, "-1s", "0s", "1.5s", "5m"]
    assert read_ollama("member", keep_alive="5m").keep_alive is None
    prompt = msgspec.convert({"model": "m", "images": ["aGk="]}, OllamaGenerateIn)
    generated = ollama_reading.read_generate(prompt, caller("member"), limit=LIMIT)
    assert generated is not None
    assert generated.messages[0].images == ("aGk=",)


def chunks(*pieces: Delta | Sources, counts: bool = False) -> list[dict[str, Any]]:
    writing = ChatWriting("m", counts=counts)
    lines = [line for piece in pieces for line in writing.take(piece)] + [*writing.end()]
    assert lines.pop() == b"data: [DONE]\n\n"
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


def test_chunks_of_openai() -> None:
    likely = TokenChoice("é", -0.5, (("é", -0.5), ("e", -1.0)))
    first, second, third, end = chunks(
        Delta(thinking="hm"), Delta(text="é", logprobs=(likely,)), Delta(tool_calls=(CALL, CALL)), Delta(reason="stop")
    )
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "reasoning": "hm"}
    chosen = second["choices"][0]["logprobs"]["content"][0]
    assert (chosen["bytes"], [one["token"] for one in chosen["top_logprobs"]]) == ([0xC3, 0xA9], ["é", "e"])
    assert [call["index"] for call in third["choices"][0]["delta"]["tool_calls"]] == [0, 1]
    assert (end["choices"][0]["finish_reason"], "usage" in end) == ("tool_calls", False)
    *_, end, counted = chunks(Delta(text="x", usage=Usage(3, 1), reason="length"), counts=True)
    assert (end["choices"][0]["finish_reason"], end["usage"]) == ("length", None)
    assert (counted["choices"], counted["usage"]["total_tokens"]) == ([], 4)


def test_a_whole_answer_of_openai() -> None:
    whole = Whole(sources=Sources(items=({"number": 1},)))
    whole.add(Delta(tool_calls=(CALL,), reason="stop"))
    written = json.loads(msgspec.json.encode(ChatWriting("m").whole(whole)))
    message = written["choices"][0]["message"]
    assert (message["content"], message["sources"], "agent" in message) == (None, [{"number": 1}], False)
    assert "index" not in message["tool_calls"][0]
    assert (written["choices"][0]["finish_reason"], written["usage"]) == ("tool_calls", None)


def test_lines_of_ollama() -> None:
    answer = LiveAnswer("m")
    form = ChatForm(answer)
    said = list(form.take(Delta(text="x", thinking="hm", tool_calls=(ToolCall("c", "fly", "no json"),))))
    message = json.loads(said[0])["message"]
    assert (message["content"], message["thinking"]) == ("x", "hm")
    assert message["tool_calls"][0]["function"] == {"name": "fly", "arguments": {"input": "no json"}}
    assert list(form.take(Delta(usage=Usage(3, 2, 0.5, 0.25), reason="stop"))) == []
    last = json.loads(next(form.end()))
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 2)
    assert (last["prompt_eval_duration"], last["eval_duration"], last["done_reason"]) == (
        500_000_000,
        250_000_000,
        "stop",
    )
    uncounted = GenerateForm(answer).whole(Whole(text="x"))
    assert isinstance(uncounted.eval_count, msgspec.UnsetType)


def test_the_embedder_is_known_by_its_names() -> None:
    embedder = MemoryEmbedder()
    minilm = Embedding(lambda: embedder, Settings())
    names = ["all-minilm-l6-v2", "all-minilm", "all-minilm:latest", embedder.identity, "text-embedding-3-small", ""]
    assert [minilm.is_named(name) for name in names] == [True, True, True, True, False, False]
    ollama = msgspec.convert({"embedder": {"kind": "ollama", "model": "bge-m3"}}, Settings)
    assert [Embedding(lambda: embedder, ollama).is_named(name) for name in ("bge-m3:latest", "all-minilm")] == [
        True,
        False,
    ]


def test_models_are_written_with_what_is_known() -> None:
    assert write_model(HostedModel(name="m")).created == 0
    shown = write_shown(ShownModel(listed=HostedModel(name="m", family="llama"), context_length=128))
    assert shown.model_info == {"general.architecture": "llama", "llama.context_length": 128}


def test_vectors_are_packed_little_endian() -> None:
    assert base64.b64decode(pack(np.array([1.0], dtype=np.float32))) == b"\x00\x00\x80\x3f"
