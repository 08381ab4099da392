"""Files that lie, break, explode or are cut short: each ends in text or in a coded error, soon, and alone.

Made here; the limits of time are wide, for slow and shared machines. What a real corpus does is in test_corpus.py.
"""

import asyncio
import io
import struct
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pypdf
import pytest
import pytest_asyncio
from PIL import Image

from appliance.core.errors import ApplianceError, UnsupportedFile
from appliance.core.settings_sections import Limits as LimitsInSettings
from appliance.engines.reading import errors
from appliance.engines.reading.parser import SandboxedParser
from appliance.engines.reading.source import Limits
from appliance.ports.parser import ParsedDocument
from tests import made_files as made

pytestmark = pytest.mark.asyncio(loop_scope="module")


_HELLO = made.pdf([[(72, 700, "Hello cut world")], [(72, 700, "Second page")], [(72, 700, "Third page")]])
_LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{level} "{f"&lol{level - 1 or str()};" * 10}">' for level in range(1, 10))
    + "]>"
)
_SECRET = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[SandboxedParser]:
    limits = Limits(pages=500, characters=2_000_000)
    async with SandboxedParser(limits=limits, seconds=60, memory_bytes=700 << 20, tesseract=None) as opened:
        await opened.check()
        yield opened


async def _read(parser: SandboxedParser, folder: Path, content: bytes, filename: str) -> ParsedDocument:
    path = folder / "blob"
    path.write_bytes(content)
    return await parser.parse(path, filename=filename)


def _text(document: ParsedDocument) -> str:
    return "\n".join(section.text for section in document.sections)


def _compress(piece: bytes, count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(piece) for _time in range(count)) + packer.flush()


_MEGABYTE = b"\0" * (1 << 20)


def _png(width: int, height: int) -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + part(b"IDAT", _compress(_MEGABYTE, 20)) + part(b"IEND", b"")


def _sheet(body: str) -> bytes:
    return made.archive(
        {
            "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": body,
        }
    )


def _nested_mail(depth: int) -> bytes:
    lines = b"From: a@example.org\nSubject: deep\nMIME-Version: 1.0\n"
    for level in range(depth):
        lines += b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level)
    return lines + b"Content-Type: text/plain\n\nbottom"


def _lying_archive() -> bytes:
    """A ZIP whose directory says that a part is a thousand times smaller than it is."""
    packed = bytearray(made.archive({"word/document.xml": b"<w:p/>" * 200_000}))
    at = packed.rfind(b"PK\x01\x02")
    packed[at + 24 : at + 28] = struct.pack("<L", 1200)
    return bytes(packed)


