"""Makes the characters of any file the characters a person would type, so that words are found and read.

Canonical composition everywhere; compatibility forms only where they are another way to write the same letters
(ligatures, full width, presentation forms, mathematical alphabets, Kangxi radicals). Not superscripts or fractions:
NFKC would read 10² as 102.
"""

import re
import unicodedata
from typing import Final

_SAME_LETTERS = re.compile(
    "[\u0132\u0133\u01c4-\u01cc\u2126\u212a\u212b\u2e80-\u2fd5\ufb00-\ufb4f\ufb50-\ufdcf\ufdf0-\ufdfc\ufe70-\ufefc\uff01-\uffee"
    "\U0001d400-\U0001d7ff]"
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SPACES = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029\x0b\x0c]")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\ue000-\uf8ff\ufffd]")

_SYMBOL_FONTS: Final = {  # private-use codes that Word's symbol fonts leave in PDF and DOCX
    **dict.fromkeys(map(chr, (0xF0B7, 0xF0A7, 0xF06C, 0xF06E, 0xF0A8, 0xF076, 0xF0D8, 0xF0E0, 0xF071, 0xF09F)), "•"),
    **dict.fromkeys(map(chr, (0xF0FC, 0xF0FE, 0xF052, 0xF050)), "✓"),
    **dict.fromkeys(map(chr, (0xF0FB, 0xF0FD, 0xF054, 0xF051)), "✗"),
    "\uf0a3": "≤",
    "\uf0b3": "≥",
    "\uf0b1": "±",
    "\uf0b4": "×",
    "\uf0b0": "°",
    "\uf02d": "-",
    "\uf020": " ",
}


def clean(text: str) -> str:
    """Clean a run of text; line ends become line feeds, tabs stay. Plain ASCII comes back as it is."""
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    if _PAIR.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if text.isascii():
        return _INVISIBLE.sub("", text)
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text))
    text = _PRIVATE.sub(_read_private, text)
    text = _SAME_LETTERS.sub(_compose, text)
    return unicodedata.normalize("NFC", text)


def unreadable_characters(text: str) -> int:
    """Count what a font without a character map leaves: control codes, private use, replacement characters."""
    return len(_UNREADABLE.findall(text))


def readable_characters(text: str) -> int:
    """Count letters and digits: what tells a page of text from a page without."""
    return sum(map(str.isalnum, text))


def squeeze(text: str) -> str:
    """Clean and put on one line: for titles, headings, cells."""
    return " ".join(clean(text).split())


def _compose(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _read_private(match: re.Match[str]) -> str:
    character = match[0]
    if "\uf761" <= character <= "\uf77a":  # Adobe's small capitals
        return chr(ord(character) - 0xF700).upper()
    return _SYMBOL_FONTS.get(character, "")
