"""Cases of the routes about models."""

import hashlib
import secrets
from typing import Any

import httpx

from tests.api.cases import denied, happy, invalid
from tests.api.house import House

MEMORY = "memory:latest"
LAN = "127.0.0.1:5000/library"
GGUF = b"GGUF\x03\x00\x00\x00"


async def a_model(house: House, *, embeds: bool = False) -> str:
    """Pull one of a name nobody has."""
    name = f"{LAN}/{'embed' if embeds else 'words'}-{secrets.token_hex(4)}:latest"
    pulled = await house.admin.api.post("/api/models/pull", json={"model": name})
    assert "event: done" in pulled.text
    return name


def said(answer: httpx.Response) -> list[str]:
    """The names of the events of an answer, in order, each once."""
    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    return list(dict.fromkeys(names))


def gguf() -> bytes:
    """A file nobody sent before."""
    return GGUF + bytes(16) + secrets.token_bytes(3000)


async def send(house: House, body: bytes, **parameters: Any) -> httpx.Response:
    return await house.admin.api.post("/api/models/import", params=parameters, content=body)


@happy("GET /api/models")
async def models_are_listed_with_the_appliances_own(house: House) -> None:
    listed = (await house.member.api.get("/api/models")).json()
    assert listed["engine"] == {
        "kind": "memory",
        "ok": True,
        "manages": True,
        "version": "0",
        "detail": "",
        "hint": "",
    }
    models = {model["name"]: model for model in listed["models"]}
    assert models[MEMORY]["size"] == "1.1MB"
    assert models[MEMORY]["role"] == "language_model"
    assert models["words-embed:latest"]["role"] == "embedder"
    assert models["all-minilm-l6-v2"]["state"] in {"ready", "made when needed", "missing"}
    assert models["all-minilm-l6-v2"]["serves"] == ["embed", "rerank"]


