"""Reads DOCX straight from its XML, part by part as it unpacks: headings, lists with their numbers, tables, notes.

A tree of the whole document, as libraries build it, makes 87 kB of empty paragraphs cost gigabytes; here each block is
let go as soon as it is read. Deleted text and field codes are left out, inserted text and content controls are in.
Source: ECMA-376 part 1 (WordprocessingML).
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from appliance.engines.reading.archives import Archive
from appliance.engines.reading.charts import read_charts
from appliance.engines.reading.docx_numbering import Numbering, attribute, child, children, number, value
from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.tables import is_layout
from appliance.engines.reading.text_cleaning import squeeze
from appliance.engines.reading.titles import sane_title
from appliance.ports.parser import Locator

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_HEADING_NAME = re.compile(r"(?:heading|titre|überschrift|título|titolo)\s*(\d)", re.IGNORECASE)
_WRAPPERS = {
    *("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "hyperlink", "fldSimple", "dir", "bdo", "body"),
}
_LEFT_OUT = {"del", "moveFrom", "instrText", "delText", "delInstrText", "pPr", "rPr", "sdtPr", "object"}
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_DEEPEST = 60
_LITERAL = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}


class Style(NamedTuple):
    """What a paragraph style says about structure."""

    heading: int
    is_title: bool
    list_id: str
    list_depth: int


class Paragraph(NamedTuple):
    """One paragraph: its text with its list number, its heading level (0 for none), what hangs on it."""

    text: str
    heading: int
    is_title: bool
    notes: list[str]
    boxes: list[Any]


def read_docx(source: Source, archive: Archive) -> Reading:
    """Read a DOCX. Raises DamagedFile where no document is in it."""
    document = _Document(source, archive)
    document.read()
    flow = document.flow
    title = sane_title(_core_title(archive)) or document.title or flow.first_heading()
    return Reading(media_type=MEDIA_TYPE, title=title, sections=flow.finish())


class _Document:
    def __init__(self, source: Source, archive: Archive) -> None:
        self.flow = Flow(source)
        self.title: str | None = None
        self._source = source
        self._archive = archive
        self._main = _find_main_part(archive, source)
        folder = posixpath.dirname(self._main)
        self._folder = folder
        self._numbering = Numbering(archive.tree(f"{folder}/numbering.xml"))
        self._styles = _read_styles(archive.tree(f"{folder}/styles.xml"))
        self._notes = _read_notes(archive, folder)

    def read(self) -> None:
        empty = True
        for element in self._archive.walk(self._main):
            empty = False
            parent = element.getparent()
            if parent is None or _name(parent) != "body":
                continue
            self._block(element)
            element.clear()
            while element.getprevious() is not None:
                del parent[0]
        if empty:
            raise DamagedFile(filename=self._source.filename)
        for rows in read_charts(self._archive, f"{self._folder}/charts/"):
            self.flow.table(rows, header_rows=1)
        for text in self._margins():
            self.flow.part(text, Locator("section", text[:60]))

    def _block(self, element: Any, depth: int = 0) -> None:
        name = _name(element)
        if name == "p":
            if len(element):
                self._add(self._paragraph(element))
        elif name == "tbl":
            self._table(element)
        elif (name in _WRAPPERS or name in {"AlternateContent", "Choice", "txbxContent"}) and depth < 30:
            for inner in element:
                self._block(inner, depth + 1)

    def _add(self, paragraph: Paragraph) -> None:
        if paragraph.is_title and self.title is None:
            self.title = sane_title(paragraph.text)
        if paragraph.heading:
            self.flow.heading(paragraph.text, paragraph.heading)
        else:
            self.flow.paragraph(paragraph.text)
        for note in paragraph.notes:
            self.flow.paragraph(f"({note})")
        for box in paragraph.boxes:
            for inner in box:
                self._block(inner)

    def _paragraph(self, element: Any) -> Paragraph:
        properties = child(element, "pPr")
        style = self._styles.get(value(properties, "pStyle") if properties is not None else "", _PLAIN)
        heading = style.heading
        list_id, depth = style.list_id, style.list_depth
        if properties is not None:
            if level := value(properties, "outlineLvl"):
                heading = number(level, default=9) + 1 if number(level, default=9) < 9 else 0
            if (own := child(properties, "numPr")) is not None:
                list_id, depth = value(own, "numId") or list_id, number(value(own, "ilvl"), default=depth)
        pieces: list[str] = []
        notes: list[str] = []
        boxes: list[Any] = []
        self._collect(element, pieces, notes, boxes)
        text = "".join(pieces).strip()
        label = self._numbering.label(list_id, depth) if list_id and list_id != "0" and text else ""
        return Paragraph(f"{label} {text}" if label else text, heading, style.is_title, notes, boxes)

    def _collect(self, element: Any, pieces: list[str], notes: list[str], boxes: list[Any], depth: int = 0) -> None:
        """Gather the text of a paragraph in order, and what hangs on it."""
        for inner in element if depth < _DEEPEST else ():
            name = _name(inner)
            if name in _LITERAL or name in {"t", "sym"}:
                pieces.append(_literal(inner, name))
            elif name == "txbxContent":
                boxes.append(inner)
            elif name in _NOTES:
                notes += self._notes.get((_NOTES[name], attribute(inner, "id")), [])
            elif name == "AlternateContent":
                chosen = next((one for one in inner if _name(one) == "Choice"), None)
                self._collect(chosen if chosen is not None else inner, pieces, notes, boxes, depth + 1)
            elif name not in _LEFT_OUT:
                self._collect(inner, pieces, notes, boxes, depth + 1)

    def _table(self, element: Any) -> None:
        rows: list[list[str]] = []
        header_rows, above = 0, [""]
        for row in _rows(element):
            properties = child(row, "trPr")
            if header_rows == len(rows) and properties is not None and child(properties, "tblHeader") is not None:
                header_rows += 1
            rows.append(self._cells(row, above))
            above = rows[-1]
        if is_layout(rows):
            for row in _rows(element):
                for cell in _cells(row):
                    for inner in cell:
                        self._block(inner)
            return
        self.flow.table(rows, header_rows=header_rows or None)

    def _cells(self, row: Any, above: list[str]) -> list[str]:
        """Give the cells; one that goes on from the row above repeats its words, one that spans leaves room."""
        texts: list[str] = []
        for cell in _cells(row):
            properties = child(cell, "tcPr")
            span, goes_on = 1, False
            if properties is not None:
                span = max(1, min(100, number(value(properties, "gridSpan"), default=1)))
                merged = child(properties, "vMerge")
                goes_on = merged is not None and attribute(merged, "val") in {"", "continue"}
            text = " ".join(self._texts(cell))
            if goes_on and not text and len(texts) < len(above):
                text = above[len(texts)]
            texts += [text, *[""] * (span - 1)]
        return texts

    def _texts(self, element: Any, depth: int = 0) -> Iterator[str]:
        for inner in element:
            name = _name(inner)
            if name == "p":
                paragraph = self._paragraph(inner)
                yield from (words for words in (squeeze(paragraph.text), *paragraph.notes) if words)
            elif depth < 30 and (name in _WRAPPERS or name in {"tbl", "tr", "tc"}):
                yield from self._texts(inner, depth + 1)

    def _margins(self) -> list[str]:
        """Give the texts of page headers and footers, each once."""
        texts: dict[str, None] = {}
        for name in self._archive.names:
            part = posixpath.basename(name)
            if posixpath.dirname(name) == self._folder and re.fullmatch(r"(header|footer)\d*\.xml", part):
                tree = self._archive.tree(name)
                text = "\n".join(self._texts(tree)) if tree is not None else ""
                if sum(map(str.isalpha, text)) >= 3:
                    texts[text] = None
        return list(texts)


_PLAIN = Style(0, is_title=False, list_id="", list_depth=0)


def _literal(element: Any, name: str) -> str:
    if name == "t":
        return element.text or ""
    if name == "sym":
        code = attribute(element, "char")
        return chr(int(code, 16)) if re.fullmatch("[0-9A-Fa-f]{1,4}", code) else ""
    return _LITERAL[name]


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _rows(table: Any, depth: int = 0) -> Iterator[Any]:
    for inner in table:
        if _name(inner) == "tr":
            yield inner
        elif _name(inner) in _WRAPPERS and depth < 20:
            yield from _rows(inner, depth + 1)


def _cells(row: Any, depth: int = 0) -> Iterator[Any]:
    for inner in row:
        if _name(inner) == "tc":
            yield inner
        elif _name(inner) in _WRAPPERS and depth < 20:
            yield from _cells(inner, depth + 1)


def _find_main_part(archive: Archive, source: Source) -> str:
    """Find the document itself: by the package's relationships, else by its type, else by its usual name."""
    relations = archive.tree("_rels/.rels")
    for relation in relations if relations is not None else ():
        if (relation.get("Type") or "").endswith("/officeDocument"):
            name = posixpath.normpath((relation.get("Target") or "").lstrip("/"))
            if name in archive.names:
                return name
    for name in archive.names:
        if re.fullmatch(r"word/document\d*\.xml", name):
            return name
    raise DamagedFile(filename=source.filename)


