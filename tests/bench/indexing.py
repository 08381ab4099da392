"""Real PDFs through the product, against a plain loop that parses and embeds the same chunks and nothing else.

The plain loop is as fast as the engines allow: PDFium's own text, every chunk sorted by length, one CTranslate2 worker a core.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pypdfium2

from appliance.cli.evaluate import index_set
from appliance.core.weights import hash_file
from appliance.engines.minilm.encoder import Encoder
from appliance.engines.minilm.folder import make
from appliance.engines.reading.parser import SandboxedParser
from appliance.features.knowledge.evaluation import QuestionSet
from appliance.features.knowledge.splitting import header_of, split_document, title_of
from tests.bench.figures import Figure, at_most
from tests.bench.server import now, reference, running

_ROUNDS = 2
_CHARACTERS, _OVERLAP = 1200, 150
_BATCH_PIECES = 2048


async def measure(directory: Path) -> list[Figure]:
    """Take turns, so that a busy machine is busy for both; the better round of each counts."""
    files = sorted(reference("pdfs").glob("*.pdf"))
    weights = directory / "indexing-weights"
    make(weights)
    texts = await _chunks(files)
    product: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for number in range(_ROUNDS):
        bare.append(await asyncio.to_thread(_run_bare, files, texts, weights))
        product.append(await _run_product(files, directory / f"indexing-{number}-{os.getpid()}", weights))
    seconds, computed = (min(column) for column in zip(*product, strict=True))
    bare_seconds, bare_computed = (min(column) for column in zip(*bare, strict=True))
    cores = len(os.sched_getaffinity(0))
    note = (
        f"{len(files)} files, {len(texts)} chunks: {seconds:.1f} s against {bare_seconds:.1f} s; "
        f"{len(texts) / seconds:.0f} chunks/s; processor time {computed:.0f} s against {bare_computed:.0f} s "
        f"({computed / bare_computed:.2f} x); {computed / seconds:.2f} of {cores} cores busy"
    )
    return [at_most("indexing real PDFs, against the bare cost", seconds / bare_seconds, 1.25, 1.1, " x", note=note)]


async def _chunks(files: Sequence[Path]) -> list[str]:
    """Cut as the product does: what is compared is the cost of the same chunks."""
    texts: list[str] = []
    async with SandboxedParser() as parser:
        for path in files:
            parsed = await parser.parse(path, filename=path.name)
            title = title_of(parsed)
            chunks = split_document(parsed, characters=_CHARACTERS, overlap=_OVERLAP)
            texts += [f"{header_of(title, path.name, chunk.headings)}\n{chunk.text}" for chunk in chunks]
    return texts


def _run_bare(files: Sequence[Path], texts: Sequence[str], weights: Path) -> tuple[float, float]:
    started, computed = now(), time.process_time()
    for path in files:
        _parse(path)
    workers = len(os.sched_getaffinity(0))
    encoder = Encoder(weights, workers=workers)
    pieces = encoder.split(texts)
    with ThreadPoolExecutor(workers) as executor:
        for _ in executor.map(encoder.encode_passages, _batches(pieces)):
            pass
    return now() - started, time.process_time() - computed


def _parse(path: Path) -> None:
    hash_file(path)
    document = pypdfium2.PdfDocument(path)
    for page in document:
        page.get_textpage().get_text_range()
    document.close()


def _batches(pieces: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    ordered = sorted(pieces, key=len, reverse=True)
    start = 0
    while start < len(ordered):
        count = max(1, _BATCH_PIECES // len(ordered[start]))
        yield ordered[start : start + count]
        start += count


async def _run_product(files: Sequence[Path], home: Path, weights: Path) -> tuple[float, float]:
    async with running(home, APPLIANCE_EMBEDDER__MODEL=str(weights)) as server:
        await server.client.call("GET", "/status")
        computed, started = server.cpu_seconds(), now()
        indexed = await index_set(server.client, QuestionSet(name="pdfs", questions=(), files=files))
        seconds, computed = now() - started, server.cpu_seconds() - computed
    if len(indexed.names) != len(files):
        message = f"{len(indexed.names)} of {len(files)} files were indexed"
        raise RuntimeError(message)
    return seconds, computed
