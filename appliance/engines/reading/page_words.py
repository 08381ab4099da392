"""A word and its place: what PDF text and OCR have in common."""

from typing import NamedTuple


class Word(NamedTuple):
    """One word. Points (or pixels), y downwards, as the page is shown.

    `breaks`: its line ends here in the file's own order. `hyphenated`: the hyphen that ended its line was taken off.
    """

    left: float
    top: float
    right: float
    bottom: float
    text: str
    breaks: bool = False
    hyphenated: bool = False
