"""Another embedder by settings: embedded anew beside the old index, searched throughout, swapped; also over a kill."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.book import Book, found_for, jobs, wait_indexed, wait_quiet
from tests.journeys.life import Life, living
from tests.scripted_ollama import Script, ScriptedOllama

_DOCUMENTS = 8
_SECONDS = 60.0


@pytest.fixture
def ollama() -> Iterator[ScriptedOllama]:
    """An Ollama beside the test, which takes its time to embed."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ScriptedOllama(Script(first_token_seconds=0.25))
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(_SECONDS)
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def dense_scores(life: Life, word: str) -> list[float | None]:
    """What the vectors gave the passages that were found."""
    answer = life.call("POST", "/api/rag/search", json={"query": f"paragraph {word}"})
    assert answer.status == 200, answer
    assert answer.body["degraded"] is None
    return [one["scores"]["dense"] for one in answer.body["results"]]


def search_throughout(life: Life, book: Book, *, until: Any) -> int:
    """Search for everything again and again; counts the rounds."""
    end, rounds = time.monotonic() + _SECONDS, 0
    while not until():
        assert time.monotonic() < end
        for file_id, word in book.kept.items():
            assert found_for(life, word) == {file_id}
        newest = list(book.kept.values())[-1]
        assert any(score is not None for score in dense_scores(life, newest)), "by its vectors too"
        rounds += 1
    return rounds


def indexes(directory: Path) -> set[str]:
    return {path.name for path in (directory / "vectors").iterdir() if path.is_dir()}


def test_another_embedder_takes_over_without_a_pause(
    tmp_path: Path, minilm_folder: Path, ollama: ScriptedOllama
) -> None:
    book = Book()
    minilm: dict[str, object] = {"embedder.model": str(minilm_folder)}
    other: dict[str, object] = {
        "embedder.kind": "ollama",
        "embedder.url": ollama.url,
        "embedder.model": "scripted-embed",
    }

    with living(tmp_path, minilm, embedder=None) as life:
        life.wait_ready()
        for _ in range(_DOCUMENTS):
            book.upload(life, paragraphs=3)
        book.check(life)
    old = indexes(tmp_path)
    assert len(old) == 1

    with living(tmp_path, other, embedder=None) as life:
        life.wait_ready()
        asked = len(ollama.received)
        rounds = search_throughout(life, book, until=lambda: len(ollama.received) > asked + _DOCUMENTS // 2)
        assert rounds > 0
        assert [job["kind"] for job in jobs(life, "running")] == ["index.reembed"]
        assert len(indexes(tmp_path)) == 2, "beside the old one"
        added = book.upload(life, paragraphs=2)

    with living(tmp_path, other, embedder=None) as life:
        life.wait_ready()
        wait_indexed(life, added)
        search_throughout(life, book, until=lambda: jobs(life, "running") == jobs(life, "queued") == [])
        book.check(life)
        assert len(indexes(tmp_path)) == 1
        assert not indexes(tmp_path) & old, "the old one is dropped"
        activated = life.call("GET", "/api/audit?action=index.activated").body["items"]
        assert len(activated) == 1

    ollama.script = Script(first_token_seconds=0.0)
    with living(tmp_path, minilm, embedder=None) as life:
        life.wait_ready()
        wait_quiet(life)
        book.check(life)
        assert indexes(tmp_path) == old, "and back"
