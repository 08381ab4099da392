"""No call leaves the box: a tripwire in the process, and the ledger of every connection and refusal.

It sees what Python's own sockets do (asyncio's own loop, httpx, asyncpg); a child process or a C library could slip by,
so the proof is the test suite in a network namespace without a route, and the firewall on the box.
"""

import ipaddress
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import urlsplit

from appliance.core.database import now
from appliance.core.settings import is_public_address
from appliance.core.settings_sections import Settings

Verdict = Literal["allowed", "refused"]
_NAME_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Attempt(NamedTuple):
    """One connection or look-up that was tried."""

    at: datetime
    verdict: Verdict
    host: str
    port: int | None
    purpose: str


class Egress:
    """Decides and remembers. Only addresses of the settings that are private, and loopback, are reached."""

    def __init__(self, engines: dict[str, str], *, on_attempt: Callable[[Verdict], None] | None = None) -> None:
        """`engines`: purpose -> URL, as the settings name them."""
        self._purposes: dict[str, str] = {}
        for purpose, url in engines.items():
            if host := urlsplit(url).hostname:
                self._purposes[host] = purpose
        self._addresses: dict[str, str] = {host: p for host, p in self._purposes.items() if _is_address(host)}
        self._on_attempt = on_attempt
        self._unsaved: deque[Attempt] = deque(maxlen=10_000)
        self.watching = False
        self._inside = threading.local()

    def install(self) -> None:
        """Watch this process from now on. An audit hook cannot be taken out again; `close` makes it sleep."""
        self.watching = True
        sys.addaudithook(self._audit)

    def close(self) -> None:
        """Stop watching."""
        self.watching = False

    def take_unsaved(self) -> list[Attempt]:
        """Hand the attempts since the last call over, to be written to the ledger."""
        attempts: list[Attempt] = []
        while self._unsaved:
            attempts.append(self._unsaved.popleft())
        return attempts

    def look_up(self, name: str, *, purpose: str) -> list[str]:
        """Resolve a name that an admin gave, and note it: an engine will connect there, not this process.

        Raises OSError where it leads nowhere. It waits for the resolver: call it off the event loop.
        """
        self._inside.deciding = True
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(name, None)]
        finally:
            self._inside.deciding = False
        if not _is_address(name):
            self._record("allowed", name, None, purpose)
        return found

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watching or getattr(self._inside, "deciding", False):
            return
        if event in _NAME_LOOKUPS:
            self._decide_lookup(arguments[0], arguments[1] if event == "socket.getaddrinfo" else None)
        elif event in _CONNECTIONS and isinstance(arguments[1], tuple):
            host, port, *_ = cast("tuple[Any, ...]", arguments[1])
            self._decide_connection(str(host), int(port))

    def _decide_lookup(self, host: object, port: object) -> None:
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
        if not name or _is_address(name) or name in _LOOPBACK_NAMES or name in self._purposes:
            return
        self._record("refused", name, port if isinstance(port, int) else None, "lookup")
        message = f"looking up {name} is refused: it is no engine of the settings"
        raise PermissionError(message)

    def _decide_connection(self, host: str, port: int) -> None:
        address = host.partition("%")[0]
        if _is_loopback(address):
            if address in self._addresses:
                self._record("allowed", host, port, self._addresses[address])
            return
        purpose = self._addresses.get(address) or self._resolved_purpose(address)
        if purpose and not is_public_address(address):
            self._record("allowed", host, port, purpose)
            return
        self._record("refused", host, port, purpose or "unknown")
        message = f"connecting to {host} is refused: it is no private engine of the settings"
        raise PermissionError(message)

    def _resolved_purpose(self, address: str) -> str | None:
        """Match an address against the names of the settings, resolved now."""
        self._inside.deciding = True
        try:
            for name, purpose in self._purposes.items():
                if not _is_address(name) and address in {entry[4][0] for entry in _resolve(name)}:
                    return purpose
        finally:
            self._inside.deciding = False
        return None

    def _record(self, verdict: Verdict, host: str, port: int | None, purpose: str) -> None:
        self._unsaved.append(Attempt(now(), verdict, host, port, purpose))
        if self._on_attempt:
            self._on_attempt(verdict)


def engine_addresses(settings: Settings) -> dict[str, str]:
    """Name every address the settings allow the process to reach, by purpose."""
    addresses = {"database": settings.database.url, "event_bus": settings.event_bus.url}
    if settings.language_model.kind != "none":
        addresses["language_model"] = settings.language_model.url
    if settings.embedder.kind != "minilm":
        addresses["embedder"] = settings.embedder.url
    if settings.vector_store.kind == "qdrant":
        addresses["vector_store"] = settings.vector_store.url
    if settings.object_store.kind == "s3":
        addresses["object_store"] = settings.object_store.endpoint
    return {purpose: url for purpose, url in addresses.items() if url}


def _resolve(name: str) -> Iterable[Any]:
    try:
        return socket.getaddrinfo(name, None)
    except OSError:
        return ()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host in _LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
