"""A GGUF on its way in: looked at from its first bytes on, held to its digest at its end, and gone unless it is right."""

import asyncio
import re
from collections.abc import AsyncIterator

from appliance.core.errors import InvalidRequest
from appliance.core.text import Text
from appliance.features.files import FilesService, IncomingFile, StoredFile
from appliance.features.model_registry.errors import DigestDiffers, NotGguf
from appliance.features.model_registry.gguf import MAGIC, check_gguf

_HEAD_BYTES = 8
_LOOK_BYTES = 64 * 1024 * 1024
_DIGEST = re.compile(r"(sha256:)?([0-9a-f]{64})")


def read_digest(told: str | None) -> str | None:
    """Read `sha256:…` or the bare hexadecimal. Raises InvalidRequest."""
    if not told:
        return None
    found = _DIGEST.fullmatch(told.strip().lower())
    if found is None:
        reason = Text("`digest` must be a sha256 in hexadecimal.", "`digest` doit être un sha256 en hexadécimal.")
        raise InvalidRequest(reason=reason)
    return found[2]


async def receive_gguf(
    body: AsyncIterator[bytes], incoming: IncomingFile, *, files: FilesService, digest: str | None
) -> StoredFile:
    """Take the bytes in. Raises NotGguf, DigestDiffers, TooLarge or StorageFull."""
    head, looked = b"", 0
    async for data in body:
        if len(head) < _HEAD_BYTES:
            head += data[: _HEAD_BYTES - len(head)]
            _check_head(head)
        await incoming.write(data)
        if incoming.size - looked > _LOOK_BYTES:
            looked = incoming.size
            files.require_room()
    if len(head) < _HEAD_BYTES:
        raise NotGguf
    stored = await incoming.end()
    if digest is not None and stored.sha256 != digest:
        raise DigestDiffers(found=stored.sha256)
    await asyncio.to_thread(check_gguf, incoming.path)
    return stored


def _check_head(head: bytes) -> None:
    """`GGUF`, then the version as a little-endian number (ggml's docs/gguf.md); 1 is long dead."""
    if not MAGIC.startswith(head[:4]):
        raise NotGguf
    if len(head) == _HEAD_BYTES and not 2 <= int.from_bytes(head[4:], "little") < 256:
        raise NotGguf
