"""Reading a file somebody sent: text with its places, and pictures of its pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, Self

import msgspec

from appliance.core.health import Health


class Locator(msgspec.Struct, frozen=True):
    """Where text stands in a format that has no pages. `value` has no words to translate: the kind says what it is.

    section: the heading, or the words it begins with; slide: `3`; sheet: `Sales, 2-40`; line: `120-180`.
    """

    kind: Literal["section", "slide", "sheet", "line"]
    value: str


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A run of a section's characters and its box on the page, as fractions of width and height from the top left."""

    start: int
    end: int
    left: float
    top: float
    right: float
    bottom: float


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Text of one place: a page, the part under a heading, a slide, a sheet, some lines.

    `start` is the offset of `text` in the document's text (code points); `lines` count from the section's own start.
    `kind` is `table` where each line of `text` is a row that carries its own column names.
    """

    text: str
    start: int
    page: int | None = None
    headings: tuple[str, ...] = ()
    locator: Locator | None = None
    kind: Literal["prose", "table"] = "prose"
    lines: tuple[Line, ...] = ()


class ParsedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A file as text. The document's text is its sections' texts joined by SECTION_BREAK.

    `ocr`: some of it was read from pictures. `unread_pages` (from 1) hold pictures nothing here could read.
    """

    media_type: str
    title: str | None
    pages: int | None
    sections: tuple[Section, ...]
    ocr: bool = False
    unread_pages: tuple[int, ...] = ()


SECTION_BREAK = "\n\n"


class Parser(Protocol):
    """Reads files that may be hostile: every call runs in a process of its own, under limits."""

    async def parse(self, path: Path, *, filename: str, password: str | None = None) -> ParsedDocument:
        """Read a file. Raises the errors of `engines/reading/errors.py`: each says why and what to do."""
        ...

    async def render_page(
        self, path: Path, *, filename: str, page: int, marks: Sequence[Line] = (), password: str | None = None
    ) -> bytes:
        """Picture one page (from 1) as PNG, `marks` highlighted. Raises NotFound where there is no such page."""
        ...

    async def check(self) -> Health:
        """Say whether files can be read, and whether text in pictures can."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
