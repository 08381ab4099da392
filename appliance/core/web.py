"""The door: every request passes here before a route sees it.

Host, size, identity, CSRF and origin are checked for all paths alike, so that a new route is closed until someone opens
it. Plain ASGI around the Litestar application: unknown paths answer 401 to strangers like any other.
"""

import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.error_shapes import shape_of
from appliance.core.errors import ApplianceError, Forbidden, InvalidRequest, NotSignedIn, TooLarge
from appliance.core.ids import new_id
from appliance.core.metrics import Metrics
from appliance.core.problems import headers_of
from appliance.core.settings import LoadedSettings
from appliance.core.static import StaticFiles
from appliance.core.text import NUL_SENT, Text, choose_language, describe_bytes

log = structlog.get_logger(__name__)

AsgiScope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

SECURE_COOKIE = "__Host-appliance"
PLAIN_COOKIE = "appliance"
"""Sent beside the secure one over plain HTTP on loopback: clients that are no browser drop Secure cookies there."""
CSRF_HEADER = "x-csrf-token"
UPLOAD_PATHS = {"/api/rag/upload": "upload_bytes", "/api/models/import": "model_bytes"}
"""Where files come in, and which of the limits says how large they may be."""
_FORM_OVERHEAD_BYTES = 64 * 1024
_DRAIN_SECONDS = 2.0
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/health", "/api/login"})
_SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        (
            b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
            b"connect-src 'self'; media-src 'self' blob:; worker-src 'self'; object-src 'none'; base-uri 'none'; "
            b"form-action 'self'; frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"microphone=(self), camera=(), geolocation=(), interest-cohort=()"),
)


class Credentials(msgspec.Struct, frozen=True):
    """What a request showed of itself: a key or a session token, and where it came from."""

    key: str | None
    session: str | None
    peer: str


class Authenticate(Protocol):
    """Who that is; None for nobody. Asked once per request, so that a revoked key is refused at once."""

    async def __call__(self, credentials: Credentials) -> Caller | None:
        """Look it up."""
        ...


