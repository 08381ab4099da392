"""Embedder on MiniLM: passages in fair turns on every core, a question beside them at once."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

import structlog

from appliance.core.errors import ApplianceError
from appliance.core.health import Health
from appliance.core.tasks import Tasks
from appliance.engines.minilm import folder
from appliance.engines.minilm.errors import WeightsDamaged, WeightsMissing
from appliance.engines.minilm.tokens import TOKEN_DIMENSIONS, describe_tokens
from appliance.ports.embedder import PassageVectors, QueryVectors

if TYPE_CHECKING:
    from appliance.engines.minilm.encoder import Encoder

log = structlog.get_logger(__name__)
_BATCH_PIECES = 1024
"""As fast as 2048 where every worker has one thread, in half the memory, and turns are twice as short."""
_MOST_LANES = 8
_Batch = list[int]


class MiniLM:
    """all-MiniLM-L6-v2 on CTranslate2 int8, with token vectors of 64 dimensions."""

    dimensions = 384
    token_dimensions: int | None = TOKEN_DIMENSIONS
    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, directory: Path, *, threads: int, convert: bool) -> None:
        """`threads`: batches of passages beside each other, 0 for one a core. `convert`: make the folder where it is missing or damaged."""
        self._directory = directory
        self._converts = convert
        self._lanes = threads or min(len(os.sched_getaffinity(0)), _MOST_LANES)
        self.identity = "|".join(
            (f"{folder.NAME}-{folder.SOURCE_SHA256[:8]}-int8-{folder.CONVERSION}", "mean256", describe_tokens())
        )
        self._encoder: Encoder | None = None
        self._opening = asyncio.Lock()
        self._turns = asyncio.Semaphore(self._lanes)
        self._tasks = Tasks()
        self._executor = ThreadPoolExecutor(self._lanes, thread_name_prefix="minilm")
        # One worker more than lanes: a question never waits for a batch of passages.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="minilm-query")

    async def embed_passages(self, texts: Sequence[str]) -> list[PassageVectors]:
        """Embed passages, in order; calls beside each other take turns batch by batch."""
        encoder = await self._open()
        loop = asyncio.get_running_loop()
        pieces = await loop.run_in_executor(self._asking, encoder.split, texts)
        found: list[PassageVectors | None] = [None] * len(texts)
        batches = _plan([len(one) for one in pieces])

        async def work() -> None:
            for batch in batches:
                async with self._turns:
                    vectors = await loop.run_in_executor(
                        self._executor, encoder.encode_passages, [pieces[index] for index in batch]
                    )
                for index, vector in zip(batch, vectors, strict=True):
                    found[index] = vector

        async with asyncio.TaskGroup() as group:
            for _ in range(self._lanes):
                group.create_task(work())
        return [vector for vector in found if vector is not None]

    async def embed_query(self, text: str) -> QueryVectors:
        """Embed a question: about 5 ms, whatever is being indexed."""
        encoder = await self._open()
        return await asyncio.get_running_loop().run_in_executor(self._asking, encoder.encode_query, text)

    async def _open(self) -> "Encoder":
        """Load once; what went wrong is tried again at the next call."""
        if self._encoder is None:
            async with self._opening:
                if self._encoder is None:
                    self._encoder = await asyncio.to_thread(self._load)
        return self._encoder

    def _load(self) -> "Encoder":
        try:
            folder.verify(self._directory)
        except (WeightsMissing, WeightsDamaged) as error:
            if not self._converts:
                raise
            log.warning("embedding_weights_converting", reason=error.code, folder=str(self._directory))
            folder.make(self._directory)
            log.info("embedding_weights_converted", folder=str(self._directory))
        # CTranslate2 and tokenizers come in here, in this thread: the first page need not wait for them.
        from appliance.engines.minilm.encoder import Encoder

        return Encoder(self._directory, workers=self._lanes + 1)

    async def check(self) -> Health:
        """Embed one word."""
        started = asyncio.get_running_loop().time()
        try:
            await self.embed_query("ok")
        except ApplianceError as error:
            return Health("minilm", ok=False, detail=error.words)
        elapsed = (asyncio.get_running_loop().time() - started) * 1000
        return Health("minilm", ok=True, detail=f"{folder.NAME} int8", latency_ms=round(elapsed, 2))

    async def __aenter__(self) -> Self:
        """Begin to load, and do not wait for it."""
        self._tasks.start(self._warm(), name="minilm_opening")
        return self

    async def _warm(self) -> None:
        try:
            await self._open()
        except ApplianceError as error:
            log.error("embedder_not_opened", code=error.code, **error.facts)  # noqa: TRY400 - the facts say it all

    async def __aexit__(self, *exception: object) -> None:
        """End the threads after what they are at, let go of the model."""
        await self._tasks.close()
        for executor in (self._executor, self._asking):
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)
        self._encoder = None


def _plan(lengths: Sequence[int]) -> Iterator[_Batch]:
    """Group like lengths, longest first, at most 1024 pieces with padding: what is padded is computed in vain."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    start = 0
    while start < len(order):
        count = max(1, _BATCH_PIECES // max(1, lengths[order[start]]))
        yield order[start : start + count]
        start += count
