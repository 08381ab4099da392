"""Who gets in, how, and what they learn of what is not theirs: nothing."""

import asyncio
import secrets
from typing import Any
from uuid import uuid4

import pytest

from tests.api.house import House, Person, sign_in, token_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PASSWORD = "correct horse battery staple"


async def share(house: House, collection: dict[str, Any], **rights: Any) -> None:
    shared = await house.member.api.put(f"/api/collections/{collection['id']}/permissions", json=rights)
    assert shared.status_code == 200, shared.text


async def group_of(house: House, *people: Person) -> str:
    members = [person.id for person in people]
    made = await house.admin.api.post("/api/groups", json={"name": secrets.token_hex(6), "members": members})
    assert made.status_code == 201
    return made.json()["id"]


async def test_what_is_anothers_is_not_there_for_anybody(house: House) -> None:
    """404 with the words of what never was, for a member and, for contents, for an admin."""
    document = await house.add(house.member, "Kites.\fLanterns.")
    chunk = (await house.find(house.member, "kites", filters={"documents": [document["file_id"]]}))[0]["chunk_id"]
    path = f"/api/rag/documents/{document['file_id']}"
    contents = [f"{path}/content", f"{path}/text", f"{path}/pages/1", f"{path}/passages/{chunk}"]
    for tail in contents:
        assert (await house.member.api.get(tail)).status_code == 200
        assert (await house.admin.api.get(tail)).status_code == 404, "admins manage, and read what they are granted"
    for tail in [path, *contents]:
        refused = (await house.other.api.get(tail)).json()
        unknown = (await house.other.api.get(tail.replace(document["file_id"], str(uuid4())))).json()
        for problem in (refused, unknown):
            del problem["request_id"]
        assert refused == unknown


async def test_an_admin_manages_what_they_may_not_read(house: House) -> None:
    collection = await house.collection(house.member)
    document = await house.add(house.member, "Kumquats ripen in winter.", collection=collection["id"])
    assert (await house.admin.api.get(f"/api/collections/{collection['id']}")).json()["right"] == "manage"
    listed = await house.admin.api.get("/api/rag/documents", params={"collection": collection["id"]})
    assert [one["file_id"] for one in listed.json()["documents"]] == [document["file_id"]]
    assert await house.find(house.admin, "kumquats ripen") == []
    unnamed = await house.admin.api.get("/api/rag/documents?limit=100")
    assert document["file_id"] not in unnamed.text
    assert (await house.admin.api.delete(f"/api/rag/documents/{document['file_id']}")).status_code == 204


async def test_a_group_reads_and_a_group_edits_from_the_next_request_on(house: House) -> None:
    reader, editor = await house.person(), await house.person()
    collection = await house.collection(house.member)
    document = await house.add(house.member, "Quinces taste of roses.", collection=collection["id"])
    path = f"/api/rag/documents/{document['file_id']}"
    for person in (reader, editor):
        assert (await person.api.get(path)).status_code == 404
    readers, editors = await group_of(house, reader), await group_of(house, editor)
    await share(house, collection, readers=[{"group": readers}], editors=[{"group": editors}])

    assert (await reader.api.get(path)).json()["right"] == "reader"
    assert [one["file_id"] for one in await house.find(reader, "quinces roses")] == [document["file_id"]]
    assert (await reader.api.get(f"{path}/content")).status_code == 200
    denied = [
        await reader.api.patch(path, json={"tags": ["x"]}),
        await reader.api.post(f"{path}/retry"),
        await reader.api.delete(path),
        await reader.api.patch(f"/api/collections/{collection['id']}", json={"name": "x"}),
        await reader.api.put(f"/api/collections/{collection['id']}/permissions", json={}),
        await reader.api.delete(f"/api/collections/{collection['id']}"),
        await reader.api.post("/api/rag/upload", files={"file": ("a", b"a")}, data={"collection": collection["id"]}),
    ]
    assert {answer.status_code for answer in denied} == {403}, "it is known to the reader, so it may be said"

    assert (await editor.api.patch(path, json={"tags": ["x"]})).json()["tags"] == ["x"]
    assert (await house.upload(editor, collection=collection["id"]))["collection"] == collection["id"]
    assert (await editor.api.delete(f"/api/collections/{collection['id']}")).status_code == 403

    await house.admin.api.delete(f"/api/groups/{readers}")
    assert (await reader.api.get(path)).status_code == 404
    assert await house.find(reader, "quinces roses") == []
    await share(house, collection)
    assert (await editor.api.get(path)).status_code == 404


