"""Every sentence a person may read exists in French and in English; this is the pair."""

from typing import Literal, NamedTuple, cast

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")


class Text(NamedTuple):
    """One sentence in both languages, with `{facts}` to fill in by name."""

    en: str
    fr: str

    def say(self, language: Language, **facts: object) -> str:
        """Fill the sentence of one language in; a fact may be a Text itself, anything else stands as it is."""
        sentence = self.fr if language == "fr" else self.en
        for name, fact in facts.items():
            words = fact.say(language) if isinstance(fact, Text) else str(fact)
            sentence = sentence.replace("{" + name + "}", words)
        return sentence


Words = str | Text
"""What stands as it is (a version, a path, a name), or is said in a language."""


def said(words: Words, language: Language) -> str:
    """Say words in a language; a plain string is the same in all."""
    return words.say(language) if isinstance(words, Text) else words


NUL_SENT = Text("A text holds the character U+0000.", "Un texte contient le caractère U+0000.")


def holds_nul(value: object) -> bool:
    """Tell whether U+0000 stands anywhere in decoded JSON: no text has it, and PostgreSQL cannot keep it."""
    match value:
        case str():
            return "\0" in value
        case list():
            return any(holds_nul(item) for item in cast("list[object]", value))
        case dict():
            pairs = cast("dict[str, object]", value)
            return any("\0" in key or holds_nul(item) for key, item in pairs.items())
        case _:
            return False


def choose_language(accept_language: str | None, *, default: Language = "en") -> Language:
    """Read an Accept-Language header (RFC 9110, 12.5.4) for the better of our two languages."""
    best: tuple[float, Language] | None = None
    for entry in (accept_language or "").split(","):
        tag, _, quality = entry.strip().partition(";q=")
        primary = tag.strip().lower().split("-")[0]
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        for language in LANGUAGES:
            if primary == language and weight > 0 and (best is None or weight > best[0]):
                best = (weight, language)
    return best[1] if best else default


def describe_bytes(size: int) -> Text:
    """Say a number of bytes the way people do, in powers of 1024: `200 MB`, « 200 Mo »."""
    amount, power = float(size), 0
    while amount >= 1024 and power < 4:
        amount, power = amount / 1024, power + 1
    number = f"{amount:.0f}" if amount == int(amount) else f"{amount:.1f}"
    english = f"{number} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
    french = f"{number.replace('.', ',')} {('octets', 'ko', 'Mo', 'Go', 'To')[power]}"
    return Text(english, french)
