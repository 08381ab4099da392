"""Finds out how text was written down: UTF-8, UTF-16, UTF-32, or one of the old one-byte alphabets.

French text in an old alphabet is decided by which of them makes its high bytes French letters: statistics over short
texts often guess a neighbouring alphabet instead. Anything else is left to charset-normalizer.
"""

import codecs
from collections import Counter

from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = ("cp1252", "mac_roman", "cp850")
# fmt: off
_WEIGHTS = {  # about how often the characters stand in a thousand of French, German and Spanish text
    "é": 19, "è": 4, "à": 5, "ê": 3, "ç": 2, "ô": 1, "ù": 1, "û": 0.6, "î": 0.6, "â": 0.6, "ï": 0.2, "ë": 0.2, "œ": 0.4,
    "É": 0.6, "À": 0.2, "È": 0.1, "Ê": 0.1, "Ç": 0.1, "Ô": 0.1, "Œ": 0.1, "æ": 0.05, "’": 9, "‘": 0.2, "“": 1, "”": 1,
    "«": 1, "»": 1, "\xa0": 2, "–": 1, "—": 0.5, "…": 0.5, "€": 0.5, "°": 0.5, "£": 0.1, "§": 0.1, "²": 0.1, "•": 0.5,
    "ä": 2, "ö": 1, "ü": 3, "ß": 1, "Ä": 0.1, "Ö": 0.1, "Ü": 0.2, "á": 2, "í": 2, "ó": 3, "ú": 0.7, "ñ": 1, "½": 0.05,
    "³": 0.05, "×": 0.05, "±": 0.05, "·": 0.05, "™": 0.05, "®": 0.05, "©": 0.05,
}
# fmt: on
_SAMPLE = 1 << 16
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\x0b\x0c\r\x1b\x08")


def decode(data: bytes, *, stated: str | None = None) -> str | None:
    """Decode text; None for bytes that are not text. `stated`: the encoding the file names, tried where it fits."""
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None) or _guess_wide(data)
    if marked:
        text = data.decode(marked, errors="replace")
        return text if text.count("\ufffd") <= 0.05 * len(text) else None
    if _looks_binary(data):
        return None
    for encoding in ("utf-8", stated):
        if encoding and (text := _try(data, encoding)) is not None:
            return text
    return data.decode("utf-8", errors="replace") if _bad_bytes(data) < 0.002 else _decode_narrow(data)


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _guess_wide(data: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 without a mark by where their zero bytes stand."""
    sample = data[: _SAMPLE & ~3]
    if len(sample) < 4 or b"\x00" not in sample:
        return None
    quarters = [sample[offset::4].count(0) / (len(sample) / 4) for offset in range(4)]
    for encoding, zeros in (("utf-32-le", (1, 2, 3)), ("utf-32-be", (0, 1, 2))):
        if len(data) % 4 == 0 and sum(quarters[place] for place in zeros) > 2.6 and sum(quarters) < 3.2:
            return encoding
    even, odd = sample[::2].count(0) / (len(sample) / 2), sample[1::2].count(0) / (len(sample) / 2)
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    if even > 0.4 and odd < 0.05:
        return "utf-16-be"
    return None


def _looks_binary(data: bytes) -> bool:
    sample = data[:_SAMPLE]
    controls = sum(sample.count(code) for code in _CONTROL)
    return b"\x00" in sample or controls > 0.01 * len(sample)


def _bad_bytes(data: bytes) -> float:
    """Give the share of a sample that is not UTF-8; 1 where hardly anything else is either."""
    sample = data[:_SAMPLE]
    text = sample.decode("utf-8", errors="replace")
    high = sum(byte > 127 for byte in sample)
    bad = text.count("\ufffd")
    return bad / max(1, len(text)) if bad < 0.2 * high else 1.0


def _decode_narrow(data: bytes) -> str | None:
    high = Counter(byte for byte in data[: 1 << 20] if byte > 127)
    total = high.total()
    best, best_score = "", 0.0
    for encoding in _WESTERN:
        letters = [(bytes([byte]).decode(encoding, "replace"), count) for byte, count in high.items()]
        usual = sum(count for letter, count in letters if letter in _WEIGHTS)
        score = sum(count * _WEIGHTS.get(letter, 0.0) for letter, count in letters)
        if usual >= 0.85 * total and score > best_score:
            best, best_score = encoding, score
    if best:
        return data.decode(best, errors="replace")
    guess = from_bytes(data[:_SAMPLE]).best()
    if guess is not None and (text := _try(data, guess.encoding)) is not None:
        return text
    return data.decode("cp1252", errors="replace") if total < 0.3 * len(data) else None
