"""How fast a model is: what the engine counted while it read a made-up text and went on writing."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from appliance.core.ids import new_id
from appliance.features.model_registry.schemas import Speed
from appliance.features.model_registry.tables import ModelSpeedRow
from appliance.features.runs import LiveRun
from appliance.ports.model_host import Measured, ModelHost

MOST_TOKENS = 128
_MOST_WORDS = 256
_WORDS_PER_CONTEXT = 8
_SAMPLE = [
    "the",
    "old",
    "lighthouse",
    "keeper",
    "counts",
    "slow",
    "ships",
    "and",
    "writes",
    "every",
    "name",
    "into",
    "a",
    "blue",
    "book",
]
_STEP = 8


def make_prompt(context_length: int) -> str:
    """Make a text that fits and that no cache has seen: it begins with a number nobody used before."""
    count = max(8, min(_MOST_WORDS, context_length // _WORDS_PER_CONTEXT))
    return " ".join([str(new_id().int % 100_000), *(_SAMPLE[index % len(_SAMPLE)] for index in range(count))])


async def measure(host: ModelHost, name: str, *, context_length: int, live: LiveRun) -> Measured:
    """Have the model write, and show how far it is."""
    measured = Measured()
    tokens = min(MOST_TOKENS, max(8, context_length // 2))
    steps = host.measure(name, prompt=make_prompt(context_length), max_tokens=tokens, context_length=context_length)
    async with aclosing(cast("AsyncGenerator[int | Measured]", steps)) as counted:
        async for step in counted:
            if isinstance(step, Measured):
                measured = step
            elif step % _STEP == 1:
                live.emit("progress", {"status": "writing", "completed": step, "total": tokens})
    return measured


def rate(tokens: int, seconds: float) -> float | None:
    """Tokens a second; None where nothing was counted."""
    return round(tokens / seconds, 2) if tokens and seconds > 0 else None


def describe(row: ModelSpeedRow) -> Speed:
    """Show a kept measurement."""
    return Speed(
        prompt_tokens=row.prompt_tokens,
        prompt_tokens_per_second=row.prompt_tokens_per_second,
        tokens=row.tokens,
        tokens_per_second=row.tokens_per_second,
        load_seconds=row.load_seconds,
        context_length=row.context_length,
        measured_at=row.measured_at,
    )
