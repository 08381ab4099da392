"""Cases of the routes for clients that others wrote: `/v1` and `/ollama`."""

import base64
from typing import Any

import msgspec
import numpy as np

from tests.api.cases import denied, happy, invalid
from tests.api.house import House

_HELLO: dict[str, Any] = {"model": "memory", "messages": [{"role": "user", "content": "Hello?"}]}
_EMBEDDER = "all-minilm-l6-v2"


@happy("GET /v1/models")
async def models_are_listed_as_openai_does(house: House) -> None:
    listed = (await house.member.api.get("/v1/models")).json()
    assert listed["object"] == "list"
    ids = [model["id"] for model in listed["data"]]
    assert ids[0] == "memory"
    assert {_EMBEDDER, "assistant/auto", "assistant/conversation"} <= set(ids), "others may have brought models in"
    assert len(ids) == len(set(ids))
    assert {model["object"] for model in listed["data"]} == {"model"}


@denied("GET /v1/models", 403)
async def a_key_for_documents_lists_no_models(house: House) -> None:
    assert (await house.nobody.get("/v1/models")).json()["error"]["code"] == "invalid_api_key"
    narrow = await house.key(house.member, "knowledge")
    error = (await narrow.get("/v1/models")).json()["error"]
    assert (error["type"], "models" in error["message"]) == ("permission_error", True)


@invalid("GET /v1/models", 405)
async def models_are_not_put(house: House) -> None:
    error = (await house.member.api.put("/v1/models")).json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "method_not_allowed")


@happy("GET /v1/models/{model:path}")
async def one_model_is_shown(house: House) -> None:
    assert (await house.member.api.get("/v1/models/memory")).json()["id"] == "memory"


@denied("GET /v1/models/{model:path}", 401)
async def nobody_is_shown_a_model(house: House) -> None:
    await house.nobody.get("/v1/models/memory")


@invalid("GET /v1/models/{model:path}", 404)
async def an_unknown_model_is_not_shown(house: House) -> None:
    deep = await house.member.api.get("/v1/models/assistant/nobody")
    assert deep.json()["error"]["code"] == "model_not_found"
    error = (await house.member.api.get("/v1/models/nobody:70b")).json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")


@happy("POST /v1/chat/completions")
async def messages_are_answered(house: House) -> None:
    with house.saying("Four words of answer") as model:
        body = {**_HELLO, "max_tokens": 3, "seed": 7, "stop": "END", "temperature": 0.5, "teapot": {"short": True}}
        done = (await house.member.api.post("/v1/chat/completions", json=body)).json()
        asked = model.requests[-1]
    assert (done["object"], done["model"]) == ("chat.completion", "memory")
    assert done["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Four words of"},
            "logprobs": None,
            "finish_reason": "length",
        }
    ]
    assert done["usage"] == {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}
    assert (asked.max_tokens, asked.seed, asked.stop, asked.temperature) == (3, 7, ("END",), 0.5)


@denied("POST /v1/chat/completions", 403)
async def a_key_for_documents_writes_nothing(house: House) -> None:
    await house.nobody.post("/v1/chat/completions", json=_HELLO)
    narrow = await house.key(house.member, "knowledge", "chat")
    await narrow.post("/v1/chat/completions", json=_HELLO)


_PICTURE = {"type": "image_url", "image_url": {"url": "http://192.0.2.1/cat.png"}}
_WRONG_CHATS: dict[str, tuple[dict[str, Any], str]] = {
    "no messages": ({"messages": []}, "messages"),
    "empty messages": ({"messages": [{"role": "user", "content": " "}]}, "messages"),
    "a number": ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
    "a remote picture": ({"messages": [{"role": "user", "content": [_PICTURE]}]}, "messages[0].content[0].image_url"),
    "an unknown part": ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages[0].content[0]"),
    "two answers": ({"n": 2}, "n"),
    "no tokens": ({"max_tokens": 0}, "max_tokens"),
    "heat": ({"temperature": 3}, "temperature"),
    "a schema without one": ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
    "a tool that is not there": (
        {"tool_choice": {"type": "function", "function": {"name": "fly"}}, "tools": []},
        "tool_choice",
    ),
    "a megabyte": ({"messages": [{"role": "user", "content": "a" * 1_000_000}]}, "messages"),
}


