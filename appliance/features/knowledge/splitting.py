"""Cutting a document's text into passages: whole sentences and whole table rows, packed, each with its exact place.

Sizes: 1200 characters with 150 of overlap beat 500 with 50 on nearly every set (research/retrieval.md); why this is our
own and no library's stands in ADR 3.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import msgspec

from appliance.features.knowledge.sentences import Span, find_sentences
from appliance.ports.parser import SECTION_BREAK, Locator, ParsedDocument, Section

SPLITTER_VERSION = 1
"""Part of every passage's id: another way of cutting makes other ids."""

_CROSSES_NOTHING = frozenset({"slide", "sheet", "line"})
_LONG_ROW = 2
_TITLE_CHARACTERS = 100
_HEADER_CHARACTERS = 300
_LEAST_LETTERS = 3
_BETWEEN_WORDS = re.compile(r"[_\-.,;+~()\[\]\s]+|(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[^\W\d_]{3})(?=\d)")


class Chunk(msgspec.Struct, frozen=True):
    """A passage: `text` is the document's text from `start` to `end` (code points); `position` counts from 0."""

    position: int
    text: str
    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]
    locator: Locator | None


def split_document(document: ParsedDocument, *, characters: int = 1200, overlap: int = 150) -> list[Chunk]:
    """Cut a document. A passage stays on one page, slide or sheet, and under one chapter.

    `characters` bounds a passage (a single table row may be up to twice as long), `overlap` is how much of a passage's
    end the next one repeats, in whole sentences; rows are not repeated.
    """
    chunks: list[Chunk] = []
    for group in _group_sections(document.sections, characters):
        text = SECTION_BREAK.join(section.text for section in group)
        offset = group[0].start
        for span in _pack(_find_units(group, characters), characters, overlap):
            owner = _owner(group, offset + span.start)
            chunks.append(
                Chunk(
                    position=len(chunks),
                    text=text[span.start : span.end],
                    start=offset + span.start,
                    end=offset + span.end,
                    page=owner.page,
                    headings=owner.headings,
                    locator=owner.locator,
                )
            )
    return chunks


def title_of(document: ParsedDocument) -> str | None:
    """Name a document: its own title, or its first line, cut to the opening words where that is long.

    As part of each passage's header those words raised nDCG@10 on untitled sheets from .854 to .881 (BM25 alone).
    """
    if document.title:
        return document.title
    first = next((section.text for section in document.sections if section.text.strip()), "").strip()
    line = first.partition("\n")[0].strip()
    if not any(letter.isalpha() for letter in line):
        return None
    if len(line) <= _TITLE_CHARACTERS:
        return line
    words = line[:_TITLE_CHARACTERS].rpartition(" ")[0] or line[:_TITLE_CHARACTERS]
    return f"{words}…"


def header_of(title: str | None, filename: str, headings: Sequence[str] = ()) -> str:
    """Write the line that stands in front of a passage for every retriever: title, file name, headings.

    A header raised dense nDCG@10 on reports from .396 to .490 (research/retrieval.md): there the file's name alone tells
    company and year.
    """
    parts: list[str] = []
    for part in (title or "", _words_of(filename), *headings):
        shown = " ".join(part.split())
        if shown and not any(_folded(shown) in _folded(other) for other in parts):
            parts.append(shown)
    return " · ".join(parts)[:_HEADER_CHARACTERS]


def _words_of(filename: str) -> str:
    """Read a file's name as words: `AnnualReport2022_10K.pdf` is `Annual Report 2022 10K`."""
    words = " ".join(word for word in _BETWEEN_WORDS.split(PurePath(filename).stem) if word)
    return words if sum(letter.isalpha() for letter in words) >= _LEAST_LETTERS else ""


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _group_sections(sections: Sequence[Section], characters: int) -> Iterator[list[Section]]:
    """Bring short neighbours under one chapter of one page together, as long as they fit into one passage."""
    group: list[Section] = []
    size = 0
    for section in sections:
        if not section.text.strip():
            continue
        fits = group and size + len(SECTION_BREAK) + len(section.text) <= characters
        if fits and _adjoins(group[-1], section) and _belongs_together(group[0], section):
            size += len(SECTION_BREAK) + len(section.text)
            group.append(section)
            continue
        if group:
            yield group
        group, size = [section], len(section.text)
    if group:
        yield group


def _adjoins(before: Section, section: Section) -> bool:
    return before.start + len(before.text) + len(SECTION_BREAK) == section.start


def _belongs_together(first: Section, section: Section) -> bool:
    for one in (first, section):
        if one.locator is not None and one.locator.kind in _CROSSES_NOTHING and first.locator != section.locator:
            return False
    return first.page == section.page and first.headings[:1] == section.headings[:1]


def _owner(group: Sequence[Section], start: int) -> Section:
    """Find the section a passage begins in: its page, headings and place are the passage's."""
    return next(section for section in reversed(group) if section.start <= start)


class _Unit(msgspec.Struct, frozen=True):
    """What is never cut: a sentence, or a row."""

    start: int
    end: int
    is_row: bool


def _find_units(group: Sequence[Section], characters: int) -> list[_Unit]:
    offset = group[0].start
    units: list[_Unit] = []
    for section in group:
        base = section.start - offset
        is_row = section.kind == "table"
        spans = _find_rows(section.text) if is_row else find_sentences(section.text)
        longest = characters * (_LONG_ROW if is_row else 1)
        units += [
            _Unit(base + part.start, base + part.end, is_row)
            for span in spans
            for part in _cut_long(section.text, span, longest)
        ]
    return units


def _find_rows(text: str) -> list[Span]:
    return [Span(match.start(), match.end()) for match in re.finditer(r"[^\n]*\S[^\n]*", text)]


def _cut_long(text: str, span: Span, longest: int) -> Iterator[Span]:
    """Cut what is too long for one passage at white space, in the second half where there is any."""
    start, end = span
    while end - start > longest:
        blank = max(text.rfind(mark, start + longest // 2, start + longest) for mark in (" ", "\n", "\t", "\u00a0"))
        cut = blank if blank > 0 else start + longest
        yield Span(start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield Span(start, end)


def _pack(units: Sequence[_Unit], characters: int, overlap: int) -> Iterator[Span]:
    """Fill passages with whole units, one after the other; each after the first repeats the end of the one before."""
    first = 0
    while first < len(units):
        last = first
        while last + 1 < len(units) and units[last + 1].end - units[first].start <= characters:
            last += 1
        yield Span(units[first].start, units[last].end)
        if last + 1 == len(units):
            return
        following = last + 1
        while following - 1 > first and _may_repeat(units, following - 1, last, overlap):
            following -= 1
        first = following


def _may_repeat(units: Sequence[_Unit], index: int, last: int, overlap: int) -> bool:
    return not units[index].is_row and units[last].end - units[index].start <= overlap
