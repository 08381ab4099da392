"""Objects in memory: what the other stores are held against."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from appliance.core.errors import NotFound
from appliance.core.health import Health
from appliance.ports.object_store import ObjectInfo

_READ_BYTES = 64 * 1024


class MemoryStore:
    """ObjectStore in a dictionary; gone with the process."""

    kind = "memory"

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._objects: dict[str, bytes] = {}

    async def put(self, key: str, source: Path) -> None:
        """Copy a local file in."""
        self._objects[key] = await asyncio.to_thread(source.read_bytes)

    async def stat(self, key: str) -> ObjectInfo | None:
        """Look whether a key is there."""
        data = self._objects.get(key)
        return None if data is None else ObjectInfo(key, len(data))

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object or a range of it."""
        data = self._get(key)
        data = data[start:] if length is None else data[start : start + length]
        for position in range(0, len(data), _READ_BYTES):
            yield data[position : position + _READ_BYTES]

    @asynccontextmanager
    async def fetch(self, key: str) -> AsyncIterator[Path]:
        """Lend a copy."""
        data = self._get(key)
        with tempfile.TemporaryDirectory(prefix="appliance-") as directory:
            path = Path(directory) / "object"
            await asyncio.to_thread(path.write_bytes, data)
            yield path

    async def delete(self, key: str) -> None:
        """Remove an object."""
        self._objects.pop(key, None)

    async def walk(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Walk the keys under a prefix, in order."""
        for key in sorted(self._objects):
            if key.startswith(prefix) and key in self._objects:
                yield ObjectInfo(key, len(self._objects[key]))

    async def check(self) -> Health:
        """It is there as long as the process is."""
        return Health(self.kind, ok=True, detail=str(len(self._objects)))

    def _get(self, key: str) -> bytes:
        try:
            return self._objects[key]
        except KeyError:
            raise NotFound from None

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""
