"""What every route must show: one request that works, one that is denied, one that is invalid."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from tests.api.house import House

Kind = Literal["happy", "denied", "invalid"]
KINDS: tuple[Kind, ...] = ("happy", "denied", "invalid")
NEVER_HAPPY = frozenset(
    f"{method} /ollama/api/{name}"
    for method, name in (
        ("POST", "pull"),
        ("POST", "create"),
        ("POST", "push"),
        ("POST", "copy"),
        ("POST", "blobs/{digest:str}"),
        ("DELETE", "delete"),
    )
)
"""Routes that say where their work is done instead."""
Case = Callable[[House], Awaitable[None]]
Register = Callable[[Case], Case]


class RouteCase(NamedTuple):
    """A case of one route (`GET /api/users`): its last call of that path must be answered with `status`."""

    route: str
    kind: Kind
    status: int
    perform: Case


CASES: list[RouteCase] = []


def happy(route: str, status: int = 200) -> Register:
    """It works."""
    return _register(route, "happy", status)


def denied(route: str, status: int) -> Register:
    """Whoever asks may not: 401 for nobody, 403 for a missing role or scope, 404 for what is another's."""
    return _register(route, "denied", status)


def invalid(route: str, status: int = 400) -> Register:
    """What was sent cannot be used."""
    return _register(route, "invalid", status)


def _register(route: str, kind: Kind, status: int) -> Register:
    def register(case: Case) -> Case:
        CASES.append(RouteCase(route, kind, status, case))
        return case

    return register