class Door:
    """An ASGI application around the Litestar one."""

    def __init__(
        self,
        application: AsgiApp,
        *,
        loaded: LoadedSettings,
        authenticate: Authenticate,
        metrics: Metrics,
        static: StaticFiles,
    ) -> None:
        """`authenticate` comes from the identity room; the kernel knows no table of it."""
        server = loaded.settings.server
        self._application = application
        self._authenticate = authenticate
        self._metrics = metrics
        self._static = static
        self._limits = loaded.settings.limits
        public = urlsplit(server.public_url).hostname
        self._hosts = {name.lower() for name in (*server.allowed_hosts, server.host, public, "localhost") if name}

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        request = _Request(scope, send)
        structlog.contextvars.bind_contextvars(request_id=request.id)
        try:
            await self._admit(request)
        except ApplianceError as error:
            await self._refuse(request, error, receive)
        else:
            target = self._static if request.is_static else self._application
            await target(scope, receive, request.send)
        finally:
            self._record(request)
            structlog.contextvars.clear_contextvars()

    async def _admit(self, request: "_Request") -> None:
        self._check_host(request)
        if request.scope["type"] == "http" and request.method in _SAFE_METHODS and self._static.has(request.path):
            request.is_static = True
            return
        self._check_size(request)
        if b"%00" in request.scope.get("query_string", b""):
            raise InvalidRequest(reason=NUL_SENT)
        caller = await self._authenticate(request.credentials)
        if caller is None:
            if not self._is_open(request):
                raise NotSignedIn
            return
        request.scope["user"] = caller
        structlog.contextvars.bind_contextvars(user_id=str(caller.user_id))
        if caller.via == "session":
            self._check_session_request(request, caller)

    def _is_open(self, request: "_Request") -> bool:
        return request.path in _OPEN_PATHS or (request.path == "/metrics" and _is_loopback(request.credentials.peer))

    def _check_host(self, request: "_Request") -> None:
        """Answer to our own names and to plain addresses only: a rebound DNS name is neither."""
        host = request.header(b"host").rsplit("@")[-1].lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name in self._hosts or _is_address(name):
            return
        raise InvalidRequest(
            reason=Text(
                "The name in the address is not one of this appliance's; it can be added to `server.allowed_hosts`.",
                "Le nom dans l’adresse n’est pas celui de cette appliance ; ajoutez-le à `server.allowed_hosts`.",
            )
        )

    def _check_size(self, request: "_Request") -> None:
        length = request.header(b"content-length")
        setting = UPLOAD_PATHS.get(request.path, "request_bytes")
        limit: int = getattr(self._limits, setting)
        slack = _FORM_OVERHEAD_BYTES if request.path in UPLOAD_PATHS else 0
        if length and (not length.isdigit() or len(length) > 18 or int(length) > limit + slack):
            raise TooLarge(limit=describe_bytes(limit), setting=f"limits.{setting}")

    def _check_session_request(self, request: "_Request", caller: Caller) -> None:
        origin = request.header(b"origin")
        if request.scope["type"] == "websocket" or origin:
            expected = request.header(b"host").lower()
            if request.scope["type"] == "websocket" and urlsplit(origin).netloc.lower() != expected:
                raise Forbidden(needed=Text("a page of this appliance", "une page de cette appliance"))
        if request.method not in _SAFE_METHODS and request.scope["type"] == "http" and request.path != "/api/login":
            token = request.header(CSRF_HEADER.encode())
            if not caller.csrf_token or token != caller.csrf_token:
                raise Forbidden(
                    needed=Text("the header X-CSRF-Token of the session", "l’en-tête X-CSRF-Token de la session")
                )

    async def _refuse(self, request: "_Request", error: ApplianceError, receive: Receive) -> None:
        if request.scope["type"] == "websocket":
            await request.send({"type": "websocket.close", "code": 4000 + int(error.status), "reason": error.code})
            return
        language = choose_language(request.header(b"accept-language"))
        shape = shape_of(request.path)
        body = msgspec.json.encode(shape.make(error, language, request.id))
        headers = {"content-type": shape.media_type, "content-length": str(len(body)), **headers_of(error)}
        if isinstance(error, TooLarge):
            headers["connection"] = "close"
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await request.send({"type": "http.response.start", "status": int(error.status), "headers": encoded})
        if isinstance(error, TooLarge):
            await request.send({"type": "http.response.body", "body": body, "more_body": True})
            await _drain(receive)
            body = b""
        await request.send({"type": "http.response.body", "body": body})

    def _record(self, request: "_Request") -> None:
        seconds = time.perf_counter() - request.started
        route = str(request.scope.get("path_template") or ("static" if request.is_static else "none"))
        self._metrics.requests.labels(request.method, route, str(request.status)).observe(seconds)
        if not request.is_static and route not in {"/health", "/metrics"}:
            log.info(
                "request_answered",
                method=request.method,
                route=route,
                status=request.status,
                milliseconds=round(seconds * 1000, 1),
            )


class _Request:
    """One request on its way through: its headers, its caller and what was answered."""

    def __init__(self, scope: AsgiScope, send: Send) -> None:
        self.scope = scope
        self.id = str(new_id())
        self.method: str = scope.get("method", "WEBSOCKET")
        self.path: str = scope["path"]
        self.started = time.perf_counter()
        self.status = 0
        self.is_static = False
        self._send = send
        self._headers: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            self._headers[name] = value.decode("latin-1")
        scope.setdefault("state", {})["request_id"] = self.id

    def header(self, name: bytes) -> str:
        return self._headers.get(name, "")

    @property
    def credentials(self) -> Credentials:
        client = self.scope.get("client")
        kind, _, key = self.header(b"authorization").partition(" ")
        bearer = key.strip() if kind.lower() == "bearer" else None
        session = None if bearer else _session_cookie(self.header(b"cookie"))
        return Credentials(bearer or None, session, client[0] if client else "")

    async def send(self, message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", [])]
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in _SECURITY_HEADERS if pair[0] not in present]
            headers.append((b"x-request-id", self.id.encode()))
            if not self.is_static and b"cache-control" not in present:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await self._send(message)


async def _drain(receive: Receive) -> None:
    """Read on for a moment: a client that still writes would otherwise see a reset instead of the answer."""
    until = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < until:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


def _session_cookie(header: str) -> str | None:
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return None
    for name in (SECURE_COOKIE, PLAIN_COOKIE):
        if name in cookies:
            return cookies[name].value
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(peer: str) -> bool:
    return _is_address(peer) and ipaddress.ip_address(peer).is_loopback
