"""Telling languages apart: by their little words first, by n-gram statistics only where those do not tell.

Office boxes mostly meet English and French, which little words tell in microseconds; py3langid costs 77 MB and 0.6 s at
its first use (measured), so it is loaded only for longer texts that are in neither, once, and beside whatever else goes on.
"""

import asyncio
import re
import threading
import unicodedata
from functools import cache
from typing import Any

from appliance.engines.language.little_words import LITTLE_WORDS, QUESTION_WORDS

_WORD = re.compile(r"[^\W\d_]+")
_SAMPLE_CHARACTERS = 6_000
_LONG_CHARACTERS = 200
_LEAST_SHARE = 0.22
_CLEAR_LEAD = 1.3
_FRENCH_ELISION = re.compile(r"\b(?:[ldjmtscn]|qu|jusqu|lorsqu|puisqu)['’][^\W\d_]", re.IGNORECASE)
_FRENCH_INVERSION = re.compile(r"-(?:t-)?(?:il|elle|on|ils|elles|ce|vous|nous|je|tu)\b", re.IGNORECASE)
_FRENCH_SPACING = re.compile(r"[^\W\d_][ \u00a0\u202f][?!:;»](?!\S)")
_ACCENTS = {
    "fr": re.compile(r"[éèêàçùâîôûëïœ]"),
    "de": re.compile(r"[äöüß]"),
    "es": re.compile(r"[ñ¿¡áíóú]"),
    "pt": re.compile(r"[ãõ]"),
}
_SCRIPTS = (
    ("ru", "CYRILLIC"),
    ("el", "GREEK"),
    ("ar", "ARABIC"),
    ("he", "HEBREW"),
    ("ja", "HIRAGANA"),
    ("ja", "KATAKANA"),
    ("ko", "HANGUL"),
    ("zh", "CJK"),
    ("hi", "DEVANAGARI"),
    ("th", "THAI"),
)
_LATIN_ENDS = 0x36F  # what follows the Latin blocks and the combining accents
_KNOWN_TO_STATISTICS = (
    "en",
    "fr",
    "de",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "no",
    "fi",
    "pl",
    "cs",
    "ro",
    "hu",
    "tr",
    "ca",
)


def fold(text: str) -> str:
    """Take accents and case away, and write ligatures out: `Œuvre` and `oeuvre` are one."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("œ", "oe").replace("æ", "ae")


class LanguageDetector:
    """Tells the language of texts; what costs time to load is kept."""

    def __init__(self) -> None:
        """Nothing is loaded before a text asks for it."""
        self._statistics: Any = None
        self._loading = threading.Lock()

    async def detect(self, text: str) -> str:
        """Name the language of a text (ISO 639-1); `en` where nothing tells."""
        sample = text[:_SAMPLE_CHARACTERS]
        if script := _detect_script(sample):
            return script
        scores = _score(sample)
        ranked = sorted(scores, key=lambda language: -scores[language])
        best, second = scores[ranked[0]], scores[ranked[1]]
        is_long = len(sample) >= _LONG_CHARACTERS
        if best > 0 and best >= _CLEAR_LEAD * second and (not is_long or best >= _LEAST_SHARE):
            return ranked[0]
        if is_long:
            return await asyncio.to_thread(self._ask_statistics, sample)
        return ranked[0] if best > second else "en"

    def _ask_statistics(self, text: str) -> str:
        with self._loading:
            if self._statistics is None:
                self._statistics = _load_statistics()
        return str(self._statistics.classify(text)[0])


def _score(text: str) -> dict[str, float]:
    """Weigh the languages: little words per word, with accents and elisions counted as a few more."""
    words = [fold(word) for word in _WORD.findall(text)]
    total = max(1, len(words))
    scores = dict.fromkeys(LITTLE_WORDS, 0.0)
    for word in words:
        for language in _spoken_in().get(word, ()):
            scores[language] += 1 / total
    for sign in (_FRENCH_ELISION, _FRENCH_INVERSION, _FRENCH_SPACING):
        scores["fr"] += len(sign.findall(text)) / total
    lowered = text.casefold()
    for language, accents in _ACCENTS.items():
        scores[language] += 0.5 * len(accents.findall(lowered)) / total
    return scores


@cache
def _spoken_in() -> dict[str, list[str]]:
    """Say for each little word which languages have it."""
    found: dict[str, list[str]] = {}
    for language, little in LITTLE_WORDS.items():
        for word in little | QUESTION_WORDS[language]:
            if len(word) > 1:
                found.setdefault(word, []).append(language)
    return found


def _detect_script(text: str) -> str | None:
    letters = [character for character in text if ord(character) > _LATIN_ENDS and character.isalpha()]
    if len(letters) * 3 < sum(character.isalpha() for character in text):
        return None
    counts = dict.fromkeys((language for language, _name in _SCRIPTS), 0)
    for character in letters[:500]:
        name = unicodedata.name(character, "")
        for language, script in _SCRIPTS:
            counts[language] += name.startswith(script)
    if counts["ja"]:  # Japanese mixes kana with Chinese characters
        return "ja"
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else None


def _load_statistics() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    identifier.set_languages(list(_KNOWN_TO_STATISTICS))
    return identifier
