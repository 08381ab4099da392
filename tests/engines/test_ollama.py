"""What only the real Ollama can prove: that stop reaches its runner, and that its embeddings are MiniLM's."""

import asyncio
from contextlib import aclosing

import httpx
import msgspec
import numpy as np
import pytest

from appliance.core.settings_sections import Embedder as EmbedderSettings
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.engines.ollama import Ollama as OllamaModel
from appliance.engines.ollama_embedder import connect_ollama_embedder
from appliance.ports.chat import ChatRequest, Message
from tests.engines.fixtures import Reached
from tests.engines.weights import MINILM, STORIES
from tests.scripted_ollama import ScriptedOllama

pytestmark = pytest.mark.engine


async def test_stop_reaches_the_runner(ollama_server: Reached) -> None:
    """It writes one answer at a time: whoever comes after 100 000 tokens that go on waits for minutes."""
    settings = LanguageModelSettings(kind="ollama", url=ollama_server.url, context_length=128)
    endless = ChatRequest(messages=[Message("user", "Once")], max_tokens=100_000, model=STORIES)
    short = msgspec.structs.replace(endless, max_tokens=5)
    async with OllamaModel(settings) as model:
        for _ in range(5):
            deltas = model.stream(endless)
            await anext(deltas)
            await deltas.aclose()
            async with asyncio.timeout(10):
                assert [delta async for delta in model.stream(short)][-1].reason == "length"


async def test_readers_who_leave_cost_nobody_the_model(ollama_server: Reached) -> None:
    """It loses its only slot after some 4 of 1 000 hang-ups: about every other run of this sees one got back."""
    settings = LanguageModelSettings(kind="ollama", url=ollama_server.url, context_length=128)
    story = ChatRequest(messages=[Message("user", "Once upon a time")], max_tokens=40, model=STORIES)
    async with OllamaModel(settings) as model:
        for _ in range(150):
            async with asyncio.timeout(20), aclosing(model.stream(story)) as deltas:
                await anext(deltas)
        assert [delta async for delta in model.stream(story)][-1].usage is not None


async def test_its_embeddings_know_near_from_far(ollama_server: Reached) -> None:
    settings = EmbedderSettings(kind="ollama", url=ollama_server.url, model="all-minilm")
    async with await connect_ollama_embedder(settings) as embedder:
        assert embedder.dimensions == 384
        assert embedder.identity.startswith("ollama:all-minilm:")
        texts = ["The company's revenue grew to 12 million euros.", "A cat sleeps on the warm roof."] * 20
        passages = await embedder.embed_passages(texts)
        query = await embedder.embed_query("How much did the firm earn?")
        assert (await embedder.check()).ok
    scores = [float(passage.dense @ query.dense) for passage in passages]
    assert len(scores) == 40
    assert scores[0] > scores[1] + 0.2
    assert np.allclose(scores[0::2], scores[0], atol=1e-3)


async def test_the_scripted_one_speaks_its_wire(ollama_server: Reached) -> None:
    """Whatever a field is called and of what type there, it is here: the scripted one may stand in for it."""
    scripted = ScriptedOllama(models=[STORIES], embedding_models=[MINILM], dimensions=384)
    async with scripted, httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for method, path, body in _CALLS:
            real, made = [
                _shapes(await client.request(method, url + path, json=body))
                for url in (ollama_server.url, scripted.url)
            ]
            for key, kind in made.items():
                assert real.get(key, kind) == kind, (path, key)
            missing = set(real) - set(made)
            assert not missing, (path, missing)


_CHAT = {"messages": [{"role": "user", "content": "Once"}], "model": STORIES}
_LIMIT = {"options": {"num_predict": 3}}
_FULL = {"raw": True, "truncate": False, "stream": False, "options": {"num_ctx": 128, "num_predict": 1}}
_CALLS = [
    ("GET", "/api/version", None),
    ("GET", "/api/tags", None),
    ("POST", "/api/show", {"model": STORIES}),
    ("POST", "/api/chat", {**_CHAT, **_LIMIT, "stream": False}),
    ("POST", "/api/chat", {**_CHAT, **_LIMIT}),
    ("POST", "/api/generate", {"model": STORIES, "prompt": "Once", "stream": False, **_LIMIT}),
    ("POST", "/api/generate", {"model": STORIES, "prompt": "a " * 256, **_FULL}),
    ("POST", "/api/embed", {"model": MINILM, "input": ["one", "two"]}),
    ("POST", "/api/chat", {**_CHAT, "model": "nobody"}),
    ("GET", "/v1/models", None),
    ("POST", "/v1/chat/completions", {**_CHAT, "max_tokens": 3}),
    ("POST", "/v1/chat/completions", {**_CHAT, "model": "nobody"}),
]
# What the real one says beside, and no adapter reads.
_NOT_READ = frozenset(
    {
        "context",
        "done_reason",
        "license",
        "modelfile",
        "modified_at",
        "parameters",
        "system",
        "system_fingerprint",
        "template",
        "tensors",
    }
)


def _shapes(answer: httpx.Response) -> dict[str, str]:
    """Name the fields of the first and last line (one line where it does not stream), with their types."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith(("{", "data: {"))]
    found = {"status": str(answer.status_code), "type": answer.headers["content-type"].partition(";")[0]}
    for place, line in {"first": lines[0], "last": lines[-1]}.items():
        for name, value in msgspec.json.decode(line).items():
            if name not in _NOT_READ:
                found[f"{place}.{name}"] = type(value).__name__
    return found
