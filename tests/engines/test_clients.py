"""Clients that others wrote, as they are published: openai, ollama and langchain-openai against an appliance of its own process.

The real Ollama writes stories; what needs a model that calls functions, or one that writes slowly, is scripted.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import ollama
import openai
import pytest
import pytest_asyncio
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.engines.boxes import Box, client_of, make_key, upload
from tests.engines.fixtures import Reached
from tests.engines.weights import MINILM, STORIES
from tests.scripted_ollama import Script, ScriptedOllama

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]
_ONCE: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Once upon a time"}]
_WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Served:
    """An appliance and a key of its admin's."""

    def __init__(self, box: Box, key: str) -> None:
        self.box = box
        self.key = key

    @property
    def openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.box.url}/v1", api_key=self.key, max_retries=0)

    @asynccontextmanager
    async def ollama(self, *, key: str = "") -> AsyncIterator[ollama.AsyncClient]:
        client = ollama.AsyncClient(f"{self.box.url}/ollama", headers={"Authorization": f"Bearer {key or self.key}"})
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def langchain(self, model: str, **more: Any) -> AsyncIterator[ChatOpenAI]:
        async with openai.DefaultAsyncHttpxClient() as http:
            yield ChatOpenAI(
                model=model,
                base_url=f"{self.box.url}/v1",
                api_key=_secret(self.key),
                max_retries=0,
                http_async_client=http,
                **more,
            )


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tracing to anybody, and no proxy between loopback and loopback."""
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2"):
        monkeypatch.setenv(name, "false")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(ollama_server: Reached, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    settings = {
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": ollama_server.url,
        "APPLIANCE_LANGUAGE_MODEL__MODEL": STORIES,
        "APPLIANCE_LANGUAGE_MODEL__CONTEXT_LENGTH": "128",
        "APPLIANCE_EMBEDDER__KIND": "ollama",
        "APPLIANCE_EMBEDDER__URL": ollama_server.url,
        "APPLIANCE_EMBEDDER__MODEL": MINILM,
    }
    async with Box("real", "up", tmp_path_factory.mktemp("clients"), settings) as box:
        yield Served(box, await make_key(box))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripted(engine: ScriptedOllama, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    settings = {
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": engine.url,
        "APPLIANCE_LANGUAGE_MODEL__MODEL": "scripted",
        "APPLIANCE_LANGUAGE_MODEL__PARALLEL": "1",
        "APPLIANCE_LIMITS__WAITING_GENERATIONS_OF_ONE": "1",
        "APPLIANCE_EMBEDDER__KIND": "ollama",
        "APPLIANCE_EMBEDDER__URL": engine.url,
        "APPLIANCE_EMBEDDER__MODEL": "scripted-embed",
    }
    async with Box("scripted", "up", tmp_path_factory.mktemp("clients"), settings) as box:
        yield Served(box, await make_key(box))


async def test_openai_lists_and_retrieves_models(real: Served) -> None:
    async with real.openai as client:
        ids = [model.id async for model in client.models.list()]
        assert ids == [STORIES, MINILM, "assistant/auto", "assistant/conversation"]
        assert (await client.models.retrieve(STORIES)).id == STORIES


async def test_openai_chats_with_usage_stop_and_seed(real: Served) -> None:
    async with real.openai as client:

        async def write(**more: Any) -> Any:
            return await client.chat.completions.create(
                model="stories", messages=_ONCE, **{"max_tokens": 20, "temperature": 1.0, **more}
            )

        one, same = await write(seed=7), await write(seed=7)
        assert one.choices[0].message.content == same.choices[0].message.content != ""
        assert one.model == STORIES
        assert one.choices[0].finish_reason == "length"
        assert one.usage.completion_tokens == 20
        assert one.usage.total_tokens == one.usage.prompt_tokens + 20
        text = one.choices[0].message.content
        word = text.split()[3]
        stopped = await write(seed=7, stop=[word])
        assert stopped.choices[0].finish_reason == "stop"
        assert text.startswith(stopped.choices[0].message.content.rstrip())
        assert word not in stopped.choices[0].message.content


async def test_openai_streams(real: Served) -> None:
    async with real.openai as client:
        stream = await client.chat.completions.create(
            model=STORIES,
            messages=_ONCE,
            max_tokens=12,
            seed=1,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    words = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert len(words) > 5
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12
    assert len({chunk.id for chunk in chunks}) == 1


async def test_openai_gets_log_probabilities(real: Served) -> None:
    async with real.openai as client:
        done = await client.chat.completions.create(
            model=STORIES, messages=_ONCE, max_tokens=3, logprobs=True, top_logprobs=2
        )
    logprobs = done.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert all(chosen.logprob <= 0 and len(chosen.top_logprobs) == 2 for chosen in logprobs.content)


class Hero(BaseModel):
    name: str
    age: int


async def test_openai_keeps_to_a_schema(real: Served) -> None:
    async with real.openai as client:
        schema = {"type": "object", "properties": {"old": {"type": "boolean"}}, "required": ["old"]}
        done = await client.chat.completions.create(
            model=STORIES,
            messages=_ONCE,
            max_tokens=60,
            response_format={"type": "json_schema", "json_schema": {"name": "age", "schema": schema, "strict": True}},
        )
    assert set(json.loads(done.choices[0].message.content or "")) == {"old"}


async def test_a_function_is_called_by_a_model_without_tools(real: Served) -> None:
    """The story teller knows no functions; held to the call's JSON it calls the one that is named, or one of two."""
    yes = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    typed: Any = {"type": "function", "function": {"name": "f", "parameters": yes}}
    bare: list[Any] = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    named = {"type": "function", "function": {"name": "f"}}
    async with real.openai as client:
        create: Any = client.chat.completions.create
        asked: Any = {"model": STORIES, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 60, "seed": 1}
        done = (await create(**asked, tools=[typed, *bare[1:]], tool_choice=named)).choices[0]
        assert done.finish_reason == "tool_calls"
        assert done.message.tool_calls[0].function.name == "f"
        assert set(json.loads(done.message.tool_calls[0].function.arguments)) == {"a"}
        done = (await create(**asked, tools=bare, tool_choice="required")).choices[0]
        if done.finish_reason == "tool_calls":
            assert done.message.tool_calls[0].function.name in {"f", "g"}
        else:  # any object may be its arguments, and it tells a story in one
            assert done.message.content.startswith("{")
    async with real.langchain("stories", max_completion_tokens=60, seed=1) as model:
        called: Any = await model.bind_tools([typed], tool_choice="any").ainvoke("Once")
        assert [one["name"] for one in called.tool_calls] == ["f"]


