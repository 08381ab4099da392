"""Small documents made in the test: a test says itself what its papers say."""

import io
from collections.abc import Sequence

from pypdf import PdfReader, PdfWriter

REPORT = [
    [
        "Annual report of the library",
        "The library was founded in 1962 by the town council.",
        "It has three reading rooms.",
    ],
    [
        "Visitors",
        "In fiscal year 2031 the library counted 48215 visitors.",
        "That is 12 percent more than the year before.",
    ],
    ["Opening hours", "The reading rooms open at nine in the morning and close at seven in the evening."],
]


def make_pdf(pages: Sequence[Sequence[str]], *, password: str | None = None) -> bytes:
    """Write lines of text on pages, in Helvetica."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    kids: list[str] = []
    for lines in pages:
        text = "".join(f"({_escape(line)}) Tj 0 -28 Td " for line in lines)
        stream = f"BT /F1 14 Tf 72 720 Td {text}ET"
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents {number + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    made = _join(objects)
    return _encrypt(made, password) if password else made


def _join(objects: Sequence[str]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _encrypt(content: bytes, password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    writer.encrypt(password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
