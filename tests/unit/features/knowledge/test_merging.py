"""Neighbours that were found together are shown as one passage, word for word."""

from uuid import UUID

from appliance.features.knowledge.merging import merge_neighbours
from appliance.features.knowledge.ranking import Candidate
from appliance.features.knowledge.repository import FoundChunk
from appliance.features.knowledge.splitting import split_document
from appliance.ports.parser import ParsedDocument, Section

TEXT = " ".join(f"Sentence number {number} tells of the weather in one of the towns." for number in range(40))


def _found(text: str = TEXT, *, page: int | None = 1, document: int = 1) -> list[FoundChunk]:
    section = Section(text=text, start=0, page=page, headings=(), locator=None, kind="prose")
    parsed = ParsedDocument(media_type="text/plain", title=None, pages=1, sections=(section,))
    return [
        FoundChunk(
            id=UUID(int=document * 1000 + chunk.position),
            document_id=UUID(int=document),
            position=chunk.position,
            page=chunk.page,
            start=chunk.start,
            end=chunk.end,
            headings=[],
            locator=None,
            text=chunk.text,
            collection_id=UUID(int=9),
            filename="towns.txt",
            title=None,
            language="en",
        )
        for chunk in split_document(parsed, characters=400, overlap=80)
    ]


def _ranked(*found: FoundChunk) -> list[tuple[Candidate, FoundChunk]]:
    return [(Candidate(one.id, score=1 - index / 10), one) for index, one in enumerate(found)]


def test_neighbours_become_one_stretch_of_the_text() -> None:
    chunks = _found()
    merged = merge_neighbours(_ranked(chunks[2], chunks[1]), 10)
    assert len(merged) == 1
    assert merged[0].text == TEXT[merged[0].start : merged[0].end]
    assert merged[0].start == chunks[1].start
    assert merged[0].end == chunks[2].end
    assert merged[0].chunk_id == chunks[2].id
    assert merged[0].score == 1.0


def test_no_more_than_three_become_one() -> None:
    chunks = _found()
    merged = merge_neighbours(_ranked(*chunks[:5]), 10)
    assert [passage.chunk_id for passage in merged] == [chunks[0].id, chunks[3].id]


def test_passages_apart_stay_apart() -> None:
    chunks = _found()
    assert len(merge_neighbours(_ranked(chunks[0], chunks[2]), 10)) == 2


def test_other_documents_stay_apart() -> None:
    assert len(merge_neighbours(_ranked(_found()[0], _found(document=2)[1]), 10)) == 2


def test_a_limit_is_filled_with_what_comes_after_a_merged_neighbour() -> None:
    chunks = _found()
    merged = merge_neighbours(_ranked(chunks[0], chunks[1], chunks[4]), 2)
    assert [passage.chunk_id for passage in merged] == [chunks[0].id, chunks[4].id]
