"""Which of Tesseract's languages are read: known to the server, which does not import what reads pictures."""

from collections.abc import Sequence


def choose_languages(installed: Sequence[str]) -> str:
    """Choose French and English, else the first that is there; empty for none."""
    wanted = [language for language in ("fra", "eng") if language in installed]
    others = [language for language in installed if language not in {"osd", "equ"}]
    return "+".join(wanted or others[:1])
