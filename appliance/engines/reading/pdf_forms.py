"""What a PDF holds beside its pages: the words of dynamic XFA forms, and attached files.

A dynamic form's pages exist only in Adobe's programs; its words stand in XML packets. Source: XFA 3.3; ISO 32000-1,
12.7.8.
"""

import ctypes
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - lxml has no types

from appliance.engines.reading.archives import safe_parser
from appliance.engines.reading.flow import opening_words
from appliance.engines.reading.text_cleaning import squeeze
from appliance.ports.parser import Locator, Section

_MOST_PACKET_BYTES = 32 << 20
_MOST_ATTACHED_BYTES = 256 << 20
_DOCUMENTS = {
    *(
        ".pdf",
        ".docx",
        ".xlsx",
        ".pptx",
        ".odt",
        ".ods",
        ".odp",
        ".rtf",
        ".eml",
        ".txt",
        ".md",
        ".csv",
        ".html",
        ".htm",
    ),
}
_PLACEHOLDERS = ("adobe reader", "adobe acrobat", "please wait", "veuillez patienter", "acrobat reader")


def read_dynamic_form(document: pypdfium2.PdfDocument) -> list[Section] | None:
    """Read the labels and values of a dynamic form; None where the document is no such form."""
    if document.get_formtype() != pdfium.FORMTYPE_XFA_FULL:
        return None
    packets = dict(_packets(document))
    template, data = packets.get("template"), packets.get("datasets")
    values: dict[str, list[str]] = {}
    for element in data.iter() if data is not None else ():
        if len(element) == 0 and (words := squeeze(element.text or "")):
            values.setdefault(_name(element), []).append(words)
    lines = list(_lines(template, values)) if template is not None else []
    text = "\n".join(lines or (words for found in values.values() for words in found))
    return [Section(text=text, start=0, locator=Locator("section", opening_words(text)))] if text else []


def is_placeholder(text: str) -> bool:
    """Tell a page that only says which program to open it with."""
    found = text.casefold()
    return not found.strip() or (len(found) < 2000 and any(words in found for words in _PLACEHOLDERS))


def attached_files(document: pypdfium2.PdfDocument) -> list[tuple[str, bytes]]:
    """Give the names and bytes of attached documents (not of data for machines), up to a size together."""
    files: list[tuple[str, bytes]] = []
    room = _MOST_ATTACHED_BYTES
    for index in range(min(100, document.count_attachments())):
        attachment = document.get_attachment(index)
        if PurePath(attachment.get_name()).suffix.lower() not in _DOCUMENTS:
            continue
        try:
            content = bytes(attachment.get_data())
        except pypdfium2.PdfiumError:
            continue
        room -= len(content)
        if room < 0:
            break
        files.append((squeeze(attachment.get_name())[:255] or f"{index + 1}", content))
    return files


def _packets(document: pypdfium2.PdfDocument) -> Iterator[tuple[str, Any]]:
    for index in range(max(0, pdfium.FPDF_GetXFAPacketCount(document.raw))):
        name = ctypes.create_string_buffer(256)
        pdfium.FPDF_GetXFAPacketName(document.raw, index, name, len(name))
        size = ctypes.c_ulong()
        pdfium.FPDF_GetXFAPacketContent(document.raw, index, None, 0, size)
        if not 0 < size.value <= _MOST_PACKET_BYTES:
            continue
        content = ctypes.create_string_buffer(size.value)
        pdfium.FPDF_GetXFAPacketContent(document.raw, index, content, size.value, size)
        try:
            tree = etree.fromstring(content.raw, parser=safe_parser())
        except (etree.XMLSyntaxError, ValueError):
            continue
        if tree is not None:
            yield name.value.decode(errors="replace"), tree


def _lines(template: Any, values: dict[str, list[str]]) -> Iterator[str]:
    """Write the form down in its own order: what is drawn, and each field with its caption and what was entered."""
    inside: set[Any] = set()
    for element in template.iter():
        name = _name(element)
        if element in inside or name not in {"draw", "field"}:
            continue
        inside.update(element.iter())
        caption = next((one for one in element.iter() if _name(one) == "caption"), None)
        label = _words(caption) if caption is not None else ""
        if name == "draw":
            line = _words(element)
        else:
            entered = values.get(element.get("name") or "", [])
            line = ": ".join(words for words in (label, ", ".join(entered)) if words)
        if line:
            yield line


def _words(element: Any) -> str:
    texts = (one for one in element.iter() if _name(one) in {"text", "exData"})
    return squeeze(" ".join("".join(one.itertext()) for one in texts))


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
