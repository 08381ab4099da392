"""What clients of `/v1` pay for the appliance between them and the engine: to the first token, and in tokens a second.

The engine is scripted, in this process: it says its first word after a fixed time, and in the second part 100 words a
second. It is asked bare, over a kept-alive connection, in turn with the appliance.
"""

from pathlib import Path
from statistics import median

import httpx
import msgspec

from tests.bench.figures import Figure, at_least, at_most
from tests.bench.server import now, percentile, running
from tests.scripted_ollama import Script, ScriptedOllama

_ASKED = 80
_WARM = 5
_ENGINE_SECONDS = 0.02
_RATE = 100.0
_TOKENS = 300
_ROUNDS = 3


async def measure(directory: Path) -> list[Figure]:
    """Ask one way, then the other, one after the other."""
    async with ScriptedOllama(Script(first_token_seconds=_ENGINE_SECONDS)) as engine:
        settings = {
            "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
            "APPLIANCE_LANGUAGE_MODEL__URL": engine.url,
            "APPLIANCE_LANGUAGE_MODEL__MODEL": "scripted",
        }
        async with (
            running(directory / "compatible", **settings) as server,
            httpx.AsyncClient(base_url=engine.url, trust_env=False) as bare,
        ):
            times: list[tuple[float, float]] = []
            for number in range(_ASKED + _WARM):
                ours = await _stream(server.client.http, f"What is {number}?")
                own = await _stream(bare, f"What is {number}?")
                times.append((ours.first, own.first))
            engine.script = Script("word " * _TOKENS, tokens_per_second=_RATE)
            rates: list[tuple[float, float]] = []
            for _ in range(_ROUNDS):
                ours, own = await _stream(server.client.http, "Count."), await _stream(bare, "Count.")
                rates.append((ours.rate, own.rate))
    del times[:_WARM]
    added = [(ours - own) * 1000 for ours, own in times]
    whole, own = (median(column) * 1000 for column in zip(*times, strict=True))
    ours_rate, own_rate = (median(column) for column in zip(*rates, strict=True))
    return [
        at_most(
            "/v1: first token, over the bare engine's, p50",
            median(added),
            15,
            5,
            " ms",
            note=f"{whole:.1f} ms, the engine's own {own:.1f}; p95 of ours {percentile(added, 0.95):.1f} ms",
        ),
        at_least(
            "/v1: tokens/s passed through, against the bare engine",
            ours_rate / own_rate,
            0.97,
            0.99,
            " x",
            note=f"{ours_rate:.2f} against {own_rate:.2f} tokens/s, one stream",
        ),
    ]


class _Streamed(msgspec.Struct):
    """Seconds to the first token, and tokens a second from the first to the last."""

    first: float
    rate: float


async def _stream(client: httpx.AsyncClient, question: str) -> _Streamed:
    """Ask as OpenAI's clients do, and note when each piece of content stands; the engine speaks that wire too."""
    body = {
        "model": "scripted",
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "max_tokens": _TOKENS * 2,
    }
    started = now()
    headers = {"Content-Type": "application/json"}
    seen: list[float] = []
    content = msgspec.json.encode(body)
    async with client.stream("POST", "/v1/chat/completions", content=content, headers=headers) as response:
        async for data in response.aiter_raw():
            moment = now()
            # The last, empty piece of the bare engine is none.
            seen += [moment] * (data.count(b'"content":"') - data.count(b'"content":""'))
    if not seen:
        message = f"nothing was written: {response.status_code}"
        raise RuntimeError(message)
    elapsed = seen[-1] - seen[0]
    return _Streamed(seen[0] - started, (len(seen) - 1) / elapsed if elapsed else 0.0)
