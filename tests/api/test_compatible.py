"""Clients that others wrote: streams in pieces, stops that reach the engine, assistants as models, errors in the middle."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest

from appliance.core.caller import Caller
from appliance.core.errors import EngineFailed, NotFound
from appliance.features.compatible import Sources
from appliance.features.generation import Step, Writing
from appliance.ports.chat import ChatRequest, Delta, Usage
from tests.api.house import House, Person
from tests.api.wire import Call, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"limits__waiting_generations_of_one": 60, "language_model__parallel": 50}
_APIS = {"openai": "/v1/chat/completions", "ollama": "/ollama/api/chat"}
_STOPPED_SECONDS = 0.3


def body(text: str = "Hello?", *, model: str = "memory", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def call(house: House, person: Person, api: str, sent: dict[str, Any]) -> Any:
    return calling(house, "POST", _APIS[api], headers={"authorization": f"Bearer {person.key}"}, json=sent)


async def lines_of(call: Call) -> list[Any]:
    """The lines of a stream, as either client reads them."""
    text = (await call.read()).decode()
    found = [line.removeprefix("data: ") for line in text.splitlines() if line]
    return [json.loads(line) for line in found if line != "[DONE]"]


def said(line: dict[str, Any]) -> str:
    if "choices" in line:
        return "".join(choice["delta"].get("content") or "" for choice in line["choices"])
    return line.get("message", {}).get("content", "")


async def audited(house: House, model: str = "") -> dict[str, Any]:
    """The newest entry about an answer to the member; `model`: by that one. Others' may still be on their way."""
    about = {"actor_id": house.member.id} | ({"object_id": model} if model else {})
    listed = await house.admin.api.get("/api/audit", params={"limit": 1, "action": "completion.written", **about})
    return listed.json()["items"][0]


@pytest.mark.parametrize("api", _APIS)
async def test_an_answer_comes_as_it_is_written(house: House, api: str) -> None:
    with house.saying("one " + "two " * 30 + "three", seconds_per_token=0.03) as model:
        before = model.unfinished
        async with call(house, house.member, api, body(stream=True)) as streaming:
            first = await anext(streaming.chunks())
            assert model.unfinished == before + 1, "the first word does not wait for the last"
            assert b"one" in first
            rest = (await streaming.read()).decode()
    assert "three" in rest
    entry = await audited(house)
    assert (entry["outcome"], entry["object_id"], entry["actor"]) == ("done", "memory", house.member.name)
    assert entry["details"] == {"api": api, "model": "memory", "tokens": 33}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("api", _APIS)
async def test_who_leaves_stops_the_engine(house: House, api: str, *, stream: bool) -> None:
    words = "word " * 500
    with house.saying(words, seconds_per_token=0.02) as model:
        before = model.unfinished
        if stream:
            async with call(house, house.member, api, body(stream=True)) as streaming:
                await anext(streaming.chunks())
                streaming.leave()
                await asyncio.sleep(_STOPPED_SECONDS)
        else:
            leaving = asyncio.ensure_future(_leave_while_nothing_comes(house, api))
            await leaving
        state = (await house.member.api.get("/api/generate/queue")).json()
        assert state["writing"] == 0
        assert model.unfinished == before + 1, "its iterator was closed, not read to the end"
        model.unfinished = before
    async with asyncio.timeout(5):  # it is written once the reader is gone
        while (entry := await audited(house))["outcome"] != "stopped" or entry["details"]["api"] != api:
            await asyncio.sleep(0.01)


