"""Gathers the paragraphs, headings and tables of a document without pages into sections that say where they stand."""

from collections.abc import Sequence
from typing import Literal

from appliance.engines.reading.errors import TooMuchText
from appliance.engines.reading.source import Source
from appliance.engines.reading.tables import Rows, is_layout, write_rows
from appliance.engines.reading.text_cleaning import clean, squeeze
from appliance.ports.parser import Locator, Section

_SECTION_CHARACTERS = 6_000
_TABLE_CHARACTERS = 3_000
_OPENING_WORDS = 60


class Flow:
    """A document read from its start to its end. Sections end at headings, at tables, and when they get long."""

    def __init__(self, source: Source) -> None:
        """`source` says how much text there may be."""
        self.sections: list[Section] = []
        self.title: str | None = None
        self._source = source
        self._headings: list[tuple[int, str]] = []
        self._pending: list[str] = []
        self._pending_length = 0
        self._characters = 0

    def heading(self, text: str, level: int) -> None:
        """Begin a part; `level` from 1. Its words also begin its text."""
        if not (words := squeeze(text)):
            return
        self._flush()
        self._headings = [(depth, title) for depth, title in self._headings if depth < level]
        self._headings.append((level, words[:300]))
        self._add(words)

    def paragraph(self, text: str) -> None:
        """Add a paragraph; its own line ends stay."""
        if words := clean(text).strip():
            if self._pending_length > _SECTION_CHARACTERS:
                self._flush()
            self._add(words)

    def table(self, rows: Rows, *, header_rows: int | None = None) -> None:
        """Add a table; one that only arranges prose becomes paragraphs."""
        if is_layout(rows):
            for row in rows:
                for cell in row:
                    self.paragraph(cell)
            return
        self.table_lines(write_rows(rows, header_rows=header_rows))

    def table_lines(self, lines: Sequence[str]) -> None:
        """Add a table whose rows are written already, at this place."""
        self._flush()
        self.lines(lines)

    def lines(self, lines: Sequence[str], locator: Locator | None = None) -> None:
        """Add the rows of a table, already written."""
        part: list[str] = []
        length = 0
        for line in lines:
            if length > _TABLE_CHARACTERS:
                self._emit("\n".join(part), "table", locator)
                part, length = [], 0
            part.append(line)
            length += len(line) + 1
        self._emit("\n".join(part), "table", locator)

    def part(
        self, text: str, locator: Locator, *, headings: tuple[str, ...] = (), kind: Literal["prose", "table"] = "prose"
    ) -> None:
        """Add a section that knows its own place."""
        self._flush()
        self._emit(clean(text).strip(), kind, locator, headings)

    def finish(self) -> list[Section]:
        """Give the sections."""
        self._flush()
        return self.sections

    def first_heading(self) -> str | None:
        """Give the first heading there was: a title where the file states none."""
        return next((section.headings[0] for section in self.sections if section.headings), None)

    def _add(self, words: str) -> None:
        self._pending.append(words)
        self._pending_length += len(words) + 2
        if self._characters + self._pending_length > self._source.limits.characters:
            raise TooMuchText(filename=self._source.filename, limit=self._source.limits.characters)

    def _flush(self) -> None:
        text = "\n\n".join(self._pending)
        self._pending, self._pending_length = [], 0
        self._emit(text, "prose", None)

    def _emit(
        self,
        text: str,
        kind: Literal["prose", "table"],
        locator: Locator | None,
        headings: tuple[str, ...] | None = None,
    ) -> None:
        if not text:
            return
        self._characters += len(text)
        if self._characters > self._source.limits.characters:
            raise TooMuchText(filename=self._source.filename, limit=self._source.limits.characters)
        path = tuple(title for _level, title in self._headings) if headings is None else headings
        place = locator or Locator("section", path[-1] if path else opening_words(text))
        self.sections.append(Section(text=text, start=0, headings=path, locator=place, kind=kind))


def opening_words(text: str) -> str:
    """Name a part without a heading by the words it begins with."""
    words = squeeze(text[: 4 * _OPENING_WORDS])
    return words if len(words) <= _OPENING_WORDS else f"{words[:_OPENING_WORDS].rsplit(' ', 1)[0]}…"
