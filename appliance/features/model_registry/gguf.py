"""Reading a GGUF's head (github.com/ggml-org/ggml, docs/gguf.md) before anybody else does.

Ollama 0.17.4 ends as a whole on a head whose lengths are nonsense, so none is handed to it. Only the head is walked:
what it says of lengths, kinds and places must hold in a file of this size.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from appliance.features.model_registry.errors import NotGguf

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each kind of value but strings and arrays."""
_LONGEST_KEY = 65_535
_LONGEST_TEXT = 64 * 1024 * 1024
_LONGEST_HEAD = 1024 * 1024 * 1024
_MOST_DIMENSIONS = 8


def check_gguf(path: Path) -> None:
    """Walk the head. Raises NotGguf."""
    with path.open("rb") as file:
        _Head(file, path.stat().st_size).walk()


class _Head:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def walk(self) -> None:
        if self._bytes(4) != MAGIC or self._number("<I", 4) not in _VERSIONS:
            raise NotGguf
        tensors, pairs = self._number("<Q", 8), self._number("<Q", 8)
        self._require(max(tensors, pairs) * 12)
        for _ in range(pairs):
            self._text(_LONGEST_KEY)
            self._value(self._number("<I", 4))
        offsets = [self._tensor() for _ in range(tensors)]
        self._require(max(offsets, default=0))

    def _value(self, kind: int) -> None:
        if kind == _STRING:
            self._text(_LONGEST_TEXT)
        elif kind == _ARRAY:
            inner, count = self._number("<I", 4), self._number("<Q", 8)
            if inner in _SIZES:
                self._skip(count * _SIZES[inner])
                return
            if inner != _STRING:
                raise NotGguf
            self._require(count * 8)
            for _ in range(count):
                self._text(_LONGEST_TEXT)
        elif kind in _SIZES:
            self._skip(_SIZES[kind])
        else:
            raise NotGguf

    def _tensor(self) -> int:
        """Give where its numbers begin, counted from the head's end."""
        self._text(_LONGEST_KEY)
        dimensions = self._number("<I", 4)
        if dimensions > _MOST_DIMENSIONS:
            raise NotGguf
        self._skip(dimensions * 8 + 4)
        return self._number("<Q", 8)

    def _text(self, most: int) -> None:
        length = self._number("<Q", 8)
        if length > most:
            raise NotGguf
        self._skip(length)

    def _number(self, form: str, size: int) -> int:
        return int(struct.unpack(form, self._bytes(size))[0])

    def _skip(self, count: int) -> None:
        self._require(count)
        self._file.seek(count, 1)

    def _require(self, count: int) -> None:
        """What is said to follow must be there, and a head is no gigabyte."""
        at = self._file.tell()
        if at + count > self._size or at > _LONGEST_HEAD:
            raise NotGguf

    def _bytes(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            raise NotGguf
        return found
