"""Multipart bodies as they flow: small fields in memory, one file straight to a sink, never the whole body."""

from collections.abc import AsyncIterator
from typing import Protocol, cast

import msgspec
from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,  # pyright: ignore[reportUnknownVariableType] - without annotations
)

from appliance.core.errors import InvalidRequest, TooLarge
from appliance.core.text import NUL_SENT, Text, describe_bytes

_FIELD_BYTES = 64 * 1024
_PARTS = 200


class Sink(Protocol):
    """Where the bytes of the file go."""

    async def write(self, data: bytes) -> None:
        """Take the next bytes; raises TooLarge past the limit."""
        ...


class UploadedForm(msgspec.Struct):
    """The fields of a form, each with all its values, and the name its file was sent under."""

    fields: dict[str, list[str]] = {}
    filename: str | None = None


async def receive_form(stream: AsyncIterator[bytes], *, content_type: str, file_field: str, sink: Sink) -> UploadedForm:
    """Read a multipart/form-data body. Raises InvalidRequest where it is none, is cut short or has no such file."""
    kind, options = cast("tuple[str, dict[str, str]]", parse_options_header(content_type))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise _unreadable(file_field)
    reader = _FormReader(file_field, sink)
    try:
        parser = PushMultipartParser(boundary, max_segment_count=_PARTS)
        with parser:
            async for chunk in stream:
                if not chunk or parser.closed:
                    continue
                for event in parser.parse(chunk):
                    await reader.take(event)
    except ParserLimitReached:
        raise TooLarge(limit=Text(f"{_PARTS} parts", f"{_PARTS} parties"), setting="limits.request_bytes") from None
    except MultipartError:
        raise _unreadable(file_field) from None
    if reader.form.filename is None:
        raise _unreadable(file_field)
    return reader.form


class _FormReader:
    def __init__(self, file_field: str, sink: Sink) -> None:
        self.form = UploadedForm(fields={})
        self._file_field = file_field
        self._sink = sink
        self._segment: MultipartSegment | None = None
        self._value = bytearray()

    async def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._segment = event
            self._value.clear()
            if self._is_file and self.form.filename is not None:
                reason = Text("One file per request.", "Un seul fichier par demande.")
                raise InvalidRequest(reason=reason)
        elif event is None:
            self._end_segment()
        elif self._is_file:
            await self._sink.write(bytes(event))
        else:
            self._value += event
            if len(self._value) > _FIELD_BYTES:
                raise TooLarge(limit=describe_bytes(_FIELD_BYTES), setting="limits.request_bytes")

    @property
    def _is_file(self) -> bool:
        return self._segment is not None and self._segment.name == self._file_field

    def _end_segment(self) -> None:
        if self._segment is None:
            return
        if self._is_file:
            self.form.filename = self._segment.filename or ""
        elif self._segment.name:
            if 0 in self._value:
                raise InvalidRequest(reason=NUL_SENT)
            self.form.fields.setdefault(self._segment.name, []).append(self._value.decode("utf-8", errors="replace"))
        self._segment = None


def _unreadable(file_field: str) -> InvalidRequest:
    return InvalidRequest(
        reason=Text(
            f"The body must be multipart/form-data with one file in the field `{file_field}`.",
            f"Le corps doit être multipart/form-data, avec un fichier dans le champ `{file_field}`.",
        )
    )
