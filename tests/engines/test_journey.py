"""Documents in, cited answers out, with every embedded default exchanged for its server by settings alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines.boxes import Box, client_of, make_key, upload
from tests.engines.fixtures import Reached
from tests.engines.weights import STORIES
from tests.made_files import pdf

pytestmark = [pytest.mark.engine, pytest.mark.data]
REPORT = pdf(
    [
        [(72, 720, "Annual report of Zephyrine Works"), (72, 690, "The company makes kites and lanterns.")],
        [(72, 720, "Results"), (72, 690, "The revenue of Zephyrine Works was 12 million euros in 2024.")],
    ]
)
RECIPE = (
    "# Soupe à l’oignon\n\nÉmincez six oignons et faites-les fondre dans le beurre pendant vingt minutes.\n".encode()
)


@pytest.fixture
async def box(own_engine_directory: Path, shared_engines: dict[str, str], ollama_server: Reached) -> AsyncIterator[Box]:
    models = {
        "APPLIANCE_EMBEDDER__KIND": "ollama",
        "APPLIANCE_EMBEDDER__URL": ollama_server.url,
        "APPLIANCE_EMBEDDER__MODEL": "all-minilm",
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": ollama_server.url,
        "APPLIANCE_LANGUAGE_MODEL__MODEL": STORIES,
        "APPLIANCE_LANGUAGE_MODEL__CONTEXT_LENGTH": "128",
    }
    async with Box("up", "up", own_engine_directory, {**shared_engines, **models}) as started:
        yield started


@pytest.fixture
async def client(box: Box) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(box, await make_key(box)) as opened:
        yield opened


async def get(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
    answer = await client.request(method, path, **more)
    assert answer.is_success, (path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


async def test_from_upload_to_a_generated_answer(client: httpx.AsyncClient, box: Box) -> None:
    status = await get(client, "GET", "/status")
    kinds = {name: engine["kind"] for name, engine in status.items()}
    assert {name: engine["ok"] for name, engine in status.items()} == dict.fromkeys(status, True), status
    expected = {"llm": "ollama", "object_store": "s3", "database": "postgresql", "event_bus": "redis"}
    assert {name: kinds[name] for name in expected} == expected
    assert kinds["embedder"] == "ollama"
    assert kinds["vector_store"] == "qdrant"

    report = await upload(client, "report.pdf", REPORT)
    recipe = await upload(client, "recette.md", RECIPE)
    for document in (report, recipe):
        indexed = await get(client, "POST", "/api/rag/index", json={"file_id": document["file_id"]})
        assert indexed["status"] == "indexed"
        assert indexed["chunks"] > 0

    found = await get(client, "POST", "/api/rag/search", json={"query": "revenue of Zephyrine Works in 2024"})
    best = found["results"][0]
    assert (best["file_id"], best["page"]) == (report["file_id"], 2)
    assert "12 million" in best["text"]
    french = await get(client, "POST", "/api/rag/search", json={"query": "comment faire fondre les oignons ?"})
    assert french["results"][0]["file_id"] == recipe["file_id"]

    question = {"question": "What was the revenue of Zephyrine Works in 2024?", "max_tokens": 30}
    answer = await get(client, "POST", "/api/rag/chat", json=question)
    assert (answer["mode"], answer["model"]) == ("llm", STORIES)
    assert answer["answer"]
    assert answer["usage"]["completion_tokens"] > 0
    assert any(source["file_id"] == report["file_id"] and source["page"] == 2 for source in answer["sources"])

    async with client.stream("POST", "/api/rag/chat", json={**question, "stream": True}) as streamed:
        lines = [line async for line in streamed.aiter_lines()]
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert events[0] == "route"
    assert events.count("token") > 3
    assert events[-1] == "done"

    original = await client.get(f"/api/rag/documents/{report['file_id']}/content")
    assert original.content == REPORT
    await get(client, "DELETE", f"/api/rag/documents/{report['file_id']}")
    assert (await client.get(f"/api/rag/documents/{report['file_id']}")).status_code == 404
    gone = await get(client, "POST", "/api/rag/search", json={"query": "revenue of Zephyrine Works in 2024"})
    assert report["file_id"] not in {result["file_id"] for result in gone["results"]}
    proof = await get(client, "POST", "/api/fsck")
    assert (proof["ok"], proof["discrepancies"]) == (True, [])
    refused = await get(client, "GET", "/api/egress", params={"verdict": "refused"})
    assert refused["total"] == 0, box.log
