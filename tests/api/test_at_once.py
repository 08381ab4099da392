"""What several people do at the same moment ends as if they had taken turns."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
_TIMES = 8


async def at_once(*calls: Coroutine[Any, Any, httpx.Response]) -> list[httpx.Response]:
    return await asyncio.gather(*calls)


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def check_stores(house: House) -> None:
    proof = (await house.admin.api.post("/api/fsck")).json()
    assert proof["discrepancies"] == []
    assert proof["ok"]


async def test_the_same_bytes_many_times_are_one_document(house: House) -> None:
    person, body = await house.person(), f"Quinces. {uuid4()}".encode()
    sending = (person.api.post("/api/rag/upload", files={"file": (f"{n}.txt", body)}) for n in range(_TIMES))
    answers = await at_once(*sending)
    assert statuses(answers) == {201: 1, 200: _TIMES - 1}
    assert len({answer.json()["file_id"] for answer in answers}) == 1
    assert (await person.api.get("/api/rag/documents")).json()["total"] == 1


async def test_the_same_bytes_of_many_people_are_kept_once(house: House) -> None:
    people = [await house.person() for _ in range(3)]
    body = f"Medlars. {uuid4()}".encode()
    answers = await at_once(*(one.api.post("/api/rag/upload", files={"file": ("a.txt", body)}) for one in people))
    assert statuses(answers) == {201: len(people)}
    first, *others = zip(people, answers, strict=True)
    assert (await first[0].api.delete(f"/api/rag/documents/{first[1].json()['file_id']}")).status_code == 204
    for person, answer in others:
        kept = await person.api.get(f"/api/rag/documents/{answer.json()['file_id']}/content")
        assert kept.content == body
    await check_stores(house)


async def test_first_uploads_make_one_collection(house: House) -> None:
    person = await house.person()
    sending = (
        person.api.post("/api/rag/upload", files={"file": ("a.txt", uuid4().bytes.hex().encode())})
        for _ in range(_TIMES)
    )
    answers = await at_once(*sending)
    assert statuses(answers) == {201: _TIMES}
    assert len({answer.json()["collection"] for answer in answers}) == 1


async def test_a_name_is_given_once(house: House) -> None:
    for path, body in [
        ("/api/users", {"username": secrets.token_hex(6)}),
        ("/api/groups", {"name": secrets.token_hex(6)}),
    ]:
        answers = await at_once(*(house.admin.api.post(path, json=body) for _ in range(_TIMES)))
        assert statuses(answers) == {201: 1, 409: _TIMES - 1}


async def test_a_document_is_deleted_once(house: House) -> None:
    document = await house.add(house.member)
    path = f"/api/rag/documents/{document['file_id']}"
    answers = await at_once(*(house.member.api.delete(path) for _ in range(_TIMES)))
    assert set(statuses(answers)) <= {204, 404}
    assert 204 in statuses(answers)
    assert (await house.member.api.get(path)).status_code == 404
    await check_stores(house)


async def test_a_collection_is_deleted_while_it_is_filled(house: House) -> None:
    collection = await house.collection(house.member)

    async def fill() -> list[int]:
        found: list[int] = []
        for _ in range(5):
            files, data = {"file": ("a.txt", uuid4().bytes.hex().encode())}, {"collection": collection["id"]}
            found.append((await house.member.api.post("/api/rag/upload", files=files, data=data)).status_code)
        return found

    async def delete() -> int:
        await asyncio.sleep(0.05)
        return (await house.member.api.delete(f"/api/collections/{collection['id']}")).status_code

    filling = asyncio.gather(*(fill() for _ in range(3)))
    assert await delete() == 204
    filled = await filling
    assert {status for one in filled for status in one} <= {201, 404}
    assert (await house.member.api.get(f"/api/collections/{collection['id']}")).status_code == 404
    await check_stores(house)


async def test_whoever_retries_stops_and_labels_at_once_comes_to_an_end(house: House) -> None:
    document = await house.add(house.member, "Lanterns hang in the tower. " * 50)
    path = f"/api/rag/documents/{document['file_id']}"
    for _ in range(4):
        answers = await at_once(
            house.member.api.post(f"{path}/retry"),
            house.member.api.post(f"{path}/cancel"),
            house.member.api.post(f"{path}/retry"),
            house.member.api.patch(path, json={"tags": [secrets.token_hex(3)]}),
            house.member.api.post("/api/rag/index?wait=false", json={"file_id": document["file_id"]}),
        )
        assert set(statuses(answers)) <= {200, 202, 409}, [answer.text for answer in answers]
    assert (await house.member.api.post(f"{path}/retry")).status_code in {200, 409}
    ended = await house.wait_for(house.member, document["file_id"], "indexed", "failed")
    assert ended["status"] == "indexed"
    tag = ended["tags"][0]
    async with asyncio.timeout(10):
        while not (await house.find(house.member, "lanterns tower", filters={"tags": [tag]})):
            await asyncio.sleep(0.05)


async def test_sessions_and_links_are_used_once(house: House) -> None:
    person = await house.person()
    url = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()["url"]
    body = {"token": url.rpartition("token=")[2]}
    browsers = [await house.client() for _ in range(_TIMES)]
    answers = await at_once(*(browser.post("/api/login", json=body) for browser in browsers))
    assert statuses(answers) == {200: 1, 401: _TIMES - 1}


async def test_wrong_passwords_at_once_are_counted_each(house: House) -> None:
    guesser = await house.client(peer="10.3.3.3")
    guess = {"username": secrets.token_hex(6), "password": "wrong " * 3}
    answers = await at_once(*(guesser.post("/api/login", json=guess) for _ in range(_TIMES)))
    assert set(statuses(answers)) <= {401, 429}
    assert (await guesser.post("/api/login", json=guess)).status_code == 429


async def test_the_stores_of_a_busy_box_agree(house: House) -> None:
    async def use() -> None:
        for _ in range(6):
            document = await house.upload(house.member, "Lanterns hang in the tower. " * 40)
            path = f"/api/rag/documents/{document['file_id']}"
            await house.member.api.post("/api/rag/index", json={"file_id": document["file_id"]})
            await house.member.api.post(f"{path}/retry")
            await house.member.api.patch(path, json={"tags": [secrets.token_hex(3)]})
            await asyncio.sleep(0.02)
            assert (await house.member.api.delete(path)).status_code == 204

    users = [asyncio.ensure_future(use()) for _ in range(3)]
    while not all(user.done() for user in users):
        await check_stores(house)
    await asyncio.gather(*users)
