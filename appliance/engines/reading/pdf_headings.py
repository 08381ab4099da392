"""Guesses the headings of a PDF that has no outline, as most reports have none: what stands out at the top of a page.

A heading found on a page also stands over the pages after it, for a while. Only lines in larger type or in capitals count,
and only rare ones: what stands on many pages is furniture.
"""

from collections import Counter

from appliance.engines.reading.page_text import PageText

_LOOKED_AT = 8  # lines from the top of a page
_REACH = 10  # pages a heading stands over
_LONGEST = 90


def infer_headings(pages: list[PageText]) -> list[tuple[str, ...]]:
    """Give the headings each page begins under."""
    usual = _usual_height(pages)
    candidates = [_stand_out(page, usual) for page in pages]
    counts = Counter(text for found in candidates for text in {text for _index, text in found})
    most = max(3, 0.2 * len(pages))
    inferred: list[tuple[str, ...]] = []
    last, age = "", 0
    for found in candidates:
        rare = [(index, text) for index, text in found if counts[text] <= most]
        top = [text for index, text in rare if index < _LOOKED_AT]
        age += 1
        inferred.append(tuple(top[:3]) if top else (last,) if last and age <= _REACH else ())
        if rare:
            last, age = rare[-1][1], 0
    return inferred


def _usual_height(pages: list[PageText]) -> int:
    """Find the height of the type most of the document is set in, in half points."""
    sizes: Counter[int] = Counter()
    for page in pages:
        for index in range(0, page.line_count(), 3):
            sizes[round(2 * page.heights[index])] += len(page.line(index)[0])
    return sizes.most_common(1)[0][0] if sizes else 0


def _stand_out(page: PageText, usual: int) -> list[tuple[int, str]]:
    """Find the lines that stand out, with their places."""
    found: list[tuple[int, str]] = []
    for index in range(page.line_count()):
        text = page.line(index)[0]
        if len(text) > _LONGEST or "\t" in text or text[-1] in ".,;:-" or not text[0].isalnum():
            continue
        letters = sum(map(str.isalpha, text))
        if letters < 4 or letters < 0.6 * len(text):
            continue
        is_large = round(2 * page.heights[index]) >= 1.15 * usual + 1
        is_capital = text.isupper() and letters >= 10 and " " in text
        if is_large or is_capital:
            found.append((index, text))
    return found