async def test_what_does_not_fit_the_context_is_refused(real: Served) -> None:
    """400 words are far below what could be refused by their length alone, and far above 128 tokens."""
    long = "Once upon a time there was a little cat. " * 20
    async with real.openai as client:
        create: Any = client.chat.completions.create
        with pytest.raises(openai.BadRequestError) as refused:
            await create(model=STORIES, messages=[{"role": "user", "content": long}])
        assert (await create(model=STORIES, messages=_ONCE, max_tokens=3)).usage.completion_tokens == 3
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "messages")
    async with real.ollama() as client:
        for size in (64, 100_000):
            answer = await client.chat(
                "stories", [{"role": "user", "content": "Once"}], options={"num_ctx": size, "num_predict": 3}
            )
            assert answer.message.content
        with pytest.raises(ollama.ResponseError) as error:
            await client.chat("stories", [{"role": "user", "content": long}], options={"num_ctx": 100_000})
        assert error.value.status_code == 400
        loaded = [model.context_length for model in (await client.ps()).models if model.model == STORIES]
    assert loaded == [128]


async def test_openai_completes_and_embeds(real: Served) -> None:
    texts = ["The revenue grew to 12 million euros.", "A cat sleeps on the roof.", "Earnings rose."]
    async with real.openai as client:
        done = await client.completions.create(model=STORIES, prompt="Once upon a time", max_tokens=5)
        assert done.choices[0].text
        made = await client.embeddings.create(model="all-minilm", input=texts)
        floats = await client.embeddings.create(model="all-minilm", input=texts[0], encoding_format="float")
    vectors = np.array([entry.embedding for entry in made.data])
    assert vectors.shape == (3, 384)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.1
    assert np.allclose(floats.data[0].embedding, vectors[0], atol=1e-5)


