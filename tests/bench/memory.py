"""What the appliance holds while 1 000 documents are indexed, and after: it must be flat."""

import asyncio
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from appliance.cli.evaluate import index_set
from appliance.features.knowledge.evaluation import QuestionSet
from tests.bench.figures import Figure, at_most
from tests.bench.made_up import text
from tests.bench.server import Running, running
from tests.made_files import pdf

_DOCUMENTS = 1_000
_WORDS_PER_PAGE = 150
_SAMPLE_SECONDS = 1.0
_AFTER_SECONDS = 30.0


async def measure(directory: Path) -> list[Figure]:
    """Half Markdown, half PDF of two pages; looked at once a second."""
    with TemporaryDirectory() as folder:
        files = _write(Path(folder))
        async with running(directory / "memory") as server:
            await asyncio.sleep(5)
            before = server.resident_bytes() / 1024**2
            samples: list[float] = []
            watching = asyncio.create_task(_watch(server, samples))
            indexed = await index_set(server.client, QuestionSet(name="memory", questions=(), files=files))
            watching.cancel()
            await asyncio.sleep(_AFTER_SECONDS)
            after = server.resident_bytes() / 1024**2
    fifth = max(1, len(samples) // 5)
    second, last = median(samples[fifth : 2 * fifth]), median(samples[-fifth:])
    note = (
        f"{len(indexed.names)} documents, highest of {len(samples)} samples over all processes; before {before:.0f} MB, "
        f"second fifth {second:.0f} MB, last fifth {last:.0f} MB, {_AFTER_SECONDS:.0f} s after {after:.0f} MB"
    )
    return [
        at_most("resident while indexing 1 000 documents", max(samples), 700, 700, " MB", note=note),
        at_most("… growth from the second fifth to the last", last / second, 1.15, 1.05, " x"),
    ]


async def _watch(server: Running, samples: list[float]) -> None:
    while True:
        samples.append(await asyncio.to_thread(server.resident_bytes) / 1024**2)
        await asyncio.sleep(_SAMPLE_SECONDS)


def _write(folder: Path) -> list[Path]:
    random = Random(1)
    files: list[Path] = []
    for number in range(_DOCUMENTS):
        if number % 2:
            path = folder / f"report-{number}.md"
            path.write_text(f"# {text(random, 6)}\n\n{text(random, 2 * _WORDS_PER_PAGE)}", encoding="utf-8")
        else:
            path = folder / f"report-{number}.pdf"
            path.write_bytes(pdf([_page(random), _page(random)]))
        files.append(path)
    return files


def _page(random: Random) -> list[tuple[float, float, str]]:
    sentences = text(random, _WORDS_PER_PAGE).split(". ")
    return [(72, 740 - 14 * line, sentence) for line, sentence in enumerate(sentences)]
