"""What the server and the process that holds the vectors say to each other.

A frame is its length (uint32, little-endian) and MessagePack. Vectors travel as the bytes of float32 and uint32 in the
machine's order, ids and filters as Qdrant's REST writes them. NumPy stays out: the process would pay 20 MB for it.
"""

import re
import struct
from typing import Any

import msgspec

LENGTH = struct.Struct("<I")
FRAME_BYTES = 256 * 1024 * 1024
Filter = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Sparse(msgspec.Struct, frozen=True, array_like=True):
    """Term ids (uint32) and weights (float32)."""

    indices: bytes
    values: bytes


class WirePoint(msgspec.Struct, frozen=True, array_like=True):
    """One point; `tokens` is row after row, empty where there are none."""

    id: str
    payload: dict[str, Any]
    dense: bytes
    words: Sparse
    characters: Sparse
    tokens: bytes


class Create(msgspec.Struct, tag="create", frozen=True):
    """Make a collection."""

    name: str
    dimensions: int
    token_dimensions: int | None


class Drop(msgspec.Struct, tag="drop", frozen=True):
    """Remove a collection and its files."""

    name: str


class Upsert(msgspec.Struct, tag="upsert", frozen=True):
    """Write points."""

    name: str
    points: list[WirePoint]


class SetPayload(msgspec.Struct, tag="set_payload", frozen=True):
    """Change payload fields of what a filter matches."""

    name: str
    filter: Filter
    payload: dict[str, Any]


class Delete(msgspec.Struct, tag="delete", frozen=True):
    """Remove what a filter matches."""

    name: str
    filter: Filter


class Names(msgspec.Struct, tag="names", frozen=True):
    """List collections."""


class Search(msgspec.Struct, tag="search", frozen=True, kw_only=True):
    """Search the three views; `corpus` is what idf is counted over, None for all."""

    name: str
    dense: bytes
    words: Sparse
    characters: Sparse
    filter: Filter
    corpus: Filter | None
    limit: int


class Rescore(msgspec.Struct, tag="rescore", frozen=True):
    """Score points by MaxSim."""

    name: str
    ids: list[str]
    tokens: bytes


class Count(msgspec.Struct, tag="count", frozen=True):
    """Count what a filter matches."""

    name: str
    filter: Filter


class Scroll(msgspec.Struct, tag="scroll", frozen=True):
    """List points in the order of their ids, from an id on."""

    name: str
    offset: str | None
    limit: int


class Status(msgspec.Struct, tag="status", frozen=True):
    """Count points and segments over all collections."""


Write = Create | Drop | Upsert | SetPayload | Delete
Read = Names | Search | Rescore | Count | Scroll | Status


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One call; the answer carries its number."""

    number: int
    call: Write | Read


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The answer, or why there is none: `missing` (no such collection), `full` (no room on the disk), else the engine's words."""

    number: int
    value: Any = None
    error: str | None = None


MISSING, FULL = "missing", "full"


def frame(message: Request | Reply) -> bytes:
    """Encode with the length in front."""
    data = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(data)) + data


def is_name(name: str) -> bool:
    """Tell a collection's name, which becomes a directory's, from a path."""
    return _NAME.fullmatch(name) is not None
