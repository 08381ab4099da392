"""What a client calls a file is a label: cleaned to be shown, never used as a path."""

import re
import unicodedata

_LONGEST = 255
# Control, format (bidirectional overrides, zero width joiners of names), surrogate and unassigned characters.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
_KEPT_FORMAT = "\u200d\ufe0f"


def clean_filename(sent: str) -> str:
    """Make a label of a sent name: its last component, composed (NFC), shown as it reads, at most 255 characters."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", sent))[-1]
    name = "".join(
        character
        for character in name
        if character in _KEPT_FORMAT or unicodedata.category(character) not in _UNSHOWABLE
    )
    name = re.sub(r"\s+", " ", name).strip(" .") if name.strip(" .") else ""
    if not name:
        return "unnamed"
    if len(name) > _LONGEST:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[: _LONGEST - len(suffix) - 2]}…{dot}{suffix}" if dot and len(suffix) <= 16 else name[:_LONGEST]
    return name
