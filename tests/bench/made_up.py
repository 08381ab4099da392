"""Made-up words in sentences, drawn as languages draw theirs: a few often, most hardly ever."""

from functools import cache
from random import Random

_WORDS = 20_000
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")


@cache
def _vocabulary() -> tuple[tuple[str, ...], tuple[float, ...]]:
    random = Random(7)
    words = tuple("".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(_WORDS))
    weights: list[float] = []
    total = 0.0
    for rank in range(_WORDS):
        total += 1 / (rank + 10)
        weights.append(total)
    return words, tuple(weights)


def words(random: Random, count: int) -> list[str]:
    """Draw words by rank."""
    known, weights = _vocabulary()
    return random.choices(known, cum_weights=weights, k=count)


def text(random: Random, count: int) -> str:
    """Write so many words in sentences of twelve."""
    drawn = words(random, count)
    return " ".join(" ".join(drawn[start : start + 12]).capitalize() + "." for start in range(0, count, 12))