@denied("GET /api/models", 403)
async def models_need_their_scope(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/api/models")


@invalid("GET /api/models", 405)
async def models_are_not_posted(house: House) -> None:
    await house.admin.api.post("/api/models")


@happy("GET /api/models/show")
async def a_model_is_shown(house: House) -> None:
    shown = (await house.member.api.get("/api/models/show", params={"name": MEMORY})).json()
    assert (shown["name"], shown["capabilities"], shown["trained_context_length"]) == (MEMORY, ["completion"], 8192)
    weights = (await house.member.api.get("/api/models/show", params={"name": "all-minilm-l6-v2"})).json()
    assert weights["licence"] == "Apache-2.0"


@denied("GET /api/models/show", 403)
async def showing_needs_the_scope(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/api/models/show", params={"name": MEMORY})


@invalid("GET /api/models/show", 404)
async def an_unknown_model_is_not_shown(house: House) -> None:
    await house.member.api.get("/api/models/show", params={"name": "nobody/nothing"})


@happy("DELETE /api/models/{name:path}", 204)
async def a_model_goes_for_good(house: House) -> None:
    for encoded in (False, True):
        name = await a_model(house)
        path = name.replace("/", "%2F").replace(":", "%3A") if encoded else name
        assert (await house.admin.api.delete(f"/api/models/{path}")).status_code == 204
        assert (await house.admin.api.get("/api/models/show", params={"name": name})).status_code == 404
    house.host.models["short:latest"] = house.host.models[MEMORY]
    await house.admin.api.delete("/api/models/short:latest")


@denied("DELETE /api/models/{name:path}", 403)
async def models_are_deleted_by_admins(house: House) -> None:
    await house.member.api.delete(f"/api/models/{MEMORY}")


@invalid("DELETE /api/models/{name:path}", 404)
async def what_is_not_there_is_not_deleted(house: House) -> None:
    await house.admin.api.delete("/api/models/nobody")


@happy("POST /api/models/load")
async def a_model_comes_into_memory(house: House) -> None:
    body = {"model": MEMORY, "keep_alive": "2h", "context_length": 512}
    loaded = (await house.admin.api.post("/api/models/load", json=body)).json()
    assert (loaded["loaded"], loaded["context_length"], loaded["state"]) == (True, 512, "loaded")
    assert loaded["expires_at"] is not None
    for_good = await house.admin.api.post("/api/models/load", json={"model": MEMORY, "keep_alive": "-1"})
    assert for_good.json()["expires_at"] is None
    assert for_good.json()["context_length"] == 8192, "the settings', never the engine's own"


@denied("POST /api/models/load", 403)
async def models_are_loaded_by_admins(house: House) -> None:
    await house.member.api.post("/api/models/load", json={"model": MEMORY})


@invalid("POST /api/models/load")
async def how_long_it_stays_is_a_time(house: House) -> None:
    await house.admin.api.post("/api/models/load", json={"model": MEMORY, "context_length": 5})
    await house.admin.api.post("/api/models/load", json={"model": MEMORY, "keep_alive": "a while"})


@happy("POST /api/models/unload")
async def a_model_leaves_memory(house: House) -> None:
    await house.admin.api.post("/api/models/load", json={"model": MEMORY})
    assert not (await house.admin.api.post("/api/models/unload", json={"model": MEMORY})).json()["loaded"]


@denied("POST /api/models/unload", 403)
async def models_are_unloaded_by_admins(house: House) -> None:
    await house.member.api.post("/api/models/unload", json={"model": MEMORY})


@invalid("POST /api/models/unload", 404)
async def what_is_not_there_is_not_unloaded(house: House) -> None:
    await house.admin.api.post("/api/models/unload", json={"model": "nobody"})


@happy("POST /api/models/pull")
async def a_pull_is_told_as_it_goes(house: House) -> None:
    name = f"{LAN}/told-{secrets.token_hex(4)}"
    answer = await house.admin.api.post("/api/models/pull", json={"model": name, "insecure": True})
    assert said(answer) == ["start", "progress", "done"]
    assert answer.headers["x-run-id"]
    assert '"completed":1185376,"total":1185376' in answer.text


@denied("POST /api/models/pull", 403)
async def the_internet_is_refused(house: House) -> None:
    await house.member.api.post("/api/models/pull", json={"model": f"{LAN}/x"})
    for name in ("llama3", "library/llama3", "8.8.8.8:5000/library/x"):
        refused = await house.admin.api.post("/api/models/pull", json={"model": name})
        assert refused.json()["type"] == "urn:appliance:pull_refused"


@invalid("POST /api/models/pull")
async def a_name_is_a_name(house: House) -> None:
    await house.admin.api.post("/api/models/pull", json={"model": "10.0.0.7:5000/a b"})


@happy("POST /api/models/import")
async def a_gguf_is_brought_in(house: House) -> None:
    body, name = gguf(), f"tiny-{secrets.token_hex(4)}:latest"
    answer = await send(house, body, name=name, digest=hashlib.sha256(body).hexdigest())
    assert said(answer)[-1] == "done", answer.text
    assert (await house.admin.api.get("/api/models/show", params={"name": name})).status_code == 200
    assert f"sha256:{hashlib.sha256(body).hexdigest()}" in house.host.blobs


@denied("POST /api/models/import", 403)
async def models_are_brought_by_admins(house: House) -> None:
    await house.member.api.post("/api/models/import", params={"name": "x"}, content=gguf())


@invalid("POST /api/models/import", 422)
async def what_is_no_gguf_or_another_is_refused_and_gone(house: House) -> None:
    before = set(house.host.blobs)
    other = await send(house, gguf(), name="x", digest="sha256:" + "0" * 64)
    assert other.json()["type"] == "urn:appliance:digest_differs"
    for body in (
        b"",
        b"GG",
        GGUF[:7],
        b"PK\x03\x04 an archive",
        b"GGUF\x01\x00\x00\x00" + bytes(100),
        GGUF + b"\xff" * 100,
    ):
        assert (await send(house, body, name="x")).json()["type"] == "urn:appliance:not_gguf"
    assert house.host.blobs == before
    await house.nothing_incoming()


@happy("POST /api/models/speed")
async def a_model_is_measured(house: House) -> None:
    name = await a_model(house)
    answer = await house.admin.api.post("/api/models/speed", json={"model": name})
    assert said(answer) == ["start", "progress", "done"], answer.text
    speed = (await house.member.api.get("/api/models/show", params={"name": name})).json()["speed"]
    assert (speed["prompt_tokens_per_second"], speed["tokens_per_second"]) == (1000, 100)
    again = await house.admin.api.post("/api/models/speed", json={"model": name})
    assert said(again)[-1] == "done"


@denied("POST /api/models/speed", 403)
async def models_are_measured_by_admins(house: House) -> None:
    await house.member.api.post("/api/models/speed", json={"model": MEMORY})


@invalid("POST /api/models/speed", 404)
async def what_is_not_there_is_not_measured(house: House) -> None:
    await house.admin.api.post("/api/models/speed", json={"model": "nobody"})


@happy("GET /api/models/tasks")
async def nothing_goes_on(house: House) -> None:
    tasks = (await house.member.api.get("/api/models/tasks")).json()
    assert (tasks["items"], tasks["total"]) == ([], 0)


@denied("GET /api/models/tasks", 403)
async def tasks_need_the_scope(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/api/models/tasks")


@invalid("GET /api/models/tasks", 405)
async def tasks_are_not_made_there(house: House) -> None:
    await house.admin.api.post("/api/models/tasks")


@happy("GET /api/models/memory")
async def memory_is_shown(house: House) -> None:
    await house.admin.api.post("/api/models/load", json={"model": MEMORY})
    memory = (await house.member.api.get("/api/models/memory")).json()
    assert MEMORY in {model["name"] for model in memory["loaded"]}
    assert memory["models_ram_bytes"] >= 1_000_000
    assert memory["total_bytes"] > memory["available_bytes"] > 0


@denied("GET /api/models/memory", 403)
async def memory_needs_the_scope(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/api/models/memory")


@invalid("GET /api/models/memory", 405)
async def memory_is_not_given(house: House) -> None:
    await house.admin.api.put("/api/models/memory")


@happy("GET /api/models/roles")
async def roles_are_shown(house: House) -> None:
    roles = {role["role"]: role for role in (await house.member.api.get("/api/models/roles")).json()["roles"]}
    assert set(roles) == {"chat", "router", "embed", "rerank", "speech"}
    assert roles["embed"]["model"] == "all-minilm-l6-v2"
    assert not roles["embed"]["assignable"]
    assert [roles[name]["source"] for name in ("embed", "rerank", "speech")] == ["built_in", "built_in", "none"]
    assert roles["embed"]["setting"] == "[embedder] model"


@denied("GET /api/models/roles", 403)
async def roles_need_the_scope(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/api/models/roles")


@invalid("GET /api/models/roles", 405)
async def roles_are_not_posted(house: House) -> None:
    await house.admin.api.post("/api/models/roles")


@happy("PUT /api/models/roles")
async def roles_are_given_and_taken(house: House) -> None:
    chosen, roles = await a_model(house), house.appliance.model_roles
    given = (await house.admin.api.put("/api/models/roles", json={"chat": chosen})).json()["roles"]
    assert [(role["model"], role["source"]) for role in given[:2]] == [(chosen, "chosen"), (chosen, "automatic")]
    assert roles.model_for("chat") == roles.model_for("router") == chosen
    await house.admin.api.put("/api/models/roles", json={"router": MEMORY})
    assert (roles.model_for("chat"), roles.model_for("router")) == (chosen, MEMORY)
    await house.admin.api.delete(f"/api/models/{chosen}")
    assert roles.model_for("chat") is None, "who is deleted serves nobody"
    await house.admin.api.put("/api/models/roles", json={"router": None})
    assert roles.model_for("router") is None


@denied("PUT /api/models/roles", 403)
async def roles_are_given_by_admins(house: House) -> None:
    await house.member.api.put("/api/models/roles", json={"chat": MEMORY})


@invalid("PUT /api/models/roles", 422)
async def a_role_needs_what_it_asks_for(house: House) -> None:
    unknown = await house.admin.api.put("/api/models/roles", json={"chat": "nobody"})
    assert unknown.status_code == 404
    assert (await house.admin.api.put("/api/models/roles", json={"embed": MEMORY})).status_code == 400
    await house.admin.api.put("/api/models/roles", json={"chat": "words-embed:latest"})


@happy("GET /api/models/manifest")
async def the_manifest_is_shown(house: House) -> None:
    manifest = (await house.member.api.get("/api/models/manifest")).json()
    assert {file["path"] for weights in manifest["weights"] for file in weights["files"]}


@denied("GET /api/models/manifest", 403)
async def the_manifest_needs_the_scope(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get("/api/models/manifest")


@invalid("GET /api/models/manifest", 405)
async def the_manifest_is_read_only(house: House) -> None:
    await house.admin.api.put("/api/models/manifest")


@happy("POST /api/models/verify")
async def weights_are_read_again(house: House) -> None:
    assert (await house.admin.api.post("/api/models/verify")).json()["ok"]


@denied("POST /api/models/verify", 403)
async def weights_are_read_for_admins(house: House) -> None:
    await house.member.api.post("/api/models/verify")


@invalid("POST /api/models/verify", 405)
async def verifying_is_asked_for(house: House) -> None:
    await house.admin.api.get("/api/models/verify")
