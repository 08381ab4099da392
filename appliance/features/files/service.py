"""Taking bytes in as they flow, keeping them under their hash, removing them for good."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from appliance.core.database import Database, Transaction, now
from appliance.core.errors import StorageFull, TooLarge
from appliance.core.failpoints import Failpoints
from appliance.core.ids import new_id
from appliance.core.integrity import Discrepancy, Invariant
from appliance.core.text import Text, describe_bytes
from appliance.features.files.errors import FileVanished
from appliance.features.files.repository import FilesRepository
from appliance.features.files.tables import BlobHolderRow, BlobRow
from appliance.ports.object_store import ObjectStore

log = structlog.get_logger(__name__)
_FLUSH_BYTES = 1024 * 1024
_HEAD_BYTES = 8 * 1024
_FORGOTTEN_AFTER = timedelta(hours=1)
BLOBS = "blobs/"


class StoredFile(msgspec.Struct, frozen=True):
    """Bytes that are kept: their hash (SHA-256, hexadecimal) and size."""

    sha256: str
    size: int


class IncomingFile:
    """Bytes on their way in: written to a local file and hashed as they flow."""

    def __init__(self, path: Path, file: BinaryIO, *, limit_bytes: int, setting: str) -> None:
        """Past `limit_bytes` writing raises TooLarge, which names the setting."""
        self.path = path
        self.size = 0
        self._file = file
        self._limit = limit_bytes
        self._setting = setting
        self._hash = hashlib.sha256()
        self._waiting = bytearray()

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge(limit=describe_bytes(self._limit), setting=self._setting)
        self._waiting += data
        if len(self._waiting) >= _FLUSH_BYTES:
            await self._flush()

    async def end(self) -> StoredFile:
        """Write the rest out and name what came."""
        await self._flush()
        await asyncio.to_thread(self._file.flush)
        return StoredFile(self._hash.hexdigest(), self.size)

    async def _flush(self) -> None:
        data = bytes(self._waiting)
        self._waiting.clear()
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            raise StorageFull from error

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)


class FilesService:
    """Content-addressed bytes with holders. A crash at any step leaves nothing unknown: `sweep` finds the rest."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        *,
        incoming: Path,
        free_disk_bytes: int,
        is_shared: bool,
        failpoints: Failpoints,
    ) -> None:
        """`incoming`: a local directory for bytes on their way. Below `free_disk_bytes` nothing more is taken in.

        `is_shared`: bytes that nobody holds may be on their way in another process, so they are given an hour.
        """
        self._database = database
        self._store = store
        self._incoming = incoming
        self._free_disk_bytes = free_disk_bytes
        self._underway = _FORGOTTEN_AFTER if is_shared else timedelta()
        self._failpoints = failpoints
        self._repository = FilesRepository()

    @asynccontextmanager
    async def receive(
        self, *, limit_bytes: int, setting: str = "limits.upload_bytes", expected_bytes: int = 0
    ) -> AsyncGenerator[IncomingFile]:
        """Open a place for bytes to flow into; it is gone when the context ends. Raises StorageFull."""
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.require_room(expected_bytes)
        path = self._incoming / f"{new_id()}.part"
        try:
            with path.open("wb") as file:
                yield IncomingFile(path, file, limit_bytes=limit_bytes, setting=setting)
        finally:
            path.unlink(missing_ok=True)

    def require_room(self, expected_bytes: int = 0) -> None:
        """Raise StorageFull where so many bytes would leave less free space than the settings ask for."""
        if shutil.disk_usage(self._incoming).free < self._free_disk_bytes + expected_bytes:
            raise StorageFull

    async def keep(self, incoming: IncomingFile, stored: StoredFile) -> None:
        """Put the bytes into the store. They stay for good once somebody holds them."""
        async with self._database.begin() as transaction:
            if await self._repository.lock(transaction, stored.sha256) is None:
                transaction.add(BlobRow(sha256=stored.sha256, size=stored.size, created_at=now()))
        self._failpoints.reach("files.blob_announced")
        if await self._store.stat(blob_key(stored.sha256)) is None:
            await self._store.put(blob_key(stored.sha256), incoming.path)
        self._failpoints.reach("files.blob_stored")

    async def hold(self, transaction: Transaction, stored: StoredFile, holder: str) -> None:
        """Hold bytes in the holder's own transaction. Raises FileVanished where they went since `keep`: keep again."""
        if await self._repository.lock(transaction, stored.sha256) is None:
            raise FileVanished
        transaction.add(BlobHolderRow(holder=holder, sha256=stored.sha256))

    async def let_go(self, transaction: Transaction, holder: str) -> str | None:
        """End a hold in the holder's own transaction; `collect` what it names afterwards."""
        return await self._repository.let_go(transaction, holder)

    async def collect(self, sha256: str) -> bool:
        """Remove bytes nobody holds any more: the object first, then the row. Tells whether they are gone."""
        async with self._database.begin() as transaction:
            row = await self._repository.lock(transaction, sha256)
            if row is None or await self._repository.is_held(transaction, sha256):
                return row is None
            await self._store.delete(blob_key(sha256))
            self._failpoints.reach("files.blob_deleted")
            await transaction.delete(row)
            return True

    async def sweep(self, *, alone: bool) -> int:
        """Remove what a crash left: bytes nobody came to hold, half-received files. `alone`: no other process runs."""
        age = timedelta() if alone else _FORGOTTEN_AFTER
        async with self._database.read() as transaction:
            forgotten = await self._repository.unheld(transaction, before=now() - age)
        for sha256 in forgotten:
            await self.collect(sha256)
        for path in self._incoming.glob("*.part"):
            if alone or now().timestamp() - path.stat().st_mtime > _FORGOTTEN_AFTER.total_seconds():
                path.unlink(missing_ok=True)
        return len(forgotten)

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream kept bytes."""
        return self._store.read(blob_key(sha256), start=start, length=length)

    def fetch(self, sha256: str) -> AbstractAsyncContextManager[Path]:
        """Lend kept bytes as a local file, read-only."""
        return self._store.fetch(blob_key(sha256))

    async def write_derived(self, key: str, body: bytes) -> None:
        """Keep something made from a document under its own key."""
        path = self._incoming / f"{new_id()}.part"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            await asyncio.to_thread(path.write_bytes, body)
            await self._store.put(key, path)
        finally:
            path.unlink(missing_ok=True)

    async def read_derived(self, key: str) -> bytes:
        """Read it whole."""
        return b"".join([data async for data in self._store.read(key)])

    async def has_derived(self, key: str) -> bool:
        """Tell whether it is there."""
        return await self._store.stat(key) is not None

    async def derived(self, prefix: str) -> AsyncIterator[str]:
        """Walk the keys of what was made from documents."""
        async for item in self._store.walk(prefix):
            yield item.key

    async def delete_derived(self, key: str) -> None:
        """Remove it."""
        await self._store.delete(key)

    @property
    def invariants(self) -> list[Invariant]:
        """What `fsck` proves of this room."""
        promise = Text(
            "Every document's bytes are kept once, unchanged, and nothing else is kept.",
            "Les octets de chaque document sont conservés une fois, inchangés, et rien d’autre ne l’est.",
        )
        return [Invariant("files.blobs", promise, self.verify, self.repair)]

    async def verify(self) -> list[Discrepancy]:
        """Hold every row against its object, byte for byte, and every object against its row."""
        found: list[Discrepancy] = []
        known: set[str] = set()
        async with self._database.read() as transaction:
            async for row, held in self._repository.walk(transaction):
                known.add(blob_key(row.sha256))
                found += await self._verify_blob(row, held=held)
        async for item in self._store.walk(BLOBS):
            if item.key not in known:
                found.append(Discrepancy("blob_unknown", item.key))
        return found

    async def _verify_blob(self, row: BlobRow, *, held: bool) -> list[Discrepancy]:
        sha256 = row.sha256
        info = await self._store.stat(blob_key(sha256))
        if info is None:
            return [Discrepancy("blob_missing", sha256)] if held else []
        if not held:
            return [] if row.created_at > now() - self._underway else [Discrepancy("blob_unheld", sha256)]
        digest = hashlib.sha256()
        if info.size == row.size:
            async for data in self._store.read(blob_key(sha256)):
                digest.update(data)
        return [] if digest.hexdigest() == sha256 else [Discrepancy("blob_changed", sha256)]

    async def repair(self, discrepancy: Discrepancy) -> bool:
        """Remove what nobody holds; bytes that are missing or changed come back only from a backup."""
        if discrepancy.kind == "blob_unknown":
            await self._store.delete(discrepancy.subject)
            return True
        return discrepancy.kind == "blob_unheld" and await self.collect(discrepancy.subject)


def blob_key(sha256: str) -> str:
    """Name the object that holds some bytes."""
    return f"{BLOBS}{sha256[:2]}/{sha256}"
