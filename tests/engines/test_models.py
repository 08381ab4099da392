"""Models from a real registry into a real Ollama, over our REST: fetched, stopped in the middle, brought in, loaded, measured."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from appliance.asgi import create_app
from appliance.bootstrap import Appliance, Engines, build
from appliance.core.settings import load_settings
from appliance.engines.memory import MemoryEmbedder, MemoryParser, MemoryStore, MemoryVectorStore
from tests.engines.fixtures import Reached
from tests.engines.weights import STORIES, data_directory
from tests.scripted_models import ScriptedModels
from tests.scripted_wire import Exchange, WireServer

pytestmark = pytest.mark.engine
_SMALL_BYTES = 100_000
_TEMPLATE = "{{ range .Messages }}{{ .Content }} {{ end }}"


@asynccontextmanager
async def calling(directory: Path, ollama: str, **flags: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Appliance]]:
    """Our REST over a real Ollama, as the first admin; all else in memory."""
    settings = {"language_model.kind": "ollama", "language_model.url": ollama, "language_model.context_length": 128}
    loaded = load_settings(directory, environment={}, flags=settings | flags)
    engines = Engines(
        parser=MemoryParser(), embedder=MemoryEmbedder(), vectors=MemoryVectorStore(), objects=MemoryStore()
    )
    async with build(loaded, engines) as appliance:
        await appliance.people.ensure_first_admin()
        headers = {"authorization": f"Bearer {appliance.access.control_token}"}
        transport = httpx.ASGITransport(create_app(appliance))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=60
        ) as api:
            yield api, appliance


@pytest.fixture
async def api(ollama_server: Reached, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(tmp_path, ollama_server.url) as (client, _):
        yield client


def _stories() -> Path:
    return data_directory() / "models" / "llm-stories260K" / "stories260Ktok512.gguf"


async def push_another(ollama: str, registry: str) -> str:
    """Have the registry hold a model whose bytes no Ollama has: made there, pushed, deleted, its blob gone with it."""
    name = f"{urlsplit(registry).netloc}/library/other-{secrets.token_hex(4)}:latest"
    body = _stories().read_bytes() + secrets.token_bytes(64)
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    async with httpx.AsyncClient(base_url=ollama, timeout=60, trust_env=False) as engine:
        (await engine.post(f"/api/blobs/{digest}", content=body)).raise_for_status()
        made = await engine.post("/api/create", json={"model": name, "files": {"m.gguf": digest}, "stream": False})
        assert made.json() == {"status": "success"}, made.text
        pushed = await engine.post("/api/push", json={"model": name, "insecure": True, "stream": False})
        assert pushed.json() == {"status": "success"}, pushed.text
        (await engine.request("DELETE", "/api/delete", json={"model": name})).raise_for_status()
        assert (await engine.head(f"/api/blobs/{digest}")).status_code == 404
    return name


@pytest.fixture
async def mirrored(ollama_server: Reached, registry_server: Reached) -> str:
    """A model that only the registry has. Gives its name."""
    return await push_another(ollama_server.url, registry_server.url)


def events_of(answer: httpx.Response) -> list[tuple[str, Any]]:
    """Each event's name and data."""
    assert answer.status_code == 200, answer.text
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.text.strip().split("\n\n")]
    return [(block["event"], msgspec.json.decode(block["data"])) for block in blocks]


async def names_of(api: httpx.AsyncClient) -> set[str]:
    return {model["name"] for model in (await api.get("/api/models")).json()["models"]}


async def test_a_model_is_fetched_from_a_registry_on_the_network(api: httpx.AsyncClient, mirrored: str) -> None:
    assert mirrored not in await names_of(api)
    events = events_of(await api.post("/api/models/pull", json={"model": mirrored, "insecure": True}))
    assert events[0] == ("start", {"task": "pull", "model": mirrored})
    assert events[-1] == ("done", {"model": mirrored})
    steps = [data for name, data in events if name == "progress"]
    assert any(step["completed"] == step["total"] > 0 for step in steps)
    assert steps[-1]["status"] == "success"
    assert mirrored in await names_of(api)
    assert (await api.delete(f"/api/models/{mirrored}")).status_code == 204
    assert mirrored not in await names_of(api)


async def test_plain_http_has_to_be_allowed_and_what_is_not_there_is_said(
    api: httpx.AsyncClient, mirrored: str
) -> None:
    # 127.0.0.1 is a registry Ollama speaks HTTP to by itself; a name that is not there fails either way.
    answer = await api.post("/api/models/pull", json={"model": f"{mirrored}-no", "insecure": True})
    name, problem = events_of(answer)[-1]
    assert name == "error"
    assert problem["type"] == "urn:appliance:pull_failed"
    assert "file does not exist" in problem["detail"]


