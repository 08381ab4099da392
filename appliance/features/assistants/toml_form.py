"""An assistant as a TOML file: what is exported comes back exactly. Read by the standard library, written here."""

import binascii
import re
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from appliance.core.text import NUL_SENT, Text, holds_nul
from appliance.features.assistants.errors import TomlUnreadable
from appliance.features.assistants.schemas import AssistantIn, Picture

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_ESCAPED_IN_LINES = re.compile(r'"(?=""|"*\Z)|[\\\x00-\x08\x0b-\x1f\x7f]')


class ImportedAssistant(msgspec.Struct, frozen=True):
    """What a file describes; the picture's bytes are not looked at yet."""

    assistant: AssistantIn
    picture: bytes | None


def read_toml(text: str) -> ImportedAssistant:
    """Read an assistant. Raises TomlUnreadable with the line or the field that is wrong."""
    try:
        values: dict[str, Any] = tomllib.loads(text)
        if holds_nul(values):
            raise TomlUnreadable(reason=NUL_SENT)
        shown = values.pop("picture", None)
        picture = _read_picture(shown) if shown is not None else None
        return ImportedAssistant(msgspec.convert(values, AssistantIn), picture)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        words = str(error) or type(error).__name__
        raise TomlUnreadable(reason=Text(f"TOML: {words}.", f"TOML : {words}.")) from None


def _read_picture(shown: object) -> bytes:
    data = cast("Mapping[str, object]", shown).get("data") if isinstance(shown, dict) else None
    try:
        return b64decode(data, validate=True) if isinstance(data, str) else _no_picture()
    except (binascii.Error, ValueError):
        return _no_picture()


def _no_picture() -> bytes:
    raise TomlUnreadable(
        reason=Text("`picture.data` is not base64.", "`picture.data` n’est pas du base64."),
    )


def write_toml(assistant: AssistantIn, picture: Picture | None = None) -> str:
    """Write an assistant, its tables last."""
    values = cast("dict[str, Any]", msgspec.to_builtins(assistant))
    tables = {"retrieval": values.pop("retrieval")}
    if picture is not None:
        data = b64encode(picture.content).decode()
        tables["picture"] = {"media_type": picture.media_type, "data": data}
    lines = [f"{name} = {_value(value)}" for name, value in values.items() if value is not None]
    for title, table in tables.items():
        lines += ["", f"[{title}]", *(f"{name} = {_value(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _lines(value) if "\n" in value else _string(value)
        case _:
            return _list(cast("Sequence[object]", value))


def _list(values: Sequence[object]) -> str:
    """One value a line, so that a change of one shows as one."""
    if not values:
        return "[]"
    # A list's strings stay on their line.
    written = [_string(value) if isinstance(value, str) else _value(value) for value in values]
    return "[\n" + "".join(f"  {value},\n" for value in written) + "]"


def _string(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _lines(text: str) -> str:
    """Keep line ends as they are; the line end after the opening marks is not part of the text."""
    return '"""\n' + _ESCAPED_IN_LINES.sub(_escape, text) + '"""'


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return _ESCAPES.get(character) or f"\\u{ord(character):04X}"
