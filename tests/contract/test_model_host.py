"""What every ModelHost promises: models come and go, into memory and out, each by its name."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.database import now
from appliance.core.errors import EngineUnavailable
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.engines.memory import MemoryModelHost
from appliance.engines.model_errors import (
    ModelNotFound,
    ModelRefused,
    ModelsElsewhere,
    NoModelEngine,
    PullFailed,
)
from appliance.engines.ollama_host import OllamaHost
from appliance.engines.other_hosts import NoHost, OpenAiHost
from appliance.ports.model_host import Measured, ModelHost, RunningModel
from tests.engines.fixtures import Reached
from tests.engines.processes import free_port
from tests.engines.weights import MINILM, STORIES, data_directory
from tests.scripted_models import Pull, ScriptedModels

_REAL = pytest.param("ollama_real", marks=pytest.mark.engine)


@dataclass
class Case:
    """A host, a model that writes and one that embeds."""

    host: ModelHost
    writes: str
    embeds: str
    is_real: bool = False


@pytest.fixture(params=["memory", "ollama_scripted", _REAL])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    if request.param == "memory":
        yield Case(MemoryModelHost(["writes:latest", "embeds:latest"]), "writes:latest", "embeds:latest")
    elif request.param == "ollama_scripted":
        async with ScriptedModels() as server, OllamaHost(server.url) as host:
            yield Case(host, "scripted:latest", "scripted-embed:latest")
    else:
        real: Reached = request.getfixturevalue("ollama_server")
        async with OllamaHost(real.url) as host:
            yield Case(host, STORIES, MINILM, is_real=True)


async def in_memory(case: Case, name: str, *, there: bool) -> RunningModel | None:
    """Wait until a model is in memory, or no more: Ollama ends a runner beside its answer."""
    async with asyncio.timeout(20):
        while True:
            found = next((model for model in await case.host.running() if name in model.names), None)
            if (found is not None) == there:
                return found
            await asyncio.sleep(0.05)


async def test_it_lists_by_name(case: Case) -> None:
    await case.host.require()
    assert await case.host.version()
    models = {model.name: model for model in await case.host.list()}
    assert list(models) == sorted(models)
    assert models[case.writes].size > 1_000_000
    assert len(models[case.writes].digest) == 64
    assert models[case.writes].modified_at is not None
    assert not models[case.writes].embeds
    assert models[case.embeds].embeds


async def test_it_shows_what_a_model_can_do(case: Case) -> None:
    writes, embeds = await case.host.show(case.writes), await case.host.show(case.embeds)
    assert writes.capabilities == ("completion",)
    assert embeds.capabilities == ("embedding",)
    assert writes.context_length is not None


async def test_in_and_out_of_memory(case: Case) -> None:
    await case.host.load(case.writes, context_length=128, keep_alive_seconds=600)
    running = await in_memory(case, case.writes, there=True)
    assert running is not None
    assert running.context_length == 128
    assert running.size > 0
    assert running.expires_at is not None
    assert timedelta(seconds=500) < running.expires_at - now() < timedelta(seconds=700)
    await case.host.load(case.writes, context_length=128, keep_alive_seconds=-1)
    running = await in_memory(case, case.writes, there=True)
    assert running is not None
    assert running.expires_at is None, "for good"
    await case.host.unload(case.writes)
    await in_memory(case, case.writes, there=False)


async def test_a_model_that_embeds_is_loaded_too(case: Case) -> None:
    await case.host.load(case.embeds, context_length=128, keep_alive_seconds=None)
    await in_memory(case, case.embeds, there=True)
    await case.host.unload(case.embeds)
    await in_memory(case, case.embeds, there=False)


async def test_what_is_not_there(case: Case) -> None:
    for call in (
        case.host.show("nobody/nothing"),
        case.host.load("nobody/nothing", context_length=128, keep_alive_seconds=None),
        case.host.unload("nobody/nothing"),
        case.host.remove("nobody/nothing"),
    ):
        with pytest.raises(ModelNotFound):
            await call
    assert not await case.host.has_blob(f"sha256:{'0' * 64}")


def weights_for(case: Case, directory: Path) -> Path:
    """A file to make models of."""
    if case.is_real:
        return data_directory() / "models" / "llm-stories260K" / "stories260Ktok512.gguf"
    path = directory / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(3_000_000))
    return path


def digest_of(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


async def test_models_of_the_same_weights_are_in_memory_together(case: Case, tmp_path: Path) -> None:
    """And once: neither is counted twice, and each goes by its own name."""
    path = weights_for(case, tmp_path)
    digest = digest_of(path)
    _ = [count async for count in case.host.upload_blob(digest, path)]
    names = [f"{word}-{secrets.token_hex(4)}:latest" for word in ("first", "second")]
    for name, template in zip(names, ("{{ .Prompt }}", "FROM {{ .Prompt }}"), strict=True):
        _ = [step async for step in case.host.create(name, digest, template=template)]
    for name in names:
        await case.host.load(name, context_length=128, keep_alive_seconds=600)
        running = await case.host.running()
        assert [one.names.count(name) for one in running if name in one.names] == [1]
        assert len([one for one in running if set(names) & set(one.names)]) == 1
    await case.host.load(case.embeds, context_length=128, keep_alive_seconds=600)
    embedder = await in_memory(case, case.embeds, there=True)
    assert embedder is not None
    assert not set(names) & set(embedder.names), "other weights"
    await case.host.unload(names[1])
    await in_memory(case, names[0], there=False)
    await case.host.load(names[0], context_length=128, keep_alive_seconds=-1)
    await case.host.remove(names[0])
    for name in names:
        await in_memory(case, name, there=False)
    await case.host.remove(names[1])
    await case.host.unload(case.embeds)


async def test_a_file_becomes_a_model_and_goes_again(case: Case, tmp_path: Path) -> None:
    path = weights_for(case, tmp_path)
    digest = digest_of(path)
    counts = [count async for count in case.host.upload_blob(digest, path)]
    assert counts[-1] == path.stat().st_size
    assert await case.host.has_blob(digest)
    name = f"made-{secrets.token_hex(4)}:latest"
    steps = [step async for step in case.host.create(name, digest, template="{{ .Prompt }}", settings={"top_k": 7})]
    assert steps[-1] == "success"
    assert name in {model.name for model in await case.host.list()}
    await case.host.remove(name)
    assert name not in {model.name for model in await case.host.list()}


async def test_speed_is_what_the_engine_counted(case: Case) -> None:
    steps = case.host.measure(case.writes, prompt="Once upon a time", max_tokens=16, context_length=128)
    *counts, last = [step async for step in steps]
    assert isinstance(last, Measured)
    assert all(isinstance(count, int) for count in counts)
    assert 0 < last.tokens <= 16
    assert last.seconds > 0
    assert last.prompt_tokens > 0
    embedding = [step async for step in case.host.measure(case.embeds, prompt="Once", max_tokens=9, context_length=128)]
    assert isinstance(embedding[-1], Measured)
    assert embedding[-1].prompt_tokens > 0
    assert embedding[-1].tokens == 0


async def test_a_pull_that_fails_says_why(case: Case) -> None:
    with pytest.raises(PullFailed):
        async for _ in case.host.pull(f"127.0.0.1:{free_port()}/library/missing", insecure=True):
            pass


async def test_a_pull_is_told_and_leaving_it_stops_the_engine() -> None:
    async with ScriptedModels() as server, OllamaHost(server.url) as host:
        steps = [step async for step in host.pull("127.0.0.1:5000/library/x", insecure=True)]
        assert [step.status for step in (steps[0], steps[-1])] == ["pulling manifest", "success"]
        assert steps[-2].completed == steps[-2].total == 1_000_000
        assert server.last("/api/pull").body == {"model": "127.0.0.1:5000/library/x", "insecure": True, "stream": True}
        server.pulls = Pull(steps=1000, seconds_per_step=0.05)
        server.received.clear()
        pulling: Any = host.pull("127.0.0.1:5000/library/y", insecure=True)
        async with aclosing(pulling):
            assert (await anext(pulling)).status == "pulling manifest"
        pulled = await server.wait_received("/api/pull")
        await pulled.wait_ended()
        assert pulled.closed_at is not None


async def test_an_upload_that_is_left_is_no_blob(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(100_000))
    async with ScriptedModels() as server, OllamaHost(server.url) as host:
        wrong = f"sha256:{'1' * 64}"
        with pytest.raises(ModelRefused, match="digest mismatch"):
            _ = [count async for count in host.upload_blob(wrong, path)]
        with pytest.raises(ModelRefused, match="does not exist"):
            _ = [step async for step in host.create("x", wrong)]
        assert server.blobs == set()


async def test_an_engine_that_is_away() -> None:
    async with OllamaHost(f"http://127.0.0.1:{free_port()}") as host:
        with pytest.raises(EngineUnavailable):
            await host.require()


async def test_a_server_that_only_lists(tmp_path: Path) -> None:
    async with ScriptedModels() as server:
        settings = msgspec.convert({"kind": "openai", "url": server.url}, LanguageModelSettings)
        async with OpenAiHost(settings) as host:
            assert [model.name for model in await host.list()] == ["scripted-embed:latest", "scripted:latest"]
            await host.show("scripted:latest")
            with pytest.raises(ModelNotFound):
                await host.show("nobody")
            assert await host.running() == []
            await refuses(host, ModelsElsewhere, tmp_path)


async def test_where_there_is_none(tmp_path: Path) -> None:
    async with NoHost() as host:
        assert await host.list() == []
        await refuses(host, NoModelEngine, tmp_path)


async def refuses(host: ModelHost, kind: type[Exception], path: Path) -> None:
    assert not host.manages
    digest = f"sha256:{'0' * 64}"
    for call in (
        host.require(),
        host.load("x", context_length=128, keep_alive_seconds=None),
        host.unload("x"),
        host.remove("x"),
        host.has_blob(digest),
    ):
        with pytest.raises(kind):
            await call
    streams: list[Any] = [
        host.pull("x", insecure=False),
        host.upload_blob(digest, path),
        host.create("x", digest),
        host.measure("x", prompt="x", max_tokens=1, context_length=128),
    ]
    for stream in streams:
        with pytest.raises(kind):
            await anext(stream)