def _read_styles(tree: Any) -> dict[str, Style]:
    raw: dict[str, tuple[str, int, str, int]] = {}
    default = ""
    for element in children(tree, "style") if tree is not None else ():
        style_id, name = attribute(element, "styleId"), value(element, "name")
        if attribute(element, "type") == "paragraph" and attribute(element, "default") in {"1", "true"}:
            default = style_id
        properties = child(element, "pPr")
        level, list_id, depth = -1, "", 0
        if properties is not None:
            level = number(value(properties, "outlineLvl"), default=-1)
            if (numbered := child(properties, "numPr")) is not None:
                list_id, depth = value(numbered, "numId"), number(value(numbered, "ilvl"))
        if match := _HEADING_NAME.match(name):
            level = int(match[1]) - 1 if match[1] != "0" else level
        raw[style_id] = (value(element, "basedOn"), level, list_id, depth)
        if name.lower() == "title":
            raw[style_id] = (raw[style_id][0], -2, list_id, depth)
    styles = {style_id: _resolve_style(style_id, raw) for style_id in raw}
    styles[""] = styles.get(default, _PLAIN)
    return styles


def _resolve_style(style_id: str, raw: dict[str, tuple[str, int, str, int]]) -> Style:
    """Follow what a style is based on; loops end."""
    level, list_id, depth, is_title = -1, "", 0, False
    for _step in range(20):
        if style_id not in raw:
            break
        style_id, own_level, own_list, own_depth = raw[style_id]
        is_title = is_title or own_level == -2
        level = own_level if level == -1 and own_level >= 0 else level
        if not list_id and own_list:
            list_id, depth = own_list, own_depth
    return Style(level + 1 if 0 <= level < 9 else 0, is_title, list_id, depth)


def _read_notes(archive: Archive, folder: str) -> dict[tuple[str, str], list[str]]:
    notes: dict[tuple[str, str], list[str]] = {}
    for kind in _NOTES.values():
        tree = archive.tree(f"{folder}/{kind}.xml")
        for note in tree if tree is not None else ():
            text = squeeze("".join(_plain_text(note)))
            if text and attribute(note, "type") not in {"separator", "continuationSeparator"}:
                notes[kind, attribute(note, "id")] = [text]
    return notes


def _plain_text(element: Any) -> Iterator[str]:
    for inner in element.iter():
        if _name(inner) == "t":
            yield inner.text or ""
        elif _name(inner) in {"p", "tab", "br"}:
            yield " "


def _core_title(archive: Archive) -> str | None:
    tree = archive.tree("docProps/core.xml")
    if tree is None:
        return None
    found = tree.find(".//{http://purl.org/dc/elements/1.1/}title")
    return found.text if found is not None else None
