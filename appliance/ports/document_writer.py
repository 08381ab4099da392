"""Writes a document for a word processor from plain blocks: what an export of a conversation is made of."""

from datetime import datetime
from typing import Protocol

import msgspec

from appliance.core.text import Language


class Span(msgspec.Struct, frozen=True):
    """A stretch of text that looks the same throughout."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False


class Heading(msgspec.Struct, frozen=True, tag=True):
    """A heading; level 1 is below the document's title."""

    level: int
    spans: list[Span]


class Paragraph(msgspec.Struct, frozen=True, tag=True):
    """A paragraph; `quiet` for what stands beside the text: dates, notes."""

    spans: list[Span]
    quiet: bool = False


class Quote(msgspec.Struct, frozen=True, tag=True):
    """A paragraph in somebody else's words."""

    spans: list[Span]


class Item(msgspec.Struct, frozen=True, tag=True):
    """An entry of a list; `level` counts from 0, `number` is None where entries are not numbered."""

    spans: list[Span]
    level: int = 0
    number: int | None = None


class Code(msgspec.Struct, frozen=True, tag=True):
    """Lines kept as they are."""

    text: str


class Grid(msgspec.Struct, frozen=True, tag=True):
    """A table: rows of cells, the first row its heads."""

    rows: list[list[list[Span]]]


class Rule(msgspec.Struct, frozen=True, tag=True):
    """A line across the page."""


Block = Heading | Paragraph | Quote | Item | Code | Grid | Rule


class WrittenDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document before it has a format."""

    title: str
    author: str
    language: Language
    created_at: datetime
    blocks: list[Block]


class DocumentWriter(Protocol):
    """Writes blocks in one format. Pure and synchronous: whoever calls it from a loop does so on a thread.

    Whatever the text holds (control characters, U+FFFE, half a surrogate pair, a million characters, a table of a
    hundred columns), the file opens: characters that the format has no place for are left out, nothing else is.
    """

    media_type: str
    suffix: str
    """With its dot."""

    def write(self, document: WrittenDocument) -> bytes:
        """Give the file's bytes."""
        ...
