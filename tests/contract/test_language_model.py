"""What every LanguageModel promises: a stream of words, its end and its cost; stopped when its reader leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
import pytest

from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.engines.memory import MemoryLanguageModel
from appliance.engines.model_errors import ModelNotFound
from appliance.engines.ollama import AutomaticOllama, Ollama
from appliance.engines.ollama_host import OllamaHost
from appliance.engines.openai import OpenAiCompatible
from appliance.ports.chat import ChatRequest, Delta, Message
from appliance.ports.language_model import LanguageModel
from tests.engines.fixtures import Reached
from tests.engines.processes import free_port
from tests.engines.weights import MINILM, STORIES
from tests.scripted_ollama import Script, ScriptedOllama

_OLLAMAS_LENGTH = 4096
"""The context that Ollama gives whoever does not say."""
TEXT = "Le chiffre d’affaires était de 12 millions d’euros en 2024 [1]. 🙂 Fin."


@dataclass
class Case:
    """An adapter, the model it should choose, and what it says (None where only the engine knows)."""

    model: LanguageModel
    name: str
    text: str | None
    host: OllamaHost | None = None
    """Where slots that Ollama lost are got back: its own adapter does that, the one for OpenAI's wire has no way to."""

    async def after_leaving(self) -> None:
        if self.host is not None:
            await self.host.free(self.name, context_length=_OLLAMAS_LENGTH)


def settings(kind: str, url: str, model: str = "") -> LanguageModelSettings:
    return msgspec.convert({"kind": kind, "url": url, "model": model, "context_length": 128}, LanguageModelSettings)


_REAL = pytest.mark.engine
_CASES = [
    "memory",
    "ollama_scripted",
    "openai_scripted",
    pytest.param("ollama_real", marks=_REAL),
    pytest.param("openai_real", marks=_REAL),
]


@pytest.fixture(params=_CASES)
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    wire, _, engine = request.param.partition("_")
    if wire == "memory":
        yield Case(MemoryLanguageModel(TEXT), "memory", TEXT)
    elif engine == "scripted":
        async with ScriptedOllama(Script(TEXT)) as server, _adapter(wire, server.url) as model:
            yield Case(model, "scripted:latest", TEXT)
    else:
        real: Reached = request.getfixturevalue("ollama_server")
        # OpenAI's list of models does not tell those that write from those that only embed.
        async with _adapter(wire, real.url, STORIES if wire == "openai" else "") as model, OllamaHost(real.url) as host:
            yield Case(model, STORIES, None, host if wire == "openai" else None)


def _adapter(wire: str, url: str, model: str = "") -> Ollama | OpenAiCompatible:
    return Ollama(settings(wire, url, model)) if wire == "ollama" else OpenAiCompatible(settings(wire, url, model))


def ask(content: str = "Once upon a time", *, max_tokens: int = 40, **more: object) -> ChatRequest:
    return ChatRequest(messages=[Message("user", content)], max_tokens=max_tokens, **more)  # pyright: ignore[reportArgumentType]


async def read(model: LanguageModel, request: ChatRequest) -> list[Delta]:
    return [delta async for delta in model.stream(request)]


async def test_it_writes_and_says_how_it_ended(case: Case) -> None:
    deltas = await read(case.model, ask())
    text = "".join(delta.text for delta in deltas)
    *middle, last = deltas
    assert text == case.text if case.text else len(text) > 20
    assert len(middle) > 5, "in pieces, as they come"
    assert all(delta.reason is None and delta.usage is None for delta in middle)
    assert last.reason in {"stop", "length"}
    assert last.usage is not None
    assert last.usage.prompt_tokens > 0
    assert 5 < last.usage.completion_tokens <= 40


async def test_it_keeps_to_the_limit(case: Case) -> None:
    *middle, last = await read(case.model, ask(max_tokens=4))
    assert last.reason == "length"
    assert last.usage is not None
    assert 0 < last.usage.completion_tokens <= 4
    assert 0 < len(middle) <= 4


async def test_the_same_seed_says_the_same(case: Case) -> None:
    first, second = [await read(case.model, ask(seed=7, temperature=0.0)) for _ in range(2)]
    assert "".join(delta.text for delta in first) == "".join(delta.text for delta in second)


async def test_it_names_its_model(case: Case) -> None:
    assert await case.model.resolve(None) == case.name
    assert await case.model.resolve(case.name) == case.name
    named = await read(case.model, ask(model=case.name))
    assert named[-1].reason is not None


async def test_a_model_that_is_not_there(case: Case) -> None:
    with pytest.raises(ModelNotFound):
        await case.model.resolve("nobody/nothing")
    with pytest.raises(ModelNotFound):
        await read(case.model, ask(model="nobody/nothing"))


