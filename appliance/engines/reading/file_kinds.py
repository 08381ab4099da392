"""Decides what a file is from its bytes. Its name is believed only among kinds that are all plain text.

A file that could pass for two kinds (a polyglot) is what its first bytes say; a PDF header further in counts only where
nothing else is recognised before it.
"""

import importlib
import re
from pathlib import PurePath
from typing import Literal

from appliance.core.errors import UnsupportedFile
from appliance.engines.reading.archives import Archive
from appliance.engines.reading.errors import BinaryAsText, DamagedFile, EmptyFile, OldOfficeFile
from appliance.engines.reading.source import Source

Kind = Literal["pdf", "docx", "xlsx", "pptx", "odf", "rtf", "html", "eml", "picture", "text", "markdown", "delimited"]

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"GIF87a", b"GIF89a")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd"}
_DELIMITED = {".csv", ".tsv", ".tab"}
TEXT_NAMES = {
    *_MARKDOWN,
    *_DELIMITED,
    *(".txt", ".text", ".log", ".html", ".htm", ".xhtml", ".eml", ".mht", ".mhtml", ".json", ".jsonl", ".xml", ".yaml"),
    *(".yml", ".toml", ".ini", ".cfg", ".conf", ".rst", ".tex", ".srt", ".vtt", ".sql", ".py", ".js", ".ts", ".sh"),
}
_HTML = re.compile(
    rb"\s*(<\?xml[^>]{0,200}\?>\s*)?(<!--.{0,2000}?-->\s*)*<(!doctype\s+html|html|head|body|meta|title)\b",
    re.IGNORECASE | re.DOTALL,
)
_MAIL_HEADER = re.compile(
    rb"(return-path|received|message-id|mime-version|from|to|subject|date|delivered-to|x-[\w-]{2,40}|content-type"
    rb"|dkim-signature|arc-[\w-]{2,40}|reply-to|thread-\w{2,10}|authentication-results):\s",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(rb"([\w-]{1,60}:\s|[ \t])")


def find_kind(source: Source) -> tuple[Kind, Archive | None]:
    """Decide; a ZIP archive comes back open.

    Raises EmptyFile, UnsupportedFile, OldOfficeFile, EncryptedOfficeFile, BinaryAsText, and those of Archive.
    """
    head = source.head()
    if head.startswith(b"%PDF-"):
        return "pdf", None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _find_package(source)
    if head.startswith(_PICTURES) or (head.startswith(b"BM") and _is_bitmap(head)) or _is_webp(head):
        return "picture", None
    if head.startswith(_OLE):
        if source.data.find(_ENCRYPTED) < 0:
            raise OldOfficeFile(filename=source.filename)
        encryption = importlib.import_module("appliance.engines.reading.office_encryption")
        return _find_package(source.decrypted(encryption.open_encrypted(source)))
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{\\rtf"):
        return "rtf", None
    return _find_text(source, head), None


def _find_text(source: Source, head: bytes) -> Kind:
    narrow = _narrow(head)
    suffix = PurePath(source.filename).suffix.lower()
    if _HTML.match(narrow):
        return "html"
    if b"%PDF-" in head[:1024] or (suffix == ".pdf" and _has_pdf_parts(source)):
        return "pdf"
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        if source.size <= len(head):
            raise EmptyFile(filename=source.filename)
    elif _is_binary(head):
        raise (BinaryAsText if suffix in TEXT_NAMES else UnsupportedFile)(filename=source.filename)
    if _is_mail(narrow):
        return "eml"
    if suffix in _MARKDOWN:
        return "markdown"
    if suffix in _DELIMITED:
        return "delimited"
    return "html" if suffix in {".html", ".htm", ".xhtml"} else "text"


def _find_package(source: Source) -> tuple[Kind, Archive]:
    archive = Archive(source)
    names = set(archive.names)
    for name in names:
        if name.startswith("word/") and name.endswith(".xml"):
            return "docx", archive
        if name.startswith("xl/") and name.endswith(".xml"):
            return "xlsx", archive
        if name.startswith("ppt/") and name.endswith(".xml"):
            return "pptx", archive
    if "content.xml" in names:
        return "odf", archive
    if "_rels/.rels" in names and any(re.search(r"(^|/)document\d*\.xml$", name) for name in names):
        return "docx", archive
    raise (DamagedFile if archive.is_broken else UnsupportedFile)(filename=source.filename)


def _narrow(head: bytes) -> bytes:
    """Give the first bytes of UTF-16 text as one byte per letter, so that the patterns see it."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return head[2:].replace(b"\x00", b"")
    return head.removeprefix(b"\xef\xbb\xbf")


def _is_binary(head: bytes) -> bool:
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"} or head[:4] == b"\x00\x00\xfe\xff":
        return False
    even, odd = head[::2].count(0), head[1::2].count(0)
    if even + odd == 0:
        controls = sum(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1b\x08" for byte in head)
        return controls > 0.01 * len(head)
    wide = min(even, odd) < 0.05 * len(head) < max(even, odd)
    return not wide and even + odd < 0.6 * len(
        head
    )  # UTF-32 is three quarters zeros; text without zeros is no question


def _is_bitmap(head: bytes) -> bool:
    return len(head) > 26 and head[6:10] == b"\x00\x00\x00\x00"


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _has_pdf_parts(source: Source) -> bool:
    tail = source.tail(2048)
    return b"%%EOF" in tail or b"startxref" in tail or b" obj" in source.head()


def _is_mail(head: bytes) -> bool:
    """Tell mail by its first lines: all of them headers, two of them headers that only mail has."""
    lines = head.lstrip().split(b"\n")[:40]
    known = 0
    for line in lines:
        if not line.strip():
            break
        if not _HEADER_LINE.match(line):
            return False
        known += _MAIL_HEADER.match(line) is not None
    return known >= 2
