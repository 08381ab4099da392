"""What runs in the child: reading a file of any kind, picturing its pages, reading text in pictures.

Everything that may meet hostile bytes is imported here, once, before any child is forked.
"""

import subprocess
from collections.abc import Callable
from pathlib import PurePath
from typing import TypeVar

import msgspec
import pypdfium2
from PIL import Image

from appliance.core.errors import ApplianceError, NotFound, UnsupportedFile
from appliance.engines.reading import page_pictures, pictures
from appliance.engines.reading.archives import Archive
from appliance.engines.reading.attachments import ReadAny
from appliance.engines.reading.docx import read_docx
from appliance.engines.reading.eml import read_eml
from appliance.engines.reading.errors import BinaryAsText, DamagedFile, TooMuchText
from appliance.engines.reading.file_kinds import TEXT_NAMES, Kind, find_kind
from appliance.engines.reading.html import read_html
from appliance.engines.reading.ocr import OcrTimedOut, Tesseract, recognise
from appliance.engines.reading.odf import read_odf
from appliance.engines.reading.page_text import Vocabulary
from appliance.engines.reading.pdf import lay_out, read_pdf
from appliance.engines.reading.pdf_document import open_pdf
from appliance.engines.reading.pdf_words import Frame
from appliance.engines.reading.plain import read_delimited, read_markdown, read_text
from appliance.engines.reading.pptx import read_pptx
from appliance.engines.reading.protocol import (
    OcrArguments,
    OcrPage,
    ParseArguments,
    ProbeAnswer,
    ProbeArguments,
    ReadingHeader,
    RenderArguments,
    frame,
)
from appliance.engines.reading.rtf import read_rtf
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.xlsx import read_xlsx
from appliance.engines.sandbox.protocol import TaskContext
from appliance.ports.parser import Section

_Answer = TypeVar("_Answer")
_encode = msgspec.msgpack.Encoder().encode

_PACKAGES: dict[Kind, Callable[[Source, Archive], Reading]] = {
    "docx": read_docx,
    "xlsx": read_xlsx,
    "pptx": read_pptx,
    "odf": read_odf,
}
_FILES: dict[Kind, Callable[[Source], Reading]] = {
    "rtf": read_rtf,
    "html": read_html,
    "picture": pictures.read_picture,
    "text": read_text,
    "markdown": read_markdown,
    "delimited": read_delimited,
}
_HOLDERS: dict[Kind, Callable[[Source, ReadAny], Reading]] = {"pdf": read_pdf, "eml": read_eml}


def read_any(source: Source) -> Reading:
    """Read a file of any kind. Raises the errors of `errors.py`."""
    kind, archive = find_kind(source)
    if archive is not None:
        return _PACKAGES[kind](source, archive)
    if kind in _HOLDERS:
        return _HOLDERS[kind](source, read_any)
    try:
        return _FILES[kind](source)
    except BinaryAsText:
        if PurePath(source.filename).suffix.lower() in TEXT_NAMES:
            raise
        raise UnsupportedFile(filename=source.filename) from None


def parse(context: TaskContext) -> None:
    """Answer ParseArguments."""
    arguments = msgspec.msgpack.decode(context.arguments, type=ParseArguments)
    source = _open(context, arguments)
    reading = _guard(source, lambda: read_any(source))
    characters = 0
    for section in reading.sections:
        characters += len(section.text)
        if characters > source.limits.characters:
            raise TooMuchText(filename=source.filename, limit=source.limits.characters)
        context.write(frame(_encode(section)))
    header = ReadingHeader(
        media_type=reading.media_type, title=reading.title, pages=reading.pages, unread=reading.unread
    )
    context.write(frame(_encode(header)))


def ocr(context: TaskContext) -> None:
    """Answer OcrArguments; a page that fails costs only itself."""
    arguments = msgspec.msgpack.decode(context.arguments, type=OcrArguments)
    source = _open(context, arguments)
    tesseract = Tesseract(arguments.executable, arguments.languages)
    document = open_pdf(source) if find_kind(source)[0] == "pdf" else None
    for page in arguments.pages:
        try:
            seconds = min(arguments.page_seconds, source.seconds_left() - 1)
            answer = OcrPage(page=page, section=_recognise(source, document, page, tesseract, seconds))
        except OcrTimedOut:
            answer = OcrPage(page=page, failed="late")
        except (ApplianceError, OSError, ValueError):
            answer = OcrPage(page=page, failed="damaged")
        context.write(frame(_encode(answer)))


def _recognise(
    source: Source, document: pypdfium2.PdfDocument | None, page: int, tesseract: Tesseract, seconds: float
) -> Section | None:
    if document is not None:
        picture = page_pictures.picture_for_ocr(document, page, source)
    else:
        picture = pictures.for_ocr(pictures.open_frame(source, page))
    words = recognise(picture, tesseract, seconds=seconds)
    shape = Frame(0.0, 0.0, float(picture.width), float(picture.height), 0)
    text = lay_out(words, shape, Vocabulary())
    return Section(text=text.text, start=0, page=page, lines=tuple(text.lines())) if text.text.strip() else None


def render(context: TaskContext) -> None:
    """Answer RenderArguments. Raises NotFound for kinds without pages."""
    arguments = msgspec.msgpack.decode(context.arguments, type=RenderArguments)
    source = _open(context, arguments)
    picture = _guard(source, lambda: _picture(source, arguments.page))
    context.write(page_pictures.to_png(page_pictures.mark(picture, arguments.marks)))


def _picture(source: Source, page: int) -> Image.Image:
    match find_kind(source)[0]:
        case "pdf":
            return page_pictures.picture_pdf_page(source, page)
        case "picture":
            return page_pictures.fit(pictures.open_frame(source, page))
        case _:
            raise NotFound


def probe(context: TaskContext) -> None:
    """Answer ProbeArguments."""
    arguments = msgspec.msgpack.decode(context.arguments, type=ProbeArguments)
    languages: list[str] = []
    if arguments.executable:
        command = [arguments.executable, "--list-langs"]
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)  # noqa: S603 - our own words
        languages = [line.strip() for line in done.stdout.decode(errors="replace").splitlines()[1:] if line.strip()]
    answer = ProbeAnswer(confinement=context.confinement.describe(), languages=languages)
    context.write(_encode(answer))


def _open(context: TaskContext, arguments: ParseArguments | OcrArguments | RenderArguments) -> Source:
    if context.file is None:
        message = "a reading task needs a file"
        raise TypeError(message)
    return Source.open(
        context.file,
        filename=arguments.filename,
        limits=arguments.limits,
        password=arguments.password,
        deadline=context.deadline,
    )


def _guard(source: Source, work: Callable[[], _Answer]) -> _Answer:
    """Call a reader; an exception no reader foresaw still means that the file cannot be read."""
    try:
        return work()
    except (ApplianceError, MemoryError):
        raise
    except RecursionError:
        raise DamagedFile(filename=source.filename) from None


TASKS: dict[str, Callable[[TaskContext], None]] = {"parse": parse, "ocr": ocr, "render": render, "probe": probe}
