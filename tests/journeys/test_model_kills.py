"""`kill -9` while a model comes in or goes: after the restart nothing half is left, and the same works again."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.api.routes_models import LAN, gguf
from tests.house.failpoints import all_failpoints
from tests.journeys.served import Served, begin
from tests.scripted_models import ScriptedModels
from tests.scripted_ollama import Script

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PULLED = f"{LAN}/pulled:latest"
_LEAVING = "leaving:latest"
_BODY = gguf()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[ScriptedModels]:
    async with ScriptedModels(script=Script(text="Yes.")) as server:
        yield server


async def _start(directory: Path, engine: ScriptedModels) -> Served:
    return await begin(directory, {"language_model.kind": "ollama", "language_model.url": engine.url})


async def _names(http: httpx.AsyncClient) -> set[str]:
    return {one["name"] for one in (await http.get("/api/models")).json()["models"]}


async def _import(http: httpx.AsyncClient) -> None:
    digest = f"sha256:{hashlib.sha256(_BODY).hexdigest()}"
    answer = await http.post("/api/models/import", params={"name": "brought", "digest": digest}, content=_BODY)
    assert answer.status_code == 200, answer.text
    assert "brought:latest" in await _names(http)


async def _pull(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/models/pull", json={"model": _PULLED})
    assert answer.status_code == 200, answer.text
    assert _PULLED in await _names(http)


async def _remove(http: httpx.AsyncClient) -> None:
    if _LEAVING in await _names(http):
        chosen = await http.put("/api/models/roles", json={"chat": _LEAVING})
        assert chosen.status_code == 200, chosen.text
        await http.delete(f"/api/models/{_LEAVING}")
    asked = {"conversation_id": "after", "message": "Do you answer?", "assistant": "conversation"}
    answer = (await http.post("/api/chat", json=asked)).json()
    assert (answer["message"], answer["mode"]) == ("Yes.", "llm")


_ACTS: dict[str, Callable[[httpx.AsyncClient], Awaitable[None]]] = {
    "models.received": _import,
    "models.uploaded": _import,
    "models.pulled": _pull,
    "models.removed": _remove,
}


@pytest.mark.slow
@pytest.mark.parametrize("failpoint", [name for name in all_failpoints() if name.startswith("models.")])
async def test_a_kill_while_a_model_comes_or_goes(tmp_path: Path, engine: ScriptedModels, failpoint: str) -> None:
    engine.models = ["scripted:latest", _LEAVING]
    life = await _start(tmp_path, engine)
    try:
        await asyncio.to_thread(life.arm, failpoint)
        async with life.client() as http:
            with contextlib.suppress(httpx.TransportError):
                await _ACTS[failpoint](http)
        await asyncio.to_thread(life.wait_killed)
        life = await _start(tmp_path, engine)
        async with life.client() as http:
            assert list((tmp_path / "incoming").glob("*")) == []
            assert (await http.get("/api/models/tasks")).json()["items"] == []
            await _ACTS[failpoint](http)
            assert (await http.post("/api/fsck")).json()["discrepancies"] == []
    finally:
        life.kill()
