"""Every way a model server fails: an error of ours within its time, what was written kept, the engine told to stop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import numpy as np
import pytest

from appliance.core.errors import ApplianceError, EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.core.settings_sections import Embedder as EmbedderSettings
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.core.text import said
from appliance.engines import circuit
from appliance.engines.model_errors import ModelCannot, ModelNotFound
from appliance.engines.ollama import Ollama
from appliance.engines.ollama_embedder import OllamaEmbedder, connect_ollama_embedder
from appliance.engines.openai import OpenAiCompatible
from appliance.ports.chat import ChatRequest, Delta, Message
from appliance.ports.language_model import LanguageModel
from tests.engines.processes import free_port
from tests.scripted_ollama import Fault, Script, ScriptedOllama
from tests.scripted_wire import Exchange, WireServer

FIRST_SECONDS, IDLE_SECONDS = 1.5, 1.0
SLACK_SECONDS = 3.0  # a busy machine
REQUEST = ChatRequest(messages=[Message("user", "Why?")], max_tokens=50)
WIRES = ["ollama", "openai"]


def adapter(wire: str, url: str) -> Ollama | OpenAiCompatible:
    times = {"first_token_timeout_seconds": FIRST_SECONDS, "idle_timeout_seconds": IDLE_SECONDS}
    settings = msgspec.convert({"kind": wire, "url": url, **times}, LanguageModelSettings)
    return Ollama(settings) if wire == "ollama" else OpenAiCompatible(settings)


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def server() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama() as running:
        yield running


@pytest.fixture
async def model(wire: str, server: ScriptedOllama) -> AsyncIterator[LanguageModel]:
    async with adapter(wire, server.url) as opened:
        yield opened


async def read(model: LanguageModel) -> tuple[str, Delta | ApplianceError]:
    """What was written, and how it ended."""
    text, delta = "", Delta()
    try:
        async for delta in model.stream(REQUEST):
            text += delta.text
    except ApplianceError as error:
        return text, error
    return text, delta


@pytest.mark.parametrize(
    "fault,error,written,seconds",
    [
        ("hang", EngineTimedOut, "", FIRST_SECONDS),
        ("stall", EngineTimedOut, "The revenue was", IDLE_SECONDS),
        ("one_byte_per_second", EngineTimedOut, "The revenue was", IDLE_SECONDS),
        ("cut", EngineFailed, "The revenue was", 0),
        ("ends_early", EngineFailed, "The revenue was", 0),
        ("garbage", EngineFailed, "The revenue was", 0),
        ("wrong_types", EngineFailed, "The revenue was", 0),
        ("invalid_utf8", EngineFailed, "The revenue was", 0),
        ("huge_line", EngineFailed, "The revenue was", 0),
        ("error_midstream", EngineFailed, "The revenue was", 0),
        ("status_400", ModelCannot, "", 0),
        ("status_500", EngineFailed, "", 0),
        ("status_503", EngineFailed, "", 0),
        ("redirect", EngineFailed, "", 0),
    ],
)
async def test_each_fault(
    model: LanguageModel,
    server: ScriptedOllama,
    *,
    fault: Fault,
    error: type[ApplianceError],
    written: str,
    seconds: float,
) -> None:
    server.script = Script(fault=fault)
    started = time.monotonic()
    text, ended = await read(model)
    assert isinstance(ended, error)
    assert text == written
    assert time.monotonic() - started < seconds + SLACK_SECONDS
    server.script = Script("Well again.")
    assert (await read(model))[0] == "Well again.", "the next answer is untouched"


@pytest.mark.parametrize("fault", ["garbage", "huge_line", "one_byte_per_second", "repeats_forever", "hang"])
async def test_a_failing_engine_is_hung_up_on(model: LanguageModel, server: ScriptedOllama, fault: Fault) -> None:
    server.script = Script(fault=fault)
    await read(model)
    request = server.received[-1]
    await request.wait_ended()
    assert fault == "garbage" or request.closed_at is not None


async def test_an_engine_that_never_ends_is_held_to_the_limit(model: LanguageModel, server: ScriptedOllama) -> None:
    server.script = Script(fault="repeats_forever")
    text, ended = await read(model)
    assert isinstance(ended, Delta)
    assert ended.reason == "length"
    assert REQUEST.max_tokens <= len(text.split()) <= REQUEST.max_tokens + 5


async def test_an_engine_that_is_not_there(wire: str) -> None:
    async with adapter(wire, f"http://127.0.0.1:{free_port()}") as model:
        with pytest.raises(EngineUnavailable):
            await model.resolve(None)
        assert isinstance((await read(model))[1], EngineUnavailable)
        health = await model.check()
    assert (health.ok, "cannot be reached" in said(health.detail, "en")) == (False, True)


async def test_an_engine_that_dies_and_comes_back(model: LanguageModel, server: ScriptedOllama) -> None:
    assert isinstance((await read(model))[1], Delta)
    await server.refuse()
    assert isinstance((await read(model))[1], EngineUnavailable)
    await server.accept()
    assert isinstance((await read(model))[1], Delta)


async def test_stop_reaches_the_engine(model: LanguageModel, server: ScriptedOllama) -> None:
    server.script = Script("word " * 1000, tokens_per_second=20)
    async with aclosing(model.stream(REQUEST)) as deltas:  # pyright: ignore[reportArgumentType]
        await anext(deltas)
        stopped_at = time.monotonic()
    request = server.received[-1]
    await request.wait_ended()
    assert request.closed_at is not None
    assert request.closed_at - stopped_at < 0.3


async def test_stop_reaches_an_engine_that_has_said_nothing_yet(model: LanguageModel, server: ScriptedOllama) -> None:
    server.script = Script(first_token_seconds=30)
    task = asyncio.create_task(read(model))
    request = await server.wait_received("chat" if isinstance(model, Ollama) else "completions")
    task.cancel()
    stopped_at = time.monotonic()
    await asyncio.wait([task])
    await request.wait_ended()
    assert request.closed_at is not None
    assert request.closed_at - stopped_at < 0.3


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_a_stream_may_be_cut_anywhere(model: LanguageModel, server: ScriptedOllama, size: int) -> None:
    text = "Élan d’été : 12 € 🙂\n\nfin. " * 5
    server.script = Script(text, chunk_bytes=size)
    written, ended = await read(model)
    assert written == text
    assert isinstance(ended, Delta)


async def test_slow_headers_do_not_lengthen_the_wait(wire: str) -> None:
    class Trickle(WireServer):
        async def handle(self, exchange: Exchange) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + b"X-A: b\r\n" * 100:
                await exchange.send(bytes((byte,)))
                await exchange.pause(0.05)

    async with Trickle() as server, adapter(wire, server.url) as model:
        started = time.monotonic()
        with pytest.raises(EngineTimedOut):
            async for _ in model.stream(msgspec.structs.replace(REQUEST, model="any")):
                pass
        assert time.monotonic() - started < FIRST_SECONDS + SLACK_SECONDS


async def test_after_five_failures_nobody_waits(
    model: LanguageModel, server: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "_PAUSE_SECONDS", 0.5)
    server.script = Script(fault="hang")
    for _ in range(5):
        assert isinstance((await read(model))[1], EngineTimedOut)
    asked = len([request for request in server.received if request.method == "POST"])
    started = time.monotonic()
    assert isinstance((await read(model))[1], EngineUnavailable)
    assert time.monotonic() - started < FIRST_SECONDS
    assert len([request for request in server.received if request.method == "POST"]) == asked, "not even asked"
    server.script = Script("Back.")
    deadline = time.monotonic() + 5
    while (await read(model))[0] != "Back.":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_one_model_that_fails_does_not_stop_another(wire: str) -> None:
    async with ScriptedOllama(models=["broken:latest", "good:latest"]) as server, adapter(wire, server.url) as model:
        server.choose = lambda request: Script(fault="status_500") if request.model.startswith("broken") else None
        for _ in range(6):
            with pytest.raises((EngineFailed, EngineUnavailable)):
                async for _ in model.stream(msgspec.structs.replace(REQUEST, model="broken:latest")):
                    pass
        deltas = [delta async for delta in model.stream(msgspec.structs.replace(REQUEST, model="good:latest"))]
        assert deltas[-1].reason == "stop"


class NonsenseServer(WireServer):
    """Answers every call with the same wrong JSON."""

    nonsense = b"null"

    async def handle(self, exchange: Exchange) -> None:
        await exchange.answer(200, self.nonsense, Content_Type="application/json")


@pytest.mark.parametrize(
    "nonsense",
    [b"null", b"[]", b'{"models": [1], "data": 5}', b"<html>", b"\xff", b"[" * 900_000, b"", b'{"data": [3]}'],
)
async def test_lists_of_models_that_make_no_sense(wire: str, nonsense: bytes) -> None:
    async with NonsenseServer() as server, adapter(wire, server.url) as model:
        server.nonsense = nonsense
        try:
            assert await model.resolve(None) is None
        except EngineFailed:
            assert not (await model.check()).ok


async def embedder(server: ScriptedOllama) -> OllamaEmbedder:
    settings = EmbedderSettings(kind="ollama", url=server.url, model="scripted-embed", timeout_seconds=FIRST_SECONDS)
    return await connect_ollama_embedder(settings)


async def test_embedding_over_the_wire(server: ScriptedOllama) -> None:
    async with await embedder(server) as model:
        passages = await model.embed_passages([f"passage number {number}" for number in range(70)])
        query = await model.embed_query("passage number 7")
        assert (await model.check()).ok
    assert len(passages) == 70
    assert all(abs(float(np.linalg.norm(passage.dense)) - 1) < 1e-5 for passage in passages)
    assert int(np.argmax([passage.dense @ query.dense for passage in passages])) == 7


@pytest.mark.parametrize(
    "fault,error",
    [
        ("hang", EngineTimedOut),
        ("status_500", EngineFailed),
        ("status_503", EngineFailed),
        ("redirect", EngineFailed),
        ("garbage", EngineFailed),
        ("cut", EngineFailed),
        ("wrong_dimension", EngineFailed),
        ("nan", EngineFailed),
        ("too_few", EngineFailed),
    ],
)
async def test_each_fault_of_an_embedder(server: ScriptedOllama, fault: Fault, error: type[ApplianceError]) -> None:
    async with await embedder(server) as model:
        server.script = Script(fault=fault)
        started = time.monotonic()
        for call in (model.embed_passages(["one", "two"]), model.embed_query("one")):
            with pytest.raises(ApplianceError) as caught:
                await call
            assert isinstance(caught.value, error)
        health = await model.check()
        assert not health.ok
        assert time.monotonic() - started < 3 * (FIRST_SECONDS + SLACK_SECONDS)
        server.script = Script()
        assert (await model.check()).ok


async def test_an_embedder_that_is_not_there(server: ScriptedOllama) -> None:
    settings = EmbedderSettings(kind="ollama", url=server.url, model="nobody")
    with pytest.raises(ModelNotFound):
        await connect_ollama_embedder(settings)
    async with await embedder(server) as model:
        await server.refuse()
        with pytest.raises(EngineUnavailable):
            await model.embed_query("one")
