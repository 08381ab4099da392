"""Opens a PDF, whatever state it is in: PDFium first, then what pypdf can repair, so that PDFium can read that.

pypdf is imported only when it is needed: it costs as much memory as everything else here together.
"""

import ctypes
import importlib
import mmap
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from appliance.engines.reading.errors import DamagedFile, NoPages, PasswordNeeded, WrongPassword
from appliance.engines.reading.pdf_rebuild import has_no_pages, rebuild_pdf
from appliance.engines.reading.pdf_words import Handle
from appliance.engines.reading.source import Source
from appliance.engines.reading.titles import sane_title


class Bookmark(NamedTuple):
    """One entry of the outline: its level from 0, its title, its page from 0."""

    level: int
    title: str
    page: int


def open_pdf(source: Source) -> pypdfium2.PdfDocument:
    """Open for reading and rendering. Raises PasswordNeeded, WrongPassword, DamagedFile."""
    try:
        return _open(source.data, source.password)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            return _open_normalised(source)
    return _open_repaired(source)


def _open_repaired(source: Source) -> pypdfium2.PdfDocument:
    """Open what can be rebuilt of a file: its end first, then whatever pypdf finds."""
    source.is_repaired = True
    rebuilt = rebuild_pdf(source)
    try:
        if rebuilt is not None and len(document := _open(rebuilt, source.password)):
            return document
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise (WrongPassword if source.password else PasswordNeeded)(filename=source.filename) from None
    if has_no_pages(source):
        raise NoPages(filename=source.filename)
    repair = importlib.import_module("appliance.engines.reading.pdf_repair")
    try:
        return _open(repair.repair_pdf(source), None)
    except pypdfium2.PdfiumError:
        raise DamagedFile(filename=source.filename) from None


def _open_normalised(source: Source) -> pypdfium2.PdfDocument:
    """Try the password as the standard has it prepared (ISO 32000-2, SASLprep), which PDFium does not do."""
    if not source.password:
        raise PasswordNeeded(filename=source.filename)
    try:
        return _open(source.data, unicodedata.normalize("NFKC", source.password))
    except pypdfium2.PdfiumError:
        raise WrongPassword(filename=source.filename) from None


def _open(data: "bytes | mmap.mmap", password: str | None) -> pypdfium2.PdfDocument:
    view: Any = data if isinstance(data, bytes) else (ctypes.c_char * len(data)).from_buffer(data)
    return pypdfium2.PdfDocument(view, password=password)


@contextmanager
def loaded_page(document: pypdfium2.PdfDocument, index: int) -> Generator[Handle | None, None, None]:
    """Load a page (from 0) with its form fields and notes drawn into it; None where PDFium cannot."""
    page = pdfium.FPDF_LoadPage(document.raw, index)
    if page and _has_written_notes(page):
        document.init_forms()
        if pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS:
            pdfium.FPDF_ClosePage(page)
            page = pdfium.FPDF_LoadPage(document.raw, index)
    try:
        yield page or None
    finally:
        if page:
            pdfium.FPDF_ClosePage(page)


def _has_written_notes(page: Handle) -> bool:
    """Tell whether a page has form fields or typed notes: their text is not in the page's own content."""
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), 2000)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if not note:
            continue
        kind = pdfium.FPDFAnnot_GetSubtype(note)
        pdfium.FPDFPage_CloseAnnot(note)
        if kind in {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT}:
            return True
    return False


def read_outline(document: pypdfium2.PdfDocument) -> list[Bookmark]:
    """Read the outline: at most 5 000 entries, in the order of their pages; entries that say nothing are left out."""
    found: list[Bookmark] = []
    for count, entry in enumerate(document.get_toc(max_depth=6)):
        if count >= 5000:
            break
        title = sane_title(entry.get_title())
        target = entry.get_dest()
        page = target.get_index() if target else None
        if title and page is not None and page >= 0:
            found.append(Bookmark(entry.level, title, page))
    ordered = all(one.page <= other.page for one, other in pairwise(found))
    return found if ordered and len(found) > 1 else []


def document_title(document: pypdfium2.PdfDocument) -> str | None:
    """Give the title the file states about itself, if a person could have written it."""
    return sane_title(document.get_metadata_value("Title"))
