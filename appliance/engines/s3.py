"""Objects in any S3 store (MinIO, SeaweedFS, Garage), by plain S3 calls alone.

The client blocks, so it works on threads of its own. It is told its region and never asks for one, follows no redirect
and no proxy of the environment, and sends nothing anywhere but to the endpoint.
"""

import asyncio
import contextlib
import errno
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import structlog
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

from appliance.core.errors import ApplianceError, EngineFailed, EngineTimedOut, EngineUnavailable, NotFound, StorageFull
from appliance.core.health import Health
from appliance.core.ids import new_id
from appliance.core.settings_sections import ObjectStore as ObjectStoreSettings
from appliance.ports.object_store import ObjectInfo

log = structlog.get_logger(__name__)
_NAME = "The object store"
_THREADS = 8
_CONNECT_SECONDS = 2.0
_READ_SECONDS = 30.0
_READ_BYTES = 256 * 1024
_PART_BYTES = 16 * 1024 * 1024
_PAGE = 1_000
_ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchObject"})
_FULL = frozenset({"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage"})
_OURS_ALREADY = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "OperationAborted"})
_Result = TypeVar("_Result")


class S3Store:
    """ObjectStore over S3. Above 16 MB an object goes up in parts, so that no whole object stands in memory."""

    kind = "s3"

    def __init__(self, settings: ObjectStoreSettings) -> None:
        """`settings.endpoint`: `http(s)://host:port`. The bucket is made where it is missing."""
        endpoint = urlsplit(settings.endpoint)
        self._bucket = settings.bucket
        self._pool = _connections()
        self._client = Minio(
            endpoint.netloc,
            access_key=settings.access_key or None,
            secret_key=settings.secret_key or None,
            secure=endpoint.scheme == "https",
            region=settings.region,
            http_client=self._pool,
        )
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")

    async def put(self, key: str, source: Path) -> None:
        """Send a local file up; durable once this returns."""
        await self._run(self._put, key, source)

    def _put(self, key: str, source: Path) -> None:
        try:
            self._send(key, source)
        except S3Error as error:
            if error.code != "NoSuchBucket":
                raise
            self._make_bucket()
            self._send(key, source)

    def _send(self, key: str, source: Path) -> None:
        size = source.stat().st_size
        with source.open("rb") as file:
            self._client.put_object(self._bucket, key, file, size, part_size=_PART_BYTES, num_parallel_uploads=1)

    async def stat(self, key: str) -> ObjectInfo | None:
        """Look whether a key is there."""
        try:
            found = await self._run(self._client.stat_object, self._bucket, key)
        except NotFound:
            return None
        return ObjectInfo(key, found.size or 0)

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream an object or a range of it."""
        if length == 0:
            if await self.stat(key) is None:
                raise NotFound
            return
        response = await self._run(self._get, key, start, length or 0)
        if response is None:
            return
        try:
            chunks: Iterator[bytes] = response.stream(_READ_BYTES)
            while data := await self._run(lambda: next(chunks, b"")):
                yield data
        finally:
            # On a thread: closing waits for a read that may still be under way there.
            self._executor.submit(_close, response)

    def _get(self, key: str, start: int, length: int) -> Any:
        """Open the answer; None for a range behind the end."""
        try:
            return self._client.get_object(self._bucket, key, offset=start, length=length)
        except S3Error as error:
            if error.code == "InvalidRange":
                return None
            raise

    @asynccontextmanager
    async def fetch(self, key: str) -> AsyncIterator[Path]:
        """Lend a copy in a temporary directory."""
        with tempfile.TemporaryDirectory(prefix="appliance-") as directory:
            path = Path(directory) / "object"
            await self._run(self._download, key, path)
            yield path

    def _download(self, key: str, path: Path) -> None:
        response = self._client.get_object(self._bucket, key)
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(response, file, _READ_BYTES)
        finally:
            _close(response)

    async def delete(self, key: str) -> None:
        """Remove an object."""
        with contextlib.suppress(NotFound):
            await self._run(self._client.remove_object, self._bucket, key)

    async def walk(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Walk the keys under a prefix, in order."""
        listing = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
        while True:
            try:
                page = await self._run(lambda: list(itertools.islice(listing, _PAGE)))
            except NotFound:
                return
            for item in page:
                yield ObjectInfo(str(item.object_name), item.size or 0)
            if len(page) < _PAGE:
                return

    async def check(self) -> Health:
        """Write an empty object and remove it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await self._run(self._probe)
        except ApplianceError as error:
            cause = error.__cause__
            return Health(self.kind, ok=False, detail=getattr(cause, "code", None) or error.words)
        return Health(self.kind, ok=True, detail=self._bucket, latency_ms=round((loop.time() - started) * 1000, 2))

    def _probe(self) -> None:
        key = f"checks/{new_id()}"
        self._put(key, Path("/dev/null"))
        self._client.remove_object(self._bucket, key)

    async def _run(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        """Call the client on a thread; its failures come back as ours."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, lambda: call(*arguments))
        except (MinioException, HTTPError, ParseError, ValueError) as error:
            # The last two are the client's way to say that an answer is no XML, or not the right one.
            raise _translate(error) from error
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFull from error
            raise

    def _make_bucket(self) -> None:
        try:
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code not in _OURS_ALREADY:
                raise

    async def __aenter__(self) -> Self:
        """Make the bucket; a store that is away now is no reason not to start."""
        try:
            await self._run(self._make_bucket)
            await self._run(self._warn_of_versions)
        except ApplianceError as error:
            log.warning("object_store_not_ready", code=error.code)
        return self

    def _warn_of_versions(self) -> None:
        """A bucket that keeps versions keeps what was deleted; not every store knows the question."""
        with contextlib.suppress(S3Error):
            if self._client.get_bucket_versioning(self._bucket).status == "Enabled":
                log.warning("object_store_keeps_deleted_versions", bucket=self._bucket)

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()


def _connections() -> urllib3.PoolManager:
    """Bound every wait: two tries more for what can be repeated, and none for where a redirect points."""
    retries = urllib3.Retry(
        total=3, connect=1, read=1, status=2, redirect=False, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)
    )
    timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    return urllib3.PoolManager(maxsize=_THREADS, timeout=timeout, retries=retries)


def _translate(error: Exception) -> ApplianceError:
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, S3Error) and cause.code in _ABSENT:
        return NotFound()
    if isinstance(cause, S3Error) and cause.code in _FULL:
        return StorageFull()
    if isinstance(cause, NewConnectionError | ConnectTimeoutError):
        return EngineUnavailable(engine=_NAME)
    if isinstance(cause, ReadTimeoutError):
        return EngineTimedOut(engine=_NAME, seconds=int(_READ_SECONDS))
    return EngineFailed(engine=_NAME)


def _close(response: Any) -> None:
    response.close()
    response.release_conn()
