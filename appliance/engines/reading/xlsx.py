"""Reads XLSX sheet by sheet as it unpacks: the values people see, dates as dates, percentages as percentages.

Straight from the XML: several times as fast as a library's cells, and a broken sheet is read as far as it goes.
Formulas show the value saved with them. Source: ECMA-376 part 1, 18 (SpreadsheetML).
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from appliance.engines.reading.archives import Archive
from appliance.engines.reading.cell_formats import CellFormat, read_format
from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.pptx import relations
from appliance.engines.reading.sheets import NumberedRow, write_sheet
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.titles import sane_title

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_COLUMNS = 1_000
_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def read_xlsx(source: Source, archive: Archive) -> Reading:
    """Read an XLSX. Raises DamagedFile where there is no sheet."""
    book = _find_book(archive)
    sheets = _find_sheets(archive, book)
    if not sheets:
        raise DamagedFile(filename=source.filename)
    folder = posixpath.dirname(book)
    reader = _SheetReader(archive, folder, uses_1904=_uses_1904(archive, book))
    flow = Flow(source)
    for name, part in sheets:
        write_sheet(flow, name, reader.rows(part))
    core = archive.tree("docProps/core.xml")
    stated = core.findtext(".//{http://purl.org/dc/elements/1.1/}title") if core is not None else None
    return Reading(media_type=MEDIA_TYPE, title=sane_title(stated), sections=flow.finish())


def _find_book(archive: Archive) -> str:
    for relation in relations(archive, "").values():
        if re.fullmatch(r"xl/\w*workbook\w*\.xml", relation):
            return relation
    return next((name for name in archive.names if re.fullmatch(r"xl/workbook\w*\.xml", name)), "xl/workbook.xml")


def _find_sheets(archive: Archive, book: str) -> list[tuple[str, str]]:
    """Give the sheets' names and parts in the book's order; by number where the book is lost."""
    tree, related = archive.tree(book), relations(archive, book)
    found: list[tuple[str, str]] = []
    for element in tree.iter("{*}sheet") if tree is not None else ():
        target = next((related.get(text, "") for key, text in element.attrib.items() if key.endswith("}id")), "")
        if target in archive.names and "/worksheets/" in target:
            found.append((element.get("name") or "?", target))
    if found:
        return found
    parts = [name for name in archive.names if re.fullmatch(r"xl/worksheets/sheet\d*\.xml", name)]
    return [(posixpath.basename(name).removesuffix(".xml"), name) for name in sorted(parts, key=lambda n: (len(n), n))]


def _uses_1904(archive: Archive, book: str) -> bool:
    tree = archive.tree(book)
    found = tree.find("{*}workbookPr") if tree is not None else None
    return found is not None and found.get("date1904") in {"1", "true"}


class _SheetReader:
    def __init__(self, archive: Archive, folder: str, *, uses_1904: bool) -> None:
        self._archive = archive
        self._strings = list(_read_strings(archive, f"{folder}/sharedStrings.xml"))
        self._formats = list(_read_formats(archive, f"{folder}/styles.xml", uses_1904=uses_1904))

    def rows(self, part: str) -> Iterator[NumberedRow]:
        """Give the rows of a sheet that hold something, and an empty one where some are skipped."""
        last = 0
        for element in self._archive.walk(part, tags=("{*}row",)):
            number = element.get("r", "")
            number = int(number) if number.isdigit() and len(number) < 8 else last + 1
            cells = self._cells(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
            if number > last + 1:
                yield last + 1, []
            last = number
            yield number, cells

    def _cells(self, row: Any) -> list[str]:
        cells: list[str] = []
        for cell in row:
            match = _REFERENCE.fullmatch(cell.get("r") or "")
            column = _column(match[1]) if match else len(cells)
            if len(cells) <= column < _MOST_COLUMNS and (text := self._text(cell)):
                cells += [""] * (column - len(cells))
                cells.append(text)
        return cells

    def _text(self, cell: Any) -> str:
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return "".join(text.text or "" for text in cell.iter("{*}t"))
        value = cell.findtext("{*}v") or ""
        if kind == "s":
            return self._strings[int(value)] if value.isdigit() and int(value) < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n" and value:
            style = cell.get("s", "0")
            known = style.isdigit() and int(style) < len(self._formats)
            return (self._formats[int(style)] if known else CellFormat()).show(value)
        return "" if value in _ERRORS else value


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _read_strings(archive: Archive, name: str) -> Iterator[str]:
    """Give the shared strings; how their characters are read aloud (phonetic runs) is left out."""
    for element in archive.walk(name, tags=("{*}si",)) if name in archive.names else ():
        texts = (text for text in element.iter("{*}t") if not str(text.getparent().tag).endswith("}rPh"))
        yield "".join(text.text or "" for text in texts)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _read_formats(archive: Archive, name: str, *, uses_1904: bool) -> Iterator[CellFormat]:
    tree = archive.tree(name) if name in archive.names else None
    if tree is None:
        return
    own = {form.get("numFmtId"): form.get("formatCode") or "" for form in tree.iter("{*}numFmt")}
    for cell_formats in tree.iter("{*}cellXfs"):
        for form in cell_formats.iter("{*}xf"):
            number = form.get("numFmtId") or "0"
            yield read_format(number, own.get(number), uses_1904=uses_1904)
