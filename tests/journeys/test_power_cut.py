"""`appliance up` as it ships, its power cut while it reads: after the restart all is there, and `appliance fsck` agrees."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines.boxes import Box, client_of, make_key, upload
from tests.made_files import pdf

_SECONDS = 90.0
_FILES = 5


def report(number: int) -> bytes:
    """A report of some pages; page 2 says what nobody else says."""
    pages = [
        [(72, 720, f"Report {number}, page {page}"), (72, 690, "Kites and lanterns. " * 4)] for page in range(1, 9)
    ]
    pages[1].append((72, 660, f"The harvest of village {number}00 was {number}7 tons of quinces."))
    return pdf(pages, title=f"Report {number}")


@pytest.fixture
async def box(tmp_path: Path, minilm_folder: Path) -> AsyncIterator[Box]:
    settings = {"APPLIANCE_EMBEDDER__MODEL": str(minilm_folder), "APPLIANCE_LANGUAGE_MODEL__KIND": "none"}
    async with Box("box", "up", tmp_path, settings) as started:
        yield started


async def wait_indexed(client: httpx.AsyncClient, file_id: str) -> None:
    answer = await client.post("/api/rag/index", json={"file_id": file_id})
    assert answer.status_code == 200, answer.text


def run_fsck(directory: Path) -> tuple[int, Any]:
    """As an admin does; through the server where one runs, else by itself."""
    command = [str(Path(sys.executable).with_name("appliance")), "fsck", "--json", "--data-dir", str(directory)]
    ran = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
    return ran.returncode, json.loads(ran.stdout)


async def test_a_power_cut_loses_nothing(box: Box, tmp_path: Path) -> None:
    key = await make_key(box)
    async with client_of(box, key) as client:
        first = await upload(client, "report-0.pdf", report(0))
        await wait_indexed(client, first["file_id"])
        sent = [await upload(client, f"report-{number}.pdf", report(number)) for number in range(1, _FILES)]
        deleted = await client.delete(f"/api/rag/documents/{first['file_id']}")
        assert deleted.status_code == 204
        asked = await client.post("/api/chat", json={"conversation_id": "quinces", "message": "Where are the quinces?"})
        assert asked.status_code == 200, asked.text
    box.kill()
    await box.start()
    async with client_of(box, key) as client:
        for number, document in enumerate(sent, start=1):
            await wait_indexed(client, document["file_id"])
            query = {"query": f"How many tons of quinces were the harvest of village {number}00?"}
            best = (await client.post("/api/rag/search", json=query)).json()["results"][0]
            assert (best["file_id"], best["page"]) == (document["file_id"], 2)
            content = await client.get(f"/api/rag/documents/{document['file_id']}/content")
            assert content.content == report(number)
        assert (await client.get(f"/api/rag/documents/{first['file_id']}")).status_code == 404
        said = (await client.get("/api/conversations/quinces/messages")).json()["items"]
        assert [one["content"] for one in said] == ["Where are the quinces?", asked.json()["message"]]
        listed = (await client.get("/api/rag/documents")).json()
        assert {one["file_id"] for one in listed["documents"]} == {one["file_id"] for one in sent}
    directory = tmp_path / "box" / "var"
    for _ in ("through the server", "by itself"):
        code, proof = await asyncio.to_thread(run_fsck, directory)
        assert (code, proof["ok"], proof["discrepancies"]) == (0, True, [])
        await box.stop()
