"""How a document becomes a DOCX file: by python-docx, on its own plain template."""

import re
from datetime import UTC
from io import BytesIO
from typing import Any

from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from appliance.ports.document_writer import (
    Block,
    Code,
    Grid,
    Heading,
    Item,
    Paragraph,
    Quote,
    Rule,
    Span,
    WrittenDocument,
)

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_COLUMNS = 63  # what Word opens
_MOST_LEVELS = 8
_INDENT_CM = 0.63
_LONGEST_PROPERTY = 255  # what python-docx accepts
_MONOSPACED, _CODE_POINTS, _QUIET_POINTS = "Consolas", 9.5, 9
_QUIET = RGBColor(0x59, 0x59, 0x59)
_CODE_GROUND = "F2F2F2"
_LOCALES = {"en": "en-GB", "fr": "fr-FR"}


def lay_out(document: WrittenDocument) -> bytes:
    """Give the file's bytes."""
    made: Any = Document()
    _describe(made, document)
    title = made.add_paragraph(style="Title")
    _add_spans(title, [Span(document.title)])
    for block in document.blocks:
        _add(made, block)
    held = BytesIO()
    made.save(held)
    return held.getvalue()


def _describe(made: Any, document: WrittenDocument) -> None:
    properties = made.core_properties
    properties.title = _clean(document.title)[:_LONGEST_PROPERTY]
    properties.author = _clean(document.author)[:_LONGEST_PROPERTY]
    properties.comments = ""
    properties.language = _LOCALES[document.language]
    properties.created = properties.modified = document.created_at.astimezone(UTC).replace(tzinfo=None)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), _LOCALES[document.language])
    format_ = made.styles["Normal"].element.get_or_add_rPr()
    format_.append(language)


def _add(made: Any, block: Block) -> None:
    match block:
        case Heading(level, spans):
            _add_spans(made.add_heading(level=min(max(level, 1), 9)), spans)
        case Paragraph(spans, quiet):
            _add_spans(made.add_paragraph(), spans, quiet=quiet)
        case Quote(spans):
            _add_spans(made.add_paragraph(style="Quote"), spans)
        case Item():
            _add_item(made, block)
        case Code(text):
            _add_code(made, text)
        case Grid(rows):
            _add_grid(made, rows)
        case Rule():
            _add_rule(made)


def _add_item(made: Any, item: Item) -> None:
    """A number stands as text, so that it is the one that the answer gave."""
    paragraph = made.add_paragraph()
    level = min(max(item.level, 0), _MOST_LEVELS)
    paragraph.paragraph_format.left_indent = Cm(_INDENT_CM * (level + 1))
    paragraph.paragraph_format.first_line_indent = Cm(-_INDENT_CM)
    paragraph.paragraph_format.space_after = Pt(2)
    paragraph.paragraph_format.tab_stops.add_tab_stop(Cm(_INDENT_CM * (level + 1)))
    mark = "•" if item.number is None else f"{item.number}."
    _add_spans(paragraph, [Span(f"{mark}\t"), *item.spans])


def _add_code(made: Any, text: str) -> None:
    paragraph = made.add_paragraph()
    paragraph.paragraph_format.left_indent = Cm(_INDENT_CM)
    _shade(paragraph._p.get_or_add_pPr())  # noqa: SLF001 - shading has no door of its own in python-docx
    _add_spans(paragraph, [Span(text, code=True)])


def _add_grid(made: Any, rows: list[list[list[Span]]]) -> None:
    width = min(max((len(row) for row in rows), default=0), _MOST_COLUMNS)
    if not width:
        return
    table = made.add_table(rows=len(rows), cols=width, style="Table Grid")
    for row, cells in zip(rows, table.rows, strict=True):
        for number, cell in enumerate(cells.cells):
            spans = _cell(row, number, is_last=number == width - 1)
            _add_spans(cell.paragraphs[0], [_bold(span) for span in spans] if row is rows[0] else spans)
    made.add_paragraph()


def _cell(row: list[list[Span]], number: int, *, is_last: bool) -> list[Span]:
    """Give a cell's text; the last one takes what stands beyond the format's own end."""
    if number >= len(row):
        return []
    spans = list(row[number])
    for beyond in row[number + 1 :] if is_last else []:
        spans += [Span(" | "), *beyond]
    return spans


def _bold(span: Span) -> Span:
    return Span(span.text, bold=True, italic=span.italic, code=span.code)


def _add_rule(made: Any) -> None:
    paragraph = made.add_paragraph()
    borders, line = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "BFBFBF")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    paragraph._p.get_or_add_pPr().append(borders)  # noqa: SLF001 - the same


def _add_spans(paragraph: Any, spans: list[Span], *, quiet: bool = False) -> None:
    for span in spans:
        run = paragraph.add_run(_clean(span.text))
        run.bold, run.italic = span.bold or None, span.italic or None
        if span.code:
            run.font.name, run.font.size = _MONOSPACED, Pt(_CODE_POINTS)
        elif quiet:
            run.font.size, run.font.color.rgb = Pt(_QUIET_POINTS), _QUIET


def _shade(properties: Any) -> None:
    shading = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", _CODE_GROUND)):
        shading.set(qn(f"w:{name}"), value)
    properties.insert_element_before(
        shading, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr", "w:pPrChange"
    )


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text.replace("\r\n", "\n"))