async def test_openai_raises_its_own_errors(real: Served) -> None:
    async with real.openai as client:
        create: Any = client.chat.completions.create
        stranger: Any = client.with_options(api_key="nobody").chat.completions.create
        with pytest.raises(openai.AuthenticationError) as unknown:
            await stranger(model=STORIES, messages=_ONCE)
        with pytest.raises(openai.NotFoundError) as missing:
            await create(model="nobody:70b", messages=_ONCE)
        with pytest.raises(openai.BadRequestError) as wrong:
            await create(model=STORIES, messages=_ONCE, n=2)
        with pytest.raises(openai.BadRequestError) as long:
            await create(model=STORIES, messages=[{"role": "user", "content": "a" * 1_000_000}])
        with pytest.raises(openai.BadRequestError) as tools:
            await create(model=STORIES, messages=_ONCE, tools=[_WEATHER])
    assert (unknown.value.code, missing.value.code, wrong.value.param) == ("invalid_api_key", "model_not_found", "n")
    assert (long.value.code, tools.value.code) == ("context_length_exceeded", "model_cannot")
    assert missing.value.request_id


async def test_ollama_does_what_it_does_with_its_own_server(real: Served) -> None:
    async with real.ollama() as client:
        await _use_ollama(client)


async def _use_ollama(client: ollama.AsyncClient) -> None:
    listed = await client.list()
    assert {STORIES, MINILM} <= {model.model for model in listed.models}
    shown = await client.show(STORIES)
    assert shown.capabilities
    assert "completion" in shown.capabilities
    await client.ps()
    options = {"num_predict": 10, "seed": 3, "temperature": 1.0}
    whole = await client.chat("stories", [{"role": "user", "content": "Once"}], options=options)
    assert (whole.done_reason, whole.eval_count) == ("length", 10)
    assert whole.total_duration
    pieces = [
        piece
        async for piece in await client.chat(
            "stories", [{"role": "user", "content": "Once"}], stream=True, options=options
        )
    ]
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert pieces[-1].done
    done = await client.generate("stories", "Once", options=options, format="json")
    assert done.response
    embedded = await client.embed("all-minilm", ["Once", "upon"])
    assert np.array(embedded.embeddings).shape == (2, 384)


async def test_ollama_raises_its_own_errors(real: Served) -> None:
    async with real.ollama() as client, real.ollama(key="nobody") as stranger:
        with pytest.raises(ollama.ResponseError) as unknown:
            await stranger.list()
        with pytest.raises(ollama.ResponseError) as missing:
            await client.chat("nobody:70b", [{"role": "user", "content": "Once"}])
        with pytest.raises(ollama.ResponseError) as managed:
            await client.pull("stories")
    assert [one.value.status_code for one in (unknown, missing, managed)] == [401, 404, 403]
    assert "/api/models" in managed.value.error


async def test_langchain_chats_streams_and_embeds(real: Served) -> None:
    async with real.langchain("stories", max_completion_tokens=15) as model:
        done = await model.ainvoke("Once upon a time")
        assert done.text
        assert done.usage_metadata
        assert done.usage_metadata["output_tokens"] == 15
        pieces = [piece.text async for piece in model.astream("Once upon a time")]
        assert len([piece for piece in pieces if piece]) > 5
    async with openai.DefaultAsyncHttpxClient() as http:
        embeddings = OpenAIEmbeddings(
            model="all-minilm",
            base_url=f"{real.box.url}/v1",
            api_key=_secret(real.key),
            # It would otherwise send tokens of a vocabulary that it fetches from the internet.
            check_embedding_ctx_length=False,
            http_async_client=http,
        )
        assert len(await embeddings.aembed_query("Once")) == 384