REFUSED: dict[str, tuple[str, Callable[[], bytes], type[ApplianceError]]] = {
    "nothing": ("a.pdf", lambda: b"", errors.EmptyFile),
    "white space": ("a.txt", lambda: b" \r\n\t" * 50, errors.EmptyFile),
    "binary called text": ("a.txt", lambda: bytes(range(256)) * 40, errors.BinaryAsText),
    "binary called csv": ("a.csv", lambda: b"a;b\n\x00\x01\x02" * 400, errors.BinaryAsText),
    "binary of no kind": ("a.bin", lambda: b"\x7fELF" + bytes(range(256)) * 40, UnsupportedFile),
    "binary called pdf": ("a.pdf", lambda: bytes(range(256)) * 40, UnsupportedFile),
    "plain zip": ("a.docx", lambda: made.archive({"a.txt": "x"}), UnsupportedFile),
    "empty zip": ("a.docx", lambda: made.archive({}), errors.DamagedFile),
    "old word": ("a.doc", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), errors.OldOfficeFile),
    "word that says it is encrypted": (
        "a.docx",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le"),
        errors.DamagedFile,
    ),
    "header of a pdf": ("a.pdf", lambda: b"%PDF-1.7\n", errors.DamagedFile),
    "pdf without pages": (
        "a.pdf",
        lambda: made.assemble_pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]),
        errors.NoPages,
    ),
    "pdf whose pages loop": (
        "a.pdf",
        lambda: made.assemble_pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 100000>>"]),
        errors.TooManyPages,
    ),
    "pdf of too many pages": ("a.pdf", lambda: made.pdf([[(9, 9, "x")]] * 501), errors.TooManyPages),
    "pdf stream of a gigabyte": (
        "a.pdf",
        lambda: made.pdf_with_content(_compress(_MEGABYTE, 1024), filters=b"/FlateDecode"),
        errors.ParsingOutOfMemory,
    ),
    "pdf stream packed twice": (
        "a.pdf",
        lambda: made.pdf_with_content(zlib.compress(_compress(_MEGABYTE, 2048)), filters=b"[/FlateDecode/FlateDecode]"),
        errors.ParsingOutOfMemory,
    ),
    "zip bomb": ("a.docx", lambda: made.archive({"word/document.xml": _MEGABYTE * 200}), errors.UnsafeArchive),
    "zip of too many parts": (
        "a.docx",
        lambda: made.archive({f"word/{number}.xml": "" for number in range(12_000)}, compression=zipfile.ZIP_STORED),
        errors.UnsafeArchive,
    ),
    "six million empty paragraphs": ("a.docx", lambda: made.bare_docx("<w:p/>" * 6_000_000), errors.UnsafeArchive),
    "a million empty paragraphs": ("a.docx", lambda: made.bare_docx("<w:p/>" * 1_000_000), errors.NoTextFound),
    "entities in word": (
        "a.docx",
        lambda: made.bare_docx("<w:p><w:r><w:t>&lol9;</w:t></w:r></w:p>", prolog=_LAUGHS),
        errors.UnsafeXml,
    ),
    "another file in word": (
        "a.docx",
        lambda: made.bare_docx("<w:p><w:r><w:t>&x;</w:t></w:r></w:p>", prolog=_SECRET),
        errors.UnsafeXml,
    ),
    "entities in utf-16": (
        "a.docx",
        lambda: made.archive({"word/document.xml": f'<?xml version="1.0"?>{_SECRET}<a>&x;</a>'.encode("utf-16")}),
        errors.UnsafeXml,
    ),
    "entities after a megabyte of comment": (
        "a.docx",
        lambda: made.bare_docx("<w:p/>", prolog=f"<!--{'x' * (2 << 20)}-->{_LAUGHS}"),
        errors.UnsafeXml,
    ),
    "entities in excel": ("a.xlsx", lambda: _sheet(f"{_LAUGHS}<worksheet>&lol9;</worksheet>"), errors.UnsafeXml),
    "entities in opendocument": (
        "a.odt",
        lambda: made.archive({"content.xml": f"{_SECRET}<a><body><text>&x;</text></body></a>"}),
        errors.UnsafeXml,
    ),
    "a sheet repeated a billion times": (
        "a.ods",
        lambda: made.open_document(
            '<table:table table:name="S">' + '<table:table-row table:number-rows-repeated="1000000"><table:table-cell '
            'table:number-columns-repeated="1000000"><text:p>x</text:p></table:table-cell></table:table-row>'
            * 100
            + "</table:table>",
            kind="spreadsheet",
        ),
        errors.TooMuchText,
    ),
    "more text than the limit": ("a.txt", lambda: b"hello world\n" * 200_000, errors.TooMuchText),
    "picture of billions of pixels": ("a.png", lambda: _png(60_000, 60_000), errors.PictureTooLarge),
    "picture without text reading": ("a.png", lambda: made.picture_of_text("Hello"), errors.NoText),
    "scan without text reading": ("a.pdf", lambda: made.scanned_pdf(made.picture_of_text("Hello")), errors.NoText),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_is_refused_with_its_reason(parser: SandboxedParser, tmp_path: Path, name: str) -> None:
    filename, make, error = REFUSED[name]
    content = make()
    started = time.monotonic()
    with pytest.raises(ApplianceError) as raised:
        await _read(parser, tmp_path, content, filename)
    assert type(raised.value) is error, raised.value.code
    assert time.monotonic() - started < 30
    for language in ("en", "fr"):
        problem = raised.value.to_problem(language)
        assert "{" not in problem.detail + problem.hint + problem.title


