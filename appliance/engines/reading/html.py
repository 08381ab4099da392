"""Reads HTML as people see it: headings, lists, tables; no scripts, no styles, nothing hidden, nothing fetched."""

import re
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - lxml has no types
from lxml import html as lxml_html

from appliance.engines.reading.encodings import decode
from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.tables import is_layout
from appliance.engines.reading.text_cleaning import squeeze
from appliance.engines.reading.titles import sane_title

MEDIA_TYPE = "text/html"
_LEFT_OUT = {
    *("script", "style", "template", "noscript", "head", "svg", "math", "object", "embed", "iframe", "canvas"),
    *("audio", "video", "select", "button", "nav"),
}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "li", "main", "ol", "p"),
    *("pre", "section", "summary", "table", "ul", "td", "th", "tr", "caption"),
}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_DEEPEST = 250


def read_html(source: Source) -> Reading:
    """Read an HTML file. Raises DamagedFile."""
    flow = Flow(source)
    title = write_html(flow, decode_html(bytes(source.data)), source)
    sections = flow.finish()
    return Reading(media_type=MEDIA_TYPE, title=sane_title(title) or flow.first_heading(), sections=sections)


def decode_html(data: bytes) -> str:
    """Decode by the byte order mark, what the page says of itself, or its bytes."""
    stated = _CHARSET.search(data[:4096])
    return decode(data, stated=stated[1].decode("ascii") if stated else None) or data.decode("latin-1")


def write_html(flow: Flow, text: str, source: Source) -> str | None:
    """Write a page into a flow; gives its title."""
    parser = lxml_html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        tree = lxml_html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise DamagedFile(filename=source.filename) from None
    _Writer(flow).read(tree)
    return tree.findtext(".//title")


class _Writer:
    """Walks a page; inline text gathers until a block ends."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._inline: list[str] = []

    def read(self, tree: Any) -> None:
        self._element(tree, depth=0)
        self._end_block()

    def _element(self, element: Any, *, depth: int) -> None:
        name = element.tag if isinstance(element.tag, str) else ""
        if not name or name in _LEFT_OUT or depth > _DEEPEST or _is_hidden(element):
            return
        if re.fullmatch("h[1-6]", name):
            self._end_block()
            self._flow.heading(" ".join(element.itertext()), int(name[1]))
        elif name == "table" and self._table(element):
            return
        elif name == "br":
            self._inline.append("\n")
        elif name == "pre":
            self._end_block()
            self._flow.paragraph("".join(element.itertext()))
        else:
            self._inside(element, name, depth)

    def _inside(self, element: Any, name: str, depth: int) -> None:
        if name in _BLOCKS:
            self._end_block()
        if name == "li":
            self._inline.append("• ")
        self._text(element.text)
        for inner in element:
            self._element(inner, depth=depth + 1)
            self._text(inner.tail)
        if name in _BLOCKS:
            self._end_block()

    def _text(self, text: str | None) -> None:
        if text:
            self._inline.append(_SPACE.sub(" ", text))

    def _end_block(self) -> None:
        if self._inline:
            text = re.sub(r" *\n *", "\n", "".join(self._inline)).strip()
            self._inline = []
            if text not in {"", "•"}:
                self._flow.paragraph(re.sub("  +", " ", text))

    def _table(self, element: Any) -> bool:
        """Write a table of data; False for one that only arranges the page."""
        if any(True for _inner in element.iterdescendants("table")):
            return False
        rows: list[list[str]] = []
        header = 0
        for row in element.iterdescendants("tr"):
            if _is_hidden(row):
                continue
            cells = [cell for cell in row if cell.tag in {"td", "th"}]
            if header == len(rows) and cells and all(cell.tag == "th" for cell in cells):
                header += 1
            rows.append([text for cell in cells for text in _spread(cell)])
        if is_layout(rows):
            return False
        self._end_block()
        if (caption := element.findtext("caption")) and squeeze(caption):
            self._flow.paragraph(caption)
        self._flow.table(rows, header_rows=header or None)
        return True


def _spread(cell: Any) -> list[str]:
    span = cell.get("colspan", "1")
    count = min(100, int(span)) if span.isdigit() and int(span) else 1
    text = squeeze(" ".join(cell.itertext()))
    return [text] * count if cell.tag == "th" else [text, *[""] * (count - 1)]


def _is_hidden(element: Any) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))
