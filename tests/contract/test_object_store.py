"""What every ObjectStore promises, whichever keeps the bytes."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest

from appliance.core.errors import NotFound
from appliance.core.settings_sections import ObjectStore as ObjectStoreSettings
from appliance.engines.filesystem import FilesystemStore
from appliance.engines.memory import MemoryStore
from appliance.engines.s3 import S3Store
from appliance.ports.object_store import ObjectStore
from tests.engines.fixtures import Reached

Write = Callable[[bytes], Path]
_PART_BYTES = 16 * 1024 * 1024


def s3_settings(server: Reached) -> ObjectStoreSettings:
    return ObjectStoreSettings(
        kind="s3",
        endpoint=server.url,
        bucket=f"tests-{uuid4().hex[:12]}",
        access_key=server.access_key,
        secret_key=server.secret_key,
    )


@pytest.fixture(params=["memory", "filesystem", pytest.param("s3", marks=pytest.mark.engine)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    made: ObjectStore
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "filesystem":
        made = FilesystemStore(tmp_path / "objects")
    else:
        made = S3Store(s3_settings(request.getfixturevalue("s3_server")))
    async with made:
        yield made


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(data: bytes) -> Path:
        path = tmp_path / uuid4().hex
        path.write_bytes(data)
        return path

    return to_file


async def read(store: ObjectStore, key: str, *, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([data async for data in store.read(key, start=start, length=length)])


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [item.key async for item in store.walk(prefix)]


@pytest.mark.parametrize("size", [0, 1, 300_000])
async def test_what_is_put_is_read(store: ObjectStore, write: Write, size: int) -> None:
    data = random.Random(size).randbytes(size)
    source = write(data)
    await store.put("blobs/aa/object", source)
    assert await read(store, "blobs/aa/object") == data
    found = await store.stat("blobs/aa/object")
    assert found is not None
    assert (found.key, found.size) == ("blobs/aa/object", size)
    assert source.read_bytes() == data, "the source stays"


async def test_an_object_outlives_its_source(store: ObjectStore, write: Write) -> None:
    source = write(b"kept")
    await store.put("blobs/a", source)
    source.unlink()
    assert await read(store, "blobs/a") == b"kept"


async def test_a_large_object_goes_up_in_parts(store: ObjectStore, write: Write) -> None:
    data = random.Random(1).randbytes(2 * _PART_BYTES + 12_345)
    await store.put("blobs/large", write(data))
    digest = hashlib.sha256()
    async for piece in store.read("blobs/large"):
        assert len(piece) <= 1024 * 1024, "streamed, not handed over whole"
        digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
    assert await read(store, "blobs/large", start=_PART_BYTES - 5, length=10) == data[_PART_BYTES - 5 :][:10]


@pytest.mark.parametrize(
    "start,length,expected",
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 4, b"3456"),
        (0, 0, b""),
        (8, 100, b"89"),
        (10, None, b""),
        (99, 5, b""),
    ],
)
async def test_ranges(store: ObjectStore, write: Write, start: int, length: int | None, expected: bytes) -> None:
    await store.put("blobs/range", write(b"0123456789"))
    assert await read(store, "blobs/range", start=start, length=length) == expected


async def test_putting_again_replaces(store: ObjectStore, write: Write) -> None:
    await store.put("derived/a", write(b"first"))
    await store.put("derived/a", write(b"second"))
    assert await read(store, "derived/a") == b"second"
    assert await keys(store, "derived/") == ["derived/a"]


async def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    assert await store.stat("blobs/none") is None
    for start, length in ((0, None), (5, 5), (0, 0)):
        with pytest.raises(NotFound):
            await read(store, "blobs/none", start=start, length=length)
    with pytest.raises(NotFound):
        async with store.fetch("blobs/none"):
            pytest.fail("lent what is not there")


async def test_fetch_lends_a_local_file(store: ObjectStore, write: Write) -> None:
    await store.put("blobs/fetched", write(b"as a file"))
    async with store.fetch("blobs/fetched") as path:
        assert path.read_bytes() == b"as a file"
    assert await read(store, "blobs/fetched") == b"as a file"


async def test_what_is_deleted_is_gone(store: ObjectStore, write: Write) -> None:
    await store.put("blobs/a", write(b"a"))
    await store.put("blobs/b", write(b"b"))
    await store.delete("blobs/a")
    assert await store.stat("blobs/a") is None
    assert await keys(store, "blobs/") == ["blobs/b"]
    await store.delete("blobs/a")


async def test_walk_gives_a_prefix_in_order_with_sizes(store: ObjectStore, write: Write) -> None:
    for key, size in {"blobs/b/2": 2, "blobs/a/1": 1, "blobs/a/3": 3, "blobsy/x": 4, "other/blobs/y": 5}.items():
        await store.put(key, write(b"x" * size))
    found = [(item.key, item.size) async for item in store.walk("blobs/")]
    assert found == [("blobs/a/1", 1), ("blobs/a/3", 3), ("blobs/b/2", 2)]
    assert await keys(store, "nothing/") == []


async def test_walk_goes_past_a_page(store: ObjectStore, write: Write) -> None:
    source = write(b"x")
    wanted = [f"many/{number:05}" for number in range(1_050)]
    for start in range(0, len(wanted), 50):
        await asyncio.gather(*(store.put(key, source) for key in wanted[start : start + 50]))
    assert await keys(store, "many/") == wanted


async def test_deleting_while_walking_meets_every_key(store: ObjectStore, write: Write) -> None:
    source = write(b"x")
    await asyncio.gather(*(store.put(f"sweep/{number:02}", source) for number in range(20)))
    async for item in store.walk("sweep/"):
        await store.delete(item.key)
    assert await keys(store, "sweep/") == []


async def test_a_reader_may_leave_in_the_middle(store: ObjectStore, write: Write) -> None:
    data = random.Random(2).randbytes(3_000_000)
    await store.put("blobs/left", write(data))
    for _ in range(20):
        async with aclosing(store.read("blobs/left")) as pieces:  # pyright: ignore[reportArgumentType]
            first = await anext(pieces)
        assert data.startswith(first)
        assert 0 < len(first) < len(data)
    assert await read(store, "blobs/left") == data


async def test_many_at_once(store: ObjectStore, write: Write) -> None:
    async def turn(number: int) -> None:
        data = random.Random(number).randbytes(50_000)
        await store.put(f"blobs/{number}", write(data))
        assert await read(store, f"blobs/{number}") == data
        await store.delete(f"blobs/{number}")

    await asyncio.gather(*(turn(number) for number in range(40)))
    assert await keys(store, "blobs/") == []


async def test_two_who_put_the_same_key_leave_one_whole_object(store: ObjectStore, write: Write) -> None:
    contents = [bytes([number]) * 400_000 for number in range(8)]
    await asyncio.gather(*(store.put("blobs/same", write(data)) for data in contents))
    assert await read(store, "blobs/same") in contents


async def test_check_says_that_it_is_well(store: ObjectStore, write: Write) -> None:
    health = await store.check()
    assert health.ok, health
    await store.put("blobs/a", write(b"a"))
    assert await keys(store, "") == ["blobs/a"], "a check leaves nothing behind"
