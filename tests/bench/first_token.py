"""The first token of a streamed answer, over retrieval and the engine's own first token.

The engine is scripted and says its first word after a fixed time; it is asked bare, over a kept-alive connection, in turn
with the appliance, which searches first: a search of its own tells how long that takes.
"""

from pathlib import Path
from random import Random
from statistics import median

import httpx
import msgspec

from appliance.cli.evaluate import index_set
from appliance.features.knowledge.evaluation import CorpusDocument, QuestionSet
from tests.bench.figures import Figure, at_most
from tests.bench.made_up import text
from tests.bench.server import now, percentile, running
from tests.scripted_ollama import Script, ScriptedOllama

_QUESTIONS = 60
_DOCUMENTS = 30
_ENGINE_SECONDS = 0.02


async def measure(directory: Path) -> list[Figure]:
    """Ask each question three ways, one after the other."""
    random = Random(3)
    corpus = [CorpusDocument(str(number), text(random, 6), text(random, 200)) for number in range(_DOCUMENTS)]
    questions = [
        f"What about {' '.join(random.sample(corpus[n % _DOCUMENTS].text.split(), 6))}?" for n in range(_QUESTIONS)
    ]
    async with ScriptedOllama(Script(first_token_seconds=_ENGINE_SECONDS)) as engine:
        settings = {
            "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
            "APPLIANCE_LANGUAGE_MODEL__URL": engine.url,
            "APPLIANCE_LANGUAGE_MODEL__MODEL": "scripted",
        }
        async with (
            running(directory / "first-token", **settings) as server,
            httpx.AsyncClient(base_url=engine.url, trust_env=False) as bare,
        ):
            indexed = await index_set(server.client, QuestionSet(name="first token", questions=(), corpus=corpus))
            times: list[tuple[float, float, float]] = []
            for question in questions:
                asked = {"question": question, "collection": indexed.collection, "stream": True}
                whole = await _first_token(server.client.http, "/api/rag/chat", asked, b"event: token")
                search = await _search(server.client.http, question, indexed.collection)
                prompt = {"model": "scripted", "messages": [{"role": "user", "content": engine.prompts[-1]}]}
                own = await _first_token(bare, "/api/chat", prompt, b'"content"')
                times.append((whole, search, own))
    del times[:5]
    added = [whole - search - own for whole, search, own in times]
    whole, search, own = (median(column) for column in zip(*times, strict=True))
    note = f"{whole:.1f} ms = retrieval {search:.1f} + engine {own:.1f} + ours; p95 of ours {percentile(added, 0.95):.1f} ms"
    return [at_most("first token, over retrieval and the engine's own", median(added), 30, 10, " ms", note=note)]


async def _first_token(client: httpx.AsyncClient, path: str, body: object, mark: bytes) -> float:
    """Give the milliseconds until a mark stands in the stream; what follows is read to its end."""
    started = now()
    reached: float | None = None
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    seen = bytearray()
    async with client.stream("POST", path, content=msgspec.json.encode(body), headers=headers) as response:
        async for data in response.aiter_raw():
            seen += data
            if reached is None and mark in seen:
                reached = now() - started
    if reached is None:
        message = f"{path} answered {response.status_code} without {mark!r}: {bytes(seen[:500])!r}"
        raise RuntimeError(message)
    return reached * 1000


async def _search(client: httpx.AsyncClient, question: str, collection: str) -> float:
    started = now()
    body = {"query": question, "collection": collection}
    response = await client.post("/api/rag/search", json=body)
    response.raise_for_status()
    return (now() - started) * 1000
