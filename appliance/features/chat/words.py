"""Words as full-text search compares them: without case, accents and apostrophes."""

import re
import unicodedata

LONGEST_SEARCHABLE = 100_000
"""Characters of a message that are searched: the rest is kept and read, and found by its beginning."""

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})
_APOSTROPHES = re.compile("['’‘ʼ`´′＇]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_BROKEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"\s")


def searchable(text: str) -> str:
    """Give the words of a text without case, accents and apostrophes; both what is kept and what is sought go through it."""
    plain = _UNSEEN.sub("", _APOSTROPHES.sub(" ", text[:LONGEST_SEARCHABLE]))
    plain = unicodedata.normalize("NFKD", plain).casefold().translate(_LIGATURES)
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", plain)))
    return _SPACES.sub(" ", _BROKEN.sub(" ", plain))[:LONGEST_SEARCHABLE]
