"""Cutting text into words and numbers the way people write them: elisions, joined digits, decimal commas, FY2022."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# Only what is spelled out here ignores case, and runs are possessive: both are several times as fast.
_ELISION = r"(?i:(?:[ldjmtscn]|qu|jusqu|lorsqu|puisqu|quoiqu|quelqu|presqu|entr)['’ʼ](?=[^\W\d_]))?"
_LETTERED = r"(?:[^\W_]++|[\u0300-\u036f]++)++"
_INITIALS = r"[^\W\d_]{1,3}+(?:&[^\W\d_]{1,3}+)++(?![^\W_])"
"""R&D, AT&T: no part of it says what the whole does, and each may be a word too small to be searched for."""
_THOUSANDS = {"spaced": r"[ \u00a0\u202f’',]", "tight": r"[\u00a0\u202f’',]"}
_SPACED = frozenset({"fr", "es", "pt", "it", "de", "nl", "sv", "no", "da", "fi", "pl", "cs", "ru"})
"""Languages that write 1 234 with a blank; in an English table that would be two columns."""
_ELIDING = frozenset({"fr", "it", "ca"})
_GROUP = 3


def _pattern(writing: str, *, elides: bool) -> re.Pattern[str]:
    number = (
        rf"(?=\d)(?:(?<![\w.,])\d{{1,3}}(?:(?:{_THOUSANDS[writing]}\d{{3}})+|(?:\.\d{{3}}){{2,}})(?!\d)(?:[.,]\d+)?"
        r"|(?<![\d.,])\d+[.,]\d+(?![.,]?\d))"
    )
    elision = _ELISION if elides else ""
    return re.compile(rf"(?P<number>{number})|{elision}(?P<word>{_INITIALS}|{_LETTERED})")


_PATTERNS = {(writing, elides): _pattern(writing, elides=elides) for writing in _THOUSANDS for elides in (True, False)}
_PARTS = re.compile(r"[^\W\d_]{2,}|\d+")


class Token(NamedTuple):
    """A word or number as it is written, and its place (code points)."""

    written: str
    start: int
    end: int


def find_tokens(text: str, language: str) -> Iterator[Token]:
    """List words and numbers in order: `l’année` gives `année`, `1 234,5` is one number, so is `1,234.50`."""
    pattern = _PATTERNS["spaced" if language in _SPACED else "tight", language in _ELIDING]
    for match in pattern.finditer(text):
        group = match.lastgroup or "word"
        start, end = match.span(group)
        yield Token(match[group], start, end)


def find_spellings(text: str, language: str) -> set[str]:
    """Give what `find_tokens` finds, each spelling once and without its places."""
    pattern = _PATTERNS["spaced" if language in _SPACED else "tight", language in _ELIDING]
    return {number or word for number, word in pattern.findall(text)}


def normalise(written: str) -> str:
    """Compose, lower, join digits and write the decimal comma as a point."""
    word = unicodedata.normalize("NFKC", written).lower()
    return _join_number(word) if word[0].isdigit() and not word.isalnum() else word


def is_number(word: str) -> bool:
    """Tell a number from a word that holds digits."""
    return word[0].isdigit() and not any(character.isalpha() for character in word)


def _join_number(word: str) -> str:
    """A last group that is not of three digits, or stands alone after more than three, is a fraction."""
    groups = re.split(r"\D", word)
    last = groups[-1]
    is_fraction = word[-len(last) - 1] in ".," and (len(last) != _GROUP or len(groups[0]) > _GROUP)
    return "".join(groups[:-1]) + "." + last if is_fraction else "".join(groups)


def split_mixed(word: str) -> list[str]:
    """Give the parts of letters and digits run together (`fy2022`: `fy`, `2022`); nothing where there is one kind."""
    if word.isalpha() or is_number(word):
        return []
    return _PARTS.findall(word)
