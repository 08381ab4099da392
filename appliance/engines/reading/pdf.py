"""Reads PDF: each page a section, its lines with their boxes, tables row by row, columns one after the other."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from appliance.engines.reading.attachments import ReadAny, read_attached
from appliance.engines.reading.errors import DamagedFile, DynamicForm, NoPages, TooManyPages
from appliance.engines.reading.page_layout import read_in_order
from appliance.engines.reading.page_text import PageText, Vocabulary, write_page
from appliance.engines.reading.page_words import Word
from appliance.engines.reading.pdf_document import Bookmark, document_title, loaded_page, open_pdf, read_outline
from appliance.engines.reading.pdf_forms import attached_files, is_placeholder, read_dynamic_form
from appliance.engines.reading.pdf_furniture import drop_furniture
from appliance.engines.reading.pdf_headings import infer_headings
from appliance.engines.reading.pdf_words import Frame, Handle, PageWords, read_words
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.text_cleaning import readable_characters, squeeze
from appliance.ports.parser import Line, Section

MEDIA_TYPE = "application/pdf"
_PAGES_BETWEEN_REOPENING = 1000  # PDFium keeps what it has parsed: opening again gives the memory back
_FEW_CHARACTERS = 16
_LITTLE_TEXT = 120
_COVER = 1000  # characters: a portfolio has no more on its own page, its documents are attached


def read_pdf(source: Source, read_any: ReadAny) -> Reading:
    """Read a PDF; `read_any` reads what a portfolio holds.

    Raises the errors of open_pdf, NoPages, TooManyPages, DynamicForm.
    """
    document = open_pdf(source)
    count = len(document)
    if count == 0:
        raise NoPages(filename=source.filename)
    if count > source.limits.pages:
        raise TooManyPages(filename=source.filename, pages=count, limit=source.limits.pages)
    title, outline = document_title(document), read_outline(document)
    held = attached_files(document)
    form = read_dynamic_form(document)
    unread: list[int] = []
    pages = _read_pages(source, document, count, unread)
    if form is not None and is_placeholder(pages[0].text):
        if not form:
            raise DynamicForm(filename=source.filename)
        return Reading(media_type=MEDIA_TYPE, title=title, pages=count, sections=form)
    own = sum(len(page.text) for page in pages)
    if not own and not unread and (source.is_repaired or b"%%EOF" not in source.tail()):
        raise DamagedFile(filename=source.filename)  # cut short or broken where it says how to read the rest
    inside = read_attached(source, held, read_any, characters=source.limits.characters - own) if own < _COVER else []
    first = next((page for page in pages if page.text), None)
    return Reading(
        media_type=MEDIA_TYPE,
        title=title or (_largest_line(first) if first else None),
        pages=count,
        unread=unread,
        sections=chain(_sections(drop_furniture(pages), outline), inside),
    )


def _read_pages(source: Source, document: pypdfium2.PdfDocument, count: int, unread: list[int]) -> list[PageText]:
    vocabulary = Vocabulary()
    pages: list[PageText] = []
    for index in range(count):
        if index and index % _PAGES_BETWEEN_REOPENING == 0:
            document.close()
            document = open_pdf(source)
        with loaded_page(document, index) as page:
            if page is None:
                pages.append(PageText.empty())
                continue
            words = read_words(page)
            text = lay_out(words.words, words.frame, vocabulary)
            if _needs_ocr(page, words, text):
                unread.append(index + 1)
            pages.append(text)
    document.close()
    return pages


def lay_out(words: list[Word], frame: Frame, vocabulary: Vocabulary) -> PageText:
    """Write down the words of a page, which may be written sideways as a whole or in its margin."""
    sideways = [word for word in words if word[3] - word[1] > 2 * (word[2] - word[0]) and len(word.text) >= 3]
    if not sideways:
        blocks = read_in_order(words)
        return write_page(blocks, width=frame.width, height=frame.height, vocabulary=vocabulary)
    long = sum(len(word.text) >= 4 for word in words)
    if 2 * sum(len(word.text) >= 4 for word in sideways) > long:
        return _lay_out_sideways(words, frame, vocabulary)
    margin = {id(word) for word in sideways}
    blocks = read_in_order([word for word in words if id(word) not in margin])
    blocks += read_in_order([word._replace(right=word.left + 1e-3) for word in sideways])
    return write_page(blocks, width=frame.width, height=frame.height, vocabulary=vocabulary)


def _lay_out_sideways(words: list[Word], frame: Frame, vocabulary: Vocabulary) -> PageText:
    """Turn the page so that most of its words are upright, read it, and turn the boxes back."""
    steps = [after.top - before.top for before, after in pairwise(words) if not before.breaks]
    upward = sum(step < 0 for step in steps) >= sum(step > 0 for step in steps)
    width, height = frame.width, frame.height
    turned = [
        word._replace(left=height - word.bottom, top=word.left, right=height - word.top, bottom=word.right)
        if upward
        else word._replace(left=word.top, top=width - word.right, right=word.bottom, bottom=width - word.left)
        for word in words
    ]
    text = write_page(read_in_order(turned), width=height, height=width, vocabulary=vocabulary)
    return text.turned(upward=upward)


def _needs_ocr(page: Handle, words: PageWords, text: PageText) -> bool:
    """Tell whether the page's words are in its pictures: hardly any text, or text that its fonts do not explain."""
    if words.unreadable > 20 and words.unreadable > 0.3 * words.characters:
        return True
    readable = readable_characters(text.text)
    if readable >= _LITTLE_TEXT:
        return False
    pictures, paths = _measure_drawing(page, words.frame)
    return pictures > 0.5 or (readable < _FEW_CHARACTERS and (pictures > 0.02 or paths > 150))