async def test_functions_are_called_by_every_client(scripted: Served, engine: ScriptedOllama) -> None:
    engine.script = Script("", calls=({"name": "weather", "arguments": {"city": "Brest"}},))
    async with scripted.openai as client:
        done = await client.chat.completions.create(model="scripted", messages=_ONCE, tools=[_WEATHER])
        call: Any = (done.choices[0].message.tool_calls or [])[0]
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Brest"})
        result: list[Any] = [
            *_ONCE,
            done.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "rain"},
        ]
        engine.upcoming.append(Script("It rains."))
        told = await client.chat.completions.create(model="scripted", messages=result, tools=[_WEATHER])
        assert told.choices[0].message.content == "It rains."
    async with scripted.ollama() as client:
        answer = await client.chat("scripted", [{"role": "user", "content": "Rain?"}], tools=[dict(_WEATHER)])
    assert answer.message.tool_calls
    assert answer.message.tool_calls[0].function.arguments == {"city": "Brest"}
    async with scripted.langchain("scripted") as model:
        called: Any = await model.bind_tools([dict(_WEATHER)]).ainvoke("Rain?")
        assert called.tool_calls[0]["args"] == {"city": "Brest"}
        engine.script = Script('{"name": "Ada", "age": 36}')
        hero = await model.with_structured_output(Hero, method="json_schema").ainvoke("Who?")
        assert hero == Hero(name="Ada", age=36)


async def test_an_assistant_is_a_model_with_sources(scripted: Served, engine: ScriptedOllama) -> None:
    """Its persona, its knowledge, and what its answer rests on, whole and streamed, for both clients."""
    async with client_of(scripted.box, scripted.key) as api:
        made = {"name": "keeper", "title": "Keeper", "persona": "You keep the lamps.", "knowledge_owners": ["keeper"]}
        (await api.post("/api/assistants", json=made)).raise_for_status()
        text = b"The spare lamps of the lighthouse are stored behind the boathouse."
        document = await upload(api, "lamps.txt", text, agent_owner="keeper")
        (await api.post("/api/rag/index", json={"file_id": document["file_id"]})).raise_for_status()
    question: Any = [{"role": "user", "content": "Where are the spare lamps of the lighthouse stored?"}]
    engine.script = Script("Behind the boathouse [1].")
    asked: Any = {"model": "assistant/keeper", "messages": question}
    async with scripted.openai as client:
        whole: Any = (await client.chat.completions.create(**asked)).choices[0].message
        chunks: list[Any] = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="assistant/nobody", messages=question)
        listed = [model.id async for model in client.models.list()]
    assert engine.last().body["messages"][0]["content"].startswith("You keep the lamps.")
    assert "behind the boathouse" in str(engine.last().body["messages"])
    last = chunks[-1].choices[0].delta
    for said in (whole, last):
        assert [(source["file_id"], source["number"]) for source in said.sources] == [(document["file_id"], 1)]
        assert "behind the boathouse" in said.sources[0]["quote"]
    streamed = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert whole.content == streamed == "Behind the boathouse [1]."
    assert (whole.agent, missing.value.status_code, "assistant/keeper" in listed) == ("keeper", 404, True)
    async with scripted.ollama() as other:
        answer = await other.chat("assistant/keeper", question)
        assert answer.message.content == whole.content
    async with scripted.langchain("assistant/keeper") as model:
        assert (await model.ainvoke("Where are the spare lamps of the lighthouse stored?")).text == whole.content


