"""Writes the lost end of a PDF anew: a download cut short has its pages, and nothing that says where they are.

Every object is found by its own header; what lies packed in object streams is unpacked; a catalogue and a page tree are
made where none is left. The result is the file as it was with an end that PDFium reads. Source: ISO 32000-1, 7.5.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Any

from appliance.engines.reading.source import Source

_OBJECT = re.compile(rb"(?<![0-9])(\d{1,8})[ \t\r\n]+(\d{1,5})[ \t\r\n]+obj\b")
_REFERENCE = rb"\s*(\d{1,8}\s+\d{1,5}\s+R)"
_PACKED = re.compile(rb"/Type\s*/ObjStm\b")
_NUMBER_OF = {name: re.compile(rb"/" + name + rb"\s+(\d{1,9})\b") for name in (b"N", b"First", b"Length")}
_PAGE, _PAGES, _CATALOG = (
    re.compile(rb"/Type\s*/" + name + rb"(?![A-Za-z])") for name in (b"Page", b"Pages", b"Catalog")
)
_KIDS = re.compile(rb"/Kids\s*\[")
_STREAM = re.compile(rb"stream\r?\n")
_HEADER_BYTES = 16_384  # of an object are looked at: dictionaries are shorter
_MOST_OBJECTS = 2_000_000
_MOST_UNPACKED = 256 << 20


def rebuild_pdf(source: Source) -> bytes | None:
    """Give the file with a new end; None where no page is found in it."""
    data = bytes(source.data)
    found = {int(match[1]): (match.start(), match.end()) for match in _OBJECT.finditer(data)}
    if not found or len(found) > _MOST_OBJECTS:
        return None
    offsets = {number: start for number, (start, _end) in found.items()}
    headers = {
        number: data[end : end + _HEADER_BYTES].split(b"endobj", 1)[0] for number, (_start, end) in found.items()
    }
    added = bytearray(b"\nendstream\nendobj\n")
    for number, body in _unpack(data, found, headers):
        if number not in offsets:
            offsets[number] = len(data) + len(added)
            headers[number] = body[:_HEADER_BYTES]
            added += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    root = _find_root(headers) or _make_root(headers, offsets, added, base=len(data))
    if root is None:
        return None
    return data + bytes(added) + _write_end(offsets, root, data, base=len(data) + len(added))


def has_no_pages(source: Source) -> bool:
    """Tell a document that is whole and has no page in it."""
    data = bytes(source.data)
    return bool(_CATALOG.search(data) and not _PAGE.search(data) and not _PACKED.search(data))


def _unpack(data: bytes, found: dict[int, tuple[int, int]], headers: dict[int, bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the objects packed in object streams (7.5.7), later streams first: they hold the newer versions."""
    room = _MOST_UNPACKED
    for number, (_start, end) in sorted(found.items(), key=lambda one: -one[1][0]):
        header = headers[number].split(b"stream", 1)[0]
        start = _STREAM.search(data, end, end + _HEADER_BYTES)
        if not start or not _PACKED.search(header) or b"FlateDecode" not in header:
            continue
        content = _inflate(data[start.end() : start.end() + (64 << 20)], room)
        room -= len(content)
        count, first = (int(match[1]) if (match := _NUMBER_OF[name].search(header)) else 0 for name in (b"N", b"First"))
        numbers = [int(word) for word in content[:first].split()[: 2 * count] if word.isdigit()]
        places = numbers[1::2]
        for position, place in enumerate(places):
            stop = places[position + 1] if position + 1 < len(places) else len(content) - first
            yield numbers[2 * position], content[first + place : first + stop]


def _inflate(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, max(1, most))
    except zlib.error:
        return b""


def _find_root(headers: dict[int, bytes]) -> int | None:
    """Find a catalogue whose page tree is there, with at least one page below it."""
    for number, header in headers.items():
        if _CATALOG.search(header) and (match := re.search(rb"/Pages" + _REFERENCE, header)):
            tree = headers.get(int(match[1].split()[0]), b"")
            kids = re.findall(rb"(\d{1,8})\s+\d{1,5}\s+R", tree[_start_of_kids(tree) :])
            if any(int(kid) in headers for kid in kids):
                return number
    return None


def _start_of_kids(tree: bytes) -> int:
    match = _KIDS.search(tree)
    return match.end() if match else len(tree)


def _make_root(headers: dict[int, bytes], offsets: dict[int, int], added: bytearray, *, base: int) -> int | None:
    """Write a catalogue and a page tree over every page found, in the order they stand in the file."""
    pages = [number for number in offsets if _PAGE.search(headers[number]) and not _PAGES.search(headers[number])]
    if not pages:
        return None
    tree, root = max(offsets) + 1, max(offsets) + 2
    kids = b" ".join(b"%d 0 R" % number for number in sorted(pages, key=offsets.__getitem__))
    offsets[tree] = base + len(added)
    added += b"%d 0 obj\n<</Type/Pages/Count %d/Kids[%s]>>\nendobj\n" % (tree, len(pages), kids)
    offsets[root] = base + len(added)
    added += b"%d 0 obj\n<</Type/Catalog/Pages %d 0 R>>\nendobj\n" % (root, tree)
    return root


def _write_end(offsets: dict[int, int], root: int, data: bytes, *, base: int) -> bytes:
    """Write the cross-reference table and the trailer, with what the file still says about its encryption."""
    numbers = sorted(offsets)
    lines = [b"%d 1\n%010d 00000 n \n" % (number, offsets[number]) for number in numbers]
    kept: Any = b""
    if (lock := re.search(rb"/Encrypt" + _REFERENCE, data)) and (name := re.search(rb"/ID\s*\[[^\]]{0,400}\]", data)):
        kept = b"/Encrypt " + lock[1] + name[0]
    trailer = b"trailer\n<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (numbers[-1] + 1, root, kept, base)
    return b"xref\n0 1\n0000000000 65535 f \n" + b"".join(lines) + trailer