def _measure_drawing(page: Handle, frame: Frame) -> tuple[float, int]:
    """Give the share of the page its pictures cover (at most), and how many shapes are drawn."""
    area, pictures, paths = max(1.0, frame.width * frame.height), 0.0, 0
    for index in range(min(pdfium.FPDFPage_CountObjects(page), 5000)):
        drawn = pdfium.FPDFPage_GetObject(page, index)
        kind = pdfium.FPDFPageObj_GetType(drawn)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            paths += 1
        elif kind in {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM, pdfium.FPDF_PAGEOBJ_SHADING}:
            sides = [pdfium.c_float() for _side in range(4)]
            if pdfium.FPDFPageObj_GetBounds(drawn, *sides):
                left, bottom, right, top = (side.value for side in sides)
                pictures += max(0.0, right - left) * max(0.0, top - bottom) / area
    return min(1.0, pictures), paths


def _sections(pages: list[PageText], outline: list[Bookmark]) -> Iterator[Section]:
    """Give the pages as sections, cut where the outline says a part begins; without one, headings are guessed."""
    path: list[Bookmark] = []
    waiting = outline[::-1]
    inferred = [()] * len(pages) if outline else infer_headings(pages)
    for number, page in enumerate(pages, start=1):
        lines = page.lines()
        cuts = [(0, tuple(entry.title for entry in path) or inferred[number - 1])]
        while waiting and waiting[-1].page < number:
            entry = waiting.pop()
            path = [*(one for one in path if one.level < entry.level), entry]
            if (start := _find_heading(page.text, lines, entry.title)) is not None and start >= cuts[-1][0]:
                headings = tuple(one.title for one in path)
                cuts = [cut for cut in cuts if cut[0] < start] + [(start, headings)]
        yield from _cut(page.text, lines, cuts, number)


def _find_heading(text: str, lines: list[Line], title: str) -> int | None:
    """Find the line a title of the outline stands on; it may be only its beginning."""
    wanted = _plain(title)
    for line in lines:
        found = _plain(text[line.start : line.end])
        if found and (found.startswith(wanted) or (len(found) >= 8 and wanted.startswith(found))):
            return line.start
    return None


def _plain(text: str) -> str:
    return "".join(character for character in squeeze(text).casefold() if character.isalnum())


def _cut(text: str, lines: list[Line], cuts: list[tuple[int, tuple[str, ...]]], number: int) -> Iterator[Section]:
    for index, (start, headings) in enumerate(cuts):
        end = cuts[index + 1][0] if index + 1 < len(cuts) else len(text)
        part = text[start:end].rstrip()
        if not part:
            continue
        inside = tuple(
            Line(line.start - start, min(line.end - start, len(part)), line.left, line.top, line.right, line.bottom)
            for line in lines
            if start <= line.start < end
        )
        yield Section(text=part, start=0, page=number, headings=headings, lines=inside)


def _largest_line(page: PageText) -> str | None:
    """Guess a title: the lines in the largest type on the upper part of the first page that has text."""
    sizes = Counter(round(height) for height in page.heights)
    if len(sizes) < 2:
        return None
    usual, largest = sizes.most_common(1)[0][0], max(sizes)
    if largest < 1.25 * usual:
        return None
    rows = [index for index in range(page.line_count()) if round(page.heights[index]) >= largest - 1]
    together = [index for offset, index in enumerate(rows[:3]) if index - offset == rows[0]]
    lines = [page.line(index) for index in together]
    title = squeeze(" ".join(text for text, middle in lines if middle < 0.7))
    return title if 4 <= len(title) <= 120 and sum(map(str.isalpha, title)) > 0.5 * len(title) else None
