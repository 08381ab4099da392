"""The command line speaks the language of the terminal."""

from typing import Any

import msgspec

from appliance.core.settings import terminal_language
from appliance.core.text import Language, Text


def speak() -> Language:
    """Choose the language: French where the terminal's is."""
    return terminal_language()


def say(text: Text, **facts: object) -> str:
    """Say a sentence in the terminal's language."""
    return text.say(speak(), **facts)


def to_json(value: Any) -> str:
    """Write JSON for people and programs alike."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def table(rows: list[list[str]], headers: list[str]) -> str:
    """Lay rows out in columns; the last one may be as long as it is."""
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headers, *rows]
    ]
    return "\n".join(lines)
