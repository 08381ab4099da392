"""Tells the title of a document from what programs put in its place."""

import re

from appliance.engines.reading.text_cleaning import squeeze

_WORTHLESS = re.compile(
    r"(blank page|page vierge|leere seite|untitled|sans titre|(page|slide|folie|diapositive|sheet|feuil)?\W*\d*"
    r"|document\s?\d*|(pr[ée]sentation|classeur|book)\s?\d*|powerpoint presentation|présentation powerpoint)$"
    r"|\S+\.(docx?|xlsx?|pptx?|pdf|indd|qxd|tex|dvi|html?|rtf|odt|ods|odp|cdr|ai|fm|p65)$|microsoft \w+ -|[\d\W_]+$",
    re.IGNORECASE,
)


def sane_title(text: str | None) -> str | None:
    """Clean a title; None for file names, numbers, placeholders and whatever no person wrote."""
    title = squeeze(text or "")
    if not 3 <= len(title) <= 200 or _WORTHLESS.match(title) or sum(map(str.isalpha, title)) < 3:
        return None
    return title
