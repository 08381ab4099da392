"""Opens files that are ZIP archives of XML (DOCX, XLSX, PPTX, ODF) without ever trusting what they say of themselves.

Everything is judged from the directory before anything is unpacked; XML that declares entities is refused. A truncated
archive is read as far as its parts go.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import IO, Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - lxml has no types

from appliance.core.text import Text
from appliance.engines.reading.errors import DamagedFile, EncryptedOfficeFile, UnsafeArchive, UnsafeXml
from appliance.engines.reading.source import Source

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, struct.error)
_RATIO_FROM_BYTES = 20 << 20  # small parts may compress as well as they like
_PART_HEADER = struct.Struct("<4s5H3L2H")
_DOCTYPE = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_ROOT = re.compile(r"<[A-Za-z_]")

TOO_MANY_PARTS = Text("{count} parts", "{count} parties")
TOO_LARGE = Text("{megabytes} MB", "{megabytes} Mo")
TOO_DENSE = Text("{ratio} times its size", "{ratio} fois sa taille")


class Archive:
    """The parts of one archive by name."""

    def __init__(self, source: Source) -> None:
        """Judge and open. Raises UnsafeArchive, UnsafeXml, DamagedFile, EncryptedOfficeFile."""
        self._source = source
        self._refuse_long_directory()
        self.is_broken = False
        self._recovered: dict[str, bytes] = {}
        self._zip: zipfile.ZipFile | None = None
        try:
            self._zip = zipfile.ZipFile(source.stream())
            self.names = self._judge(self._zip.infolist())
        except _BROKEN:
            self.is_broken = True
            self._recovered = dict(_recover(source))
            self.names = list(self._recovered)
        if not self.names:
            raise DamagedFile(filename=source.filename)
        for name in self.names:
            if name.endswith((".xml", ".rels")):
                self._refuse_entities(name)

    def open(self, name: str) -> IO[bytes]:
        """Open a part. Raises KeyError where there is none."""
        if self._zip is None:
            return BytesIO(self._recovered[name])
        return self._zip.open(name)

    def read(self, name: str) -> bytes:
        """Unpack a part; KeyError where there is none, DamagedFile where it is broken."""
        try:
            with self.open(name) as part:
                return part.read()
        except _BROKEN:
            raise DamagedFile(filename=self._source.filename) from None

    def tree(self, name: str) -> Any:
        """Parse a part of XML whole; None where it is missing or broken beyond reading."""
        try:
            return etree.fromstring(self.read(name), parser=safe_parser())
        except (KeyError, DamagedFile, etree.XMLSyntaxError, ValueError):
            return None

    def walk(self, name: str, tags: Sequence[str] | None = None) -> Iterator[Any]:
        """Give each element of a part (or only those of some tags) as it ends; broken XML is read as far as it goes."""
        try:
            with self.open(name) as part:
                for _event, element in etree.iterparse(
                    part,
                    events=("end",),
                    tag=tags,
                    recover=True,
                    resolve_entities=False,
                    no_network=True,
                    load_dtd=False,
                ):
                    yield element
        except (*_BROKEN, etree.XMLSyntaxError):
            return

    def _refuse_long_directory(self) -> None:
        tail = self._source.tail(65_600)
        if (at := tail.rfind(b"PK\x05\x06")) < 0 or at + 16 > len(tail):
            return
        directory_bytes = struct.unpack_from("<L", tail, at + 12)[0]
        longest = 46 * 8 * self._source.limits.archive_entries  # an entry is 46 bytes, its name and extras
        if longest < directory_bytes <= self._source.size:
            raise self._unsafe(TOO_MANY_PARTS, count=directory_bytes // 46)
        if directory_bytes == 0xFFFFFFFF and (far := tail.rfind(b"PK\x06\x06")) >= 0:
            count = struct.unpack_from("<Q", tail, far + 32)[0]
            if count > self._source.limits.archive_entries:
                raise self._unsafe(TOO_MANY_PARTS, count=count)

    def _judge(self, parts: list[zipfile.ZipInfo]) -> list[str]:
        limits = self._source.limits
        if len(parts) > limits.archive_entries:
            raise self._unsafe(TOO_MANY_PARTS, count=len(parts))
        total = sum(part.file_size for part in parts)
        if total > limits.archive_bytes:
            raise self._unsafe(TOO_LARGE, megabytes=total >> 20)
        for part in parts:
            ratio = part.file_size // max(1, part.compress_size)
            if part.file_size > _RATIO_FROM_BYTES and ratio > limits.archive_ratio:
                raise self._unsafe(TOO_DENSE, ratio=ratio)
        if any(part.flag_bits & 1 for part in parts):
            raise EncryptedOfficeFile(filename=self._source.filename)
        return [part.filename for part in parts if not part.is_dir()]

    def _unsafe(self, reason: Text, **facts: int) -> UnsafeArchive:
        words = Text(reason.say("en", **facts), reason.say("fr", **facts))
        return UnsafeArchive(filename=self._source.filename, reason=words)

    def _refuse_entities(self, name: str) -> None:
        """Look at what stands before the first element: only there may entities be declared."""
        seen = b""
        try:
            with self.open(name) as part:
                while len(seen) < 1 << 20 and (piece := part.read(4096)):
                    seen += piece
                    start = _decode(seen)
                    if _DOCTYPE.search(start[: match.start() + 1 if (match := _ROOT.search(start)) else None]):
                        raise UnsafeXml(filename=self._source.filename)
                    if match:
                        return
        except _BROKEN:
            return
        if len(seen) >= 1 << 20:
            raise UnsafeXml(filename=self._source.filename)


def safe_parser() -> etree.XMLParser:
    """Make a parser that expands nothing, fetches nothing and keeps what broken XML still says."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)


def _decode(data: bytes) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in data[:4]:
        encoding = "utf-16-le" if data[:2] == b"\xff\xfe" or data[1:2] == b"\x00" else "utf-16-be"
        return data.decode(encoding, errors="replace")
    return data.decode("latin-1")


def _recover(source: Source) -> Iterator[tuple[str, bytes]]:
    """Unpack the parts of an archive whose directory is lost, as far as they are there."""
    data, at, total = source.data, 0, 0
    for _part in range(source.limits.archive_entries):
        at = data.find(b"PK\x03\x04", at)
        if at < 0 or at + _PART_HEADER.size > source.size:
            return
        fields = _PART_HEADER.unpack(data[at : at + _PART_HEADER.size])
        flags, method, packed, name_length, extra_length = fields[2], fields[3], fields[7], fields[9], fields[10]
        start = at + _PART_HEADER.size + name_length + extra_length
        name = bytes(data[at + _PART_HEADER.size : at + _PART_HEADER.size + name_length]).decode("utf-8", "replace")
        at = start
        if flags & 1 or method not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            continue
        room = min(source.limits.archive_bytes - total, source.limits.archive_ratio * max(1, source.size))
        content = bytes(data[start : start + packed]) if method == zipfile.ZIP_STORED else _inflate(data, start, room)
        total += len(content)
        if total >= source.limits.archive_bytes:
            return
        if content:
            yield name, content


def _inflate(data: Any, start: int, most: int) -> bytes:
    unpacker = zlib.decompressobj(-15)
    pieces: list[bytes] = []
    length = 0
    while start < len(data) and not unpacker.eof and length < most:
        try:
            piece = unpacker.decompress(bytes(data[start : start + 65_536]), most - length)
        except zlib.error:
            break
        pieces.append(piece)
        length += len(piece)
        start += 65_536
    return b"".join(pieces)
