"""Whatever is sent, the answer is clear, in the caller's language, and nothing is lost or let in."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest

from tests.api.house import House
from tests.api.wire import Call, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")
_LIMIT = 1024 * 1024
SETTINGS = {"limits__upload_bytes": _LIMIT, "limits__request_bytes": 64 * 1024}
_TWO_GIGABYTES = str(2 * 1024**3)
_NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\windows\\system32\\config\\SAM", "SAM"),
    ("/etc/shadow", "shadow"),
    ("CON", "CON"),
    ("a" * 296 + ".txt", "a" * 250 + "….txt"),
    ("é" * 300, "é" * 255),
    ("📄 rapport 👩‍🚀.txt", "📄 rapport 👩‍🚀.txt"),
    ("مرحبا.txt", "مرحبا.txt"),
    ("invoice\u202etxt.exe", "invoicetxt.exe"),
    ("...", "unnamed"),
    (" . ", "unnamed"),
    ("e\u0301te\u0301.txt", "été.txt"),
    ("two  spaces\u00a0.txt", "two spaces .txt"),
    ('"><img src=x onerror=alert(1)>.txt', '"><img src=x onerror=alert(1)>.txt'),
    ("%2e%2e%2fpasswd", "%2e%2e%2fpasswd"),
    ("a;b=c, d.txt", "a;b=c, d.txt"),
]


def form(name: bytes, body: bytes, *, boundary: str = "b") -> bytes:
    """A form as a browser writes it, whatever the name: quotes alone are escaped (WHATWG HTML, multipart encoding)."""
    escaped = name.replace(b'"', b"%22").replace(b"\n", b"%0A").replace(b"\r", b"%0D")
    head = b'Content-Disposition: form-data; name="file"; filename="' + escaped + b'"\r\nContent-Type: text/plain'
    return b"--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (boundary.encode(), head, body, boundary.encode())


FORM = {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize("sent, kept", _NAMES, ids=[str(number) for number in range(len(_NAMES))])
async def test_a_name_is_a_label_and_no_path(house: House, sent: str, kept: str) -> None:
    body = f"Sloes. {uuid4()}".encode()
    answer = await house.member.api.post("/api/rag/upload", content=form(sent.encode(), body), headers=FORM)
    assert answer.status_code == 201, answer.text
    assert answer.json()["filename"].replace("%22", '"') == kept
    content = await house.member.api.get(f"/api/rag/documents/{answer.json()['file_id']}/content")
    disposition = content.headers["content-disposition"]
    assert disposition.isascii()
    assert unquote(disposition.partition("''")[2]).replace("%22", '"') == kept
    assert content.content == body
    indexed = await house.member.api.post("/api/rag/index", json={"file_id": answer.json()["file_id"]})
    assert indexed.status_code == 200


async def test_the_same_bytes_are_the_first_document(house: House) -> None:
    body, first_home, second_home = (
        f"Medlars. {uuid4()}".encode(),
        *[await house.collection(house.member) for _ in "ab"],
    )

    async def send(name: str, collection: dict[str, Any]) -> Any:
        files = {"file": (name, body)}
        return await house.member.api.post("/api/rag/upload", files=files, data={"collection": collection["id"]})

    first, again = await send("a.txt", first_home), await send("b.txt", first_home)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["file_id"] == first.json()["file_id"]
    assert again.json()["filename"] == "a.txt"
    elsewhere = await send("c.txt", second_home)
    assert elsewhere.status_code == 201
    assert (await house.member.api.delete(f"/api/rag/documents/{first.json()['file_id']}")).status_code == 204
    kept = await house.member.api.get(f"/api/rag/documents/{elsewhere.json()['file_id']}/content")
    assert kept.content == body, "the bytes are held by the other document"
    new = await send("d.txt", first_home)
    assert new.status_code == 201
    assert new.json()["file_id"] != first.json()["file_id"]


async def test_what_cannot_be_read_fails_with_its_reason_and_is_tried_again(house: House) -> None:
    for body, code in [(b"", "empty_file"), (b"\x00\x01\xff\xfe", "binary_as_text"), (b"scan", "no_text")]:
        sent = await house.member.api.post("/api/rag/upload", files={"file": ("x.txt", body)})
        file_id = sent.json()["file_id"]
        waited = await house.member.api.post("/api/rag/index", json={"file_id": file_id})
        assert waited.json()["type"] == f"urn:appliance:{code}"
        document = await house.wait_for(house.member, file_id, "failed")
        assert document["error"]["type"] == f"urn:appliance:{code}"
        assert document["error"]["hint"]
        french = await house.member.api.get(f"/api/rag/documents/{file_id}", headers={"accept-language": "fr"})
        assert set(french.json()["error"]) == set(document["error"])
        assert (await house.member.api.post(f"/api/rag/documents/{file_id}/retry")).json()["status"] == "queued"
        await house.wait_for(house.member, file_id, "failed")
        assert (await house.member.api.delete(f"/api/rag/documents/{file_id}")).status_code == 204


async def test_a_wrong_password_is_said_and_asked_for_again(house: House) -> None:
    uploaded = await house.upload(house.member, "password: right\nSorb apples.")
    path = f"/api/rag/documents/{uploaded['file_id']}"
    codes = [(await house.wait_for(house.member, uploaded["file_id"], "failed"))["error"]["type"]]
    assert (await house.member.api.post(f"{path}/retry", json={"password": "wrong"})).status_code == 200
    codes.append((await house.wait_for(house.member, uploaded["file_id"], "failed"))["error"]["type"])
    assert codes == ["urn:appliance:password_needed", "urn:appliance:wrong_password"]
    assert (await house.member.api.post(f"{path}/retry", json={"password": "right"})).status_code == 200
    assert (await house.wait_for(house.member, uploaded["file_id"], "indexed", "failed"))["status"] == "indexed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"not a form at all",
        form(b"a.txt", b"cut")[:-12],
        form(b"a.txt", b"x", boundary="other"),
        b'--b\r\nContent-Disposition: form-data; name="collection"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n",
        form(b"a.txt", b"x")[:-7] + form(b"b.txt", b"y"),
    ],
    ids=range(8),
)
async def test_a_form_that_is_none_is_refused(house: House, body: bytes) -> None:
    before = (await house.member.api.get("/api/rag/documents")).json()["total"]
    answer = await house.member.api.post("/api/rag/upload", content=body, headers=FORM)
    assert answer.status_code == 400, answer.text
    assert (await house.member.api.get("/api/rag/documents")).json()["total"] == before
    await house.nothing_incoming()


async def test_a_head_of_a_part_has_a_limit(house: House) -> None:
    body = b"--b\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n"
    assert (await house.member.api.post("/api/rag/upload", content=body, headers=FORM)).status_code == 413


async def test_fields_of_a_form_have_limits(house: House) -> None:
    files = {"file": ("a.txt", b"a")}
    many = await house.member.api.post("/api/rag/upload", files=files, data={"tags": [f"t{n}" for n in range(51)]})
    assert many.status_code == 400
    long = await house.member.api.post("/api/rag/upload", files=files, data={"agent_owner": "x" * 70_000})
    assert long.status_code == 413
    for collection in ("not-an-id", str(uuid4())):
        unknown = await house.member.api.post("/api/rag/upload", files=files, data={"collection": collection})
        assert unknown.status_code == 404


async def never_asked(call: list[Call]) -> AsyncIterator[bytes]:
    """A body of two gigabytes; its first piece must not be asked for before the answer."""
    for _ in range(20):
        assert call, "the answer begins before the body is read"
        yield b"x" * 65536


async def endless() -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    yield form(b"a.txt", b"")[:-10]
    while True:
        yield b"x" * 65536


@pytest.mark.parametrize("path", ["/api/rag/upload", "/api/rag/chat", "/api/login", "/api/nothing"])
async def test_two_gigabytes_are_refused_before_they_are_read(house: House, path: str) -> None:
    headers = {"authorization": f"Bearer {house.member.key}", "content-length": _TWO_GIGABYTES, **FORM}
    answered: list[Call] = []
    async with calling(house, "POST", path, headers=headers, body=never_asked(answered), answered=answered) as call:
        problem = await call.read()
        assert call.status == 413
        assert b"urn:appliance:too_large" in problem
        assert call.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "0x10", "१२"])
async def test_a_length_that_is_none_is_refused(house: House, length: str) -> None:
    headers = [(b"content-length", length.encode()), (b"authorization", f"Bearer {house.member.key}".encode())]
    answer = await house.member.api.post("/api/rag/search", headers=headers, content=b"{}")
    assert answer.status_code == 413


@pytest.mark.parametrize("path, limit", [("/api/rag/upload", _LIMIT), ("/api/rag/search", 64 * 1024)])
async def test_a_body_without_end_is_read_to_the_limit(house: House, path: str, limit: int) -> None:
    headers = {"authorization": f"Bearer {house.member.key}", "transfer-encoding": "chunked", **FORM}
    async with calling(house, "POST", path, headers=headers, body=endless()) as call:
        assert call.status == 413, await call.read()
        assert call.taken <= limit + 4 * 65536
        assert b"urn:appliance:too_large" in await call.read()
    await house.nothing_incoming()


async def test_a_file_of_just_the_limit_is_taken(house: House) -> None:
    body = f"{uuid4()}".encode().ljust(_LIMIT, b" ")
    fits = await house.member.api.post("/api/rag/upload", files={"file": ("a.txt", body)})
    assert fits.status_code == 201
    over = await house.member.api.post("/api/rag/upload", files={"file": ("a.txt", body + b" ")})
    assert over.status_code == 413
    assert "1 MB" in over.json()["detail"]


async def test_an_upload_that_breaks_off_leaves_nothing(house: House) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield form(b"a.txt", b"x" * 1000)[:500]

    before = (await house.member.api.get("/api/rag/documents")).json()["total"]
    headers = {"authorization": f"Bearer {house.member.key}", "content-length": "1200", **FORM}
    async with calling(house, "POST", "/api/rag/upload", headers=headers, body=cut()) as call:
        assert call.status == 400
    assert (await house.member.api.get("/api/rag/documents")).json()["total"] == before
    await house.nothing_incoming()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"query": 5}',
        b'{"query": "\xed\xa0\x80"}',
        b'{"query": "a", "limit": 1e400}',
        b'{"query": "a", "limit": 0}',
        b'{"query": "a", "unknown": 1}',
        b'{"query": "a", "query": {}}',
        b"[" * 20_000,
        b'{"query": "a", "filters": {"documents": ["nope"]}}',
    ],
    ids=range(14),
)
async def test_a_body_that_is_no_question_is_refused(house: House, body: bytes) -> None:
    answer = await house.member.api.post("/api/rag/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("query", ["' OR 1=1 --", "%_\\", "🙂" * 500, "\u202e abc", "a" * 8000, "(((", "\ud7ff"])
async def test_any_words_may_be_searched_for(house: House, query: str) -> None:
    assert (await house.member.api.post("/api/rag/search", json={"query": query})).status_code == 200
    listed = await house.member.api.get("/api/rag/documents", params={"q": query[:200], "tag": query[:60]})
    assert listed.status_code == 200, listed.text
    assert (await house.admin.api.get("/api/users", params={"q": query[:200]})).status_code == 200


async def test_a_character_no_text_has_is_refused_wherever_it_stands(house: House) -> None:
    nul, calls = "a\0b", house.admin.api
    document = await house.upload(house.admin)
    for answer in [
        await calls.post("/api/rag/search", json={"query": nul}),
        await calls.post("/api/rag/search", json={"query": "a", "filters": {"tags": ["b", nul]}}),
        await calls.post("/api/rag/documents/tag", json={"keywords": {nul: ["a"]}}),
        await calls.patch(f"/api/rag/documents/{document['file_id']}", json={"agent_owner": nul}),
        await calls.post("/api/collections", json={"name": nul}),
        await calls.post("/api/login", json={"username": nul, "password": nul}),
        await calls.get("/api/rag/documents", params={"q": nul}),
        await calls.get("/api/audit", params={"action": nul}),
        await calls.post("/api/rag/upload", files={"file": ("a", b"a")}, data={"tags": nul}),
        await calls.post("/api/rag/upload", files={"file": ("a", b"a")}, data={"agent_owner": nul}),
    ]:
        assert answer.status_code == 400, answer.request.url
    kept = await calls.post("/api/rag/upload", content=form(nul.encode(), b"quince \0 jam"), headers=FORM)
    assert (kept.status_code, kept.json()["filename"]) == (201, "ab")
    await house.wait_for(house.admin, kept.json()["file_id"], "indexed", "failed")


async def test_a_hundred_thousand_characters_are_too_many(house: House) -> None:
    question = "why " * 12_500
    for path, field in (("/api/rag/chat", "question"), ("/api/rag/search", "query")):
        answer = await house.member.api.post(path, json={field: question})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:appliance:question_too_long")
        assert "50000" in answer.json()["detail"]


@pytest.mark.parametrize(
    "accepted, title",
    [
        ("fr", "Document introuvable"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "Document introuvable"),
        ("en;q=0.5,fr;q=0.4", "Document not found"),
        ("de", "Document not found"),
        ("", "Document not found"),
        (";;;q=x,,", "Document not found"),
    ],
)
async def test_problems_are_said_in_the_browsers_language(house: House, accepted: str, title: str) -> None:
    answer = await house.member.api.get(f"/api/rag/documents/{uuid4()}", headers={"accept-language": accepted})
    assert answer.json()["title"] == title


async def test_or_in_the_persons_own(house: House) -> None:
    person = await house.person(language="fr")
    assert (await person.api.get(f"/api/rag/documents/{uuid4()}")).json()["title"] == "Document introuvable"
    stranger = await house.nobody.get("/api/me", headers={"accept-language": "fr"})
    assert stranger.json()["title"] == "Veuillez vous identifier"


@pytest.mark.parametrize("host", ["rebound.example", "localhost.rebound.example", "", "127.0.0.1.rebound.example"])
async def test_another_hosts_name_is_not_ours(house: House, host: str) -> None:
    assert (await house.member.api.get("/api/me", headers={"host": host})).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:9", "[::1]:8000", "192.168.1.9"])
async def test_our_names_and_addresses_are(house: House, host: str) -> None:
    assert (await house.member.api.get("/api/me", headers={"host": host})).status_code == 200


async def test_answers_are_for_this_page_alone(house: House) -> None:
    for client, path in ((house.member.api, "/api/me"), (house.nobody, "/api/me"), (house.nobody, "/health")):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
