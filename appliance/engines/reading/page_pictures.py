"""Pictures of pages: for people, with passages marked, and for OCR."""

from collections.abc import Sequence
from io import BytesIO
from typing import cast

import pypdfium2
from PIL import Image, ImageChops, ImageDraw

from appliance.core.errors import NotFound
from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.pdf_document import open_pdf
from appliance.engines.reading.source import Source
from appliance.ports.parser import Line

_WIDTH, _HEIGHT = 1400, 2800  # pixels at most, of a page for people
_OCR_SCALE, _OCR_LONGEST = 300 / 72, 4200
_MARK = "#ffe58a"
_MARGIN, _RADIUS = 0.0022, 0.0035  # of the picture's width


def picture_pdf_page(source: Source, page: int) -> Image.Image:
    """Render a page (from 1) of a PDF for people. Raises NotFound, DamagedFile and those of open_pdf."""
    document = open_pdf(source)
    document.init_forms()
    shown = _load(document, page, source)
    width, height = shown.get_size()
    wide = _WIDTH * 1.3 if width > height else _WIDTH
    return _render(shown, min(wide / max(width, 1e-3), _HEIGHT / max(height, 1e-3)), grey=False)


def picture_for_ocr(document: pypdfium2.PdfDocument, page: int, source: Source) -> Image.Image:
    """Render a page (from 1) in grey at 300 dots per inch, or less where it is very large."""
    shown = _load(document, page, source)
    longest = max(*shown.get_size(), 1.0)
    return _render(shown, min(_OCR_SCALE, _OCR_LONGEST / longest), grey=True)


def mark(picture: Image.Image, marks: Sequence[Line]) -> Image.Image:
    """Lay a marker over lines: what is dark stays dark."""
    if not marks:
        return picture
    width, height = picture.size
    margin, radius = max(2.0, _MARGIN * width), max(3.0, _RADIUS * width)
    boxes: list[tuple[float, float, float, float]] = []
    for line in marks:
        left, right = sorted((line.left * width, line.right * width))
        top, bottom = sorted((line.top * height, line.bottom * height))
        boxes.append((left - margin, top - margin / 2, right + margin, bottom + margin / 2))
    sides = list(zip(*boxes, strict=True))
    around = (
        *(max(0, int(min(sides[0]))), max(0, int(min(sides[1])))),
        *(min(width, int(max(sides[2])) + 1), min(height, int(max(sides[3])) + 1)),
    )
    if around[0] >= around[2] or around[1] >= around[3]:
        return picture
    part = picture.crop(around)
    mask = Image.new("1", part.size, 0)
    draw = ImageDraw.Draw(mask)
    for left, top, right, bottom in boxes:
        box = (left - around[0], top - around[1], right - around[0], bottom - around[1])
        draw.rounded_rectangle(box, radius=min(radius, (bottom - top) / 2), fill=1)
    grey = part.convert("L").convert("RGB")  # or a mark on a coloured row would take another colour
    ink = ImageChops.multiply(grey, Image.new("RGB", part.size, _MARK))
    marked = picture.convert("RGB")
    marked.paste(ink, around[:2], mask)
    return marked


def fit(picture: Image.Image) -> Image.Image:
    """Make a picture no larger than a page for people."""
    picture.thumbnail((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def to_png(picture: Image.Image) -> bytes:
    """Encode for a browser: fast rather than smallest."""
    output = BytesIO()
    picture.save(output, "PNG", compress_level=2)
    return output.getvalue()


def _load(document: pypdfium2.PdfDocument, page: int, source: Source) -> pypdfium2.PdfPage:
    if not 1 <= page <= len(document):
        raise NotFound
    try:
        return document[page - 1]
    except pypdfium2.PdfiumError:
        raise DamagedFile(filename=source.filename) from None


def _render(page: pypdfium2.PdfPage, scale: float, *, grey: bool) -> Image.Image:
    return page.render(scale=cast("int", scale), grayscale=grey, rev_byteorder=not grey).to_pil()
