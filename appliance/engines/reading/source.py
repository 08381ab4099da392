"""What every reader is given and what it gives back. Lives in the child process, but for the wire structs."""

import mmap
import os
import time
from collections.abc import Iterable
from io import BytesIO
from typing import BinaryIO

import msgspec

from appliance.engines.reading.errors import EmptyFile
from appliance.ports.parser import Section


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one document may be. `archive_bytes`: all parts of a compressed file, unpacked."""

    pages: int = 20_000
    characters: int = 60_000_000
    archive_entries: int = 10_000
    archive_bytes: int = 1 << 30
    archive_ratio: int = 200
    attachments: int = 100
    attachment_depth: int = 3


class Source:
    """One file to read: random access without a path, its name (a label), its password and its limits."""

    def __init__(
        self,
        data: "bytes | mmap.mmap",
        *,
        filename: str,
        limits: Limits,
        password: str | None = None,
        deadline: float = float("inf"),
        depth: int = 0,
    ) -> None:
        """`deadline` in the clock of time.monotonic; `depth`: how many files this one was attached in."""
        self.data = data
        self.filename = filename
        self.limits = limits
        self.password = password
        self.deadline = deadline
        self.depth = depth
        self.size = len(data)
        self.is_repaired = False

    @staticmethod
    def open(
        descriptor: int, *, filename: str, limits: Limits, password: str | None = None, deadline: float = float("inf")
    ) -> "Source":
        """Map an open file into memory: nothing is read before it is needed. Raises EmptyFile."""
        if os.fstat(descriptor).st_size == 0:
            raise EmptyFile(filename=filename)
        data = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)  # PDFium wants memory it could write to
        return Source(data, filename=filename, limits=limits, password=password, deadline=deadline)

    def attached(self, data: bytes, filename: str) -> "Source":
        """Make the source of a file found inside this one."""
        return Source(data, filename=filename, limits=self.limits, deadline=self.deadline, depth=self.depth + 1)

    def decrypted(self, data: bytes) -> "Source":
        """Make the source of what was inside an encrypted file."""
        return Source(data, filename=self.filename, limits=self.limits, deadline=self.deadline, depth=self.depth)

    def stream(self) -> BinaryIO:
        """Open the bytes as a file."""
        return BytesIO(self.data)

    def head(self, size: int = 4096) -> bytes:
        """Give the first bytes."""
        return bytes(self.data[:size])

    def tail(self, size: int = 4096) -> bytes:
        """Give the last bytes."""
        return bytes(self.data[max(0, self.size - size) :])

    def seconds_left(self) -> float:
        """Tell how long there is before the whole reading is ended."""
        return self.deadline - time.monotonic()


class Reading(msgspec.Struct, kw_only=True):
    """A file as its reader saw it. `unread`: pages (from 1) that hold pictures and no text: for OCR."""

    media_type: str
    sections: Iterable[Section]
    title: str | None = None
    pages: int | None = None
    unread: list[int] = []