class SlowRegistry(WireServer):
    """Stands before the registry, and hands blobs out piece by piece."""

    def __init__(self, behind: str) -> None:
        super().__init__()
        self._behind = behind

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        async with httpx.AsyncClient(base_url=self._behind, trust_env=False, follow_redirects=True) as client:
            asked = {name: value for name, value in request.headers.items() if name in {"accept", "range"}}
            answer = await client.request(request.method, request.path, headers=asked)
        kept = {"content-type", "content-length", "content-range", "docker-content-digest", "location"}
        lines = [f"{name}: {value}" for name, value in answer.headers.items() if name in kept]
        await exchange.send("\r\n".join([f"HTTP/1.1 {answer.status_code} OK", *lines, "", ""]).encode())
        for start in range(0, len(answer.content), 20_000):
            await exchange.send(answer.content[start : start + 20_000])
            await exchange.pause(0.5 if len(answer.content) > 100_000 else 0)


async def test_stop_ends_the_pull_in_ollama_too(
    ollama_server: Reached, registry_server: Reached, tmp_path: Path
) -> None:
    """The registry sees Ollama hang up, within a second of the stop."""
    async with SlowRegistry(registry_server.url) as slow, calling(tmp_path, ollama_server.url) as (api, appliance):
        name = await push_another(ollama_server.url, registry_server.url)
        model = name.replace(urlsplit(registry_server.url).netloc, urlsplit(slow.url).netloc)
        pulling = asyncio.ensure_future(api.post("/api/models/pull", json={"model": model, "insecure": True}))
        async with asyncio.timeout(30):
            while not (tasks := (await api.get("/api/models/tasks")).json()["items"]):
                await asyncio.sleep(0.05)
            run = tasks[0]["run_id"]
            live = next(iter(appliance.runs._journal.live.values()))
            async with aclosing(live.follow()) as events:  # pyright: ignore[reportArgumentType]
                async for event in events:
                    if (
                        event is not None
                        and event.name == "progress"
                        and 0 < event.data["completed"] < event.data["total"]
                    ):
                        break
        assert (await api.post(f"/api/runs/{run}/stop")).status_code == 200
        answer = await asyncio.wait_for(pulling, 10)
        assert events_of(answer)[-1] == ("stopped", {"model": model})
        async with asyncio.timeout(10):
            while not all(request.ended.is_set() for request in slow.received):
                await asyncio.sleep(0.05)
        blobs = [request for request in slow.received if "/blobs/" in request.path and request.method == "GET"]
        assert any(request.closed_at is not None for request in blobs), "Ollama left in the middle"
        assert model not in await names_of(api)
        assert (await api.get("/api/models/show", params={"name": model})).status_code == 404
        assert (await api.get("/api/models/tasks")).json()["items"] == []
        for request in blobs:  # no blob is there under its name before all of it was read and checked
            digest = request.path.rpartition("/")[2]
            size = len((await _call(registry_server.url, "GET", request.path, None)).content)
            held = (await _call(ollama_server.url, "HEAD", f"/api/blobs/{digest}", None)).status_code == 200
            assert held <= (size < _SMALL_BYTES)
        again = await api.post("/api/models/pull", json={"model": name, "insecure": True})
        assert events_of(again)[-1] == ("done", {"model": name}), "nothing half is in the way"
        assert (await api.post("/api/models/load", json={"model": name})).json()["loaded"]
        await api.delete(f"/api/models/{name}")