READ: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "pdf called text": ("a.txt", lambda: _HELLO, "application/pdf", "Hello cut world"),
    "word called pdf": ("a.pdf", made.word_document, "openxmlformats-officedocument.wordprocessingml", "Résultats"),
    "text called nothing": ("README", "Bonjour à tous".encode, "text/plain", "Bonjour à tous"),
    "pdf after junk": ("a.pdf", lambda: b"junk\n" * 50 + _HELLO, "application/pdf", "Third page"),
    "pdf cut in its end": ("a.pdf", lambda: _HELLO[:-150], "application/pdf", "Third page"),
    "pdf cut in the middle": ("a.pdf", lambda: _HELLO[: len(_HELLO) // 2], "application/pdf", "Hello cut world"),
    "pdf that is a zip as well": (
        "a.pdf",
        lambda: _HELLO + made.archive({"word/document.xml": "<a/>"}),
        "application/pdf",
        "Hello cut world",
    ),
    "page that is a pdf as well": (
        "a.html",
        lambda: b"<html><body>only this</body></html><!--" + _HELLO + b"-->",
        "text/html",
        "only this",
    ),
    "word cut short": (
        "a.docx",
        lambda: made.word_document()[: len(made.word_document()) * 2 // 3],
        "wordprocessingml",
        "Le chiffre d’affaires",
    ),
    "excel cut short": ("a.xlsx", lambda: made.workbook()[:-700], "spreadsheetml", "Trimestre: T4"),
    "directory that lies": ("a.docx", made.word_document, "wordprocessingml", "croissance"),
    "text in utf-16": ("a.txt", lambda: "Élan et cœur".encode("utf-16"), "text/plain", "Élan et cœur"),
    "text in utf-16 without a mark": (
        "a.txt",
        lambda: ("Élan et cœur. " * 9).encode("utf-16-be"),
        "text/plain",
        "cœur",
    ),
    "text in utf-32": ("a.txt", lambda: "Élan et cœur".encode("utf-32"), "text/plain", "Élan et cœur"),
    "text in latin-1": ("a.txt", lambda: "Été à la Réunion".encode("latin-1"), "text/plain", "Été à la Réunion"),
    "text in windows-1252": ("a.txt", lambda: "10 € – l’œuvre".encode("cp1252"), "text/plain", "10 € – l’œuvre"),
    "text of an old mac": (
        "a.txt",
        lambda: "Été à la plage, façade".encode("mac_roman"),
        "text/plain",
        "Été à la plage",
    ),
    "text of dos": ("a.txt", lambda: "Été à la plage, façade".encode("cp850"), "text/plain", "Été à la plage"),
    "text with one bad byte": ("a.txt", lambda: "déjà vu ".encode() * 200 + b"\xff", "text/plain", "déjà vu"),
    "rtf of half a million braces": ("a.rtf", lambda: b"{\\rtf1 " + b"{" * 500_000 + b"bottom", "rtf", "bottom"),
    "table of one enormous row": ("a.csv", lambda: b"a," * 600_000, "text/plain", "a,a"),
}


@pytest.mark.parametrize("name", READ)
async def test_is_read_for_what_it_is(parser: SandboxedParser, tmp_path: Path, name: str) -> None:
    filename, make, media_type, expected = READ[name]
    document = await _read(parser, tmp_path, make(), filename)
    assert media_type in document.media_type
    assert expected in _text(document)


ENDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "word nested without end": ("a.docx", lambda: made.bare_docx("<w:p>" + "<w:ins>" * 200_000)),
    "page nested without end": ("a.html", lambda: b"<div>" * 300_000 + b"bottom"),
    "mail nested without end": ("a.eml", lambda: _nested_mail(1_500)),
    "archive that lies about a size": ("a.docx", _lying_archive),
    "sheet of columns without end": (
        "a.xlsx",
        lambda: _sheet("".join(f'<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>' for row in range(1, 20_000))),
    ),
    "pdf of operators without end": (
        "a.pdf",
        lambda: made.pdf_with_content(
            _compress(b"BT /F1 9 Tf 9 9 Td (x) Tj ET\n" * 1000, 300), filters=b"/FlateDecode"
        ),
    ),
    "picture of a hundred million pixels": ("a.png", lambda: _png(9_999, 9_999)),
    "half a picture": ("a.png", lambda: made.picture_of_text("Hello")[:500]),
}


@pytest.mark.parametrize("name", ENDS)
async def test_ends_in_text_or_a_coded_error(parser: SandboxedParser, tmp_path: Path, name: str) -> None:
    filename, make = ENDS[name]
    content = make()
    started = time.monotonic()
    (outcome,) = await asyncio.gather(_read(parser, tmp_path, content, filename), return_exceptions=True)
    if isinstance(outcome, ParsedDocument):
        assert outcome.sections
    else:
        assert isinstance(outcome, ApplianceError)
        assert outcome.code not in {"unexpected", "failed"}
    assert time.monotonic() - started < 65


async def test_an_encrypted_pdf_is_read_with_its_password_and_pictured_too(
    parser: SandboxedParser, tmp_path: Path
) -> None:
    path = tmp_path / "locked.pdf"
    for algorithm in ("RC4-128", "AES-128", "AES-256"):
        writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(_HELLO)))
        writer.encrypt("clé", algorithm=algorithm)
        writer.write(path)
        with pytest.raises(errors.PasswordNeeded):
            await parser.parse(path, filename="locked.pdf")
        with pytest.raises(errors.WrongPassword):
            await parser.render_page(path, filename="locked.pdf", page=1, password="wrong")
        document = await parser.parse(path, filename="locked.pdf", password="clé")
        assert document.sections[0].text == "Hello cut world"
        assert await parser.render_page(path, filename="locked.pdf", page=1, password="clé")


