"""Finds the lines of a page, in reading order, from the places of its words: for PDF text and for OCR alike.

Two shapes matter most. In a table a row is one line, its cells side by side, or numbers lose their labels. In columns
of prose each column is read to its end, or sentences are torn. Words that follow each other closely make segments (a
line of prose, a cell); segments at the same height make rows; where a strip of the page holds full lines of prose on
both sides of a gutter, the sides are read one after the other instead.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from appliance.engines.reading.page_words import Word

_NUMBER_CHARACTERS = frozenset("0123456789.,()-–—−%$€£¥+/ \u202f'’")
_LABEL = re.compile(
    r"[•▪◦●■✓➢*–-]|\(?(\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|(\d{1,2}\.){1,4}\d{0,2}|(item|article|art\.|note|section|§)\s*\w{1,5}[.:]?",
    re.IGNORECASE,
)
_CURRENCY = frozenset("$€£¥") | {"US$", "C$", "A$", "EUR", "USD", "CHF", "(", "($", "(€", "(£"}
_CLOSERS = frozenset((")", "%", ")%", "pts", "*", "**"))


class Segment:
    """Words that belong together on one line: a line of prose or a cell of a table. Points, y downwards."""

    __slots__ = ("bottom", "first_right", "height", "hyphenated", "left", "order", "right", "text", "top", "words")

    def __init__(self, word: Word, order: int) -> None:
        """Start with one word; `order` is its place in the file's own order."""
        self.left, self.top, self.right, self.bottom = word.left, word.top, word.right, word.bottom
        self.first_right = word.right
        self.height = word.bottom - word.top
        self.words = [word.text]
        self.text = word.text
        self.hyphenated = word.hyphenated
        self.order = order

    def add(self, word: Word) -> None:
        """Append the next word."""
        left, top, right, bottom, text, _breaks, self.hyphenated = word
        if left < self.left:  # noqa: PLR1730 - a third of the time of min and max, and this is the innermost loop
            self.left = left
        if top < self.top:  # noqa: PLR1730
            self.top = top
        if right > self.right:  # noqa: PLR1730
            self.right = right
        if bottom > self.bottom:  # noqa: PLR1730
            self.bottom = bottom
        self.words.append(text)


class Row(NamedTuple):
    """Segments at one height, in reading order."""

    segments: list[Segment]
    top: float
    bottom: float


Block = list[Row]
"""Rows read from top to bottom: the whole page, or one column of it."""


def read_in_order(words: Sequence[Word]) -> list[Block]:
    """Order the words of a page."""
    segments = _join_words(words)
    if not segments:
        return []
    width = max(segment.right for segment in segments) - min(segment.left for segment in segments)
    return _read_region(segments, width, depth=0)


def _join_words(words: Sequence[Word]) -> list[Segment]:
    segments: list[Segment] = []
    current: Segment | None = None
    last: Word | None = None
    for order, word in enumerate(words):
        if current is not None and last is not None and _follows(last, word):
            current.add(word)
        else:
            current = Segment(word, order)
            segments.append(current)
        last = word
    for segment in segments:
        if len(segment.words) > 1:
            segment.text = " ".join(segment.words)
    return segments


def _follows(last: Word, word: Word) -> bool:
    """Tell whether a word goes on where the last one ended, rather than in another cell, line or column."""
    if last.breaks:
        return False
    last_left, last_top, last_right, last_bottom = last[:4]
    left, top, right, bottom = word[:4]
    height = max(last_bottom - last_top, 1.0)
    if top != last_top:
        overlap = min(last_bottom, bottom) - max(last_top, top)
        if overlap < 0.4 * min(height, bottom - top):
            return False
    gap = left - last_right
    if gap < -0.6 * height:
        gap = last_left - right  # right to left
        if gap < -0.6 * height:
            return False
    if gap > 1.5 * height:
        return False
    return gap <= 0.7 * height or not (is_number(last.text) or is_number(word.text))


def is_number(text: str) -> bool:
    """Tell whether a cell holds a figure, an amount, a percentage or a dash for none."""
    return all(character in _NUMBER_CHARACTERS for character in text)


def _read_region(segments: list[Segment], width: float, *, depth: int) -> list[Block]:
    if depth < 6 and len(segments) >= 8 and (band := _find_columns(segments, width)) is not None:
        above, left, right, below = band
        blocks: list[Block] = []
        for part in (above, left, right, below):
            if part:
                blocks += _read_region(part, width, depth=depth + 1)
        return blocks
    return [make_rows(segments)]


def make_rows(segments: Iterable[Segment]) -> Block:
    """Group segments by height; two that overlap sideways are never one row."""
    open_rows: list[list[Segment]] = []
    edges: list[tuple[float, float]] = []
    for segment in sorted(segments, key=lambda one: one.top + one.bottom):
        for index in range(len(open_rows) - 1, max(-1, len(open_rows) - 4), -1):
            top, bottom = edges[index]
            overlap = min(bottom, segment.bottom) - max(top, segment.top)
            if overlap > 0.5 * min(bottom - top, segment.height) and _has_room(open_rows[index], segment):
                open_rows[index].append(segment)
                edges[index] = (min(top, segment.top), max(bottom, segment.bottom))
                break
        else:
            open_rows.append([segment])
            edges.append((segment.top, segment.bottom))
    return [Row(_sort_row(row), *edge) for row, edge in zip(open_rows, edges, strict=True)]


def _has_room(row: list[Segment], segment: Segment) -> bool:
    for other in row:
        shared = min(other.right, segment.right) - max(other.left, segment.left)
        if shared > 0.3 * min(other.right - other.left, segment.right - segment.left, 20.0):
            return False
    return True


