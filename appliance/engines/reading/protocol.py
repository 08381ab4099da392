"""What the parser asks of its child processes and what they answer: the only thing both sides share."""

import struct
from collections.abc import Iterator
from typing import Literal

import msgspec

from appliance.engines.reading.source import Limits
from appliance.ports.parser import Line, Section

_LENGTH = struct.Struct("<I")


class ParseArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Read a file. Answered by a frame for each section, then a ReadingHeader."""

    filename: str
    limits: Limits
    password: str | None = None


class ReadingHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A reading without its sections. `unread`: pages (from 1) that hold pictures and no text."""

    media_type: str
    title: str | None
    pages: int | None
    unread: list[int]


class OcrArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Read the text in the pictures of some pages. Answered by a frame for each OcrPage."""

    filename: str
    limits: Limits
    pages: list[int]
    executable: str
    languages: str
    page_seconds: float
    password: str | None = None


class OcrPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `section` is None where there is no text, `failed` says why it could not be looked at."""

    page: int
    section: Section | None = None
    failed: Literal["", "late", "damaged"] = ""


class RenderArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Picture one page. Answered by the PNG."""

    filename: str
    limits: Limits
    page: int
    marks: tuple[Line, ...] = ()
    password: str | None = None


class ProbeArguments(msgspec.Struct, frozen=True):
    """Look at what is there. Answered by a ProbeAnswer. `executable`: Tesseract, empty for none."""

    executable: str


class ProbeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What holds a child, and which languages Tesseract reads."""

    confinement: str
    languages: list[str]


def frame(data: bytes) -> bytes:
    """Put the length before a message."""
    return _LENGTH.pack(len(data)) + data


def frames(data: bytes) -> Iterator[memoryview]:
    """Take messages apart again."""
    view, at = memoryview(data), 0
    while at < len(view):
        (length,) = _LENGTH.unpack_from(view, at)
        at += _LENGTH.size
        yield view[at : at + length]
        at += length