@invalid("POST /v1/chat/completions")
async def what_cannot_be_answered_names_its_field(house: House) -> None:
    api = house.member.api
    missing = await api.post("/v1/chat/completions", json={**_HELLO, "model": "nobody:70b"})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    large = await api.post("/v1/chat/completions", content=b" " * (3 * 1024 * 1024))
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    embeds = await api.post("/v1/chat/completions", json={**_HELLO, "model": _EMBEDDER})
    assert (embeds.status_code, embeds.json()["error"]["code"]) == (400, "model_embeds_only")
    for body in (b"", b"{", b"[]", b"\xff", b'{"model": "\\u0000"}'):
        answer = await api.post("/v1/chat/completions", content=body)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    for name, (change, param) in _WRONG_CHATS.items():
        answer = await api.post("/v1/chat/completions", json={**_HELLO, **change})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), name


@happy("POST /v1/completions")
async def a_prompt_is_completed_for_older_clients(house: House) -> None:
    body = {"model": "memory", "prompt": ["Once"], "stream": True, "stream_options": {"include_usage": True}}
    with house.saying("upon a time"):
        streamed = (await house.member.api.post("/v1/completions", json=body)).text
        done = (await house.member.api.post("/v1/completions", json={**body, "stream": False})).json()
    *chunks, last = streamed.removesuffix("\n\n").split("\n\n")
    read = [msgspec.json.decode(chunk.removeprefix("data: ")) for chunk in chunks]
    assert "".join(choice["text"] for chunk in read for choice in chunk["choices"]) == "upon a time"
    assert (read[-1]["usage"]["completion_tokens"], last) == (3, "data: [DONE]")
    assert (done["object"], done["choices"][0]["text"]) == ("text_completion", "upon a time")


@denied("POST /v1/completions", 401)
async def nobody_completes_a_prompt_for_older_clients(house: House) -> None:
    await house.nobody.post("/v1/completions", json={"model": "memory", "prompt": "Once"})


@invalid("POST /v1/completions")
async def tokens_are_no_prompt(house: House) -> None:
    for prompt in ([1, 2], [], "", ["a", "b"], [[1], [2]], 7):
        await house.member.api.post("/v1/completions", json={"model": "memory", "prompt": prompt})


@happy("POST /v1/embeddings")
async def texts_become_vectors(house: House) -> None:
    api, body = house.member.api, {"model": _EMBEDDER, "input": ["kite", "lantern"]}
    floats = (await api.post("/v1/embeddings", json=body)).json()
    packed = (await api.post("/v1/embeddings", json={**body, "encoding_format": "base64"})).json()
    one = (await api.post("/v1/embeddings", json={**body, "input": "kite", "dimensions": 64})).json()
    assert [entry["index"] for entry in floats["data"]] == [0, 1]
    unpacked = [np.frombuffer(base64.b64decode(entry["embedding"]), "<f4") for entry in packed["data"]]
    assert np.allclose(unpacked, [entry["embedding"] for entry in floats["data"]])
    assert np.allclose(one["data"][0]["embedding"], unpacked[0])
    assert np.isclose(np.linalg.norm(unpacked[0]), 1)
    assert floats["usage"]["total_tokens"] > 0


@denied("POST /v1/embeddings", 403)
async def a_key_for_documents_embeds_nothing(house: House) -> None:
    narrow = await house.key(house.member, "knowledge")
    await narrow.post("/v1/embeddings", json={"model": _EMBEDDER, "input": "kite"})


@invalid("POST /v1/embeddings")
async def what_cannot_be_embedded_is_said(house: House) -> None:
    api = house.member.api
    unknown = await api.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "kite"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    for wrong in ([1, 2], [[1, 2]], [], "", ["kite", ""], ["kite"] * 2049, 7):
        answer = await api.post("/v1/embeddings", json={"model": _EMBEDDER, "input": wrong})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
    longer = await api.post("/v1/embeddings", json={"model": _EMBEDDER, "input": "kite", "dimensions": 5})
    assert longer.json()["error"]["param"] == "dimensions"


@happy("GET /ollama")
async def it_is_running(house: House) -> None:
    assert (await house.member.api.head("/ollama/")).status_code == 200
    assert (await house.member.api.get("/ollama/")).text == "Ollama is running"
    await house.member.api.get("/ollama")


@denied("GET /ollama", 401)
async def nobody_sees_it_running(house: House) -> None:
    await house.nobody.get("/ollama")


@invalid("GET /ollama", 405)
async def it_is_not_deleted(house: House) -> None:
    await house.member.api.delete("/ollama")


@happy("GET /ollama/api/version")
async def a_version_is_told(house: House) -> None:
    assert (await house.member.api.get("/ollama/api/version")).json() == {"version": "0.17.4"}


@denied("GET /ollama/api/version", 401)
async def nobody_is_told_a_version(house: House) -> None:
    await house.nobody.get("/ollama/api/version")


