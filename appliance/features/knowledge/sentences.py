"""Where sentences begin and end, in prose and in lists, tables and headings, in English and French."""

import re
from typing import NamedTuple

_END = re.compile(r"[.!?…]+(?:[\"'”’)\]]|[ \u00a0\u202f]?»)*(?:\s*\[\d{1,3}\])*(?=\s|$)|\n+")
_ABBREVIATIONS = re.compile(
    r"(?:\b(?:M|MM|Mme|Mlle|Dr|Pr|Me|St|Ste|Mr|Mrs|Ms|Prof|Sr|Jr|Inc|Corp|Ltd|Co|Cie|No|Nos|Art|art|al|fig|Fig|vol|p|pp|"
    r"etc|cf|env|approx|vs|e\.g|i\.e|c\.-à-d|ex|av|apr|J\.-C|chap|éd|ed|tél|tel|n°|U\.S|U\.K|Jan|Feb|Mar|Apr|Jun|Jul|Aug|"
    r"Sept|Sep|Oct|Nov|Dec|janv|févr|juil|déc)|\b[A-Z])\.$"
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,2}\.$")


class Span(NamedTuple):
    """A stretch of a text, in code points."""

    start: int
    end: int


def find_sentences(text: str) -> list[Span]:
    """List the sentences of a text in order, without the white space around them.

    A line break ends a sentence too: rows of tables, headings and list items are sentences of their own.
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        is_break = match.group().startswith("\n")
        if not is_break and _continues(text, start, match):
            continue
        spans.append(Span(start, match.end()))
        start = match.end()
    spans.append(Span(start, len(text)))
    trimmed = (_trim(text, span) for span in spans)
    return [span for span in trimmed if span.start < span.end]


def _continues(text: str, start: int, match: re.Match[str]) -> bool:
    """An abbreviation, an initial or a list number before the point; a small letter after it."""
    before = text[max(start, match.start() - 12) : match.start() + 1]
    if match.group()[0] == "." and (
        _ABBREVIATIONS.search(before) or _LIST_NUMBER.search(text[start : match.start() + 1])
    ):
        return True
    following = text[match.end() : match.end() + 3].lstrip()
    return match.group() == "." and following[:1].islower()


def _trim(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
