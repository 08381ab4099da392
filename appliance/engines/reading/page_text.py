"""Writes the rows of a page down: paragraphs flow, table rows keep their line, each line remembers its box.

A line of prose that was wrapped ends in a space, any other in a line feed; wider gaps are blank lines; cells are
separated by tabs.
"""

import re
from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from appliance.engines.reading.page_layout import Block, Row, cells
from appliance.engines.reading.text_cleaning import squeeze
from appliance.ports.parser import Line

_LEADERS = re.compile(r"\s*(?:[.·_]\s?){4,}\s*(?=\d+$)")
_SHORTEST_WRAPPED = 30  # characters: shorter lines were ended by someone, not by the margin
_BULLETS = ("•", "▪", "◦", "●", "■", "–", "—", "-", "✓", "➢", "*", "o ")


class PageText:
    """The text of one page and the boxes of its lines, packed: six numbers a line, so that 10 000 pages fit."""

    __slots__ = ("_packed", "heights", "text")

    def __init__(self, text: str, packed: "array[float]", heights: "array[float]") -> None:
        """`packed`: start, end, left, top, right, bottom per line; `heights`: of the type, in points."""
        self.text = text
        self._packed = packed
        self.heights = heights

    @staticmethod
    def empty() -> "PageText":
        """Make a page without text."""
        return PageText("", array("d"), array("f"))

    def lines(self) -> list[Line]:
        """Unpack the lines."""
        packed = self._packed
        return [
            Line(int(packed[at]), int(packed[at + 1]), *(round(value, 4) for value in packed[at + 2 : at + 6]))
            for at in range(0, len(packed), 6)
        ]

    def line_count(self) -> int:
        """Count the lines."""
        return len(self._packed) // 6

    def line(self, index: int) -> tuple[str, float]:
        """Give one line's text and the middle of its height on the page, 0 at the top."""
        at = index * 6 if index >= 0 else len(self._packed) + index * 6
        start, end, _left, top, _right, bottom = self._packed[at : at + 6]
        return self.text[int(start) : int(end)], (top + bottom) / 2

    def without(self, *, first: int, last: int) -> "PageText":
        """Drop lines from the start and the end."""
        packed = self._packed[first * 6 : len(self._packed) - last * 6]
        if not packed:
            return PageText.empty()
        start, end = int(packed[0]), int(packed[-5])
        for at in range(0, len(packed), 6):
            packed[at] -= start
            packed[at + 1] -= start
        return PageText(self.text[start:end], packed, self.heights[first : len(self.heights) - last])

    def turned(self, *, upward: bool) -> "PageText":
        """Turn the boxes of a page that was read lying on its side back: `upward` text had been turned clockwise."""
        packed = self._packed
        for at in range(2, len(packed), 6):
            left, top, right, bottom = packed[at : at + 4]
            box = (top, 1 - right, bottom, 1 - left) if upward else (1 - bottom, left, 1 - top, right)
            packed[at : at + 4] = array("d", box)
        return self


class Vocabulary:
    """The words of a document so far: tells a hyphen of the line's end from one of the word's own."""

    def __init__(self) -> None:
        """Empty; grows page by page."""
        self._words: set[str] = set()
        self._lines = self._cut_lines = 0

    def add(self, blocks: Iterable[Block]) -> None:
        """Learn a page: its words as they stand but those that a line's end cuts, and how often it does."""
        cut = False
        for block in blocks:
            for row in block:
                for segment in row.segments:
                    ends_cut = segment.hyphenated or segment.words[-1].endswith("-")
                    self._lines += 1
                    self._cut_lines += ends_cut
                    if len(self._words) < 500_000:
                        whole = segment.words[cut : len(segment.words) - ends_cut] if cut or ends_cut else segment.words
                        self._words.update(whole)
                    cut = ends_cut

    def joins(self, before: str, after: str) -> bool:
        """Tell whether `before-after` is one word cut at the line's end."""
        start = before.lower().lstrip("(«\"'“")
        end = after.lower().rstrip(".,;:)»\"'”?!")
        if not after[:1].islower():
            return False
        if self._knows(start + end):
            return True
        if start.endswith("-") or "-" in end or self._knows(f"{start}-{end}"):
            return False
        known = self._knows(start) + self._knows(end)
        if known == 1:  # a document that hardly ever cuts words has hyphens of its own
            return self._cut_lines >= 0.02 * self._lines
        return known == 0

    def _knows(self, word: str) -> bool:
        return any(form in self._words for form in (word, f"{word},", f"{word}.", word.capitalize()))


class _Writer:
    def __init__(self, width: float, height: float) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.packed = array("d")
        self.heights = array("f")
        self._scale = (1 / max(width, 1.0), 1 / max(height, 1.0))

    def write(self, row: Row, text: str) -> None:
        left = min(segment.left for segment in row.segments)
        right = max(segment.right for segment in row.segments)
        across, down = self._scale
        box = (left * across, row.top * down, right * across, row.bottom * down)
        self.packed.extend((self.length, self.length + len(text), *(min(1.0, max(0.0, side)) for side in box)))
        self.heights.append(max(segment.height for segment in row.segments))
        self.add(text)

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