@pytest.mark.slow
async def test_ten_thousand_pages_are_read_within_the_time_of_the_settings(tmp_path: Path) -> None:
    lots = [[(72.0, 720.0, f"The ledger of lot {lot} closes at {7 * lot} crowns.")] for lot in range(1, 10_001)]
    shipped_with = LimitsInSettings()
    async with SandboxedParser(
        seconds=shipped_with.parse_seconds, memory_bytes=shipped_with.parse_memory_bytes, tesseract=None
    ) as shipped:
        document = await _read(shipped, tmp_path, made.pdf(lots), "ledger.pdf")
    assert document.pages == 10_000
    assert [section.page for section in document.sections if "lot 7777 " in section.text] == [7777]


async def test_a_file_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    slow = made.pdf_with_content(_compress(b"BT /F1 9 Tf 9 9 Td (x) Tj ET\n" * 1000, 1000), filters=b"/FlateDecode")
    async with SandboxedParser(seconds=0.5, tesseract=None) as hurried:
        with pytest.raises(errors.ParsingTimedOut):
            await _read(hurried, tmp_path, slow, "slow.pdf")
        assert (await _read(hurried, tmp_path, b"after", "a.txt")).sections[0].text == "after"


async def test_hostile_files_beside_a_good_one_cost_it_nothing(parser: SandboxedParser, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(_HELLO)
    bad.write_bytes(made.pdf_with_content(_compress(_MEGABYTE, 1024), filters=b"/FlateDecode"))
    for _time in range(3):
        with pytest.raises(errors.ParsingOutOfMemory):
            await parser.parse(bad, filename="bad.pdf")
        assert (await parser.parse(good, filename="good.pdf")).pages == 3


async def test_a_wide_page_and_a_tall_one_are_pictured_in_bounds(parser: SandboxedParser, tmp_path: Path) -> None:
    path = tmp_path / "odd.pdf"
    for box in (b"[0 0 14400 10]", b"[0 0 10 14400]", b"[0 0 14400 14400]"):
        path.write_bytes(_HELLO.replace(b"[0 0 612 792]", box))
        picture = Image.open(io.BytesIO(await parser.render_page(path, filename="odd.pdf", page=1)))
        assert picture.width * picture.height <= 6_000_000
