"""Passages as they are shown: neighbours that were both found become one, word for word."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from appliance.features.knowledge.ranking import Candidate
from appliance.features.knowledge.repository import FoundChunk
from appliance.features.knowledge.schemas import StageScores
from appliance.features.knowledge.splitting import header_of
from appliance.ports.parser import SECTION_BREAK, Locator

_MOST_MERGED = 3
"""More neighbours than that would fill a model's context with one place."""


class FoundPassage(msgspec.Struct, kw_only=True):
    """A passage that was found. `text` stands in the document at `start`..`end` (code points); `header` names where."""

    document: str
    file_id: UUID
    page: int | None
    score: float
    text: str
    header: str
    chunk_id: UUID
    locator: Locator | None
    headings: tuple[str, ...]
    start: int
    end: int
    collection_id: UUID
    language: str | None
    scores: StageScores


def merge_neighbours(ranked: Sequence[tuple[Candidate, FoundChunk]], limit: int) -> list[FoundPassage]:
    """Show at most `limit` passages, best first; a neighbour on the same page joins the better one before it."""
    groups: list[list[tuple[Candidate, FoundChunk]]] = []
    for candidate, found in ranked:
        group = next((group for group in groups if _joins(group, found)), None)
        if group is not None:
            group.append((candidate, found))
        elif len(groups) < limit:
            groups.append([(candidate, found)])
    return [_passage(group) for group in groups]


def _joins(group: Sequence[tuple[Candidate, FoundChunk]], found: FoundChunk) -> bool:
    first = group[0][1]
    if len(group) >= _MOST_MERGED or first.document_id != found.document_id or first.page != found.page:
        return False
    if first.locator != found.locator:
        return False
    return any(abs(one.position - found.position) == 1 for _candidate, one in group)


def _passage(group: Sequence[tuple[Candidate, FoundChunk]]) -> FoundPassage:
    candidate, best = group[0]
    in_order = sorted((found for _candidate, found in group), key=lambda chunk: chunk.position)
    text, end = in_order[0].text, in_order[0].end
    for chunk in in_order[1:]:
        # Between passages only white space was left out; its length keeps every offset right.
        text += _white_space(chunk.start - end) + chunk.text[max(0, end - chunk.start) :]
        end = max(end, chunk.end)
    return FoundPassage(
        document=best.filename,
        file_id=best.document_id,
        page=best.page,
        score=round(candidate.score, 4),
        text=text,
        header=header_of(best.title, best.filename, best.headings),
        chunk_id=best.id,
        locator=msgspec.convert(best.locator, Locator) if best.locator else None,
        headings=tuple(best.headings),
        start=in_order[0].start,
        end=end,
        collection_id=best.collection_id,
        language=best.language,
        scores=_scores(candidate),
    )


def _white_space(length: int) -> str:
    if length <= 0:
        return ""
    return SECTION_BREAK if length == len(SECTION_BREAK) else "\n" * length if length > 1 else " "


def _scores(candidate: Candidate) -> StageScores:
    return StageScores(
        dense=_rounded(candidate.dense),
        lexical=_rounded(candidate.lexical),
        fused=round(candidate.fused, 4),
        reranked=_rounded(candidate.reranked),
        words=_rounded(candidate.words),
        characters=_rounded(candidate.characters),
        late_interaction=_rounded(candidate.tokens),
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
