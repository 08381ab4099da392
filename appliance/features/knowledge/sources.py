"""What an answer rests on, as it is shown: each passage with the stretch of it that bears the answer."""

from collections.abc import Sequence

from appliance.features.knowledge.grounding import Grounder
from appliance.features.knowledge.merging import FoundPassage
from appliance.features.knowledge.schemas import GroundedSentence, Source
from appliance.features.knowledge.sentences import Span


def to_source(number: int, passage: FoundPassage, span: Span | None) -> Source:
    """Show a passage as a source; `span` is the quoted stretch of its text."""
    quoted = span or Span(0, len(passage.text))
    return Source(
        number=number,
        document=passage.document,
        file_id=passage.file_id,
        page=passage.page,
        score=passage.score,
        quote=passage.text[quoted.start : quoted.end],
        chunk_id=passage.chunk_id,
        locator=passage.locator,
        headings=list(passage.headings),
        start=passage.start + quoted.start,
        end=passage.start + quoted.end,
        collection=passage.collection_id,
        scores=passage.scores,
    )


def quoted_sources(
    text: str,
    passages: Sequence[FoundPassage],
    grounder: Grounder,
    grounded: Sequence[GroundedSentence],
    language: str,
) -> list[Source]:
    """Quote in each source what bears the first sentence that cites it; a passage nobody cites is shown whole."""
    spans: dict[int, Span] = {}
    for sentence in grounded:
        for number in sentence.sources:
            quote = grounder.quote(text[sentence.start : sentence.end], number, language=language)
            if quote and quote.coverage > 0:
                spans.setdefault(number, quote.span)
    return [to_source(number, passage, spans.get(number)) for number, passage in enumerate(passages, 1)]
