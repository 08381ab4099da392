"""Takes off what a document repeats on each page: running heads and page numbers would be found everywhere.

Careful: only at the edge of the page, only at the same height, only the same words on most pages, and the first
appearance stays. A page's number goes where it keeps its distance from ours.
"""

import re
from collections import Counter

from appliance.engines.reading.page_text import PageText

_DEPTH = 3  # lines looked at from each edge
_LEAST_PAGES = 5
_SHARE = 0.5
_NUMBERS = re.compile(r"\d{1,5}")
_PAGE_NUMBER = re.compile(
    r"(?:page|p\.)?\s*[-–—|]?\s*(?:[a-z]{1,2}-)?(\d{1,5})\s*(?:(?:[/|]|of|sur|de|von|–|-)\s*\d{1,5})?\s*[-–—|]?",
    re.IGNORECASE,
)

_Edge = tuple[str, int]
"""A line with the page's number made alike, and its height in hundredths of the page."""


def drop_furniture(pages: list[PageText]) -> list[PageText]:
    """Take page numbers, running heads and running feet off."""
    if len(pages) < _LEAST_PAGES:
        return pages
    pages = _drop_numbers(_drop_numbers(pages, at_top=False), at_top=True)
    tops, feet = (_edges([_outer_lines(page, from_top=side) for page in pages]) for side in (True, False))
    repeated_tops, repeated_feet = _repeated(tops), _repeated(feet)
    seen: set[_Edge] = set()
    kept: list[PageText] = []
    for page, top, foot in zip(pages, tops, feet, strict=True):
        first, last = _count(top, repeated_tops, seen), _count(foot, repeated_feet, seen)
        seen.update(top, foot)
        kept.append(page.without(first=first, last=last) if first or last else page)
    return kept


def _drop_numbers(pages: list[PageText], *, at_top: bool) -> list[PageText]:
    """Take off the outermost line where it is the page's number: at the same distance from ours on many pages."""
    distances: list[int | None] = []
    for number, page in enumerate(pages):
        line = page.line(0 if at_top else -1)[0] if page.text else ""
        match = _PAGE_NUMBER.fullmatch(line.strip())
        distances.append(int(match[1]) - number if match else None)
    counts = Counter(distance for distance in distances if distance is not None)
    usual, count = counts.most_common(1)[0] if counts else (None, 0)
    if count < max(_LEAST_PAGES - 1, 0.3 * len(pages)):
        return pages
    return [
        page.without(first=int(at_top), last=int(not at_top)) if distance == usual else page
        for page, distance in zip(pages, distances, strict=True)
    ]


def _outer_lines(page: PageText, *, from_top: bool) -> list[tuple[str, float]]:
    """Give the lines nearest to an edge, outermost first, with their heights from 0 to 1."""
    count = min(_DEPTH, page.line_count())
    lines = [page.line(index if from_top else -1 - index) for index in range(count)]
    return [(text, at) for text, at in lines if (at < 0.15 if from_top else at > 0.8) and len(text) <= 160]


def _edges(outer: list[list[tuple[str, float]]]) -> list[list[_Edge]]:
    """Make the outer lines of all pages comparable: only a number that counts the pages may differ, no other."""
    distances = Counter(
        int(found) - number
        for number, lines in enumerate(outer)
        for text, _at in lines
        for found in set(_NUMBERS.findall(text))
    )
    usual, count = distances.most_common(1)[0] if distances else (0, 0)
    counted = count >= max(_LEAST_PAGES - 1, 0.3 * len(outer))

    def name(text: str, number: int) -> str:
        own = str(number + usual)
        return _NUMBERS.sub(lambda match: "#" if match[0] == own else match[0], text) if counted else text

    return [[(name(text, number), round(at * 100)) for text, at in lines] for number, lines in enumerate(outer)]


def _repeated(edges: list[list[_Edge]]) -> set[_Edge]:
    counts: Counter[_Edge] = Counter()
    for edge in edges:
        for text, height in set(edge):
            for near in (height - 1, height, height + 1):
                counts[text, near] += 1
    filled = sum(bool(edge) for edge in edges)
    return {edge for edge, count in counts.items() if count >= max(_LEAST_PAGES - 1, _SHARE * filled)}


def _count(edge: list[_Edge], repeated: set[_Edge], seen: set[_Edge]) -> int:
    """Count how many outer lines go: as long as each is repeated and was seen before."""
    count = 0
    for text, height in edge:
        known = any((text, near) in seen for near in (height - 1, height, height + 1))
        if (text, height) not in repeated or not known:
            break
        count += 1
    return count
