"""Models over several requests: a pull that is followed, found again and stopped, and what the audit keeps of it all."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from tests.api.house import House
from tests.api.routes_models import LAN, MEMORY, a_model, gguf, send
from tests.api.wire import calling

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"limits__model_bytes": 100_000}


async def begin_slow_pull(house: House) -> tuple[str, str]:
    """Begin a pull that does not end by itself soon, and leave; gives its model and run."""
    house.host.seconds_per_step = 60.0
    model = f"{LAN}/slow-{secrets.token_hex(4)}:latest"
    key = {"authorization": f"Bearer {house.admin.key}"}
    async with calling(house, "POST", "/api/models/pull", headers=key, json={"model": model}) as call:
        events = call.events()
        assert (await anext(events)).data == {"task": "pull", "model": model}
        run_id = call.headers["x-run-id"]
    return model, run_id


async def wait_ended(house: House, run_id: str) -> str:
    async with asyncio.timeout(10):
        while (run := (await house.admin.api.get(f"/api/runs/{run_id}")).json())["status"] == "running":
            await asyncio.sleep(0.02)
    return run["status"]


async def test_a_pull_outlives_its_browser_and_is_found_and_stopped(house: House) -> None:
    before = house.host.unfinished
    model, run_id = await begin_slow_pull(house)
    tasks = (await house.admin.api.get("/api/models/tasks")).json()["items"]
    assert [(task["run_id"], task["kind"], task["model"], task["status"]) for task in tasks] == [
        (run_id, "pull", model, "running")
    ]
    assert (await house.member.api.get("/api/models/tasks")).json()["items"] == []
    assert (await house.member.api.post(f"/api/runs/{run_id}/stop")).status_code == 404
    await house.admin.api.post(f"/api/runs/{run_id}/stop")
    assert await wait_ended(house, run_id) == "stopped"
    assert house.host.unfinished == before + 1, "the engine's stream was left"
    events = (await house.admin.api.get(f"/api/runs/{run_id}/events")).text
    assert "event: stopped" in events
    assert (await house.admin.api.get("/api/models/tasks")).json()["items"] == []
    entries = (await house.admin.api.get("/api/audit", params={"object_id": model})).json()["items"]
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [
        ("model.pulled", "stopped"),
        ("model.pull_asked", "done"),
    ]
    house.host.seconds_per_step = 0.0


async def test_a_pull_that_fails_says_why_in_the_language_of_who_asked(house: House) -> None:
    body = {"model": f"{LAN}/missing"}
    answer = await house.admin.api.post("/api/models/pull", json=body, headers={"accept-language": "fr"})
    assert "event: error" in answer.text
    assert "urn:appliance:pull_failed" in answer.text
    assert "file does not exist" in answer.text


async def test_a_file_over_the_limit_is_refused_before_it_is_read(house: House) -> None:
    refused = await send(house, gguf() + bytes(200_000), name="large")
    assert (refused.status_code, refused.json()["type"]) == (413, "urn:appliance:too_large")

    async def pieces() -> AsyncIterator[bytes]:
        yield gguf()
        for _ in range(4):
            yield bytes(50_000)

    parameters = {"name": "large"}
    counted = await house.admin.api.post("/api/models/import", params=parameters, content=pieces())
    assert (counted.status_code, counted.json()["type"]) == (413, "urn:appliance:too_large")
    assert "limits.model_bytes" in counted.json()["hint"]
    await house.nothing_incoming()


async def test_a_name_that_is_taken_is_not_written_over(house: House) -> None:
    refused = await send(house, gguf(), name=MEMORY)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:appliance:model_there")


async def test_what_a_digest_may_look_like(house: House) -> None:
    assert (await send(house, gguf(), name="x", digest="sha1:abc")).status_code == 400


async def test_every_change_is_in_the_audit(house: House) -> None:
    model = await a_model(house)
    api = house.admin.api
    await api.post("/api/models/load", json={"model": model})
    await api.post("/api/models/speed", json={"model": model})
    await api.post("/api/models/unload", json={"model": model})
    await api.delete(f"/api/models/{model}")
    entries = (await api.get("/api/audit", params={"object_id": model})).json()["items"]
    assert [entry["action"] for entry in reversed(entries)] == [
        "model.pull_asked",
        "model.pulled",
        "model.loaded",
        "model.measured",
        "model.unloaded",
        "model.removed",
    ]


async def test_the_scope_is_needed_beside_the_role(house: House) -> None:
    only_admin = await house.key(house.admin, "admin")
    assert (await only_admin.get("/api/models")).status_code == 403
    only_models = await house.key(house.admin, "models")
    assert (await only_models.post("/api/models/load", json={"model": MEMORY})).status_code == 403
    both = await house.key(house.admin, "models", "admin")
    assert (await both.post("/api/models/load", json={"model": MEMORY})).status_code == 200


async def test_a_role_whose_model_is_gone_goes_back_to_the_settings(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been removed in the engine itself, or by a process that died before it could say so."""
    monkeypatch.setattr(house.appliance.generation, "preferred", lambda: "gone:latest")
    assert await house.appliance.generation.resolve(None) == house.model._models[0]
