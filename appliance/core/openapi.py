"""The description of the REST API: as Litestar makes it, with our errors in place of its own."""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from appliance.core.error_shapes import OLLAMA_SHAPE, OPENAI_SHAPE, PROBLEM_SHAPE, ErrorShape, shape_of

EVENT_STREAM = "text/event-stream"
NDJSON = "application/x-ndjson"
_SCHEMAS = "#/components/schemas/"
_TEXT = {"type": "string"}
_EVENT = {
    "type": "object",
    "description": "One server-sent event; `data` is JSON.",
    "properties": {"id": _TEXT, "event": _TEXT, "data": _TEXT},
    "required": ["event", "data"],
}


@dataclass
class MultipartOperation(Operation):
    """Describes a form that is read as it flows, which Litestar cannot see in the handler's signature."""

    def __post_init__(self) -> None:
        """Name the fields."""
        text = Schema(type=OpenAPIType.STRING)
        properties: dict[str, Reference | Schema] = {
            "file": Schema(type=OpenAPIType.STRING, format="binary"),  # pyright: ignore[reportArgumentType]
            "collection": Schema(type=OpenAPIType.STRING, format="uuid"),  # pyright: ignore[reportArgumentType]
            "agent_owner": text,
            "tags": Schema(type=OpenAPIType.ARRAY, items=text),
        }
        schema = Schema(type=OpenAPIType.OBJECT, properties=properties, required=["file"])
        self.request_body = RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=schema)}, required=True)


@dataclass
class BytesOperation(Operation):
    """Describes a body of plain bytes that is read as it flows."""

    def __post_init__(self) -> None:
        """Name the body."""
        schema = Schema(type=OpenAPIType.STRING, format="binary")  # pyright: ignore[reportArgumentType]
        content = {"application/octet-stream": OpenAPIMediaType(schema=schema)}
        self.request_body = RequestBody(content=content, required=True)


@dataclass
class StreamingOperation(Operation):
    """Describes an answer that comes as server-sent events where that was asked for."""

    def __post_init__(self) -> None:
        """Add the second form of the answer."""
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            answer.content = {**(answer.content or {}), EVENT_STREAM: OpenAPIMediaType(schema=Schema())}


@dataclass
class LinesOperation(Operation):
    """Describes an answer that comes as lines of JSON where it is streamed."""

    def __post_init__(self) -> None:
        """Add the second form of the answer."""
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            answer.content = {**(answer.content or {}), NDJSON: OpenAPIMediaType(schema=Schema())}


def describe(schema: dict[str, Any]) -> bytes:
    """Finish the description: every operation may answer a problem, and says so as its path's errors are written."""
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    structs = [shape.struct for shape in (PROBLEM_SHAPE, OPENAI_SHAPE, OLLAMA_SHAPE)]
    _, errors = msgspec.json.schema_components(structs, ref_template=_SCHEMAS + "{name}")
    components.update(errors)
    paths: dict[str, dict[str, Any]] = schema.get("paths", {})
    for path, operation in ((path, operation) for path, found in paths.items() for operation in found.values()):
        answer = _describe_error(shape_of(path))
        if "responses" in operation:
            operation["responses"].pop("400", None)
            operation["responses"].get("204", {}).pop("content", None)
            for response in operation["responses"].values():
                if EVENT_STREAM in response.get("content", {}):
                    response["content"][EVENT_STREAM] = {"schema": _EVENT}
            operation["responses"]["default"] = answer
    return msgspec.json.encode(schema)


def _describe_error(shape: ErrorShape) -> dict[str, Any]:
    return {
        "description": "What went wrong, and what to do next" + (" (RFC 9457)" if shape is PROBLEM_SHAPE else ""),
        "content": {shape.media_type: {"schema": {"$ref": _SCHEMAS + shape.struct.__name__}}},
    }
