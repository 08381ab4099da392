"""Every read and every change is written down, provably; what was read, said and typed is not."""

import asyncio
import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from appliance.core.errors import EngineFailed
from appliance.core.logging import configure_logging
from appliance.core.settings_sections import Logging
from appliance.features.audit.chain import verify_export
from appliance.ports.chat import ChatRequest
from tests.api.house import House, token_of
from tests.api.wire import calling

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PAGES = "Kites fly over the harbour.\fLanterns hang in the tower."


async def actions_on(house: House, object_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Who did what to it, oldest first, with the details."""
    answer = await house.admin.api.get("/api/audit", params={"object_id": object_id, "limit": 100})
    assert answer.status_code == 200
    return [(entry["actor"], entry["action"], entry["details"]) for entry in reversed(answer.json()["items"])]


async def test_the_life_of_a_document_is_written_down(house: House) -> None:
    name = house.member.name
    document = await house.add(house.member, _PAGES)
    path = f"/api/rag/documents/{document['file_id']}"
    chunk = (await house.find(house.member, "lanterns", filters={"documents": [document["file_id"]]}))[0]["chunk_id"]
    for tail in ("/content", "/pages/2", "/text", f"/passages/{chunk}"):
        assert (await house.member.api.get(path + tail)).status_code == 200
    assert (await house.member.api.patch(path, json={"tags": ["x"]})).status_code == 200
    assert (await house.member.api.post(f"{path}/retry")).status_code == 200
    await house.wait_for(house.member, document["file_id"], "indexed")
    assert (await house.member.api.delete(path)).status_code == 204
    found = await actions_on(house, document["file_id"])
    assert [(actor, action) for actor, action, _ in found] == [
        (name, "document.uploaded"),
        ("appliance", "document.indexed"),
        (name, "document.read"),
        (name, "document.page_read"),
        (name, "document.text_read"),
        (name, "document.text_read"),
        (name, "document.changed"),
        (name, "document.retried"),
        ("appliance", "document.indexed"),
        (name, "document.deleted"),
        ("appliance", "document.erased"),
    ]
    assert found[3][2] == {"page": 2}
    assert found[-1][2] == {"points_remaining": 0}


async def test_a_read_that_was_refused_is_no_read(house: House) -> None:
    document = await house.add(house.member)
    before = await actions_on(house, document["file_id"])
    assert (await house.other.api.get(f"/api/rag/documents/{document['file_id']}/content")).status_code == 404
    assert await actions_on(house, document["file_id"]) == before


async def test_people_keys_and_sharing_are_written_down(house: House) -> None:
    person = await house.person()
    await house.admin.api.patch(f"/api/users/{person.id}", json={"role": "admin"})
    actions = [action for _, action, _ in await actions_on(house, person.id)]
    assert actions == ["user.created", "login.done", "user.changed"]
    key = (await house.member.api.post("/api/keys", json={"name": "k", "scopes": ["chat"]})).json()
    await house.member.api.delete(f"/api/keys/{key['id']}")
    assert [(action, more.get("scopes")) for _, action, more in await actions_on(house, key["id"])] == [
        ("key.created", ["chat"]),
        ("key.revoked", None),
    ]
    collection = await house.collection(house.member)
    rights = {"readers": [{"user": house.other.id}]}
    await house.member.api.put(f"/api/collections/{collection['id']}/permissions", json=rights)
    shared = (await actions_on(house, collection["id"]))[-1]
    assert shared == (house.member.name, "collection.shared", {"readers": [house.other.id], "editors": []})


async def test_a_wrong_sign_in_is_written_down(house: House) -> None:
    guesser = await house.client(peer="10.2.2.2")
    assert (await guesser.post("/api/login", json={"username": "eve", "password": "x"})).status_code == 401
    entries = (await house.admin.api.get("/api/audit?action=login.failed&object_id=eve")).json()["items"]
    assert [(entry["outcome"], entry["peer"]) for entry in entries] == [("refused", "10.2.2.2")]


async def test_an_answer_is_written_down_with_its_documents(house: House) -> None:
    document = await house.add(house.member, "Kites are made of paper.")
    question = {"question": "What are kites made of?", "filters": {"documents": [document["file_id"]]}}
    run_id = (await house.member.api.post("/api/rag/chat", json=question)).json()["run_id"]
    async with asyncio.timeout(10):
        while not (found := await actions_on(house, run_id)):
            await asyncio.sleep(0.02)
    [(_, action, details)] = found
    assert (action, details["mode"], details["documents"]) == ("question.answered", "llm", [document["file_id"]])
    assert "kites" not in msgspec.json.encode(details).decode().lower()


async def test_the_export_is_proved_offline_and_betrays_every_change(house: House) -> None:
    await house.add(house.member)
    exported = await house.admin.api.get("/api/audit/export")
    lines = exported.content.splitlines()
    key = msgspec.json.decode(lines[-1])["public_key"]
    verdict = verify_export(lines, trusted_public_key=key)
    assert (verdict.ok, verdict.entries) == (True, len(lines) - 1)
    assert not verify_export(lines, trusted_public_key="00" * 32).ok
    assert not verify_export(lines[:-1]).ok, "without its seal"
    assert not verify_export([*lines[:3], *lines[4:]]).ok, "an entry is missing"
    assert not verify_export([*lines[:-2], lines[-1]]).ok, "the last entry is missing"
    assert not verify_export([lines[1], lines[0], *lines[2:]]).ok, "another order"
    for field, value in (("actor", "somebody else"), ("at", "2020-01-01T00:00:00Z"), ("details", {"a": 1})):
        changed = msgspec.json.encode({**msgspec.json.decode(lines[2]), field: value})
        broken = verify_export([*lines[:2], changed, *lines[3:]])
        assert (broken.ok, broken.broken_at) == (False, 3)


async def test_the_audit_is_not_changed_over_http(house: House) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await house.admin.api.request(method, "/api/audit")).status_code == 405


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged at the lowest level, as a box writes it."""
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    written = io.StringIO()
    configure_logging(Logging(level="debug", format="json"))
    chosen = structlog.get_config()
    factory = structlog.WriteLoggerFactory(file=written)
    structlog.configure(**{**chosen, "logger_factory": factory, "cache_logger_on_first_use": False})
    for name, module in list(sys.modules.items()):
        if name.startswith("appliance.") and hasattr(module, "log"):
            vars(module.log).pop("bind", None)  # a logger that another test made use of keeps its first configuration
    collecting = logging.StreamHandler(written)
    logging.root.addHandler(collecting)
    yield written
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


async def test_no_secret_and_no_content_is_logged(house: House, log: io.StringIO) -> None:
    """Also not where something fails that nobody expected."""
    secret = "Xyloglossia"
    person = await house.person()
    link = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    browser = await house.client()
    signed_in = await browser.post("/api/login", json={"token": token_of(link["url"])})
    await browser.post("/api/login", json={"username": person.name, "password": f"{secret} password"})
    document = await house.add(person, f"{secret} is a word of the text.")
    locked = await house.upload(person, f"password: {secret}\nmore")
    await house.wait_for(person, locked["file_id"], "failed")
    await person.api.post(f"/api/rag/documents/{locked['file_id']}/retry", json={"password": f"{secret}wrong"})
    await person.api.post("/api/rag/search", json={"query": f"What is {secret}?", secret: 1})
    question = {"question": f"What is {secret}?", "filters": {"documents": [document["file_id"]]}, "stream": True}
    headers = {"authorization": f"Bearer {person.key}"}
    with house.saying(f"{secret} is a word [1]."):
        async with calling(house, "POST", "/api/rag/chat", headers=headers, json=question) as call:
            assert secret.encode() in await call.read()

    def fail(_: ChatRequest) -> str:
        raise EngineFailed(engine="memory")

    def break_down(request: ChatRequest) -> str:
        return f"{1 // len(request.messages[0].content[:0])}"

    for failure in (fail, break_down):
        with house.saying(failure):
            await person.api.post("/api/rag/chat", json={**question, "stream": False})
    await person.api.get("/api/rag/documents", params={"q": secret})
    words = log.getvalue()
    assert "request_answered" in words, "what was asked is logged, or nothing is proved"
    assert "run_failed" in words
    assert "ZeroDivisionError" in words
    secrets = [secret, person.key, token_of(link["url"]), signed_in.json()["csrf_token"], *browser.cookies.values()]
    assert [one for one in secrets if one in words] == []
