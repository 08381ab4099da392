"""Citations in a stream: held back until it is known whether they name a passage."""

import re

_LONGEST = 200


class CitationFilter:
    """Lets text through as it comes; a bracket that may become a citation waits for its end."""

    def __init__(self, known: int) -> None:
        """`known`: how many passages there are."""
        self._known = known
        self._held = ""

    def push(self, text: str) -> str:
        """Take a piece in, give what can be shown."""
        self._held += text
        start = _unclosed_bracket(self._held)
        if len(self._held) - start > _LONGEST:
            start = len(self._held)
        ready, self._held = self._held[:start], self._held[start:]
        return remove_unknown_citations(ready, self._known)

    def end(self) -> str:
        """Give what was held back to the last."""
        ready, self._held = self._held, ""
        return remove_unknown_citations(ready, self._known)


def _unclosed_bracket(text: str) -> int:
    """Say where a bracket opens, with the space before it, that may yet become a citation; the text's length if none.

    Brackets nest: in `[1[42]` the first one is open still, and would close around whatever is left of its inside.
    """
    start, closed = len(text), 0
    for position in range(len(text) - 1, -1, -1):
        character = text[position]
        if character == "]":
            closed += 1
        elif character == "[" and closed:
            closed -= 1
        elif character == "[":
            start = position
        elif not (character.isdecimal() or character.isspace() or character in ",;"):
            break
    return start - 1 if start < len(text) and text[start - 1 : start].isspace() else start


_CITATION = re.compile(r"\s?\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")


def remove_unknown_citations(answer: str, known: int) -> str:
    """Take citations out that name no passage, and write lists as single ones: `[1, 9]` becomes `[1]` of 8.

    What a removal brings together may read as a citation in its turn (`[9[9]]`): it goes too.
    """

    def keep(match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        kept = "".join(f"[{number}]" for number in dict.fromkeys(numbers) if 1 <= number <= known)
        return match.group()[: len(match.group()) - len(match.group().lstrip())] + kept if kept else ""

    shown = _CITATION.sub(keep, answer)
    while shown != answer:
        answer, shown = shown, _CITATION.sub(keep, shown)
    return shown


def cited_numbers(text: str) -> list[int]:
    """List the numbers a text cites, in order, each once."""
    numbers = [int(number) for match in _CITATION.finditer(text) for number in re.findall(r"\d+", match[1])]
    return list(dict.fromkeys(numbers))


def without_citations(text: str) -> str:
    """Put spaces in place of citations, so that offsets stay."""
    return _CITATION.sub(lambda match: " " * len(match.group()), text)
