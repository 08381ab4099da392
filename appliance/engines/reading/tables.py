"""Writes tables as lines of text, `Year: 2024; Revenue: 12,5`: a row found alone still says what its figures are."""

import re
from collections.abc import Sequence

from appliance.engines.reading.text_cleaning import squeeze

Rows = Sequence[Sequence[str]]

_NUMBER = re.compile(r"[-−–+(]?\s*[$€£¥]?\s*[-−–]?\s*\d[\d\s.,'’]*\s*(%|[$€£¥]|[kKMm]?€|EUR|USD|CHF|pts?)?\s*\)?\s*%?")
_YEAR_OR_DATE = re.compile(r"(FY|T[1-4]|Q[1-4]|S[12]|H[12])?\s*'?(19|20)\d\d([-/.]\d\d?){0,2}([-/–](19|20)?\d\d)?")
_LONGEST_NAME, _LONGEST_CELL = 80, 600


def write_rows(rows: Rows, *, header_rows: int | None = None) -> list[str]:
    """Write each row as a line. `header_rows`: how many rows name the columns, None to find out."""
    cleaned = tidy(rows)
    if not cleaned:
        return []
    if header_rows is None:
        header_rows = guess_header_rows(cleaned)
    header_rows = min(header_rows, len(cleaned) - 1) if len(cleaned) > 1 else 0
    names = name_columns(cleaned[:header_rows])
    return [line for row in cleaned[header_rows:] if (line := write_row(row, names))]


def write_row(row: Sequence[str], names: Sequence[str]) -> str:
    """Write one row with its columns' names; without names, cells are set apart by tabs."""
    if not any(names):
        filled = [cell for cell in row if cell]
        short = len(filled) == 2 and len(filled[0]) <= _LONGEST_NAME and not filled[0].endswith((":", ".", "?"))
        return ": ".join(filled) if short and not is_figure(filled[0]) else "\t".join(filled)
    parts: list[str] = []
    for position, cell in enumerate(row):
        name = names[position] if position < len(names) else ""
        if cell:
            parts.append(f"{name}: {cell}" if name and name != cell else cell)
    return "; ".join(parts)


def name_columns(header: Rows) -> list[str]:
    """Give each column the words above it, read downwards; a name with room beside it stands above several columns."""
    width = max((len(row) for row in header), default=0)
    spread = [*(_spread(row, width) for row in header[:-1]), *header[-1:]]
    names: list[str] = []
    for column in range(width):
        words = [row[column] for row in spread if column < len(row) and row[column]]
        names.append(" ".join(dict.fromkeys(words)).rstrip(":"))
    return names


def guess_header_rows(rows: Rows) -> int:
    """Guess how many rows name the columns: 0, 1 or 2."""
    if len(rows) > 3 and _spans(rows[0], rows[1]) and _names_columns(rows[1]) and _has_figures(rows[2:]):
        return 2
    if len(rows) < 2 or not _names_columns(rows[0]):
        return 0
    if _has_figures(rows[1:]) or (len(rows) > 2 and max(map(len, rows)) > 2):
        return 1
    return 0


def is_figure(cell: str) -> bool:
    """Tell whether a cell holds a number, an amount or a percentage."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def tidy(rows: Rows) -> list[list[str]]:
    """Clean the cells; drop rows and columns with nothing in them."""
    cleaned = [[squeeze(cell) for cell in row] for row in rows]
    cleaned = [row for row in cleaned if any(row)]
    width = max((len(row) for row in cleaned), default=0)
    used = [column for column in range(width) if any(column < len(row) and row[column] for row in cleaned)]
    if len(used) == width:
        return cleaned
    return [[row[column] if column < len(row) else "" for column in used] for row in cleaned]


def is_layout(rows: Rows) -> bool:
    """Tell a table that only arranges prose on the page: one cell, one column, or cells as long as paragraphs."""
    cells = [cell for row in rows for cell in row if cell.strip()]
    widest = max((len(row) for row in rows), default=0)
    return len(cells) <= 1 or widest <= 1 or sum(len(cell) > _LONGEST_CELL for cell in cells) > 0.3 * len(cells)


def _names_columns(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    if len(filled) < 2 or len(filled) < 0.4 * len(row):
        return False
    if any(len(cell) > _LONGEST_NAME for cell in filled):
        return False
    return all(not is_figure(cell) or _YEAR_OR_DATE.fullmatch(cell) for cell in filled)


def _spans(row: Sequence[str], below: Sequence[str]) -> bool:
    """Tell a row of names that each stand above several columns."""
    filled = [cell for cell in row if cell]
    if not filled or any(is_figure(cell) and not _YEAR_OR_DATE.fullmatch(cell) for cell in filled):
        return False
    wide = sum(map(bool, below))
    return wide > 2 and (len(set(filled)) < len(filled) or 1 < len(filled) + 1 < wide)


def _spread(row: Sequence[str], width: int) -> list[str]:
    """Repeat each name over the empty cells to its right."""
    names: list[str] = []
    for column in range(width):
        cell = row[column] if column < len(row) else ""
        names.append(cell or (names[-1] if names else ""))
    return names


def _has_figures(rows: Rows) -> bool:
    return any(is_figure(cell) for row in rows[:50] for cell in row if cell)
