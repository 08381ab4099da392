"""Keeping bytes under keys."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, Self

import msgspec

from appliance.core.health import Health


class ObjectInfo(msgspec.Struct, frozen=True):
    """A key and its size in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """A flat store of immutable objects. Keys are ours (`blobs/ab/abcd…`), never a client's file name."""

    async def put(self, key: str, source: Path) -> None:
        """Keep the bytes of a local file, replacing what is there; durable once this returns. The source stays."""
        ...

    async def stat(self, key: str) -> ObjectInfo | None:
        """Look whether a key is there."""
        ...

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object or a range of it. Raises NotFound."""
        ...

    def fetch(self, key: str) -> AbstractAsyncContextManager[Path]:
        """Lend the object as a local file, read-only, for as long as the context lasts. Raises NotFound."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        ...

    def walk(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Walk the keys under a prefix."""
        ...

    async def check(self) -> Health:
        """Say whether the store answers and can be written."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
