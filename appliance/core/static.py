"""The built interface: a fixed list of files, read once; a path that is not on the list does not exist."""

import asyncio
import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import Any

import msgspec

_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_IMMUTABLE = b"public, max-age=31536000, immutable"
_REVALIDATE = b"no-cache"


class _File(msgspec.Struct):
    body: bytes
    is_compressible: bool
    media_type: bytes
    etag: bytes
    cache_control: bytes
    zipped: bytes | None = None

    async def zip(self) -> bytes:
        """Give it compressed; made when it is first asked for, so that no start waits for it."""
        if self.zipped is None:
            self.zipped = await asyncio.to_thread(gzip.compress, self.body, 6, mtime=0)
        return self.zipped


class StaticFiles:
    """Serves a folder made by the interface build, from memory. Names with a content hash never expire."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; an absent one serves nothing."""
        self._files: dict[str, _File] = {}
        if folder.is_dir():
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    self._files["/" + path.relative_to(folder).as_posix()] = _read(path)
        if index := self._files.get("/index.html"):
            self._files["/"] = index

    def has(self, path: str) -> bool:
        """Tell whether a path is one of the files."""
        return path in self._files

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer GET and HEAD for a path that `has`."""
        file = self._files[scope["path"]]
        headers = dict(scope["headers"])
        common = [(b"etag", file.etag), (b"cache-control", file.cache_control), (b"vary", b"Accept-Encoding")]
        if headers.get(b"if-none-match") == file.etag:
            await send({"type": "http.response.start", "status": 304, "headers": common})
            await send({"type": "http.response.body", "body": b""})
            return
        body = file.body
        if file.is_compressible and b"gzip" in headers.get(b"accept-encoding", b""):
            body = await file.zip()
            common.append((b"content-encoding", b"gzip"))
        common += [(b"content-type", file.media_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": common})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _read(path: Path) -> _File:
    body = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    media_type = f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed
    return _File(
        body=body,
        is_compressible=guessed.startswith(_COMPRESSIBLE) and len(body) > 512,
        media_type=media_type.encode(),
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"'.encode(),
        cache_control=_IMMUTABLE if "/assets/" in path.as_posix() else _REVALIDATE,
    )