def _sort_row(row: list[Segment]) -> list[Segment]:
    if len(row) == 1:
        return row
    right_to_left = sum(_is_right_to_left(segment.text) for segment in row) * 2 > len(row)
    return sorted(row, key=lambda one: -one.right) if right_to_left else sorted(row, key=lambda one: one.left)


def _is_right_to_left(text: str) -> bool:
    return not text.isascii() and any("\u0590" <= character <= "\u08ff" for character in text)


_Band = tuple[list[Segment], list[Segment], list[Segment], list[Segment]]


def _find_columns(segments: list[Segment], width: float) -> _Band | None:
    """Find the largest strip of the region whose two sides are prose: what is above, left, right and below it."""
    long = [segment for segment in segments if len(segment.text) >= 15 and segment.right - segment.left < 0.62 * width]
    if len(long) < 8 or 2 * len(long) < sum(segment.right - segment.left >= 0.62 * width for segment in segments):
        return None
    edges: dict[int, int] = {}
    for segment in long:
        key = round(segment.left / 4)
        edges[key] = edges.get(key, 0) + 1
    best: tuple[int, _Band] | None = None
    for key, count in edges.items():
        if count + edges.get(key - 1, 0) + edges.get(key + 1, 0) < 4:
            continue
        gutter = key * 4 - 4.0
        for band in _split_at(segments, long, gutter):
            size = len(band[1]) + len(band[2])
            if (best is None or size > best[0]) and _are_columns(band[1], band[2], width):
                best = (size, band)
    return best[1] if best else None


def _split_at(segments: list[Segment], long: list[Segment], gutter: float) -> Iterable[_Band]:
    """Cut the region where segments cross the gutter, and yield each strip between two cuts with its surroundings."""
    end_of_left = max((one.right for one in long if one.right < gutter + 4), default=gutter)
    start_of_right = min((one.left for one in long if one.left >= gutter - 2), default=gutter)
    end_of_left = min(end_of_left, start_of_right)
    middles = [(one.top + one.bottom) / 2 for one in segments]
    crosses = [one.left < start_of_right - 1 and one.right > end_of_left + 1 for one in segments]
    cuts = sorted(middle for middle, crossing in zip(middles, crosses, strict=True) if crossing)
    strips: dict[int, tuple[list[Segment], list[Segment]]] = {}
    for segment, middle, crossing in zip(segments, middles, crosses, strict=True):
        strip = strips.setdefault(2 * bisect(cuts, middle) - crossing, ([], []))
        strip[segment.left >= start_of_right - 1].append(segment)
    for number, (left, right) in strips.items():
        if len(left) >= 4 and len(right) >= 4:
            above = [one for other in strips if other < number for side in strips[other] for one in side]
            below = [one for other in strips if other > number for side in strips[other] for one in side]
            yield above, left, right, below


def _are_columns(left: list[Segment], right: list[Segment], width: float) -> bool:
    """Tell prose in columns from a table: full lines of words on both sides, standing beside each other."""
    top = max(min(one.top for one in left), min(one.top for one in right))
    bottom = min(max(one.bottom for one in left), max(one.bottom for one in right))
    shorter = min(_extent(left), _extent(right))
    if bottom - top < 0.4 * shorter:
        return False
    ordered = sorted([(one.order, 0) for one in left] + [(one.order, 1) for one in right])
    sides = [side for _order, side in ordered]
    changes = sum(one != other for one, other in pairwise(sides))
    in_turn = changes > 0.5 * min(len(left), len(right))  # written row by row, as tables are
    needed = 0.6 if in_turn else 0.3
    return all(_is_prose(side, width, needed) for side in (left, right))


def _extent(side: list[Segment]) -> float:
    return max(one.bottom for one in side) - min(one.top for one in side)


def _is_prose(side: list[Segment], page_width: float, needed: float) -> bool:
    edge, end = min(one.left for one in side), max(one.right for one in side)
    if end - edge < 0.14 * page_width:
        return False
    full = sum(one.right - one.left >= 0.6 * (end - edge) and len(one.text) >= 15 for one in side)
    numbers = sum(is_number(one.text) for one in side)
    return full >= 3 and full >= needed * len(side) and numbers <= 0.25 * len(side)


def cells(row: Row) -> list[str]:
    """Give the cells of a row: segments close together are one, a currency sign goes with its amount."""
    found: list[str] = []
    last: Segment | None = None
    before = _signs_come_first(row)
    for segment in row.segments:
        if last is None:
            found.append(segment.text)
        else:
            gap, height = segment.left - last.right, min(last.height, segment.height)
            near = abs(gap) <= 0.7 * height
            opens = before and last.text in _CURRENCY
            closes = (segment.text in _CLOSERS or (segment.text in _CURRENCY and not before)) and gap < 2.5 * height
            if opens or closes or (near and not (before and segment.text in _CURRENCY)):
                tight = abs(gap) <= 0.12 * height or segment.text in _CLOSERS
                found[-1] += segment.text if tight else f" {segment.text}"
            else:
                found.append(segment.text)
        last = segment
    if len(found) == 2 and (_LABEL.fullmatch(found[0]) or found[0].endswith(":")) and not is_number(found[1]):
        return [" ".join(found)]
    return found


def _signs_come_first(row: Row) -> bool:
    """Tell `$ 12` from `12 $` by which of them the row meets first."""
    for segment in row.segments:
        if segment.text in _CURRENCY:
            return True
        if is_number(segment.text):
            return False
    return True
