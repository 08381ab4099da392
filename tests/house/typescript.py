"""Writes the interface's types from the API's own description: `python -m tests.house.typescript [--write]`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from appliance.asgi import create_litestar
from appliance.bootstrap import build
from appliance.core.error_shapes import PROBLEM_SHAPE, shape_of
from appliance.core.openapi import describe
from appliance.core.settings import load_settings
from tests.house.layout import WEB

NAMED_CHOICES = {
    "Language": ("en", "fr"),
    "Theme": ("system", "light", "dark"),
    "Role": ("admin", "member"),
    "Right": ("owner", "editor", "reader", "manage"),
    "Mode": ("llm", "extractive"),
    "DocumentStatus": ("uploaded", "queued", "parsing", "embedding", "indexed", "failed", "deleting"),
    "JobStatus": ("queued", "running", "done", "dead", "cancelled"),
    "Severity": ("ok", "warning", "failure"),
    "Verdict": ("allowed", "refused"),
    "MessageMode": ("llm", "extractive", "rule", "person"),
    "MessageStatus": ("writing", "done", "stopped", "failed", "interrupted"),
    "DecidedBy": ("model", "classifier", "sticky", "chosen"),
    "Rating": ("up", "down"),
    "ScopeName": (
        *("knowledge", "models", "chat", "bi", "speech", "calls", "inbox", "leads", "metrics", "admin"),
        "all",
    ),
}
TARGET = WEB / "src" / "api" / "schema.ts"
_BEGINNING = """/* The wire, as the appliance's OpenAPI document describes it. Written by `just types`; do not edit. */

export type UUID = string;
export type DateTime = string;

export interface Page<Item> {
  items: Item[];
  total: number;
  limit: number;
  offset: number;
}
"""
_PAGE = re.compile(r"^Page_(?:.*\.)?(\w+)_$")
_REFERENCE = "#/components/schemas/"
_FORMATS = {"uuid": "UUID", "date-time": "DateTime"}
_KINDS = {"integer": "number"}
_Schema = dict[str, Any]


def read_description() -> _Schema:
    """Describe the API of an appliance that is built and not opened."""
    with TemporaryDirectory() as directory:
        appliance = build(load_settings(Path(directory), environment={}))
        try:
            return msgspec.json.decode(describe(create_litestar(appliance).openapi_schema.to_schema()))
        finally:
            appliance.egress.close()
            appliance.passwords.close()


def write_types(description: _Schema) -> str:
    """Write every struct under the name it has on the wire, and a name for each set of choices that has one."""
    schemas: dict[str, _Schema] = description["components"]["schemas"]
    foreign = set(_only_foreign(description))
    sent = set(_reachable(schemas, _references(_bodies(description))))
    choices = [f"export type {name} = {_choice(values)};\n" for name, values in sorted(NAMED_CHOICES.items())]
    structs = [
        _interface(name, schema, is_sent=name in sent)
        for name, schema in sorted(schemas.items())
        if not _PAGE.match(name) and name not in foreign
    ]
    return _BEGINNING + "\n" + "".join(choices) + "\n" + "\n".join(structs)


def _only_foreign(description: _Schema) -> Iterator[str]:
    """Name what only clients that others wrote send or get: the interface speaks none of their wires."""
    schemas: dict[str, _Schema] = description["components"]["schemas"]
    paths: dict[str, Any] = description["paths"]
    ours = [found for path, found in paths.items() if shape_of(path) is PROBLEM_SHAPE]
    theirs = [found for path, found in paths.items() if shape_of(path) is not PROBLEM_SHAPE]
    own = set(_reachable(schemas, _references(ours)))
    return (name for name in _reachable(schemas, _references(theirs)) if name not in own)


def _bodies(description: _Schema) -> list[Any]:
    operations = (
        operation
        for path in description["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    )
    return [operation.get("requestBody") for operation in operations]


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value.removeprefix(_REFERENCE)
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _reachable(schemas: dict[str, _Schema], names: Iterator[str]) -> Iterator[str]:
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            waiting += _references(schemas[name])


def _interface(name: str, schema: _Schema, *, is_sent: bool) -> str:
    """What is sent may leave out what has a default; what is answered is always whole."""
    required = set(schema.get("required", []))
    lines = [
        f"  {key}{'?' if is_sent and key not in required else ''}: {_type(value)};\n"
        for key, value in schema["properties"].items()
    ]
    return f"export interface {name} {{\n{''.join(lines)}}}\n"


def _type(schema: _Schema) -> str:
    if reference := schema.get("$ref"):
        name = reference.removeprefix(_REFERENCE)
        page = _PAGE.match(name)
        return f"Page<{page[1]}>" if page else name
    if "enum" in schema:
        return _named_choice(tuple(schema["enum"]))
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_type(one) for one in schema[several]))
    return _simple_type(schema)


def _simple_type(schema: _Schema) -> str:
    match schema:
        case {"type": "array", "items": items}:
            inner = _type(items)
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case {"type": "object"}:
            values = schema.get("additionalProperties")
            return f"Record<string, {_type(values) if isinstance(values, dict) and values else 'unknown'}>"
        case {"type": str(kind)}:
            return _FORMATS.get(schema.get("format", "")) or _KINDS.get(kind, kind)
        case _:
            return "unknown"


def _named_choice(values: tuple[str, ...]) -> str:
    """Name some choices. The description writes « nothing » as one more word."""
    given = tuple(value for value in values if value not in {None, "None"})
    names = [name for name, known in NAMED_CHOICES.items() if set(known) == set(given)]
    written = names[0] if names else _choice(given)
    return written if len(given) == len(values) else f"{written} | null"


def _choice(values: tuple[str, ...]) -> str:
    return " | ".join(f'"{value}"' for value in values)


if __name__ == "__main__":
    if "--write" in sys.argv:
        TARGET.write_text(write_types(read_description()), encoding="utf-8")
    else:
        sys.stdout.write(write_types(read_description()))