async def test_what_is_wrong_is_said_as_each_client_expects(scripted: Served, engine: ScriptedOllama) -> None:
    async with scripted.openai as client:
        create: Any = client.chat.completions.create
        embed: Any = client.embeddings.create
        wrong: list[tuple[str, Any]] = [
            ("messages", create(model="scripted", messages=[])),
            ("temperature", create(model="scripted", messages=_ONCE, temperature="hot")),
            ("response_format", create(model="scripted", messages=_ONCE, response_format={"type": "json_schema"})),
            ("tool_choice", create(model="scripted", messages=_ONCE, tool_choice="required")),
            ("input", embed(model="scripted-embed", input=[])),
            ("dimensions", embed(model="scripted-embed", input="one", dimensions=7)),
        ]
        for field, call in wrong:
            with pytest.raises(openai.BadRequestError) as refused:
                await call
            assert refused.value.type == "invalid_request_error"
            assert field in f"{refused.value.param} {refused.value.message}"
        with pytest.raises(openai.NotFoundError):
            await embed(model="nobody", input="one")
        engine.script = Script(fault="status_500")
        with pytest.raises(openai.APIStatusError) as failed:
            await create(model="scripted", messages=_ONCE)
        engine.script = Script("Well again.")
        assert (await create(model="scripted", messages=_ONCE)).choices[0].message.content == "Well again."
    assert (failed.value.status_code, failed.value.code) == (502, "engine_failed")


async def test_a_busy_engine_says_when_to_come_back(scripted: Served, engine: ScriptedOllama) -> None:
    """One writes, one waits; the third is refused."""
    engine.script = Script("word " * 400, tokens_per_second=100)
    async with scripted.openai as client:
        create: Any = client.chat.completions.create
        first = await create(model="scripted", messages=_ONCE, stream=True)
        await anext(first.__aiter__())
        others = [asyncio.ensure_future(create(model="scripted", messages=_ONCE)) for _ in range(2)]
        done, waiting = await asyncio.wait(others, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        await first.close()
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
    refused = next(iter(done)).exception()
    assert isinstance(refused, openai.RateLimitError)
    assert refused.code == "rate_limit_exceeded"
    assert int(refused.response.headers["retry-after"]) > 0


@pytest.mark.parametrize("stream", [True, False])
async def test_who_hangs_up_stops_the_engine(scripted: Served, engine: ScriptedOllama, *, stream: bool) -> None:
    engine.script = Script("word " * 1000, tokens_per_second=50)
    engine.received.clear()
    async with scripted.openai as client:
        create: Any = client.chat.completions.create
        asking = asyncio.ensure_future(create(model="scripted", messages=_ONCE, stream=stream))
        request = await engine.wait_received("/api/chat")
        if stream:
            await (await asking).close()
        else:
            await asyncio.sleep(0.2)  # it writes already
            asking.cancel()
        left = time.monotonic()
        await request.wait_ended()
    assert request.closed_at is not None
    assert request.closed_at - left < 0.3


async def test_what_was_written_before_a_failure_stays(scripted: Served, engine: ScriptedOllama) -> None:
    engine.script = Script("The revenue was 12 million.", fault="cut")
    words = ""
    async with scripted.openai as client, scripted.ollama() as other:
        create: Any = client.chat.completions.create

        async def read() -> None:
            nonlocal words
            async for chunk in await create(model="scripted", messages=_ONCE, stream=True):
                words += chunk.choices[0].delta.content or ""

        async def read_other() -> None:
            nonlocal words
            async for line in await other.chat("scripted", [{"role": "user", "content": "?"}], stream=True):
                words += line.message.content or ""

        with pytest.raises(openai.APIError) as broken:
            await read()
        with pytest.raises(ollama.ResponseError):
            await read_other()
        assert (words, broken.value.code) == ("The revenue was" * 2, "engine_failed")
        engine.script = Script("Well again.")
        done = await create(model="scripted", messages=_ONCE)
        assert done.choices[0].message.content == "Well again."


def _secret(key: str) -> Any:
    """Langchain takes a function, so that the key is not in its picture of itself."""
    return lambda: key
