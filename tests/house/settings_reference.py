"""Writes the settings reference from `core/settings_sections.py`: `python -m tests.house.settings_reference [--write]`."""

import sys
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec.structs import FieldInfo

from appliance.core.settings import ENVIRONMENT_PREFIX
from appliance.core.settings_sections import Section, Settings, is_secret
from tests.house.layout import DOCS
from tests.house.settings_meanings import MEANINGS

TARGET = DOCS / "reference" / "settings.md"
_UNITS = {
    "_bytes": "bytes",
    "_seconds": "seconds",
    "_hours": "hours",
    "_days": "days",
    "_tokens": "tokens",
    "_characters": "characters",
    "_pages": "pages",
    "context_length": "tokens",
}
_INTRODUCTION = """# Settings

Settings stand in `appliance.toml` in the data directory (`--config FILE` names another). An environment variable wins over
the file, a flag over both; `appliance config show` says what holds and where it came from. A key that does not exist stops
the start and names the nearest right one.

```toml
[server]
host = "0.0.0.0"

[language_model]
kind = "ollama"
model = "llama3.1:8b"
```

The same as environment variables: `{prefix}SERVER__HOST=0.0.0.0`, `{prefix}LANGUAGE_MODEL__MODEL=llama3.1:8b`; lists are
separated by commas. A secret may stand in a file of its own: `api_key_file = "/run/secrets/key"`, or
`{prefix}LANGUAGE_MODEL__API_KEY_FILE`. The data directory itself is `--data-dir` or `{prefix}DATA_DIR`, by default `./var`.

Addresses of engines must be private or loopback: a public one stops the start.
"""


def fields() -> Iterator[tuple[str, FieldInfo, FieldInfo]]:
    """Walk all settings: dotted name, section, field."""
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            yield f"{section.name}.{field.name}", section, field


def write_reference() -> str:
    """Write the page."""
    parts = [_INTRODUCTION.format(prefix=ENVIRONMENT_PREFIX)]
    for section in msgspec.structs.fields(Settings):
        kind: type[Section] = section.type
        rows = [_row(name, field) for name, owner, field in fields() if owner.name == section.name]
        table = "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *rows])
        parts.append(f"## `[{section.name}]`\n\n{(kind.__doc__ or '').strip()}\n\n{table}\n")
    return "\n".join(parts)


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{field.name}` | {_takes(field)} | {_default(field.default)} | {MEANINGS[name]} |"


def _takes(field: FieldInfo) -> str:
    if is_secret(field):
        return "secret text"
    kind, bounds = field.type, ""
    if metadata := getattr(kind, "__metadata__", ()):
        bounds = _bounds(metadata[0])
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(kind))
    words = {str: "text", bool: "true or false", int: "whole number", float: "number"}.get(kind, "list of texts")
    unit = next((f" of {unit}" for ending, unit in _UNITS.items() if field.name.endswith(ending)), "")
    return f"{words}{unit}{bounds}"


def _bounds(meta: msgspec.Meta) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    said = [f"{word} {_number(bound)}" for key, word in words.items() if (bound := getattr(meta, key)) is not None]
    return "".join(f", {part}" for part in said)


def _default(value: Any) -> str:
    if value in ("", ()):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_number(value)}`" if isinstance(value, int | float) else f"`{value}`"


def _number(value: float) -> str:
    return f"{value:_}" if isinstance(value, int) and value >= 10_000 else f"{value:g}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        TARGET.write_text(write_reference(), encoding="utf-8")
    else:
        sys.stdout.write(write_reference())