@invalid("GET /ollama/api/version", 405)
async def a_version_is_not_set(house: House) -> None:
    await house.member.api.post("/ollama/api/version", json={})


@happy("GET /ollama/api/tags")
async def models_are_listed_as_ollama_does(house: House) -> None:
    listed = (await house.member.api.get("/ollama/api/tags")).json()["models"]
    names = [model["name"] for model in listed]
    assert names[0] == "memory"
    assert {_EMBEDDER, "assistant/auto"} <= set(names)
    assert set(listed[0]) == {"name", "model", "modified_at", "size", "digest", "details"}


@denied("GET /ollama/api/tags", 403)
async def a_key_for_documents_lists_no_tags(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/ollama/api/tags")


@invalid("GET /ollama/api/tags", 405)
async def tags_are_not_posted(house: House) -> None:
    await house.member.api.post("/ollama/api/tags", json={})


@happy("GET /ollama/api/ps")
async def what_is_in_memory_is_listed(house: House) -> None:
    listed = (await house.member.api.get("/ollama/api/ps")).json()["models"]
    assert _EMBEDDER in {model["name"] for model in listed}, "it stays; others may have loaded more"


@denied("GET /ollama/api/ps", 403)
async def a_key_for_documents_lists_no_processes(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/ollama/api/ps")


@invalid("GET /ollama/api/ps", 405)
async def processes_are_not_posted(house: House) -> None:
    await house.member.api.post("/ollama/api/ps", json={})


@happy("POST /ollama/api/show")
async def a_model_is_shown_as_ollama_does(house: House) -> None:
    shown = (await house.member.api.post("/ollama/api/show", json={"model": "memory"})).json()
    assert (shown["capabilities"], shown["model_info"]["llama.context_length"]) == (["completion"], 8192)
    embeds = (await house.member.api.post("/ollama/api/show", json={"name": "all-minilm"})).json()
    assert embeds["capabilities"] == ["embedding"]


@denied("POST /ollama/api/show", 401)
async def nobody_is_shown_a_model_as_ollama_does(house: House) -> None:
    await house.nobody.post("/ollama/api/show", json={"model": "memory"})


@invalid("POST /ollama/api/show", 404)
async def an_unknown_model_is_not_shown_as_ollama_does(house: House) -> None:
    assert (await house.member.api.post("/ollama/api/show", json={"model": 7})).status_code == 400
    await house.member.api.post("/ollama/api/show", json={"model": "nobody:70b"})


@happy("POST /ollama/api/chat")
async def messages_are_answered_as_ollama_does(house: House) -> None:
    options = {"num_predict": 3, "seed": 7, "stop": ["END"], "temperature": 0.5, "top_k": 3, "num_ctx": 100_000}
    with house.saying("Four words of answer") as model:
        lines = (await house.member.api.post("/ollama/api/chat", json={**_HELLO, "options": options})).text
        body = {**_HELLO, "stream": False, "format": {"type": "object"}, "keep_alive": -1, "think": False}
        whole = (await house.member.api.post("/ollama/api/chat", json=body)).json()
        streamed, other = model.requests[-2:]
    read = [msgspec.json.decode(line) for line in lines.splitlines()]
    assert "".join(line["message"]["content"] for line in read) == "Four words of"
    assert [line["done"] for line in read] == [False, False, False, True]
    assert (read[-1]["done_reason"], read[-1]["eval_count"], read[-1]["prompt_eval_count"]) == ("length", 3, 1)
    assert read[-1]["total_duration"] >= read[-1]["eval_duration"] > 0
    assert (whole["message"]["content"], whole["done"], whole["done_reason"]) == ("Four words of answer", True, "stop")
    assert (streamed.max_tokens, streamed.seed, streamed.stop, streamed.temperature) == (3, 7, ("END",), 0.5)
    assert (other.shape, other.think, other.temperature) == ({"type": "object"}, False, None)
    assert other.keep_alive is None, "what stays in memory is for admins to say"
    ready = (await house.member.api.post("/ollama/api/chat", json={"model": "memory"})).json()
    assert (ready["done"], ready["done_reason"]) == (True, "load")


@denied("POST /ollama/api/chat", 403)
async def a_key_for_documents_chats_not(house: House) -> None:
    await house.nobody.post("/ollama/api/chat", json=_HELLO)
    await (await house.key(house.member, "knowledge")).post("/ollama/api/chat", json=_HELLO)


@invalid("POST /ollama/api/chat")
async def what_ollama_could_not_answer_is_said(house: House) -> None:
    api = house.member.api
    assert (await api.post("/ollama/api/chat", json={**_HELLO, "model": "nobody:70b"})).status_code == 404
    assert (await api.post("/ollama/api/chat", json={"model": "nobody:70b"})).status_code == 404
    silent = {"messages": [{"role": "user", "content": ""}]}
    broken = {"messages": [{"role": "user", "content": "x", "images": ["no base64!"]}]}
    long = {"messages": [{"role": "user", "content": "a" * 1_000_000}]}
    wrong: tuple[dict[str, Any], ...] = (silent, broken, long, {"format": "xml"}, {"messages": "x"}, {"options": 7})
    for change in wrong:
        assert (await api.post("/ollama/api/chat", json={**_HELLO, **change})).status_code == 400


@happy("POST /ollama/api/generate")
async def a_prompt_is_completed_as_ollama_does(house: House) -> None:
    body = {"model": "memory", "prompt": "Once", "system": "Be brief."}
    with house.saying("upon a time") as model:
        lines = (await house.member.api.post("/ollama/api/generate", json=body)).text.splitlines()
        asked = model.requests[-1]
    assert "".join(msgspec.json.decode(line)["response"] for line in lines) == "upon a time"
    assert [message.role for message in asked.messages] == ["system", "user"]
    gone = {"model": "memory", "keep_alive": 0}
    assert (await house.member.api.post("/ollama/api/generate", json=gone)).json()["done_reason"] == "unload"


@denied("POST /ollama/api/generate", 401)
async def nobody_completes_a_prompt_as_ollama_does(house: House) -> None:
    await house.nobody.post("/ollama/api/generate", json={"model": "memory", "prompt": "Once"})


@invalid("POST /ollama/api/generate")
async def raw_prompts_are_not_taken(house: House) -> None:
    for change in ({"raw": True}, {"template": "{{ .Prompt }}"}, {"suffix": "end"}, {"prompt": 7}, {"images": ["?"]}):
        body: dict[str, Any] = {"model": "memory", "prompt": "Once", **change}
        assert (await house.member.api.post("/ollama/api/generate", json=body)).status_code == 400


@happy("POST /ollama/api/embed")
async def texts_become_vectors_as_ollama_does(house: House) -> None:
    body = {"model": "all-minilm:latest", "input": ["kite", "lantern"], "truncate": True}
    made = (await house.member.api.post("/ollama/api/embed", json=body)).json()
    assert (len(made["embeddings"]), made["model"]) == (2, "all-minilm:latest")


@denied("POST /ollama/api/embed", 401)
async def nobody_embeds_as_ollama_does(house: House) -> None:
    await house.nobody.post("/ollama/api/embed", json={"model": _EMBEDDER, "input": "kite"})


@invalid("POST /ollama/api/embed")
async def what_ollama_could_not_embed_is_said(house: House) -> None:
    api = house.member.api
    assert (await api.post("/ollama/api/embed", json={"model": "memory", "input": "kite"})).status_code == 404
    await api.post("/ollama/api/embed", json={"model": _EMBEDDER, "input": []})


@happy("POST /ollama/api/embeddings")
async def one_text_becomes_a_vector(house: House) -> None:
    body = {"model": _EMBEDDER, "prompt": "kite"}
    assert len((await house.member.api.post("/ollama/api/embeddings", json=body)).json()["embedding"]) == 64


@denied("POST /ollama/api/embeddings", 401)
async def nobody_embeds_one_text(house: House) -> None:
    await house.nobody.post("/ollama/api/embeddings", json={"model": _EMBEDDER, "prompt": "kite"})


@invalid("POST /ollama/api/embeddings")
async def nothing_is_not_embedded(house: House) -> None:
    await house.member.api.post("/ollama/api/embeddings", json={"model": _EMBEDDER, "prompt": ""})


def _managed(method: str, name: str, path: str) -> None:
    route = f"{method} /ollama/api/{name}"

    @denied(route, 401)
    async def nobody_manages(house: House) -> None:
        await house.nobody.request(method, f"/ollama/api/{path}", json={"model": "memory"})

    @invalid(route, 403)
    async def models_are_managed_elsewhere(house: House) -> None:
        answer = await house.admin.api.request(method, f"/ollama/api/{path}", json={"model": "memory"})
        assert "/api/models" in answer.json()["error"]


for _name in ("pull", "create", "push", "copy"):
    _managed("POST", _name, _name)
_managed("POST", "blobs/{digest:str}", "blobs/sha256:abc")
_managed("DELETE", "delete", "delete")
