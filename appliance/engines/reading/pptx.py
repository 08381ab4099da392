"""Reads PPTX slide by slide: title, text, tables, charts, speaker's notes.

Source: ECMA-376 part 1, 19 (PresentationML) and 21.1 (DrawingML).
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from appliance.engines.reading.archives import Archive
from appliance.engines.reading.charts import read_chart
from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.tables import write_rows
from appliance.engines.reading.text_cleaning import squeeze
from appliance.engines.reading.titles import sane_title
from appliance.ports.parser import Locator

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_FURNITURE = {"sldNum", "dt", "ftr", "hdr", "sldImg"}


def read_pptx(source: Source, archive: Archive) -> Reading:
    """Read a PPTX. Raises DamagedFile where there is no slide."""
    names = _slides_in_order(archive)
    if not names:
        raise DamagedFile(filename=source.filename)
    flow = Flow(source)
    for number, name in enumerate(names, start=1):
        tree = archive.tree(name)
        if tree is not None:
            _read_slide(flow, archive, name, tree, number)
    sections = flow.finish()
    core = archive.tree("docProps/core.xml")
    stated = core.findtext(".//{http://purl.org/dc/elements/1.1/}title") if core is not None else None
    return Reading(media_type=MEDIA_TYPE, title=sane_title(stated) or flow.first_heading(), sections=sections)


def _read_slide(flow: Flow, archive: Archive, name: str, tree: Any, number: int) -> None:
    related = relations(archive, name)
    title, pieces, tables = "", list[str](), list[list[str]]()
    for shape in _shapes(tree):
        kind = _placeholder(shape)
        if kind in _FURNITURE:
            continue
        if found := [_read_table(table) for table in _find(shape, "tbl")]:
            tables += found
            continue
        tables += _read_charts(archive, shape, related)
        words = list(_paragraphs(shape))
        if kind in {"title", "ctrTitle"} and not title and words:
            title = squeeze(" ".join(words))
            words = []
        pieces += words
    pieces += _beside(archive, related)
    headings = (title,) if title else ()
    place = Locator("slide", str(number))
    flow.part("\n".join([*headings, *pieces]), place, headings=headings)
    for lines in tables:
        flow.part("\n".join(lines), place, headings=headings, kind="table")


def _read_charts(archive: Archive, shape: Any, related: dict[str, str]) -> list[list[str]]:
    targets = [related.get(_relation_id(chart), "") for chart in _find(shape, "chart")]
    return [write_rows(read_chart(archive, target), header_rows=1) for target in targets if target in archive.names]


def _beside(archive: Archive, related: dict[str, str]) -> Iterator[str]:
    """Give the words of a slide's diagrams, and what its speaker noted."""
    for target in related.values():
        if "/diagrams/data" in target and (diagram := archive.tree(target)) is not None:
            yield from _paragraphs(diagram)
        if "/notesSlides/" in target and (notes := archive.tree(target)) is not None:
            spoken = [text for shape in _shapes(notes) if _placeholder(shape) == "body" for text in _paragraphs(shape)]
            yield from [f"({' '.join(spoken)})"] if spoken else []


def _read_table(table: Any) -> list[str]:
    return write_rows([[" ".join(_paragraphs(cell)) for cell in _find(row, "tc")] for row in _find(table, "tr")])


def relations(archive: Archive, name: str) -> dict[str, str]:
    """Give what a part refers to: the parts by relationship id."""
    folder, base = posixpath.split(name)
    tree = archive.tree(f"{folder}/_rels/{base}.rels")
    found: dict[str, str] = {}
    for relation in tree if tree is not None else ():
        target = relation.get("Target") or ""
        if relation.get("TargetMode") != "External":
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
            found[relation.get("Id") or ""] = path
    return found


def _slides_in_order(archive: Archive) -> list[str]:
    """Give the slides in the order they are shown, hidden ones too; by number where the order is lost."""
    tree = archive.tree("ppt/presentation.xml")
    related = relations(archive, "ppt/presentation.xml")
    entries = (element for element in tree.iter() if _name(element) == "sldId") if tree is not None else ()
    ordered = [name for entry in entries if (name := related.get(_relation_id(entry), "")) in archive.names]
    if ordered:
        return list(dict.fromkeys(ordered))
    found = [name for name in archive.names if re.fullmatch(r"ppt/slides/slide\d+\.xml", name)]
    return sorted(found, key=lambda name: (len(name), name))


def _relation_id(element: Any) -> str:
    return next((text for key, text in element.attrib.items() if key.endswith("}id")), "")


def _shapes(tree: Any) -> Iterator[Any]:
    """Give shapes and frames, those inside groups too, in the file's order."""
    for element in tree.iter():
        if _name(element) in {"sp", "graphicFrame", "cxnSp"}:
            yield element


def _placeholder(shape: Any) -> str:
    return next((element.get("type") or "body" for element in shape.iter() if _name(element) == "ph"), "")


def _paragraphs(element: Any) -> Iterator[str]:
    for paragraph in _find(element, "p"):
        pieces: list[str] = []
        for inner in paragraph.iter():
            name = _name(inner)
            if name == "t":
                pieces.append(inner.text or "")
            elif name in {"br", "tab"}:
                pieces.append(" ")
        if words := squeeze("".join(pieces)):
            yield words


def _find(element: Any, name: str) -> Iterator[Any]:
    return (inner for inner in element.iter() if _name(inner) == name)


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