async def test_leaving_in_the_middle_harms_nobody(case: Case) -> None:
    for _ in range(5):
        async with aclosing(case.model.stream(ask())) as deltas:  # pyright: ignore[reportArgumentType]
            assert (await anext(deltas)).reason is None
        await case.after_leaving()
    assert (await read(case.model, ask()))[-1].reason is not None


async def test_a_cancelled_reader_harms_nobody(case: Case) -> None:
    started = asyncio.Event()

    async def follow() -> None:
        async for _ in case.model.stream(ask()):
            started.set()

    task = asyncio.create_task(follow())
    await asyncio.wait_for(started.wait(), 20)
    task.cancel()
    await asyncio.wait([task])
    await case.after_leaving()
    assert (await read(case.model, ask()))[-1].reason is not None


async def test_many_at_once(case: Case) -> None:
    answers = await asyncio.gather(*(read(case.model, ask(max_tokens=12)) for _ in range(12)))
    assert [deltas[-1].reason is not None for deltas in answers] == [True] * 12


async def test_check_says_that_it_is_well(case: Case) -> None:
    health = await case.model.check()
    assert health.ok, health


@pytest.mark.engine
@pytest.mark.parametrize("wire", ["ollama", "openai"])
async def test_a_real_engine_keeps_to_a_shape(ollama_server: Reached, wire: str) -> None:
    shape = {"type": "object", "properties": {"agent": {"enum": ["audrey", "carole"]}}, "required": ["agent"]}
    async with _adapter(wire, ollama_server.url, STORIES) as model:
        deltas = await read(model, ask(max_tokens=60, shape=shape, seed=1))
    answer = msgspec.json.decode("".join(delta.text for delta in deltas))
    assert answer["agent"] in {"audrey", "carole"}


@pytest.mark.engine
async def test_a_real_engine_that_only_embeds_is_not_chosen(ollama_server: Reached) -> None:
    async with Ollama(settings("ollama", ollama_server.url)) as model:
        assert await model.resolve(None) == STORIES
        assert await model.resolve("all-minilm") == MINILM


@pytest.mark.parametrize("wire", ["ollama", "openai"])
async def test_what_is_sent(wire: str) -> None:
    shape = {"type": "object"}
    async with ScriptedOllama() as server, _adapter(wire, server.url) as model:
        request = ask("Question?", max_tokens=9, shape=shape, seed=5, temperature=0.5)
        await read(model, request)
        body = server.last("/api/chat" if wire == "ollama" else "/v1/chat/completions").body
    assert body["messages"] == [{"role": "user", "content": "Question?"}]
    assert body["stream"] is True
    if wire == "ollama":
        assert body["format"] == shape
        assert body["options"] == {"num_predict": 9, "temperature": 0.5, "num_ctx": 128, "seed": 5}
    else:
        assert (body["max_tokens"], body["temperature"], body["seed"]) == (9, 0.5, 5)
        assert body["response_format"]["json_schema"]["schema"] == shape
    assert server.prompts == ["Question?"]


async def test_the_automatic_one_waits_for_an_ollama_to_be_started() -> None:
    port = free_port()
    async with AutomaticOllama(settings("auto", f"http://127.0.0.1:{port}")) as model:
        assert await model.resolve(None) is None
        assert (await model.check()).kind == "none"
        async with ScriptedOllama(port=port):
            assert await model.resolve(None) == "scripted:latest"
            assert (await model.check()).kind == "ollama"
        assert (await model.check()).kind == "none"
        assert await model.resolve(None) is None


@pytest.mark.parametrize("wire", ["ollama", "openai"])
async def test_many_who_ask_at_once_are_one_call(wire: str) -> None:
    async with ScriptedOllama() as server, _adapter(wire, server.url) as model:
        names = await asyncio.gather(*(model.resolve("scripted:latest") for _ in range(50)))
        listed = [request for request in server.received if request.path in {"/api/tags", "/v1/models"}]
        assert set(names) == {"scripted:latest"}
        assert len(listed) == 1
        server.models.append("arrived:latest")
        assert await model.resolve("arrived:latest") == "arrived:latest"


@pytest.mark.parametrize("wire", ["ollama", "openai"])
async def test_a_model_that_went_is_not_named_again(wire: str) -> None:
    async with ScriptedOllama(models=("one:latest",)) as server, _adapter(wire, server.url) as model:
        assert await model.resolve("one:latest") == "one:latest"
        server.models.remove("one:latest")
        with pytest.raises(ModelNotFound):
            await read(model, ask("Hello", model="one:latest"))
        with pytest.raises(ModelNotFound):
            await model.resolve("one:latest")