async def _leave_while_nothing_comes(house: House, api: str) -> None:
    """Ask for the whole, and hang up before it is there."""
    sent = json.dumps(body(stream=False)).encode()
    gone = asyncio.Event()
    pieces = [{"type": "http.request", "body": sent, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if pieces:
            return pieces.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        del message

    headers = {"host": "localhost", "authorization": f"Bearer {house.member.key}", "content-length": str(len(sent))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": _APIS[api],
        "raw_path": _APIS[api].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50001),
        "server": ("localhost", 80),
        "state": {},
    }
    task = asyncio.ensure_future(house.app(scope, receive, send))
    async with asyncio.timeout(5):
        while not (await house.member.api.get("/api/generate/queue")).json()["writing"]:
            await asyncio.sleep(0.01)
    gone.set()
    await asyncio.wait_for(task, _STOPPED_SECONDS)


@pytest.mark.parametrize("api", _APIS)
async def test_a_failure_in_the_middle_is_said_in_the_stream(
    house: House, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistants = _Assistants(fails=True)
    monkeypatch.setattr(house.appliance.compatible, "assistants", assistants)
    async with call(house, house.member, api, body(model="assistant/audrey", stream=True)) as streaming:
        assert streaming.status == 200
        *pieces, last = await lines_of(streaming)
    assert "".join(said(piece) for piece in pieces) == "It was lit", "what was written stays"
    assert set(last) == {"error"}
    message = last["error"]["message"] if api == "openai" else last["error"]
    assert "an engine answered in a way that cannot be used" in message
    assert (await audited(house, "assistant/audrey"))["outcome"] == "failed"
    assert (await house.member.api.post(_APIS[api], json=body(stream=False))).status_code == 200


@pytest.mark.parametrize("api", _APIS)
async def test_errors_speak_the_readers_language(house: House, api: str) -> None:
    french = await house.with_key(house.member.key, accept_language="fr")
    error = (await french.post(_APIS[api], json=body(model="nobody"))).json()["error"]
    assert "Le moteur n’a pas de modèle nommé" in (error["message"] if api == "openai" else error)


@pytest.mark.parametrize("api", _APIS)
async def test_fifty_streams_do_not_cross(house: House, api: str) -> None:
    def answer(request: ChatRequest) -> str:
        return " ".join([request.messages[-1].content] * 20)

    async def ask(number: int) -> set[str]:
        async with call(house, house.member, api, body(f"n{number}", stream=True)) as streaming:
            return set("".join(said(line) for line in await lines_of(streaming)).split())

    with house.saying(answer, seconds_per_token=0.002):
        answers = await asyncio.gather(*(ask(number) for number in range(50)))
    assert answers == [{f"n{number}"} for number in range(50)]


class _Assistants:
    """Audrey and routing, for those of the person `member` alone."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[tuple[str, ChatRequest]] = []
        self._fails = fails

    async def names(self, caller: Caller) -> list[str]:
        return ["auto", "audrey"]

    async def answer(self, caller: Caller, name: str, request: ChatRequest) -> AsyncGenerator[Step | Sources]:
        if name not in await self.names(caller):
            raise NotFound
        self.asked.append((name, request))
        yield Writing("memory", 1)
        yield Sources(items=({"number": 1, "file": "lighthouse.txt"},), agent="audrey")
        yield Delta(text="It was")
        yield Delta(text=" lit")
        if self._fails:
            raise EngineFailed(engine="an engine")
        yield Delta(text=" in 1849 [1].")
        yield Delta(usage=Usage(5, 3), reason="stop")


async def test_an_assistant_is_a_model(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assistants = _Assistants()
    monkeypatch.setattr(house.appliance.compatible, "assistants", assistants)
    api = house.member.api
    ids = [model["id"] for model in (await api.get("/v1/models")).json()["data"]]
    assert ids[-2:] == ["assistant/auto", "assistant/audrey"]
    assert (await api.get("/v1/models/assistant/audrey")).json()["id"] == "assistant/audrey"
    tags = [model["name"] for model in (await api.get("/ollama/api/tags")).json()["models"]]
    assert tags == ids
    sources = [{"number": 1, "file": "lighthouse.txt"}]
    whole = (await api.post(_APIS["openai"], json=body(model="assistant/auto", temperature=0.5))).json()
    assert (whole["model"], whole["choices"][0]["message"]["sources"]) == ("assistant/auto", sources)
    assert whole["choices"][0]["message"]["agent"] == "audrey"
    async with call(house, house.member, "openai", body(model="assistant/audrey", stream=True)) as streaming:
        *_, last = await lines_of(streaming)
    assert (last["choices"][0]["finish_reason"], last["choices"][0]["delta"]["sources"]) == ("stop", sources)
    async with call(house, house.member, "ollama", body(model="assistant/audrey:latest")) as streaming:
        *_, last = await lines_of(streaming)
    assert (last["done"], last["message"]["sources"]) == (True, sources)
    assert [name for name, _ in assistants.asked] == ["auto", "audrey", "audrey"]
    assert (assistants.asked[0][1].model, assistants.asked[0][1].temperature) == (None, 0.5)
    assert (await api.post(_APIS["openai"], json=body(model="assistant/nobody"))).status_code == 404


async def test_scopes_tell_models_from_assistants(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.appliance.compatible, "assistants", _Assistants())
    chats, writes = await house.key(house.member, "chat"), await house.key(house.member, "models")
    assert [model["id"] for model in (await chats.get("/v1/models")).json()["data"]] == [
        "assistant/auto",
        "assistant/audrey",
    ]
    assert len((await writes.get("/v1/models")).json()["data"]) == 2
    for api, path in _APIS.items():
        sent = body(stream=False)
        asks = body(model="assistant/audrey", stream=False)
        assert (await chats.post(path, json=sent)).status_code == 403, api
        assert (await writes.post(path, json=asks)).status_code == 403, api
        assert (await chats.post(path, json=asks)).status_code == 200, api


async def test_a_full_queue_says_when_to_come_back(house: House) -> None:
    """Fifty write and sixty wait; whoever comes then is told when."""
    with house.saying("word " * 100, seconds_per_token=0.02):
        waiting = [
            asyncio.ensure_future(house.other.api.post(_APIS["openai"], json=body(max_tokens=100))) for _ in range(111)
        ]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        refused = next(iter(done)).result()
        for one in pending:
            one.cancel()
        await asyncio.wait(pending)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert int(refused.headers["retry-after"]) > 0


async def test_an_assistant_brings_its_knowledge_and_its_sources(house: House) -> None:
    name = f"keeper-{uuid4().hex[:6]}"
    made = {"name": name, "title": "Keeper", "persona": "You keep the lamps.", "knowledge_owners": [name]}
    assert (await house.admin.api.post("/api/assistants", json=made)).status_code == 201
    text = "The spare lamps of the lighthouse are stored behind the boathouse."
    document = await house.add(house.member, text, agent_owner=name)
    question = "Where are the spare lamps of the lighthouse stored?"
    asked = body(model=f"assistant/{name}", stream=False, messages=[{"role": "user", "content": question}])
    with house.saying("Behind the boathouse [1]."):
        whole = (await house.member.api.post(_APIS["openai"], json=asked)).json()
        ollama = (await house.member.api.post(_APIS["ollama"], json=asked)).json()
    message = whole["choices"][0]["message"]
    assert message["content"] == ollama["message"]["content"] == "Behind the boathouse [1]."
    assert [source["file_id"] for source in message["sources"]] == [document["file_id"]]
    assert (message["agent"], whole["usage"]["completion_tokens"] > 0) == (name, True)
    assert house.model.requests[-1].messages[0].content.startswith("You keep the lamps.")
    used = (await house.member.api.get("/api/usage")).json()["items"][0]
    assert used["messages"] >= 2
    assert used["tokens"] > 0


async def test_nobody_is_said_to_have_been_asked_where_no_person_can_answer(house: House) -> None:
    made = {"name": f"any-{uuid4().hex[:6]}", "title": "Any", "routing_description": "Gardens", "examples": ["Roses?"]}
    assert (await house.admin.api.post("/api/assistants", json=made)).status_code == 201
    words = "Je veux parler à un humain, pas à un robot !"
    tried = (await house.admin.api.post("/api/assistants/route", json={"message": words})).json()
    assert tried["agent"] == "escalate"
    asked = body(model="assistant/auto", stream=False, messages=[{"role": "user", "content": words}])
    with house.saying("Je vous écoute."):
        whole = (await house.member.api.post(_APIS["openai"], json=asked)).json()
    assert whole["choices"][0]["message"]["agent"] == "conversation"
