"""Reads OpenDocument: text (ODT), spreadsheets (ODS) and presentations (ODP), from content.xml alone.

Source: OpenDocument 1.3 part 3. Tracked deletions and annotations are left out; repeated cells are written once.
"""

import re
from collections.abc import Iterator
from typing import Any

from appliance.engines.reading.archives import Archive
from appliance.engines.reading.errors import DamagedFile, EncryptedOfficeFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.sheets import write_sheet
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.tables import is_layout
from appliance.engines.reading.text_cleaning import squeeze
from appliance.engines.reading.titles import sane_title
from appliance.ports.parser import Locator

TEXT = "application/vnd.oasis.opendocument.text"
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
PRESENTATION = "application/vnd.oasis.opendocument.presentation"
_LEFT_OUT = {
    *("tracked-changes", "annotation", "annotation-end", "script", "forms", "sequence-decls", "notes-configuration"),
}
_MOST_REPEATS = 1_000


def read_odf(source: Source, archive: Archive) -> Reading:
    """Read an OpenDocument file. Raises DamagedFile, EncryptedOfficeFile."""
    manifest = archive.tree("META-INF/manifest.xml")
    if manifest is not None and any(_name(element) == "encryption-data" for element in manifest.iter()):
        raise EncryptedOfficeFile(filename=source.filename)
    body = _find_body(archive, source)
    flow = Flow(source)
    reader = _Reader(flow)
    kind = _name(body)
    if kind == "spreadsheet":
        for table in body:
            if _name(table) == "table":
                name = _get(table, "name") or "?"
                write_sheet(flow, name, ((number, row) for number, row in enumerate(_sheet_rows(table), start=1)))
    elif kind == "presentation":
        for number, page in enumerate((one for one in body if _name(one) == "page"), start=1):
            reader.slide(page, number)
    else:
        reader.blocks(body)
    media_type = {"spreadsheet": SPREADSHEET, "presentation": PRESENTATION}.get(kind, TEXT)
    sections = flow.finish()
    return Reading(media_type=media_type, title=_title(archive) or flow.first_heading(), sections=sections)


def _find_body(archive: Archive, source: Source) -> Any:
    tree = archive.tree("content.xml")
    if tree is not None:
        for element in tree:
            if _name(element) == "body" and len(element):
                return element[0]
    raise DamagedFile(filename=source.filename)


def _title(archive: Archive) -> str | None:
    tree = archive.tree("meta.xml")
    found = tree.find(".//{http://purl.org/dc/elements/1.1/}title") if tree is not None else None
    return sane_title(found.text) if found is not None else None


class _Reader:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def blocks(self, element: Any, depth: int = 0, bullet: str = "") -> None:
        """Read what stands one below the other."""
        if depth > 60:
            return
        for inner in element:
            name = _name(inner)
            if name == "h":
                level = _get(inner, "outline-level")
                self._flow.heading(_text(inner), int(level) if level.isdigit() and int(level) < 20 else 1)
            elif name == "p":
                self._paragraph(inner, bullet)
            elif name == "table":
                self._table(inner, depth)
            elif name == "list-item":
                self.blocks(inner, depth + 1, "• ")
            elif name not in _LEFT_OUT:
                self.blocks(inner, depth + 1, bullet if name != "text-box" else "")

    def slide(self, page: Any, number: int) -> None:
        """Read a slide: its frames, then its notes."""
        title = ""
        pieces: list[str] = []
        for inner in page:
            if _name(inner) == "notes":
                notes = [words for one in inner.iter() if _name(one) == "p" and (words := squeeze(_text(one)))]
                pieces += [f"({words})" for words in notes]
            elif _name(inner) == "frame":
                words = [text for one in inner.iter() if _name(one) in {"p", "h"} and (text := squeeze(_text(one)))]
                if _get(inner, "class") == "title" and words:
                    title = " ".join(words)
                    pieces.insert(0, title)
                else:
                    pieces += words
        self._flow.part("\n".join(pieces), Locator("slide", str(number)), headings=(title,) if title else ())

    def _paragraph(self, element: Any, bullet: str) -> None:
        text = _text(element)
        self._flow.paragraph(bullet + text if text.strip() else "")
        for inner in element.iter():
            if _name(inner) == "note-body":
                self._flow.paragraph(f"({squeeze(' '.join(_text(one) for one in inner))})")
            elif _name(inner) == "text-box":
                self.blocks(inner)

    def _table(self, element: Any, depth: int) -> None:
        rows = list(_table_rows(element))
        texts = [[squeeze(" ".join(_text(one) for one in cell)) for cell in row] for row, _header in rows]
        header = sum(is_header for _row, is_header in rows)
        if is_layout(texts):
            for row, _header in rows:
                for cell in row:
                    self.blocks(cell, depth + 1)
            return
        self._flow.table(texts, header_rows=header or None)


def _table_rows(table: Any, *, header: bool = False) -> Iterator[tuple[list[Any], bool]]:
    for inner in table:
        name = _name(inner)
        if name == "table-row":
            yield [cell for cell in inner if _name(cell) in {"table-cell", "covered-table-cell"}], header
        elif name in {"table-header-rows", "table-rows", "table-row-group"}:
            yield from _table_rows(inner, header=header or name == "table-header-rows")


def _sheet_rows(table: Any) -> Iterator[list[str]]:
    """Give the rows of a sheet, repeated ones again; long runs of empty ones, which end most sheets, once."""
    for cells, _header in _table_rows(table):
        row: list[str] = []
        for cell in cells:
            text = _cell_text(cell)
            repeats = _get(cell, "number-columns-repeated")
            count = int(repeats) if repeats.isdigit() else 1
            row += [text] * (min(count, _MOST_REPEATS) if text or count < _MOST_REPEATS else 1)
        while row and not row[-1]:
            row.pop()
        parent = cells[0].getparent() if cells else None
        repeats = _get(parent, "number-rows-repeated") if parent is not None else ""
        count = int(repeats) if repeats.isdigit() else 1
        for _time in range(min(count, _MOST_REPEATS) if row else 1):
            yield row


def _cell_text(cell: Any) -> str:
    shown = squeeze(" ".join(_text(one) for one in cell if _name(one) in {"p", "list"}))
    return shown or _get(cell, "value") or _get(cell, "date-value") or _get(cell, "string-value")


def _text(element: Any) -> str:
    """Write the text of a paragraph with its spaces, tabs and line ends; notes and boxes are read elsewhere."""
    pieces = [element.text or ""]
    for inner in element:
        name = _name(inner)
        if name == "s":
            count = _get(inner, "c")
            pieces.append(" " * min(100, int(count) if count.isdigit() else 1))
        elif name == "tab":
            pieces.append("\t")
        elif name == "line-break":
            pieces.append("\n")
        elif name and name not in {"note", "frame", "custom-shape", *_LEFT_OUT}:
            pieces.append(_text(inner))
        pieces.append(inner.tail or "")
    return re.sub(r"[ \r\n]*\n[ \r\n]*", "\n", "".join(pieces))


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _get(element: Any, name: str) -> str:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""
