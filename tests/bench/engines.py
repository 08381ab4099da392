"""What the adapters add to their engines: `python -m tests.bench.engines`. Each ratio is measured side by side in one run."""

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from minio import Minio as BareMinio

from appliance.core.database import Database
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.core.settings_sections import ObjectStore as ObjectStoreSettings
from appliance.engines.filesystem import FilesystemStore
from appliance.engines.ollama import Ollama as OllamaModel
from appliance.engines.s3 import S3Store
from appliance.engines.sql_queue import SqlQueue
from appliance.migrations import upgrade
from appliance.ports.chat import ChatRequest, Message
from appliance.ports.job_queue import NewJob
from appliance.ports.object_store import ObjectStore
from tests.engines.databases import fresh_database
from tests.engines.processes import make_directory
from tests.engines.servers import Minio, Postgresql

_JOBS, _WORKERS = 400, 4
_OBJECTS, _OBJECT_BYTES, _AT_ONCE = 200, 100_000, 8
_ANSWERS = 300


async def first_token_overhead() -> str:
    """Milliseconds to the first delta through the adapter, and to the first bytes on a bare kept-alive socket."""
    command = [sys.executable, "-m", "tests.scripted_ollama", "--first-token-seconds", "0.005"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - before anything is measured
    assert server.stdout is not None
    try:
        url = server.stdout.readline().strip()
        bare, through = await _bare_first_tokens(url), await _adapter_first_tokens(url)
        added = statistics.median(through) - statistics.median(bare)
        worst = sorted(through)[int(len(through) * 0.95)] - sorted(bare)[int(len(bare) * 0.95)]
        return (
            f"first token: bare {statistics.median(bare):.2f} ms, adapter {statistics.median(through):.2f} ms: "
            f"+{added:.2f} ms (p95 {worst:+.2f} ms)"
        )
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


async def _bare_first_tokens(url: str) -> list[float]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "Why?"}]}).encode()
    head = f"POST /api/chat HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    taken: list[float] = []
    for _ in range(_ANSWERS):
        started = time.perf_counter()
        writer.write(head + body)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"\n")
        await reader.readuntil(b"\n")
        taken.append((time.perf_counter() - started) * 1000)
        await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()
    return taken


async def _adapter_first_tokens(url: str) -> list[float]:
    settings = msgspec.convert({"kind": "ollama", "url": url, "model": "scripted"}, LanguageModelSettings)
    request = ChatRequest(messages=[Message("user", "Why?")], max_tokens=50, model="scripted")
    taken: list[float] = []
    async with OllamaModel(settings) as model:
        for _ in range(_ANSWERS):
            started = time.perf_counter()
            deltas = model.stream(request)
            await anext(deltas)
            taken.append((time.perf_counter() - started) * 1000)
            async for _ in deltas:
                pass
    return taken


async def queue_speed(name: str, url: str) -> str:
    """Jobs a second through enqueue, and through claim and finish by some workers."""
    async with Database(url) as database:
        await upgrade(database)
        queue = SqlQueue(database, lease_seconds=30)
        started = time.perf_counter()
        for number in range(_JOBS):
            async with database.begin() as transaction:
                await queue.enqueue(transaction, NewJob(kind="task", payload={"number": number}))
        added = _JOBS / (time.perf_counter() - started)

        async def work(worker: str) -> None:
            while (job := await queue.claim(worker=worker, kinds=["task"])) is not None:
                await queue.finish(job.id, worker=worker)

        started = time.perf_counter()
        await asyncio.gather(*(work(f"w{number}") for number in range(_WORKERS)))
        done = _JOBS / (time.perf_counter() - started)
    return f"queue on {name}: {added:.0f} enqueued/s, {done:.0f} claimed and finished/s"


@asynccontextmanager
async def _source() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "object"
        path.write_bytes(os.urandom(_OBJECT_BYTES))
        yield path


async def object_speed(server: Minio) -> list[str]:
    """Puts a second of each store, beside the bare client on as many threads."""
    settings = ObjectStoreSettings(
        kind="s3", endpoint=server.url, bucket="bench", access_key=server.access_key, secret_key=server.secret_key
    )
    bare = BareMinio(
        server.url.removeprefix("http://"), server.access_key, server.secret_key, secure=False, region="us-east-1"
    )
    async with _source() as source, S3Store(settings) as s3, FilesystemStore(source.parent / "store") as files:

        async def put_bare(number: int) -> None:
            await asyncio.to_thread(bare.fput_object, "bench", f"bare/{number}", str(source))

        await _puts(put_bare)  # warm
        rates = {"bare client": await _puts(put_bare)}
        for name, store in {"s3": s3, "filesystem": files}.items():
            rates[name] = await _puts(_put_into(store, source))
    lines = [f"objects, {name}: {rate:.0f} puts/s of {_OBJECT_BYTES // 1000} kB" for name, rate in rates.items()]
    return [*lines, f"objects: s3 adapter at {rates['s3'] / rates['bare client']:.2f} x the bare client"]


def _put_into(store: ObjectStore, source: Path) -> Callable[[int], Awaitable[None]]:
    return lambda number: store.put(f"blobs/{number}", source)


async def _puts(put: Callable[[int], Awaitable[None]]) -> float:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            await put(number)

    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(_OBJECTS)))
    return _OBJECTS / (time.perf_counter() - started)


async def measure(postgresql: Postgresql, minio: Minio) -> None:
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    print(await first_token_overhead())
    with tempfile.TemporaryDirectory() as directory:
        print(await queue_speed("SQLite", f"sqlite+aiosqlite:///{directory}/appliance.db"))
    async with fresh_database(postgresql.url) as url:
        print(await queue_speed("PostgreSQL", url))
    for line in await object_speed(minio):
        print(line)


def main() -> None:
    directory = make_directory()
    postgresql, minio = Postgresql(directory, install=True), Minio(directory, install=True)
    try:
        postgresql.start()
        minio.start()
        asyncio.run(measure(postgresql, minio))
    finally:
        postgresql.process.stop()
        minio.process.stop()


if __name__ == "__main__":
    main()
