"""Real files through the API with the parser that ships: read, or failed for a reason, and never stuck."""

import asyncio
import io
from typing import Any

import pypdf
import pytest

from tests.api.house import House
from tests.made_files import pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"reads_files": True}
_PAGES = [
    [(72, 720, "Annual report"), (72, 690, "The company makes kites.")],
    [(72, 720, "Results"), (72, 690, "The revenue was 12 million euros in 2024.")],
]


def encrypted(data: bytes, password: str) -> bytes:
    """The same PDF under a password."""
    writer = pypdf.PdfWriter(pypdf.PdfReader(io.BytesIO(data)))
    writer.encrypt(password, algorithm="AES-256")
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


async def send(house: House, name: str, body: bytes) -> dict[str, Any]:
    sent = await house.member.api.post("/api/rag/upload", files={"file": (name, body)})
    assert sent.status_code == 201, sent.text
    return await house.wait_for(house.member, sent.json()["file_id"], "indexed", "failed")


async def test_a_citation_opens_the_page_with_its_mark(house: House) -> None:
    document = await send(house, "report.pdf", pdf(_PAGES, title="Annual report"))
    assert (document["status"], document["pages"], document["media_type"]) == ("indexed", 2, "application/pdf")
    with house.without_model():
        body = {"question": "What was the revenue in 2024?", "filters": {"documents": [document["file_id"]]}}
        answer = (await house.member.api.post("/api/rag/chat", json=body)).json()
    source = answer["sources"][0]
    assert (source["page"], source["quote"]) == (2, "The revenue was 12 million euros in 2024.")
    path = f"/api/rag/documents/{document['file_id']}/pages/{source['page']}"
    plain = await house.member.api.get(path)
    marked = await house.member.api.get(path, params={name: source[name] for name in ("start", "end")})
    assert plain.content.startswith(b"\x89PNG")
    assert marked.content != plain.content
    assert 0 < float(marked.headers["x-mark-top"]) < 0.3


async def test_an_encrypted_file_asks_for_its_password_and_takes_it(house: House) -> None:
    document = await send(house, "locked.pdf", encrypted(pdf(_PAGES), "sésame"))
    path = f"/api/rag/documents/{document['file_id']}"
    assert document["error"]["type"] == "urn:appliance:password_needed"
    assert (await house.member.api.post(f"{path}/retry", json={"password": "wrong"})).status_code == 200
    document = await house.wait_for(house.member, document["file_id"], "indexed", "failed")
    assert document["error"]["type"] == "urn:appliance:wrong_password"
    assert (await house.member.api.post(f"{path}/retry", json={"password": "sésame"})).status_code == 200
    document = await house.wait_for(house.member, document["file_id"], "indexed", "failed")
    assert (document["status"], document["pages"]) == ("indexed", 2)
    assert (await house.member.api.get(f"{path}/pages/1")).content.startswith(b"\x89PNG")


async def test_every_file_reaches_an_end_with_its_reason(house: House) -> None:
    whole = pdf(_PAGES)
    expected = {
        "empty.pdf": (b"", "empty_file"),
        "truncated.pdf": (whole[:40], "no_pages"),
        "binary.txt": (bytes(range(256)) * 8, "binary_as_text"),
        "damaged.docx": (b"PK\x03\x04 not really", "damaged_file"),
        "report.txt": (whole + b"\n%mislabelled", None),
        "utf16.txt": ("Éléphant et cerf-volant".encode("utf-16"), None),
        "latin1.txt": ("L’été à la plage, café crème".replace("’", "'").encode("latin-1"), None),
        "table.csv": (b"name,price\nkite,12\nlantern,8\n", None),
    }
    documents = await asyncio.gather(*(send(house, name, body) for name, (body, _) in expected.items()))
    reached = {
        document["filename"]: document["error"] and document["error"]["type"].removeprefix("urn:appliance:")
        for document in documents
    }
    assert reached == {name: code for name, (_, code) in expected.items()}
    found = await house.find(house.member, "éléphant cerf-volant")
    assert found[0]["document"] == "utf16.txt"
    assert (await house.admin.api.post("/api/fsck")).json()["discrepancies"] == []