async def test_ids_nobody_gave_out_are_not_found(house: House) -> None:
    unknown = uuid4()
    for method, path in [
        ("GET", f"/api/rag/documents/{unknown}"),
        ("GET", f"/api/rag/documents/{unknown}/pages/1"),
        ("POST", f"/api/rag/documents/{unknown}/cancel"),
        ("DELETE", f"/api/collections/{unknown}"),
        ("GET", f"/api/runs/{unknown}"),
        ("POST", f"/api/jobs/{unknown}/cancel"),
        ("DELETE", f"/api/keys/{unknown}"),
        ("GET", "/api/rag/documents/not-an-id"),
        ("GET", "/api/nothing/here"),
    ]:
        assert (await house.admin.api.request(method, path)).status_code == 404, path


async def test_strangers_learn_nothing_of_what_is_there(house: House) -> None:
    document = await house.upload(house.member)
    for path in (f"/api/rag/documents/{document['file_id']}", "/api/nothing/here", "/status", "/api/docs"):
        assert (await house.nobody.get(path)).status_code == 401


async def test_a_link_works_once(house: House) -> None:
    person = await house.person()
    link = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    assert (await house.client()).is_closed is False
    await sign_in(await house.client(), token_of(link["url"]))
    again = await house.nobody.post("/api/login", json={"token": token_of(link["url"])})
    assert (again.status_code, again.json()["type"]) == (401, "urn:appliance:login_failed")


async def test_a_new_link_ends_the_one_before(house: House) -> None:
    person = await house.person()
    first = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    second = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    assert (await house.nobody.post("/api/login", json={"token": token_of(first["url"])})).status_code == 401
    await sign_in(await house.client(), token_of(second["url"]))


async def with_password(house: House) -> Person:
    person = await house.person()
    set_ = await person.browser.post("/api/me/password", json={"password": _PASSWORD})
    assert set_.status_code == 204
    return person


async def test_five_wrong_passwords_lock_and_a_link_is_the_way_back(house: House) -> None:
    person = await with_password(house)
    guesser = await house.client(peer="10.1.1.1")
    for _ in range(5):
        wrong = await guesser.post("/api/login", json={"username": person.name, "password": "wrong " * 3})
        assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:appliance:login_failed")
    right = {"username": person.name, "password": _PASSWORD}
    locked = await guesser.post("/api/login", json=right)
    assert (locked.status_code, locked.json()["type"]) == (429, "urn:appliance:login_locked")
    assert 0 < int(locked.headers["retry-after"]) <= 61
    elsewhere = await house.client(peer="10.1.1.2")
    assert (await elsewhere.post("/api/login", json=right)).status_code == 200, "the colleague elsewhere is not locked"
    link = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    await sign_in(guesser, token_of(link["url"]))


async def test_an_account_that_is_not_there_is_locked_the_same_way(house: House) -> None:
    guesser = await house.client(peer="10.1.1.3")
    guess = {"username": secrets.token_hex(6), "password": "wrong " * 3}
    answers = [await guesser.post("/api/login", json=guess) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_who_is_disabled_does_not_get_in(house: House) -> None:
    person = await with_password(house)
    link = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    assert (await house.admin.api.patch(f"/api/users/{person.id}", json={"disabled": True})).status_code == 200
    assert (await house.nobody.post("/api/login", json={"token": token_of(link["url"])})).status_code == 401


async def test_the_last_admin_stays(house: House) -> None:
    for change in ({"role": "member"}, {"disabled": True}):
        refused = await house.admin.api.patch(f"/api/users/{house.admin.id}", json=change)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:appliance:last_admin")


async def test_a_password_ends_the_other_sessions(house: House) -> None:
    person = await with_password(house)
    other = await house.client(peer="10.1.1.4")
    signed_in = await other.post("/api/login", json={"username": person.name, "password": _PASSWORD})
    assert signed_in.status_code == 200
    change = {"password": "another horse battery", "current": _PASSWORD}
    assert (await person.browser.post("/api/me/password", json=change)).status_code == 204
    assert (await person.browser.get("/api/me")).status_code == 200
    assert (await other.get("/api/me")).status_code == 401


async def test_writes_by_cookie_carry_the_token(house: House) -> None:
    person = await house.person()
    body = {"name": "Papers"}
    token = person.browser.headers.pop("x-csrf-token")
    refused = await person.browser.post("/api/collections", json=body)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:appliance:forbidden")
    wrong = await person.browser.post("/api/collections", json=body, headers={"x-csrf-token": "wrong"})
    assert wrong.status_code == 403
    anothers = house.member.browser.headers["x-csrf-token"]
    assert (await person.browser.delete("/api/keys/x", headers={"x-csrf-token": anothers})).status_code == 403
    assert (await person.browser.get("/api/collections")).status_code == 200
    assert (await person.browser.post("/api/collections", json=body, headers={"x-csrf-token": token})).is_success
    assert (await person.api.post("/api/collections", json=body)).is_success, "a key is not sent by itself"


async def test_the_cookie_is_for_this_host_and_no_script(house: House) -> None:
    person = await house.person()
    link = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    answer = await house.nobody.post("/api/login", json={"token": token_of(link["url"])})
    cookies = answer.headers.get_list("set-cookie")
    assert cookies[0].startswith("__Host-appliance=")
    assert all({"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; ")) for cookie in cookies)
    assert "Secure" in cookies[0].split("; ")
    house.nobody.cookies.clear()


