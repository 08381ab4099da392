"""Writes spreadsheets and delimited files: blocks of rows, each with its columns' names, placed by row numbers."""

from collections.abc import Iterable, Sequence

from appliance.engines.reading.flow import Flow
from appliance.engines.reading.tables import guess_header_rows, name_columns, tidy, write_row
from appliance.engines.reading.text_cleaning import squeeze
from appliance.ports.parser import Locator

_PART_CHARACTERS = 1_800
_LOOKED_AT = 30  # rows: enough to tell what is a title, what names the columns

NumberedRow = tuple[int, Sequence[str]]


def write_sheet(flow: Flow, name: str, rows: Iterable[NumberedRow]) -> None:
    """Write a sheet. Empty rows end a block; a block without names of its own takes those of the block before."""
    names: list[str] = []
    block: list[tuple[int, list[str]]] = []
    writer = _PartWriter(flow, name)
    open_block = False
    for number, row in rows:
        cells = [squeeze(cell) for cell in row]
        if not any(cells):
            if block and not open_block:
                names = _begin(writer, block, names)
            block, open_block = [], False
            continue
        if open_block:
            writer.add(number, write_row(cells, names))
            continue
        block.append((number, cells))
        if len(block) == _LOOKED_AT:
            names = _begin(writer, block, names)
            open_block = True
    if block and not open_block:
        _begin(writer, block, names)
    writer.finish()


def _begin(writer: "_PartWriter", block: list[tuple[int, list[str]]], former: list[str]) -> list[str]:
    """Write the first rows of a block: what stands above its names, then its rows. Gives the names."""
    start = 0
    widest = max(sum(map(bool, cells)) for _number, cells in block)
    while start < len(block) - 1 and sum(map(bool, block[start][1])) < min(2, widest):
        writer.add(block[start][0], "\t".join(cell for cell in block[start][1] if cell))  # a title above the table
        start += 1
    table = [cells for _number, cells in block[start:]]
    count = guess_header_rows(table)
    names = name_columns(table[:count]) if count else former if _fits(table, former) else []
    if len(tidy(table)) == count:
        names = []
        count = 0
    for number, cells in block[start + count :]:
        writer.add(number, write_row(cells, names))
    return names


def _fits(table: list[list[str]], names: list[str]) -> bool:
    return bool(names) and all(len(row) <= len(names) and sum(map(bool, row)) > 1 for row in table)


class _PartWriter:
    """Cuts a sheet into parts of some thousand characters that say which rows they are."""

    def __init__(self, flow: Flow, name: str) -> None:
        self._flow = flow
        self._name = name
        self._lines: list[str] = []
        self._length = 0
        self._first = self._last = 0

    def add(self, number: int, line: str) -> None:
        if not line:
            return
        if not self._lines:
            self._first = number
        self._lines.append(line)
        self._length += len(line)
        self._last = number
        if self._length > _PART_CHARACTERS:
            self.finish()

    def finish(self) -> None:
        if not self._lines:
            return
        span = str(self._first) if self._first == self._last else f"{self._first}-{self._last}"
        place = Locator("sheet", f"{self._name}, {span}") if self._name else Locator("line", span)
        self._flow.lines(self._lines, place)
        self._lines, self._length = [], 0
