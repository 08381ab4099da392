"""What every Parser promises, whichever reads."""

import io
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pypdf
import pytest
import pytest_asyncio

from appliance.core.errors import ApplianceError, NotFound
from appliance.engines.memory import MemoryParser
from appliance.engines.reading.errors import BinaryAsText, EmptyFile, PasswordNeeded, WrongPassword
from appliance.engines.reading.parser import SandboxedParser
from appliance.ports.parser import SECTION_BREAK, Line, ParsedDocument, Parser
from tests.made_files import pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")

Write = Callable[[bytes], Path]


class Case(msgspec.Struct):
    """A parser and the files it reads, as bytes: two pages with two lines on the first, and a protected one."""

    parser: Parser
    two_pages: bytes
    protected: bytes
    suffix: str


def _protect(content: bytes, password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(content)))
    writer.encrypt(password, algorithm="AES-256")
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


@pytest_asyncio.fixture(params=["memory", "sandboxed"], scope="module", loop_scope="module")
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    if request.param == "memory":
        text = b"First line\nSecond line\fPage two"
        async with MemoryParser() as parser:
            yield Case(parser, text, "password: clé\n".encode() + text, ".txt")
        return
    pages = pdf([[(72, 700, "First line"), (72, 660, "Second line")], [(72, 700, "Page two")]])
    async with SandboxedParser() as parser:
        yield Case(parser, pages, _protect(pages, "clé"), ".pdf")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: bytes) -> Path:
        path = tmp_path / "blob"
        path.write_bytes(content)
        return path

    return write_file


def _join(document: ParsedDocument) -> str:
    return SECTION_BREAK.join(section.text for section in document.sections)


async def test_each_page_is_a_section_that_knows_where_it_starts(case: Case, write: Write) -> None:
    document = await case.parser.parse(write(case.two_pages), filename=f"a{case.suffix}")
    assert document.pages == 2
    assert [section.page for section in document.sections] == [1, 2]
    text = _join(document)
    for section in document.sections:
        assert text[section.start : section.start + len(section.text)] == section.text
    assert "Second line" in document.sections[0].text
    assert document.sections[1].text == "Page two"


async def test_lines_cover_the_text_of_a_page_in_order(case: Case, write: Write) -> None:
    document = await case.parser.parse(write(case.two_pages), filename=f"a{case.suffix}")
    section = document.sections[0]
    assert [section.text[line.start : line.end] for line in section.lines] == ["First line", "Second line"]
    first, second = section.lines
    assert 0 <= first.left < first.right <= 1
    assert 0 <= first.top < first.bottom <= second.top + 0.01 <= second.bottom <= 1


async def test_text_without_pages_says_which_lines_it_is(case: Case, write: Write) -> None:
    document = await case.parser.parse(write(b"one\ntwo\n"), filename="notes.txt")
    (section,) = document.sections
    assert (document.pages, section.page) == (None, None)
    assert section.locator is not None
    assert (section.locator.kind, section.locator.value) == ("line", "1-2")


async def test_reading_twice_gives_the_same(case: Case, write: Write) -> None:
    path = write(case.two_pages)
    first = await case.parser.parse(path, filename="a")
    assert await case.parser.parse(path, filename="a") == first


async def test_a_page_is_a_png_and_its_marks_change_it(case: Case, write: Write) -> None:
    path = write(case.two_pages)
    bare = await case.parser.render_page(path, filename="a", page=1)
    marked = await case.parser.render_page(path, filename="a", page=1, marks=[Line(0, 1, 0.1, 0.1, 0.9, 0.2)])
    assert bare.startswith(b"\x89PNG\r\n\x1a\n")
    assert _size(bare) == _size(marked)
    assert _pixels(bare) != _pixels(marked)


def _size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", png, 16)
    return width, height


def _pixels(png: bytes) -> bytes:
    at, data = 8, b""
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    return zlib.decompress(data)


@pytest.mark.parametrize("page", [0, 3, -1, 10**6])
async def test_there_is_no_picture_of_a_page_that_is_not_there(case: Case, write: Write, page: int) -> None:
    with pytest.raises(NotFound):
        await case.parser.render_page(write(case.two_pages), filename="a", page=page)


async def test_there_is_no_picture_of_a_file_without_pages(case: Case, write: Write) -> None:
    with pytest.raises(NotFound):
        await case.parser.render_page(write(b"just text"), filename="a.txt", page=1)


async def test_a_protected_file_asks_for_its_password_and_takes_it(case: Case, write: Write) -> None:
    path = write(case.protected)
    with pytest.raises(PasswordNeeded):
        await case.parser.parse(path, filename="a")
    with pytest.raises(WrongPassword):
        await case.parser.parse(path, filename="a", password="cle")
    document = await case.parser.parse(path, filename="a", password="clé")
    assert "First line" in document.sections[0].text
    with pytest.raises(PasswordNeeded):
        await case.parser.render_page(path, filename="a", page=1)
    assert await case.parser.render_page(path, filename="a", page=1, password="clé")


@pytest.mark.parametrize(
    "content, error", [(b"", EmptyFile), (b" \n\t ", EmptyFile), (b"a\x00\x01\x02\xff" * 50, BinaryAsText)]
)
async def test_what_is_no_text_is_refused_by_name(
    case: Case, write: Write, content: bytes, error: type[ApplianceError]
) -> None:
    with pytest.raises(error) as raised:
        await case.parser.parse(write(content), filename="bad.txt")
    problem = raised.value.to_problem("fr")
    assert "bad.txt" in problem.detail
    assert problem.hint


async def test_check_says_it_can_read(case: Case) -> None:
    assert (await case.parser.check()).ok
