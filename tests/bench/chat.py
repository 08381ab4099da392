"""Conversations over a scripted engine: what the appliance adds to the first token, what it lets through, many at once.

The engine echoes each message, so that an answer that reached the wrong person would be seen.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import msgspec

from tests.bench.figures import Figure, at_least, at_most
from tests.bench.server import Running, now, percentile, running
from tests.engines.processes import ServerProcess, free_port

_ROUNDS = 60
_ENGINE_SECONDS = 0.02
_STREAMS = 300
_RATE, _TOKENS = 20.0, 100
_ONE_RATE, _ONE_TOKENS = 100.0, 400


async def measure(directory: Path) -> list[Figure]:
    """One stream first, then many."""
    figures: list[Figure] = []
    async with _appliance(directory / "first", "--first-token-seconds", str(_ENGINE_SECONDS)) as (server, engine):
        figures.append(await _first_token(server, engine, "conversation"))
        figures.append(await _first_token(server, engine, "conversation gone on with"))
    async with _appliance(directory / "one", "--tokens-per-second", str(_ONE_RATE)) as (server, engine):
        figures.append(await _throughput(server, engine))
    async with _appliance(directory / "many", "--tokens-per-second", str(_RATE)) as (server, _):
        figures += await _many(server)
    return figures


@asynccontextmanager
async def _appliance(directory: Path, *arguments: str) -> AsyncIterator[tuple[Running, str]]:
    """Start an engine that echoes and an appliance over it, each in a process of its own."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = directory.with_name(f"{directory.name}-engine.log")
    command = [sys.executable, "-m", "tests.scripted_ollama", "--port", str(port), "--echo", *arguments]
    engine = ServerProcess(command, log=log)
    engine.start(environment={"PYTHONPATH": "."})
    engine.wait_healthy(lambda: b"http" in log.read_bytes(), seconds=30)
    url = f"http://127.0.0.1:{port}"
    settings = {
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": url,
        "APPLIANCE_LANGUAGE_MODEL__MODEL": "scripted",
        "APPLIANCE_LANGUAGE_MODEL__PARALLEL": "1000",
        "APPLIANCE_LIMITS__MESSAGES_PER_MINUTE": "1000",
    }
    try:
        async with running(directory, **settings) as server:
            yield server, url
    finally:
        engine.stop(seconds=10)


@dataclass
class _Stream:
    """One answer as it came: when its first token did, its words, how it ended."""

    began: float
    first: float = 0.0
    ended: float = 0.0
    text: str = ""
    last: str = ""
    times: list[float] = field(default_factory=list)


async def _send(http: httpx.AsyncClient, key: str, message: str) -> _Stream:
    body = {"conversation_id": key, "message": message, "assistant": "conversation", "stream": True}
    stream = _Stream(now())
    waiting = b""
    headers = {"Content-Type": "application/json"}
    async with http.stream("POST", "/api/chat", content=msgspec.json.encode(body), headers=headers) as response:
        async for data in response.aiter_raw():
            waiting += data
            *blocks, waiting = waiting.split(b"\n\n")
            for block in blocks:
                _take(stream, block)
    stream.ended = now()
    return stream


def _take(stream: _Stream, block: bytes) -> None:
    _, _, rest = block.partition(b"event: ")
    name, _, data = rest.partition(b"\ndata: ")
    if name:
        stream.last = name.decode()
    if name == b"token":
        stream.first = stream.first or now()
        stream.times.append(now())
        stream.text += msgspec.json.decode(data)["text"]


async def _bare(engine: httpx.AsyncClient, message: str) -> _Stream:
    stream = _Stream(now())
    body = {"model": "scripted", "messages": [{"role": "user", "content": message}], "stream": True}
    async with engine.stream("POST", "/api/chat", json=body) as response:
        async for line in response.aiter_lines():
            if text := msgspec.json.decode(line)["message"]["content"]:
                stream.first = stream.first or now()
                stream.times.append(now())
                stream.text += text
    stream.ended = now()
    return stream


async def _first_token(server: Running, url: str, what: str) -> Figure:
    times: list[tuple[float, float]] = []
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as engine:
        for number in range(_ROUNDS):
            ours = await _send(server.client.http, f"first-{number}", f"Good morning number {number}")
            bare = await _bare(engine, f"Good morning number {number}")
            times.append(((ours.first - ours.began) * 1000, (bare.first - bare.began) * 1000))
    del times[:5]
    added = [ours - bare for ours, bare in times]
    note = f"{median(one for one, _ in times):.1f} ms, engine {median(one for _, one in times):.1f}; p95 {percentile(added, 0.95):.1f} ms"
    return at_most(f"{what}: first token over the bare engine, p50", median(added), 15, 5, " ms", note=note)


async def _throughput(server: Running, url: str) -> Figure:
    message = " ".join(f"w{number}" for number in range(_ONE_TOKENS))
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as engine:
        ours, bare = await asyncio.gather(_send(server.client.http, "one", message), _bare(engine, message))
    rates = [(len(one.times) - 1) / (one.times[-1] - one.times[0]) for one in (ours, bare)]
    note = f"{rates[0]:.1f} tokens/s, bare {rates[1]:.1f}"
    return at_least("one stream at 100 tokens/s: passed through", rates[0] / rates[1], 0.97, 0.99, " x", note=note)


async def _many(server: Running) -> list[Figure]:
    """All streams at once, and somebody who looks at other things meanwhile."""
    limits = httpx.Limits(max_connections=_STREAMS + 10)
    headers = dict(server.client.http.headers)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=300) as http:
        messages = [" ".join(f"s{one}w{word}" for word in range(_TOKENS)) for one in range(_STREAMS)]
        sent = asyncio.gather(*(_send(http, f"many-{one}", text) for one, text in enumerate(messages)))
        looks = asyncio.ensure_future(_look(server))
        streams = await sent
        looks.cancel()
        delays = await looks
    pairs = list(zip(streams, messages, strict=True))
    errors = sum(1 for one, text in pairs if one.last != "done" or one.text != text)
    mixed = sum(1 for one, text in pairs if not set(one.text.split()) <= set(text.split()))
    rates = [(len(one.times) - 1) / (one.times[-1] - one.times[0]) for one in streams if len(one.times) > 1]
    note = f"{median(rates):.1f} tokens/s each, slowest {min(rates):.1f}, of {_RATE:g}"
    return [
        at_most(f"{_STREAMS} streams of {_RATE:g} tokens/s: errors", errors, 0, 0, note=note),
        at_most(f"{_STREAMS} streams: answers with another's words", mixed, 0, 0),
        at_most(
            f"{_STREAMS} streams: other routes meanwhile, p95",
            percentile(delays, 0.95) * 1000,
            300,
            100,
            " ms",
            note=f"{len(delays)} calls, p50 {median(delays) * 1000:.0f} ms",
        ),
    ]


async def _look(server: Running) -> list[float]:
    delays: list[float] = []
    try:
        while True:
            for path in ("/api/conversations", "/api/rag/documents", "/api/me"):
                began = now()
                (await server.client.http.get(path)).raise_for_status()
                delays.append(now() - began)
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return delays
