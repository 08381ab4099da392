"""The form an error has on the wire: RFC 9457, and under two prefixes the form that other products' clients read.

One place decides by the path; the door, the handlers and the streams of those prefixes all ask here.
"""

from collections.abc import Callable
from http import HTTPStatus

import msgspec

from appliance.core.errors import ApplianceError, Problem
from appliance.core.text import Language

PROBLEM_JSON = "application/problem+json"
_JSON = "application/json"
OPENAI_PREFIX, OLLAMA_PREFIX = "/v1", "/ollama"

_OPENAI_TYPES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}
_OPENAI_CODES = {
    "not_signed_in": "invalid_api_key",
    "generation_busy": "rate_limit_exceeded",
    "too_many_requests": "rate_limit_exceeded",
}
"""Codes that clients look for by OpenAI's names; every other error keeps its own."""
_ABOUT_MODELS = frozenset({"model_not_found", "listed_model_not_found", "embedder_not_found"})


class OpenAIErrorBody(msgspec.Struct, kw_only=True):
    """What went wrong, as OpenAI's clients read it; `param` is the field that is wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(msgspec.Struct):
    """An error of `/v1`."""

    error: OpenAIErrorBody


class OllamaError(msgspec.Struct):
    """An error of `/ollama`."""

    error: str


def openai_error(error: ApplianceError, language: Language, request_id: str | None) -> OpenAIError:
    """Say an error as OpenAI does; the request's id is in the header `X-Request-Id`."""
    del request_id
    server = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = "server_error" if server else _OPENAI_TYPES.get(error.status, "invalid_request_error")
    about_model = error.code in _ABOUT_MODELS
    param = "model" if about_model else error.facts.get("param")
    code = "model_not_found" if about_model else _OPENAI_CODES.get(error.code, error.code)
    return OpenAIError(
        OpenAIErrorBody(
            message=_sentences(error, language),
            type=kind,
            param=param if isinstance(param, str) else None,
            code=code,
        )
    )


def ollama_error(error: ApplianceError, language: Language, request_id: str | None) -> OllamaError:
    """Say an error as Ollama does: one sentence, or two."""
    del request_id
    return OllamaError(_sentences(error, language))


def _sentences(error: ApplianceError, language: Language) -> str:
    problem = error.to_problem(language)
    return f"{problem.detail} {problem.hint}".strip()


def _problem(error: ApplianceError, language: Language, request_id: str | None) -> Problem:
    return error.to_problem(language, request_id=request_id)


class ErrorShape(msgspec.Struct, frozen=True):
    """How errors look under a prefix: the struct they are, its media type, and how one is made."""

    struct: type[msgspec.Struct]
    media_type: str
    make: Callable[[ApplianceError, Language, str | None], msgspec.Struct]


PROBLEM_SHAPE = ErrorShape(Problem, PROBLEM_JSON, _problem)
OPENAI_SHAPE = ErrorShape(OpenAIError, _JSON, openai_error)
OLLAMA_SHAPE = ErrorShape(OllamaError, _JSON, ollama_error)
_BY_PREFIX = {OPENAI_PREFIX: OPENAI_SHAPE, OLLAMA_PREFIX: OLLAMA_SHAPE}


def shape_of(path: str) -> ErrorShape:
    """Find the shape of a path."""
    first = "/" + path.lstrip("/").partition("/")[0]
    return _BY_PREFIX.get(first, PROBLEM_SHAPE)
