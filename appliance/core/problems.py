"""One way from an error to an answer: RFC 9457 over HTTP or what its path asks for, the same object in a stream."""

from typing import Any, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import ClientException, HTTPException, ValidationException

from appliance.core.caller import Caller
from appliance.core.error_shapes import shape_of
from appliance.core.errors import (
    ApplianceError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unexpected,
)
from appliance.core.text import Language, Text, choose_language

log = structlog.get_logger(__name__)
_NOT_FOUND, _NOT_ALLOWED, _TOO_LARGE, _SERVER = 404, 405, 413, 500


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[msgspec.Struct]:
    """Answer any exception; what was not expected is logged whole and answered without a word of it."""
    known = as_appliance_error(error, method=request.method)
    if known.status >= _SERVER:
        log.error("request_failed", code=known.code, path=request.url.path, exc_info=error)
    shape = shape_of(request.url.path)
    body = shape.make(known, language_of(request), request.state.get("request_id"))
    return Response(body, status_code=int(known.status), media_type=shape.media_type, headers=headers_of(known))


def headers_of(error: ApplianceError) -> dict[str, str]:
    """Name the headers an error brings along."""
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return headers


def language_of(request: Request[Any, Any, Any]) -> Language:
    """Take the browser's language first, then the person's own."""
    caller: object = cast("dict[str, Any]", request.scope).get("user")
    chosen = caller.language if isinstance(caller, Caller) else "en"
    return choose_language(request.headers.get("accept-language"), default=chosen)


def as_appliance_error(error: Exception, *, method: str = "") -> ApplianceError:
    """Read any exception as one of ours."""
    if isinstance(error, ApplianceError):
        return error
    if isinstance(error, ValidationException):
        return InvalidRequest(reason=_explain(error), param=_first_place(error))
    if isinstance(error, HTTPException):
        return _by_status(error, method)
    if isinstance(error, msgspec.ValidationError | msgspec.DecodeError):
        return InvalidRequest(reason=Text(f"{error}.", f"Valeur refusée : {error}."))
    return Unexpected()


def _by_status(error: HTTPException, method: str) -> ApplianceError:
    if error.status_code == _NOT_FOUND:
        return NotFound()
    if error.status_code == _NOT_ALLOWED:
        return MethodNotAllowed(method=method)
    if error.status_code == _TOO_LARGE:
        return TooLarge(limit="limits.request_bytes", setting="limits.request_bytes")
    if error.status_code < _SERVER:
        return InvalidRequest(reason=_explain(error) if isinstance(error, ClientException) else _unreadable())
    return Unexpected()


def _explain(error: HTTPException) -> Text:
    """Name each field that is wrong; the values sent are never repeated."""
    places = [
        f"`{entry.get('key') or entry.get('source') or 'body'}`: {entry.get('message', 'is wrong')}"
        for entry in _entries(error)
    ]
    if not places:
        return _unreadable()
    listed = "; ".join(places)
    return Text(f"{listed}.", f"Valeurs refusées : {listed}.")


def _entries(error: HTTPException) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", error.extra) if isinstance(error.extra, list) else []


def _first_place(error: HTTPException) -> str | None:
    return next((str(entry["key"]) for entry in _entries(error) if entry.get("key")), None)


def _unreadable() -> Text:
    return Text("The body or a parameter cannot be read.", "Le corps ou un paramètre de la demande est illisible.")
