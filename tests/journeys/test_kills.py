"""`kill -9` at every failpoint of upload, index, delete and re-embed: nothing promised is lost, nothing deleted is back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.failpoints import all_failpoints
from tests.journeys.book import Book, wait_indexed, wait_quiet
from tests.journeys.life import Killed, Life, living

_AT_START = tuple(name for name in all_failpoints() if name.startswith("indexes."))
_AT_WORK = tuple(name for name in all_failpoints() if name.startswith(("upload.", "files.", "index.", "delete.")))
_LATER = (
    "index.batch_written:2",  # in the middle of a long document
    "index.batch_written:4",  # while it is indexed again, the old version searched
    "index.points_written:3",
    "index.flipped:3",
    "index.old_points_removed:3",
    "files.blob_stored:3",
    "delete.committed:2",  # in a collection
    "delete.points_deleted:3",
    "delete.row_deleted:2",
    "files.blob_deleted:2",
)
_EVERY_DAY = {"upload.committed", "index.points_written", "files.blob_stored", "delete.committed", "indexes.swapped"}
"""One of each kind of work; CI dies at all of them."""


def _when(name: str) -> Any:
    return name if name in _EVERY_DAY else pytest.param(name, marks=pytest.mark.slow)


class Place:
    """A data directory and what was promised about it, over many lives, each checked before the next."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.book = Book()
        self.embedders = 0
        self.life: Life | None = None

    def begin(self) -> Life:
        """Start where nothing runs, and go on where something does."""
        if self.life is None:
            self.life = Life(self.directory, {}, embedder=f"memory-{self.embedders}")
            self.life.wait_ready()
        return self.life

    def end(self) -> None:
        """Be sure that nothing runs."""
        life, self.life = self.life, None
        if life is not None:
            life.kill()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("kills"))
    yield made
    made.end()


def work(life: Life, book: Book) -> None:
    """Everything people do with documents, so that every step is passed."""
    collection = life.call("POST", "/api/collections", json={"name": "Papers", "chunk_characters": 200})
    assert collection.status == 201
    collection_id = collection.body["id"]
    short = book.upload(life, collection=collection_id)
    long = book.upload(life, paragraphs=70, collection=collection_id)
    wait_indexed(life, short, long)
    assert life.call("POST", f"/api/rag/documents/{long}/retry").status == 200
    wait_indexed(life, long)
    alone = book.upload(life)
    wait_indexed(life, alone)
    book.delete(life, alone)
    book.delete(life, book.upload(life, paragraphs=30))
    book.delete_collection(life, collection_id, short, long)
    book.upload(life)
    wait_quiet(life)


def embed_anew(life: Life) -> None:
    """What a start with another embedder does by itself."""
    life.wait_ready()
    wait_quiet(life)


@pytest.mark.parametrize("failpoint", [_when(name) for name in (*_AT_WORK, *_LATER)])
def test_a_kill_at_work(place: Place, failpoint: str) -> None:
    life = place.begin()
    place.book.upload(life)
    life.arm(failpoint)
    try:
        with pytest.raises(Killed):
            work(life, place.book)
        life.wait_killed()
    finally:
        place.end()
    place.book.check(place.begin())


@pytest.mark.parametrize("failpoint", [_when(name) for name in _AT_START])
def test_a_kill_while_everything_is_embedded_anew(place: Place, failpoint: str) -> None:
    life = place.begin()
    place.book.upload(life)
    wait_quiet(life)
    place.end()
    place.embedders += 1
    with living(place.directory, {"testing.failpoint": failpoint}, embedder=f"memory-{place.embedders}") as dying:
        with pytest.raises(Killed):
            embed_anew(dying)
        dying.wait_killed()
    place.book.check(place.begin())
    assert len(list((place.directory / "vectors").glob("passages-*"))) == 1, "the old index is dropped"
