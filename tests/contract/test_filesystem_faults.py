"""What the directory makes of a full disk, a crash in the middle and keys that point outside."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import NotFound, StorageFull
from appliance.engines import filesystem
from appliance.engines.filesystem import FilesystemStore


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"bytes")
    return path


def _left(directory: Path) -> list[str]:
    return [path.name for path in directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def copy_some(_source: Path, target: Path) -> None:
        target.write_bytes(b"by")
        raise OSError(number, os.strerror(number))

    async with FilesystemStore(tmp_path / "objects") as store:
        monkeypatch.setattr(filesystem, "_link_or_copy", copy_some)
        with pytest.raises(StorageFull):
            await store.put("blobs/a", source)
        assert _left(tmp_path / "objects") == []


async def test_a_disk_that_cannot_sync_keeps_nothing(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    async with FilesystemStore(tmp_path / "objects") as store:
        monkeypatch.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="I/O error"):
            await store.put("blobs/a", source)
        assert await store.stat("blobs/a") is None
        assert _left(tmp_path / "objects") == []


async def test_across_file_systems_it_copies(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    async with FilesystemStore(tmp_path / "objects") as store:
        await store.put("blobs/a", source)
        assert b"".join([data async for data in store.read("blobs/a")]) == b"bytes"


async def test_what_a_crash_left_half_copied_is_swept(tmp_path: Path, source: Path) -> None:
    async with FilesystemStore(tmp_path / "objects") as store:
        await store.put("blobs/a", source)
    shutil.copy(source, tmp_path / "objects" / "blobs" / "b.123.partial")
    async with FilesystemStore(tmp_path / "objects") as store:
        assert [item.key async for item in store.walk("")] == ["blobs/a"]
    assert _left(tmp_path / "objects") == ["a"]


@pytest.mark.parametrize("key", ["../outside", "blobs/../../outside", "/etc/passwd"])
async def test_keys_stay_inside(tmp_path: Path, source: Path, key: str) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    async with FilesystemStore(tmp_path / "objects") as store:
        with pytest.raises(NotFound):
            await store.put(key, source)
        with pytest.raises(NotFound):
            await store.stat(key)
        with pytest.raises(NotFound):
            await store.delete(key)
    assert (tmp_path / "outside").read_bytes() == b"secret"


async def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    health = await FilesystemStore(tmp_path / "file" / "objects").check()
    assert not health.ok
