"""Objects as files: the embedded default. Written beside, synced, renamed; a crash leaves a whole object or none."""

import asyncio
import contextlib
import errno
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from appliance.core.errors import NotFound, StorageFull
from appliance.core.health import Health
from appliance.core.ids import new_id
from appliance.core.text import Text, describe_bytes
from appliance.ports.object_store import ObjectInfo

_NOT_WRITABLE = Text("not writable", "écriture impossible")
_READ_BYTES = 256 * 1024
_PARTIAL = ".partial"


class FilesystemStore:
    """ObjectStore in a directory. Keys become paths; only this class names files in it."""

    kind = "filesystem"

    def __init__(self, directory: Path) -> None:
        """The directory is made at the first use."""
        self._directory = directory

    async def put(self, key: str, source: Path) -> None:
        """Link or copy a local file in; durable once this returns."""
        await asyncio.to_thread(self._put, self._path(key), source)

    def _put(self, target: Path, source: Path) -> None:
        partial = target.with_name(f"{target.name}.{new_id()}{_PARTIAL}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(source, partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(target)
            _sync_directory(target.parent)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFull from error
            raise

    async def stat(self, key: str) -> ObjectInfo | None:
        """Look whether a key is there."""
        path = self._path(key)
        try:
            return ObjectInfo(key, (await asyncio.to_thread(path.stat)).st_size)
        except FileNotFoundError:
            return None

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object or a range of it."""
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except FileNotFoundError:
            raise NotFound from None
        with file:
            await asyncio.to_thread(file.seek, start)
            remaining = length
            while remaining is None or remaining > 0:
                wanted = _READ_BYTES if remaining is None else min(_READ_BYTES, remaining)
                data = await asyncio.to_thread(file.read, wanted)
                if not data:
                    return
                if remaining is not None:
                    remaining -= len(data)
                yield data

    @asynccontextmanager
    async def fetch(self, key: str) -> AsyncIterator[Path]:
        """Lend the file itself."""
        path = self._path(key)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound
        yield path

    async def delete(self, key: str) -> None:
        """Remove an object, durably."""
        await asyncio.to_thread(self._delete, self._path(key))

    def _delete(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_directory(path.parent)

    async def walk(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Walk the keys under a prefix, in order."""
        for item in await asyncio.to_thread(self._list, prefix):
            yield item

    def _list(self, prefix: str) -> list[ObjectInfo]:
        found: list[ObjectInfo] = []
        for folder, _, names in os.walk(self._directory / prefix.rpartition("/")[0]):
            for name in names:
                path = Path(folder, name)
                key = path.relative_to(self._directory).as_posix()
                if key.startswith(prefix) and not key.endswith(_PARTIAL):
                    with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                        found.append(ObjectInfo(key, path.stat().st_size))
        return sorted(found, key=lambda item: item.key)

    async def check(self) -> Health:
        """Say how much room is left."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._directory).free
        except OSError as error:
            return Health(self.kind, ok=False, detail=os.strerror(error.errno or 0))
        amount = describe_bytes(free)
        room = Text(f"{amount.en} free", f"{amount.fr} libres")
        writable = os.access(self._directory, os.W_OK)
        return Health(self.kind, ok=writable, detail=room if writable else _NOT_WRITABLE)

    def _path(self, key: str) -> Path:
        path = (self._directory / key).resolve()
        if not path.is_relative_to(self._directory.resolve()):
            raise NotFound
        return path

    async def __aenter__(self) -> Self:
        """Make the directory and sweep what a crash left half copied."""
        await asyncio.to_thread(self._open)
        return self

    def _open(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for partial in self._directory.rglob(f"*{_PARTIAL}"):
            partial.unlink(missing_ok=True)

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
            raise
        shutil.copyfile(source, target)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