async def _listed(api: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """A model as `/api/models` has it."""
    models = (await api.get("/api/models")).json()["models"]
    return next(model for model in models if model["name"] == name)


async def test_a_model_stays_in_memory_as_long_as_asked(api: httpx.AsyncClient) -> None:
    await api.post("/api/models/load", json={"model": STORIES, "keep_alive": "10m"})
    loaded = await _listed(api, STORIES)
    stays = datetime.fromisoformat(loaded["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < stays <= timedelta(minutes=10, seconds=5)
    assert loaded["loaded"]
    assert loaded["size_in_memory"] > 1_000_000

    await api.post("/api/models/load", json={"model": STORIES, "keep_alive": "-1"})
    loaded = await _listed(api, STORIES)
    assert (loaded["loaded"], loaded["expires_at"]) == (True, None), "for good"

    await api.post("/api/models/load", json={"model": STORIES, "keep_alive": "1s"})
    async with asyncio.timeout(20):
        while (await _listed(api, STORIES))["loaded"]:
            await asyncio.sleep(0.1)
    assert (await _listed(api, STORIES))["size_in_memory"] == 0

    await api.post("/api/models/load", json={"model": STORIES})
    assert (await _listed(api, STORIES))["loaded"]
    await api.post("/api/models/unload", json={"model": STORIES})
    async with asyncio.timeout(20):
        while (await _listed(api, STORIES))["loaded"]:
            await asyncio.sleep(0.1)


async def test_a_gguf_is_brought_in_loaded_measured_and_unloaded(api: httpx.AsyncClient) -> None:
    body, name = _stories().read_bytes(), f"brought-{secrets.token_hex(4)}:latest"
    digest = hashlib.sha256(body).hexdigest()
    refused = await api.post("/api/models/import", params={"name": name, "digest": "0" * 64}, content=body)
    assert refused.json()["type"] == "urn:appliance:digest_differs"
    assert name not in await names_of(api), "what differs is not kept under any name"
    parameters = {"name": name, "digest": digest, "template": _TEMPLATE}
    events = events_of(await api.post("/api/models/import", params=parameters, content=body))
    assert events[-1] == ("done", {"model": name, "digest": digest})

    await api.post("/api/models/load", json={"model": STORIES})  # its weights: Ollama has both in memory by that name
    loaded = (await api.post("/api/models/load", json={"model": name, "keep_alive": "10m"})).json()
    assert (loaded["loaded"], loaded["context_length"], loaded["trained_context_length"]) == (True, 128, 128)
    assert loaded["template"] == _TEMPLATE
    memory = (await api.get("/api/models/memory")).json()
    [held] = [one for one in memory["loaded"] if name in {one["name"], *one["also"]}]
    assert STORIES in {held["name"], *held["also"]}
    assert held["context_length"] == 128
    assert memory["models_ram_bytes"] > 1_000_000

    _, done = events_of(await api.post("/api/models/speed", json={"model": name}))[-1]
    speed = done["speed"]
    assert speed["prompt_tokens_per_second"] > speed["tokens_per_second"] / 10
    assert speed["tokens_per_second"] > 1
    assert 0 < speed["tokens"] <= 64
    assert (await api.get("/api/models/show", params={"name": name})).json()["speed"] == speed

    await api.post("/api/models/unload", json={"model": name})
    async with asyncio.timeout(20):
        while (await api.get("/api/models/show", params={"name": name})).json()["loaded"]:
            await asyncio.sleep(0.1)
    assert (await api.delete(f"/api/models/{name}")).status_code == 204


async def test_a_file_ollama_cannot_use_is_refused_with_its_words(api: httpx.AsyncClient) -> None:
    """An architecture it does not know; a head that is nonsense does not even reach it, since that would end it."""
    unknown = _stories().read_bytes().replace(b"llama", b"lhama")
    answer = await api.post("/api/models/import", params={"name": "unknown"}, content=unknown)
    if answer.status_code == 200 and events_of(answer)[-1][0] == "done":
        loaded = await api.post("/api/models/load", json={"model": "unknown"})
        assert loaded.json()["type"] in {"urn:appliance:model_refused", "urn:appliance:engine_failed"}
        await api.delete("/api/models/unknown")
    nonsense = b"GGUF\x03\x00\x00\x00" + secrets.token_bytes(5000)
    refused = await api.post("/api/models/import", params={"name": "nonsense"}, content=nonsense)
    assert refused.json()["type"] == "urn:appliance:not_gguf"
    assert not {"nonsense:latest", "unknown:latest"} & await names_of(api)


async def test_a_role_needs_a_model_that_writes(api: httpx.AsyncClient) -> None:
    chosen = await api.put("/api/models/roles", json={"chat": STORIES})
    assert chosen.json()["roles"][0]["model"] == STORIES
    refused = await api.put("/api/models/roles", json={"router": "all-minilm:latest"})
    assert refused.json()["type"] == "urn:appliance:cannot_serve"


async def test_the_scripted_one_speaks_its_wire(ollama_server: Reached) -> None:
    """Whatever a field is called and of what type there, it is here: the scripted one may stand in for it."""
    body = _stories().read_bytes()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    nowhere = "127.0.0.1:9/library/missing"
    calls: list[tuple[str, str, Any]] = [
        (
            "POST",
            "/api/generate",
            {"model": STORIES, "keep_alive": "60s", "options": {"num_ctx": 128}, "stream": False},
        ),
        ("POST", "/api/embed", {"model": "all-minilm:latest", "input": [], "options": {"num_ctx": 128}}),
        ("POST", "/api/generate", {"model": STORIES, "keep_alive": 0, "stream": False}),
        ("POST", "/api/generate", {"model": "nobody", "keep_alive": 0, "stream": False}),
        ("POST", "/api/create", {"model": "made", "files": {"m.gguf": digest}}),
        ("DELETE", "/api/delete", {"model": "made"}),
        ("POST", "/api/pull", {"model": nowhere, "insecure": True}),
    ]
    async with ScriptedModels(models=[STORIES], embedding_models=["all-minilm:latest"]) as scripted:
        for method, path, asked in calls:
            real, made = [await _call(url, method, path, asked) for url in (ollama_server.url, scripted.url)]
            assert made.status_code == real.status_code, (path, real.text)
            assert set(_last(made)) <= set(_last(real)), (path, made.text, real.text)
        for url in (ollama_server.url, scripted.url):
            await _call(url, "POST", "/api/generate", {"model": STORIES, "keep_alive": -1, "stream": False})
        real, made = [
            (await _call(url, "GET", "/api/ps", None)).json()["models"] for url in (ollama_server.url, scripted.url)
        ]
        shapes = [{name: type(value) for name, value in models[0].items()} for models in (real, made)]
        assert shapes[1].items() <= shapes[0].items()


async def _call(url: str, method: str, path: str, body: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        if path == "/api/create":
            digest = next(iter(body["files"].values()))
            await client.post(f"/api/blobs/{digest}", content=_stories().read_bytes())
        return await client.request(method, path, json=body)


def _last(answer: httpx.Response) -> dict[str, Any]:
    lines = answer.text.splitlines()
    return msgspec.json.decode(lines[-1]) if lines else {}
