"""Telling that a person asks to be remembered something, by rule.

What it recognises are requests at the start of a sentence: "retiens que …", "souviens-toi que …", "n’oublie pas que …",
"note que je …", "remember that …", "note that I …", also asked politely. Its limits, on purpose: a long message, a quoted
line, what follows a colon ("translate this: …"), a question ("remember that we …?") and a thing pointed at ("remember
that day", "remember when …") are not requests. "Remember that invoice" and "remember that invoices are late" look the same
to a rule that knows no verbs: it may keep one too many, which the person sees and removes.
"""

import re
import unicodedata

LONGEST_MESSAGE = 2_000
LONGEST_MEMORY = 500

_FRENCH = r"""
    (?:retiens|retenez|m[ée]morise[zr]?|retenir|souviens[ -]toi|souvenez[ -]vous|(?:te|vous)\ souvenir
      |rappelle[ -]toi|rappelez[ -]vous|n'oublie[zr]?\ (?:pas|jamais)|ne\ pas\ oublier
      |garde[zr]?\ (?:bien\ )?en\ (?:m[ée]moire|t[êe]te))
    (?:\ (?:bien|donc|aussi|toujours|svp|stp))*
    (?:,?\ s'il\ (?:te|vous)\ pla[iî]t,?)?
    (?:\ que\ |\ qu'|\ ?:\ *(?=\S))
    |(?:note[zr]?|prends\ note|prenez\ note|prendre\ note)(?:\ (?:bien|donc|aussi))?
    \ que\ (?=j'|(?:je|moi|mon|ma|mes|nous|notre|nos|on)\b)
"""
_ENGLISH = r"""
    (?:(?:always\ |also\ |please\ )*(?:remember|don't\ (?:ever\ )?forget|do\ not\ forget|never\ forget|keep\ in\ mind
      |bear\ in\ mind|memori[sz]e))
    (?:\ that\ (?!(?:time|times|day|days|night|evening|morning|afternoon|week|weekend|month|year|summer|winter|moment|one
        |thing|song|film|movie|guy|man|woman|person|place|feeling|conversation|discussion|meeting|for|when|where|too
        |please)\b)
      |\ ?:\ *(?=\S)
      |\ (?=my\ (?:\S+\ ){1,4}(?:is|are)\ ))
    |(?:make\ a\ note|take\ note|note)(?:\ down)?\ that\ (?=(?:I|my|we|our)\b)
"""
_POLITE = r"""
    (?:(?:bonjour|bonsoir|salut|coucou|hello|hi|hey|ok|okay|d'accord|merci|thanks|thank\ you|alors|et|and|mais|but|so|donc|au\ fait
      |by\ the\ way|from\ now\ on|d[ée]sormais|[àa]\ l'avenir)(?:\ [\w-]{2,30})?\ ?[,!:-]?\ )?
    (?:(?:s'il\ (?:te|vous)\ pla[iî]t|stp|svp|please|merci\ de(?:\ bien\ vouloir)?|veuillez|kindly),?\ )?
"""
_ASKING = r"""
    (?:(?:peux|pourrais|veux|voudrais)[ -]tu|tu\ (?:peux|pourrais|dois)|(?:pouvez|pourriez|voulez)[ -]vous
      |vous\ (?:pouvez|pourriez|devez)|il\ faut|j'aimerais\ que\ tu|je\ veux\ que\ tu|je\ voudrais\ que\ tu
      |can\ you|could\ you|will\ you|would\ you|you\ (?:can|should|must)|I\ (?:want|need|would\ like|'d\ like)\ you\ to
      |I'd\ like\ you\ to)
    ,?\ (?:bien\ |please\ |s'il\ (?:te|vous)\ pla[iî]t,?\ |stp\ |svp\ )?
"""
_REQUEST = re.compile(
    rf"{_POLITE}(?P<asking>{_ASKING})?(?:{_FRENCH}|{_ENGLISH})(?P<kept>.+)", re.IGNORECASE | re.VERBOSE | re.DOTALL
)
_END = re.compile(r"[.!?…]+(?=\s|$)|\n+")
_ABBREVIATIONS = "m mm mr mrs ms dr me mme mlle st ste no n° p cf ex etc av bd env tél tel art vs e.g i.e"
_SHORT_FORMS = frozenset(_ABBREVIATIONS.split())
_FAREWELL = re.compile(
    r"[\s,;–-]*\b(?:s'il (?:te|vous) pla[iî]t|stp|svp|please|merci(?: beaucoup| d'avance)?|thanks|thank you|ok)$",
    re.IGNORECASE,
)
_APOSTROPHES = re.compile("[’‘ʼ`´′]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPACES = re.compile(r"[^\S\n]+")


def asked_to_remember(message: str) -> str | None:
    """Give the sentence that a person asks to be remembered; None where nothing says so."""
    if len(message) > LONGEST_MESSAGE:
        return None
    before = ""
    for sentence in _sentences(_SPACES.sub(" ", unicodedata.normalize("NFC", message).strip())):
        kept = None if before.endswith(":") or sentence.startswith((">", "|", "`")) else _kept(sentence)
        if kept:
            return kept
        before = sentence
    return None


def _sentences(text: str) -> list[str]:
    """Cut at sentence ends and line ends; an abbreviation or an initial ends nothing."""
    sentences, start = list[str](), 0
    for end in _END.finditer(text):
        words = text[start : end.start()].split()
        last = words[-1].lower() if words else ""
        if end.group() == "." and (last.lstrip("(") in _SHORT_FORMS or (len(last) == 1 and last.isalpha())):
            continue
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _kept(sentence: str) -> str | None:
    plain = _APOSTROPHES.sub("'", sentence)
    found = _REQUEST.match(plain)
    if found is None or (plain.endswith("?") and not found["asking"]):
        return None
    # Apostrophes are one character each: places in both texts are the same.
    words = " ".join(_CONTROL.sub(" ", sentence[found.start("kept") :]).split()).rstrip(".!?… \u00a0\u202f")
    words = words[: _without_farewell(words)].rstrip(" ,;\u00a0\u202f")
    if len(words) < 2 or not any(character.isalpha() for character in words):
        return None
    if len(words) > LONGEST_MEMORY:
        words = words[: LONGEST_MEMORY - 1].rsplit(" ", 1)[0] + "…"
    return words[0].upper() + words[1:]


def _without_farewell(words: str) -> int:
    found = _FAREWELL.search(_APOSTROPHES.sub("'", words))
    return found.start() if found else len(words)