def write_page(blocks: list[Block], *, width: float, height: float, vocabulary: Vocabulary) -> PageText:
    """Write the blocks of a page of `width` by `height` points down."""
    vocabulary.add(blocks)
    writer = _Writer(width, height)
    for block in blocks:
        _write_block(block, writer, vocabulary)
    return PageText("".join(writer.pieces), writer.packed, writer.heights)


def _write_block(block: Block, writer: _Writer, vocabulary: Vocabulary) -> None:
    written = [(row, texts) for row in block if (texts := [text for cell in cells(row) if (text := squeeze(cell))])]
    written = [(row, texts) for row, texts in written if not (len(texts) == 1 and _is_rule(texts[0]))]
    measure = _Measure.of([row for row, texts in written if len(texts) == 1])
    if writer.pieces and written:
        writer.add("\n\n")
    for index, (row, texts) in enumerate(written):
        text = _LEADERS.sub("\t", "\t".join(texts))
        if index + 1 == len(written):
            writer.write(row, text)
            return
        following, following_texts = written[index + 1]
        separator = "\n\n" if measure.is_apart(row, following) else "\n"
        if len(texts) == len(following_texts) == 1 and separator == "\n":
            text, separator = _flow(_Seam(row, text, following, following_texts[0]), measure, vocabulary)
        elif row.segments[-1].hyphenated:
            text += "-"
        writer.write(row, text)
        writer.add(separator)


def _is_rule(text: str) -> bool:
    """Tell a line drawn with characters."""
    return len(text) > 4 and not text.strip("_-–—=.·•*~ ")


class _Measure(NamedTuple):
    """How a block's prose is set: where its lines are wrapped, and how far apart they stand (both in points)."""

    margin: float
    gap: float

    @staticmethod
    def of(rows: list[Row]) -> "_Measure":
        """Measure rows of one cell: nine in ten of the wide ones end before the margin."""
        if not rows:
            return _Measure(0.0, 0.0)
        widest = max(_right(row) - row.segments[0].left for row in rows)
        wide = [row for row in rows if _right(row) - row.segments[0].left > 0.6 * widest]
        ends = sorted(map(_right, wide))
        gaps = sorted(
            after.top - before.bottom
            for before, after in pairwise(wide)
            if after.top - before.bottom < 1.5 * _height(before)
        )
        usual = gaps[(len(gaps) - 1) // 2] if len(gaps) >= 3 else 0.0
        return _Measure(ends[int(0.9 * (len(ends) - 1))], usual)

    def is_apart(self, row: Row, following: Row) -> bool:
        """Tell a gap wider than between the lines of a paragraph."""
        height = min(_height(row), _height(following))
        wide = max(0.75 * height, self.gap + 0.35 * height)
        return following.top - row.bottom > wide or following.bottom < row.top

    def is_next(self, row: Row, following: Row) -> bool:
        """Tell lines of the same paragraph by their distance, where the block has a usual one."""
        return not self.gap or following.top - row.bottom <= self.gap + 0.12 * _height(row)


def _right(row: Row) -> float:
    return max(segment.right for segment in row.segments)


def _height(row: Row) -> float:
    return max(1.0, row.bottom - row.top)


class _Seam(NamedTuple):
    """Two lines of prose, one below the other."""

    row: Row
    text: str
    following: Row
    following_text: str


def _flow(seam: _Seam, measure: _Measure, vocabulary: Vocabulary) -> tuple[str, str]:
    """Decide how a line of prose goes on: joined, after a space, or on a new line."""
    row, text, following, following_text = seam
    last, first = row.segments[-1], following.segments[0]
    hyphenated = last.hyphenated or (text.endswith("-") and len(text) > 1 and text[-2].isalpha())
    if hyphenated and following_text[:1].isalpha():
        stem = text.removesuffix("-")
        before, after = stem.rsplit(maxsplit=1)[-1], following_text.split(maxsplit=1)[0]
        return (stem, "") if vocabulary.joins(before, after) else (f"{stem}-", "")
    alike = abs(last.height - first.height) <= 0.2 * max(last.height, first.height)
    room = measure.margin - _right(row)
    wrapped = len(text) >= _SHORTEST_WRAPPED and room < first.first_right - first.left + 0.2 * last.height
    goes_on = not following_text.startswith(_BULLETS) and measure.is_next(row, following)
    if alike and wrapped and goes_on and _is_below(row, following, text):
        return text, " "
    return text, "\n"


def _is_below(row: Row, following: Row, text: str) -> bool:
    """Tell a line that goes on from one that is centred, or that begins a paragraph by its indent."""
    indent = (following.segments[0].left - row.segments[0].left) / _height(row)
    opening = text.split(maxsplit=1)[0]
    hangs = text.startswith(_BULLETS) or (len(opening) <= 4 and opening.rstrip(".):").isalnum())
    return -3.5 < indent < (4.0 if hangs else 0.5)
