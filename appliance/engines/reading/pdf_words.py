"""Takes the words of a PDF page out of PDFium, with their boxes, in few calls.

PDFium gives a page's characters in the file's order, with the spaces and line ends it inferred. Asking for each
character's box costs more than reading the page, so only the first and the last character of each word are asked for.
Units: points, y downwards, as the page is shown (its /Rotate applied). Source: pdfium `public/fpdf_text.h`.
"""

import ctypes
import re
import struct
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from appliance.engines.reading.page_words import Word
from appliance.engines.reading.text_cleaning import clean, unreadable_characters

_HYPHEN = "\ufffe"  # PDFium writes it where a line ended in a hyphen and the word goes on
_BREAKS = frozenset((_HYPHEN, "\r", "\n", ""))
_WORDS = re.compile(f"[^\\s{_HYPHEN}]+")
_BOX = ctypes.sizeof(pdfium.FS_RECTF)

_Span = tuple[int, int]
_Box = tuple[float, float, float, float]  # left, top, right, bottom, y upwards

# The same function, taking plain addresses: a third of the time of building a pointer object for each call.
_loose_char_box = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(
    ctypes.cast(pdfium.FPDFText_GetLooseCharBox, ctypes.c_void_p).value or 0
)

Handle = Any
"""A pointer of PDFium's: pypdfium2's raw face has no types for them."""


class Frame(NamedTuple):
    """The page's box in its own coordinates (y upwards) and its quarter turns."""

    left: float
    bottom: float
    right: float
    top: float
    turns: int

    @property
    def width(self) -> float:
        """Width as shown, in points."""
        return self.top - self.bottom if self.turns % 2 else self.right - self.left

    @property
    def height(self) -> float:
        """Height as shown, in points."""
        return self.right - self.left if self.turns % 2 else self.top - self.bottom

    def show(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Turn a box of the page's own coordinates into left, top, right, bottom as shown."""
        if self.turns == 0:
            return left - self.left, self.top - top, right - self.left, self.top - bottom
        if self.turns == 1:
            return bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
        if self.turns == 2:
            return self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
        return self.top - top, self.right - right, self.top - bottom, self.right - left


class PageWords(NamedTuple):
    """The words of a page, its frame, how many characters PDFium found and how many of them cannot be read."""

    words: list[Word]
    frame: Frame
    characters: int
    unreadable: int


def page_frame(page: Handle) -> Frame:
    """Read the box and the rotation of a page."""
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)
    return Frame(box.left, box.bottom, box.right, box.top, max(0, pdfium.FPDFPage_GetRotation(page)) % 4)


def read_words(page: Handle) -> PageWords:
    """Read the words of a loaded page."""
    frame = page_frame(page)
    text_page = pdfium.FPDFText_LoadPage(page)
    if not text_page:
        return PageWords([], frame, 0, 0)
    try:
        text = _read_text(text_page)
        spans = [match.span() for match in _WORDS.finditer(text)]
        boxes = _read_boxes(text_page, spans)
    finally:
        pdfium.FPDFText_ClosePage(text_page)
    return PageWords(_place_words(text, spans, boxes, frame), frame, len(text), unreadable_characters(text))


def _place_words(text: str, spans: list[_Span], boxes: list[_Box], frame: Frame) -> list[Word]:
    words: list[Word] = []
    add, make = words.append, tuple.__new__
    upright, page_left, page_top = frame.turns == 0, frame.left, frame.top
    is_clean = text.isascii() and not unreadable_characters(text)
    for (start, end), first, last in zip(spans, boxes[::2], boxes[1::2], strict=True):
        content = text[start:end]
        if not is_clean and not (content := clean(content)):
            continue
        left, top, right, bottom = first
        if last[0] >= left:
            right = last[2]
        else:
            left = last[0]
        if last[1] > top:  # noqa: PLR1730 - a third of the time of max, and this is the innermost loop
            top = last[1]
        if last[3] < bottom:  # noqa: PLR1730
            bottom = last[3]
        after = text[end : end + 1]
        if upright:
            left, top, right, bottom = left - page_left, page_top - top, right - page_left, page_top - bottom
        else:
            left, top, right, bottom = frame.show(left, top, right, bottom)
        add(make(Word, (left, top, right, bottom, content, after in _BREAKS, after == _HYPHEN)))
    return words


def _read_text(text_page: Handle) -> str:
    """Give one character for each of PDFium's, so that indices agree."""
    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    units = bytes(buffer)[: 2 * max(0, written - 1)]
    text = units.decode("utf-16-le", errors="replace")
    if len(text) == count:
        return text
    if len(units) == 2 * count:  # pairs of surrogates count twice, and stay apart until their word is cleaned
        return "".join(map(chr, struct.unpack(f"={count}H", units)))
    codes = (pdfium.FPDFText_GetUnicode(text_page, index) for index in range(count))
    return "".join(chr(code) if 0 < code < 0x110000 else "\x00" for code in codes)


def _read_boxes(text_page: Handle, spans: list[_Span]) -> list[_Box]:
    """Ask for the boxes of the first and last character of each span."""
    boxes = ctypes.create_string_buffer(2 * _BOX * len(spans))
    handle, place = ctypes.cast(text_page, ctypes.c_void_p).value, ctypes.addressof(boxes)
    for start, end in spans:
        _loose_char_box(handle, start, place)
        _loose_char_box(handle, end - 1, place + _BOX)
        place += 2 * _BOX
    return list(struct.iter_unpack("=4f", boxes.raw[: 2 * _BOX * len(spans)]))
