"""A Parser without libraries or processes, for tests of rooms: text files, form feeds between pages.

A first line `password: SECRET` protects a file, `scan` alone is a picture of a page. All else is as the port says.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from appliance.core.errors import NotFound
from appliance.core.health import Health
from appliance.engines.reading.errors import BinaryAsText, EmptyFile, NoText, PasswordNeeded, WrongPassword
from appliance.ports.parser import SECTION_BREAK, Line, Locator, ParsedDocument, Section

_WIDTH, _HEIGHT = 60, 80
_MARK = b"\xff\xe5\x8a"


class MemoryParser:
    """Implements the Parser port."""

    async def parse(self, path: Path, *, filename: str, password: str | None = None) -> ParsedDocument:
        """Read a text file: a section for each page, or one for the whole where there is no form feed."""
        text = _read(path, filename, password)
        pages = text.split("\f")
        paged = len(pages) > 1
        sections: list[Section] = []
        start = 0
        for number, page in enumerate((page.strip() for page in pages), start=1):
            if not page:
                continue
            locator = None if paged else Locator("line", f"1-{page.count(chr(10)) + 1}")
            lines = _place_lines(page) if paged else ()
            sections.append(
                Section(text=page, start=start, page=number if paged else None, locator=locator, lines=lines)
            )
            start += len(page) + len(SECTION_BREAK)
        if not sections:
            raise EmptyFile(filename=filename)
        title = sections[0].text.split("\n", 1)[0][:200]
        pages_count = len(pages) if paged else None
        return ParsedDocument(media_type="text/plain", title=title, pages=pages_count, sections=tuple(sections))

    async def render_page(
        self, path: Path, *, filename: str, page: int, marks: Sequence[Line] = (), password: str | None = None
    ) -> bytes:
        """Picture a page of a file that has form feeds: white, with its marks."""
        pages = _read(path, filename, password).split("\f")
        if len(pages) == 1 or not 1 <= page <= len(pages):
            raise NotFound
        return _png(marks)

    async def check(self) -> Health:
        """Say that it works."""
        return Health("memory", ok=True)

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


def _read(path: Path, filename: str, password: str | None) -> str:
    data = path.read_bytes()
    if not data.strip():
        raise EmptyFile(filename=filename)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BinaryAsText(filename=filename) from None
    if "\x00" in text:
        raise BinaryAsText(filename=filename)
    first, _line_end, rest = text.partition("\n")
    if first.startswith("password: "):
        if not password:
            raise PasswordNeeded(filename=filename)
        if password != first.removeprefix("password: "):
            raise WrongPassword(filename=filename)
        text = rest
    if text.strip() == "scan":
        raise NoText(filename=filename)
    return text


def _place_lines(page: str) -> tuple[Line, ...]:
    """Put the lines of a page one below the other."""
    texts = page.split("\n")
    lines: list[Line] = []
    start = 0
    for number, text in enumerate(texts):
        if text:
            top = number / len(texts)
            lines.append(Line(start, start + len(text), 0.1, top, 0.9, top + 1 / len(texts)))
        start += len(text) + 1
    return tuple(lines)


def _png(marks: Sequence[Line]) -> bytes:
    """Encode a white page with yellow marks (PNG specification, third edition)."""
    rows = bytearray()
    for y in range(_HEIGHT):
        inside = [mark for mark in marks if mark.top <= y / _HEIGHT < mark.bottom]
        rows.append(0)
        for x in range(_WIDTH):
            marked = any(mark.left <= x / _WIDTH < mark.right for mark in inside)
            rows += _MARK if marked else b"\xff\xff\xff"
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
