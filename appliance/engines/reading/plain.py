"""Reads plain text, Markdown and delimited files (CSV, TSV)."""

import csv
import io
import re
from collections.abc import Iterator

from appliance.engines.reading.encodings import decode
from appliance.engines.reading.errors import BinaryAsText, EmptyFile, TooMuchText
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.sheets import NumberedRow, write_sheet
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.tables import write_rows
from appliance.engines.reading.text_cleaning import clean
from appliance.engines.reading.titles import sane_title
from appliance.ports.parser import Locator

TEXT, MARKDOWN, CSV, TSV = "text/plain", "text/markdown", "text/csv", "text/tab-separated-values"
_PART_CHARACTERS = 3_000
_LONGEST_ROW = 1_000_000
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})\s*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{1,}:?\s*(\|\s*:?-{1,}:?\s*)+\|?\s*$")
_FRONT_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_DELIMITERS = ",;\t|"

csv.field_size_limit(10_000_000)


def read_text(source: Source) -> Reading:
    """Read plain text. Raises BinaryAsText, EmptyFile."""
    flow = Flow(source)
    lines = _lines(source)
    for first, last, part in _parts(lines):
        flow.part(part, _span(first, last))
    return Reading(media_type=TEXT, title=None, sections=flow.finish())


def read_markdown(source: Source) -> Reading:
    """Read Markdown: its headings make the sections; pipe tables become rows. Raises BinaryAsText, EmptyFile."""
    lines = _lines(source)
    start = 0
    stated = None
    if lines and lines[0].strip() == "---" and "---" in (end := [line.strip() for line in lines[1:80]]):
        start = end.index("---") + 2
        match = _FRONT_TITLE.search("\n".join(lines[1 : start - 1]))
        stated = sane_title(match[1]) if match else None
    flow = Flow(source)
    _MarkdownWriter(flow, lines).write(start)
    return Reading(media_type=MARKDOWN, title=stated or flow.first_heading(), sections=flow.finish())


def read_delimited(source: Source) -> Reading:
    """Read a delimited file. Raises BinaryAsText, EmptyFile."""
    text = _decode(source)
    if max(map(len, text.split("\n"))) > _LONGEST_ROW:
        return read_text(source)
    delimiter = find_delimiter(text)
    flow = Flow(source)
    write_sheet(flow, "", _numbered(text, delimiter))
    return Reading(media_type=TSV if delimiter == "\t" else CSV, title=None, sections=flow.finish())


def find_delimiter(text: str) -> str:
    """Find what separates the cells: what splits the first lines into the same number, more than one."""
    lines = [line for line in text[:50_000].splitlines()[:50] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count, default=1)
        score = counts.count(usual) / max(1, len(counts)) * min(usual, 10) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _numbered(text: str, delimiter: str) -> Iterator[NumberedRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    first = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            first = reader.line_num + 1
            continue
        yield first, row
        first = reader.line_num + 1


def _decode(source: Source) -> str:
    text = decode(bytes(source.data))
    if text is None:
        raise BinaryAsText(filename=source.filename)
    if not text.strip("\ufeff\x00 \t\r\n"):
        raise EmptyFile(filename=source.filename)
    if len(text) > source.limits.characters:
        raise TooMuchText(filename=source.filename, limit=source.limits.characters)
    return text


def _lines(source: Source) -> list[str]:
    return clean(_decode(source)).split("\n")


def _span(first: int, last: int) -> Locator:
    return Locator("line", str(first) if first == last else f"{first}-{last}")


def _parts(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Cut text into parts of some thousand characters, at empty lines where there are any."""
    first, length = 0, 0
    for number, line in enumerate(lines):
        length += len(line) + 1
        enough = length > _PART_CHARACTERS and not line.strip()
        if enough or length > 2 * _PART_CHARACTERS:
            yield from _part(lines, first, number)
            first, length = number + 1, 0
    yield from _part(lines, first, len(lines) - 1)


def _part(lines: list[str], first: int, last: int) -> Iterator[tuple[int, int, str]]:
    while first <= last and not lines[first].strip():
        first += 1
    while last >= first and not lines[last].strip():
        last -= 1
    if first <= last:
        yield first + 1, last + 1, "\n".join(line.rstrip() for line in lines[first : last + 1])


class _MarkdownWriter:
    def __init__(self, flow: Flow, lines: list[str]) -> None:
        self._flow = flow
        self._lines = lines

    def write(self, start: int) -> None:
        at, block, fence = start, list[str](), ""
        while at < len(self._lines):
            line = self._lines[at]
            if match := _FENCE.match(line):
                fence = "" if fence == match[1] else fence or match[1]
            following = self._lines[at + 1] if at + 1 < len(self._lines) else ""
            if not fence and (heading := self._heading(line, following, block)):
                self._end(block)
                text, level, used = heading
                self._flow.heading(_plain(text), level)
                at += used
                continue
            if not fence and "|" in line and _TABLE_RULE.match(following):
                self._end(block)
                at = self._table(at)
                continue
            if line.strip() or fence:
                block.append(line.rstrip())
            else:
                self._end(block)
            at += 1
        self._end(block)

    def _heading(self, line: str, following: str, block: list[str]) -> tuple[str, int, int] | None:
        if match := _HEADING.match(line):
            return match[2], len(match[1]), 1
        underline = _UNDERLINE.match(following)
        if underline and line.strip() and not block and "|" not in line and not line.startswith(("- ", "> ", "* ")):
            return line, 1 if underline[1].startswith("=") else 2, 2
        return None

    def _table(self, at: int) -> int:
        rows: list[list[str]] = []
        start = at
        while at < len(self._lines) and "|" in self._lines[at]:
            if at != start + 1:
                rows.append([_plain(cell) for cell in re.split(r"(?<!\\)\|", self._lines[at].strip().strip("|"))])
            at += 1
        self._flow.table_lines(write_rows(rows, header_rows=1))
        return at

    def _end(self, block: list[str]) -> None:
        if block:
            self._flow.paragraph("\n".join(block))
            block.clear()


def _plain(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(\*\*|__|`)", "", text).strip()
