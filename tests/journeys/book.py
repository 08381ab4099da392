"""What was promised to somebody: kept by the test, outside of what dies, and held against what is there afterwards."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.journeys.life import Answer, Life

_SECONDS = 45.0
_QUIET_LOOKS = 3
_PAUSE = 0.05
_NEWEST = 8


@dataclass
class Book:
    """Texts by the document that holds them, each with a word nobody else has."""

    kept: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    uncertain: dict[str, str] = field(default_factory=dict)
    """A deletion that was asked for and not acknowledged: there wholly, or not at all."""

    def upload(self, life: Life, *, paragraphs: int = 1, **fields: str) -> str:
        """Send a text; it is promised once the answer is here."""
        word = f"w{uuid4().hex}"
        text = "\n\n".join(f"{word} stands in paragraph {number}. {_FILLER}" for number in range(paragraphs))
        answer = life.call("POST", "/api/rag/upload", upload=(f"{word}.txt", text), fields=fields)
        assert answer.status == 201, answer
        self.kept[answer.body["file_id"]] = word
        return answer.body["file_id"]

    def delete(self, life: Life, file_id: str) -> None:
        """Delete a document; it is gone for good once the answer is here."""
        self.uncertain[file_id] = self.kept.pop(file_id)
        answer = life.call("DELETE", f"/api/rag/documents/{file_id}")
        assert answer.status == 204, answer
        self.gone[file_id] = self.uncertain.pop(file_id)

    def delete_collection(self, life: Life, collection_id: str, *documents: str) -> None:
        """Delete a collection with its documents."""
        for file_id in documents:
            self.uncertain[file_id] = self.kept.pop(file_id)
        answer = life.call("DELETE", f"/api/collections/{collection_id}")
        assert answer.status == 204, answer
        for file_id in documents:
            self.gone[file_id] = self.uncertain.pop(file_id)

    def check(self, life: Life) -> None:
        """Hold every promise against what is there, once nothing moves any more; the newest word by word."""
        wait_quiet(life)
        there = self._list(life)
        for file_id in list(self.uncertain):
            (self.kept if file_id in there else self.gone)[file_id] = self.uncertain.pop(file_id)
        unfinished = {file_id: document for file_id, document in there.items() if document["status"] != "indexed"}
        assert not unfinished
        assert set(self.kept) <= set(there), "an acknowledged upload is lost"
        assert not set(self.gone) & set(there), "a deleted document is there"
        for file_id, word in list(self.kept.items())[-_NEWEST:]:
            assert file_id in found_for(life, word), "an acknowledged upload is not found"
            assert life.call("GET", f"/api/rag/documents/{file_id}/content").status == 200
        for file_id, word in list(self.gone.items())[-_NEWEST:]:
            assert found_for(life, word) == set(), "a deleted passage is found again"
            assert life.call("GET", f"/api/rag/documents/{file_id}").status == 404
        proof = life.call("POST", "/api/fsck")
        assert proof.body["discrepancies"] == []
        assert proof.body["ok"]

    def _list(self, life: Life) -> dict[str, Any]:
        """Every document, by its id."""
        found: dict[str, Any] = {}
        while True:
            page = life.call("GET", f"/api/rag/documents?limit=100&offset={len(found)}").body
            found |= {document["file_id"]: document for document in page["documents"]}
            if len(found) >= page["total"]:
                return found


_FILLER = "The rest of it is made of plain words that many documents have, so that it has some length. " * 2


def found_for(life: Life, word: str) -> set[str]:
    """The documents in which a word is found."""
    answer = life.call("POST", "/api/rag/search", json={"query": word, "limit": 100})
    assert answer.status == 200, answer
    return {one["file_id"] for one in answer.body["results"] if word in one["text"]}


def wait_indexed(life: Life, *documents: str) -> None:
    """Wait for documents to be found."""
    for file_id in documents:
        answer = life.call("POST", "/api/rag/index", json={"file_id": file_id})
        assert answer.status == 200, answer


def wait_quiet(life: Life) -> None:
    """Wait until no job waits or runs; none may have failed for good."""
    until = time.monotonic() + _SECONDS
    quiet = 0
    while quiet < _QUIET_LOOKS:  # a job that moves on, or leads to another, may be missed by one look
        open_jobs = [job for status in ("queued", "running") for job in jobs(life, status)]
        quiet = 0 if open_jobs else quiet + 1
        assert time.monotonic() < until, open_jobs
        time.sleep(_PAUSE)
    assert jobs(life, "dead") == []


def jobs(life: Life, status: str) -> list[Any]:
    """The jobs of one state."""
    answer: Answer = life.call("GET", f"/api/jobs?status={status}&limit=100")
    assert answer.status == 200, answer
    return answer.body["items"]