async def test_a_key_may_what_its_scopes_say(house: House) -> None:
    knowledge = await house.key(house.admin, "knowledge")
    assert (await knowledge.get("/api/rag/documents")).status_code == 200
    for method, path in [
        ("GET", "/api/users"),
        ("GET", "/api/audit"),
        ("GET", "/metrics"),
        ("GET", "/api/keys"),
        ("POST", "/api/keys"),
        ("GET", "/api/sessions"),
        ("POST", "/api/fsck"),
    ]:
        answer = await knowledge.request(
            method, path, json={"name": "more", "scopes": ["all"]} if method == "POST" else None
        )
        assert answer.status_code == 403, path
    metrics = await house.key(house.member, "metrics")
    assert (await metrics.get("/metrics")).status_code == 200
    for method, path, body in [
        ("GET", "/api/collections", None),
        ("POST", "/api/rag/search", {"query": "kites"}),
        ("POST", "/api/rag/chat", {"question": "kites?"}),
        ("POST", "/api/rag/index", {"file_id": str(uuid4())}),
    ]:
        assert (await metrics.request(method, path, json=body)).status_code == 403, path
    assert (await metrics.post("/api/rag/upload", files={"file": ("a", b"a")})).status_code == 403


async def test_a_key_makes_no_key_that_may_more(house: House) -> None:
    admin = await house.key(house.admin, "admin", "metrics")
    assert (await admin.post("/api/keys", json={"name": "x", "scopes": ["metrics"]})).status_code == 201
    for scopes in (["all"], ["knowledge"]):
        assert (await admin.post("/api/keys", json={"name": "x", "scopes": scopes})).status_code == 403


async def test_a_key_ends_when_its_time_has_come(house: House) -> None:
    client = await house.key(house.member, "knowledge", expires_days=1.5 / 86400)
    assert (await client.get("/api/me")).status_code == 200
    async with asyncio.timeout(10):
        while (answer := await client.get("/api/me")).status_code != 401:
            await asyncio.sleep(0.1)
    assert answer.json()["type"] == "urn:appliance:not_signed_in"


@pytest.mark.parametrize("key", ["", "sov", "sov_", "sov_a_b", "sov__", "x" * 10_000, "sov_\N{SNOWMAN}_b", "control_x"])
async def test_what_is_no_key_opens_nothing(house: House, key: str) -> None:
    answer = await house.nobody.get("/api/me", headers=[(b"authorization", b"Bearer " + key.encode())])
    assert answer.status_code == 401


async def test_half_a_key_opens_nothing(house: House) -> None:
    mark, prefix, secret = house.member.key.split("_", 2)
    for forged in (f"{mark}_{prefix}_{secret[:-1]}", f"{mark}_{prefix}_", f"{mark}_{'0' * 10}_{secret}"):
        assert (await house.nobody.get("/api/me", headers={"authorization": f"Bearer {forged}"})).status_code == 401


async def test_a_members_everything_is_not_an_admins(house: House) -> None:
    assert (await house.member.api.get("/api/users")).status_code == 403


async def test_names_are_taken_whatever_their_case(house: House) -> None:
    taken = await house.admin.api.post("/api/users", json={"username": house.member.name.upper()})
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:appliance:name_taken")
