"""Small files of every kind, made in code: nothing here was downloaded and no licence hangs on it."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

import docx
import openpyxl
import pptx
from PIL import Image, ImageDraw, ImageFont
from pptx.util import Inches

Placed = tuple[float, float, str]
"""Left and baseline in points from the bottom left, and the words."""


def pdf(pages: Sequence[Sequence[Placed]], *, size: float = 10, title: str = "", extra: bytes = b"") -> bytes:
    """Write a PDF of text in Helvetica, one page of 612 by 792 points for each list."""
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R" + extra + b">>", b"", _FONT]
    kids: list[str] = []
    for placed in pages:
        lines = [f"BT /F1 {size} Tf {x} {y} Td ({_escape(words)}) Tj ET" for x, y, words in placed]
        content = "\n".join(lines).encode("cp1252")
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % len(objects)
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    objects.append(f"<</Title({_escape(title)})>>".encode("cp1252"))
    return assemble_pdf(objects, info=len(objects))


def pdf_with_content(content: bytes, *, filters: bytes) -> bytes:
    """Write a PDF of one page around a content stream that is encoded already."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        _FONT,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</Font<</F1 3 0 R>>>>>>",
        b"<</Length %d/Filter %s>>stream\n%s\nendstream" % (len(content), filters, content),
    ]
    return assemble_pdf(objects)


_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def _escape(words: str) -> str:
    return words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def assemble_pdf(objects: Sequence[bytes], *, info: int = 1) -> bytes:
    """Write a PDF of these objects; the first is the catalogue, `info` the number of the document's own data."""
    output = bytearray(b"%PDF-1.7\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(output))
        output += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(output)
    output += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    output += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    output += b"trailer<</Size %d/Root 1 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, info, start)
    return bytes(output)


def picture_of_text(*lines: str, width: int = 1600, form: str = "PNG") -> bytes:
    """Draw lines of large black type on white."""
    picture = Image.new("L", (width, 120 + 90 * len(lines)), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=52)
    for number, line in enumerate(lines):
        draw.text((80, 60 + 90 * number), line, fill="black", font=font)
    return picture_bytes(picture, form=form)


def picture_bytes(picture: Image.Image, *, form: str = "PNG") -> bytes:
    """Encode a picture."""
    output = io.BytesIO()
    picture.save(output, form)
    return output.getvalue()


def scanned_pdf(*pages: bytes) -> bytes:
    """Put pictures into a PDF, one to a page, as a scanner does."""
    pictures = [Image.open(io.BytesIO(page)).convert("L") for page in pages]
    output = io.BytesIO()
    pictures[0].save(output, "PDF", save_all=True, append_images=pictures[1:], resolution=150)
    return output.getvalue()


def word_document() -> bytes:
    """A DOCX with a title, headings, a list and a table."""
    document = docx.Document()
    document.core_properties.title = "Rapport annuel 2024"
    document.add_heading("Résultats", level=1)
    document.add_paragraph("Le chiffre d’affaires progresse de 12 %.")
    document.add_heading("Par région", level=2)
    table = document.add_table(rows=3, cols=3)
    for row, cells in zip(
        table.rows, (("Région", "2023", "2024"), ("Nord", "10", "12"), ("Sud", "7", "9")), strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("Un point", style="List Bullet")
    document.add_heading("Perspectives", level=1)
    document.add_paragraph("La croissance continue.")
    output = io.BytesIO()
    document.save(output)
    return output.getvalue()


def workbook() -> bytes:
    """An XLSX with two sheets: a title above a table, dates, percentages."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Ventes"
    sheet.append(["Ventes par trimestre"])
    sheet.append([])
    sheet.append(["Trimestre", "Date", "Montant", "Part"])
    for quarter in range(1, 5):
        sheet.append([f"T{quarter}", f"2024-{quarter * 3:02d}-28", quarter * 1000.5, quarter / 10])
        sheet.cell(row=sheet.max_row, column=4).number_format = "0.0%"
    other = book.create_sheet("Notes")
    other.append(["Provisoire"])
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def _fill(shape: Any, text: str) -> None:
    """Write into a shape; the library's types do not tell which shapes hold text."""
    shape.text = text


def presentation() -> bytes:
    """A PPTX with two slides, a table and notes."""
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    _fill(first.shapes.title, "Stratégie")
    _fill(first.placeholders[1], "Grandir en Europe")
    _fill(first.notes_slide.notes_text_frame, "Parler lentement")
    second = deck.slides.add_slide(deck.slide_layouts[5])
    _fill(second.shapes.title, "Chiffres")
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for position, text in enumerate(("Pays", "Clients", "France", "120")):
        table.cell(position // 2, position % 2).text = text
    output = io.BytesIO()
    deck.save(output)
    return output.getvalue()


_ODF_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)


def open_document(body: str, *, kind: str = "text") -> bytes:
    """Wrap a body in an OpenDocument file; `kind`: text or spreadsheet."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_ODF_SPACES}><office:body>'
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    return archive({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content})


def archive(parts: Mapping[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack parts into a ZIP file."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return output.getvalue()


def bare_docx(body: str, *, prolog: str = "") -> bytes:
    """A DOCX with nothing but a body, and what stands before it."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'<?xml version="1.0"?>{prolog}<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
    return archive({"word/document.xml": document})


def mail(*, attachments: Sequence[tuple[str, bytes]] = (), html: str = "") -> bytes:
    """A mail in French with a plain body, maybe an HTML one, and attachments."""
    message = EmailMessage()
    message["From"] = "Élodie Martin <elodie@example.org>"
    message["To"] = "paul@example.org"
    message["Subject"] = "Réunion de jeudi"
    message["Date"] = "Thu, 13 Jun 2024 09:30:00 +0200"
    message.set_content("Bonjour Paul,\n\nla réunion est déplacée à 15 h, salle Voltaire.\n\nÉlodie")
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
