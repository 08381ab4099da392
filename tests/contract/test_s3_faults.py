"""What the S3 adapter makes of a store that is away, refuses, lies or dies: an error of ours, in bounded time."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from appliance.core.errors import ApplianceError, EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.core.settings_sections import ObjectStore as ObjectStoreSettings
from appliance.core.text import said
from appliance.engines import s3
from appliance.engines.s3 import S3Store
from tests.engines.fixtures import Reached, running
from tests.engines.processes import free_port
from tests.engines.servers import Minio
from tests.scripted_wire import Exchange, WireServer


class BrokenStore(WireServer):
    """Fails each request in the way it was told."""

    fault = "redirect"

    async def handle(self, exchange: Exchange) -> None:
        if self.fault == "redirect":
            await exchange.answer(307, b"", Location=f"http://127.0.0.1:{self.elsewhere.port}/stolen")
        elif self.fault == "hang":
            await exchange.pause(3600)
        elif self.fault == "html":
            await exchange.answer(200, b"<html>welcome</html>", Content_Type="text/html")
        elif self.fault == "cut":
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nonly this")
            exchange.cut()
        else:
            await exchange.answer(int(self.fault), b"")

    def __init__(self, elsewhere: WireServer) -> None:
        super().__init__()
        self.elsewhere = elsewhere


class Elsewhere(WireServer):
    async def handle(self, exchange: Exchange) -> None:
        await exchange.answer(200, b"")


@pytest.fixture
async def broken() -> AsyncIterator[BrokenStore]:
    async with Elsewhere() as elsewhere, BrokenStore(elsewhere) as server:
        yield server


def settings(url: str, **more: str) -> ObjectStoreSettings:
    kept = {"access_key": "someone", "secret_key": "something", "bucket": f"tests-{uuid4().hex[:12]}", **more}
    return ObjectStoreSettings(kind="s3", endpoint=url, **kept)


async def fail(store: S3Store, source: Path) -> list[type[ApplianceError]]:
    """Try everything; every call must fail with an error of ours."""
    await asyncio.to_thread(source.write_bytes, b"bytes")
    raised: list[type[ApplianceError]] = []
    for call in (
        store.put("blobs/a", source),
        _drain(store.read("blobs/a")),
        _drain(store.walk("blobs/")),
        store.stat("blobs/a"),
        store.delete("blobs/a"),
    ):
        with pytest.raises(ApplianceError) as caught:
            await call
        raised.append(type(caught.value))
    return raised


async def _drain(iterator: AsyncIterator[object]) -> None:
    async for _ in iterator:
        pass


async def test_a_store_that_is_away(tmp_path: Path) -> None:
    store = S3Store(settings(f"http://127.0.0.1:{free_port()}"))
    started = time.monotonic()
    async with store:  # opening goes on without it
        assert set(await fail(store, tmp_path / "source")) == {EngineUnavailable}
        health = await store.check()
    assert (health.ok, "cannot be reached" in said(health.detail, "en")) == (False, True)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("fault", ["500", "503", "403"])
async def test_a_store_that_refuses(broken: BrokenStore, tmp_path: Path, fault: str) -> None:
    broken.fault = fault
    async with S3Store(settings(broken.url)) as store:
        assert set(await fail(store, tmp_path / "source")) == {EngineFailed}


async def test_a_store_that_points_elsewhere_is_not_followed(broken: BrokenStore, tmp_path: Path) -> None:
    async with S3Store(settings(broken.url)) as store:
        assert set(await fail(store, tmp_path / "source")) == {EngineFailed}
    assert broken.received
    assert not broken.elsewhere.received


async def test_a_store_that_hangs(broken: BrokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_READ_SECONDS", 0.3)
    broken.fault = "hang"
    async with S3Store(settings(broken.url)) as store:
        started = time.monotonic()
        assert set(await fail(store, tmp_path / "source")) == {EngineTimedOut}
        assert time.monotonic() - started < 8


async def test_an_object_that_is_cut_short_is_no_object(broken: BrokenStore) -> None:
    broken.fault = "cut"
    async with S3Store(settings(broken.url)) as store:
        with pytest.raises(EngineFailed):
            await _drain(store.read("blobs/a"))
        with pytest.raises(EngineFailed):
            async with store.fetch("blobs/a"):
                pytest.fail("lent half an object")


async def test_a_listing_that_is_no_listing(broken: BrokenStore) -> None:
    broken.fault = "html"
    async with S3Store(settings(broken.url)) as store:
        with pytest.raises(EngineFailed):
            await _drain(store.walk("blobs/"))


@pytest.mark.engine
async def test_wrong_keys_are_said(s3_server: Reached) -> None:
    async with S3Store(settings(s3_server.url)) as store:
        health = await store.check()
    assert (health.ok, health.detail) == (False, "InvalidAccessKeyId")


@pytest.mark.engine
async def test_a_bucket_that_was_removed_is_made_again(s3_server: Reached, tmp_path: Path) -> None:
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    async with S3Store(settings(s3_server.url, **keys)) as store:
        store._client.remove_bucket(store._bucket)
        assert await store.stat("blobs/a") is None
        await _drain(store.walk("blobs/"))
        source = tmp_path / "source"
        source.write_bytes(b"bytes")
        await store.put("blobs/a", source)
        assert await store.stat("blobs/a") is not None


@pytest.mark.engine
async def test_many_processes_make_the_bucket_at_once(s3_server: Reached) -> None:
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    shared = settings(s3_server.url, **keys)
    stores = [S3Store(shared) for _ in range(8)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    assert [health.ok for health in await asyncio.gather(*(store.check() for store in stores))] == [True] * 8
    await asyncio.gather(*(store.__aexit__() for store in stores))


@pytest.mark.engine
async def test_a_store_that_dies_and_comes_back(own_engine_directory: Path, tmp_path: Path) -> None:
    with running(Minio, own_engine_directory) as server:
        keys = {"access_key": server.access_key, "secret_key": server.secret_key}
        source = tmp_path / "source"
        source.write_bytes(random.Random(3).randbytes(40_000_000))
        async with S3Store(settings(server.url, **keys)) as store:
            await store.put("blobs/a", source)
            pieces = store.read("blobs/a")
            await anext(pieces)
            server.process.kill()
            with pytest.raises((EngineFailed, EngineUnavailable)):
                await _drain(pieces)
            with pytest.raises(EngineUnavailable):
                await store.put("blobs/b", source)
            server.start()
            await store.put("blobs/b", source)
            found = await store.stat("blobs/a")
    assert found is not None
    assert msgspec.structs.astuple(found) == ("blobs/a", 40_000_000), "what was put outlives a kill"
