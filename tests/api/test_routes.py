"""Every route works, refuses whom it must, and says what is wrong with what it was sent."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from tests.api.cases import CASES, KINDS, NEVER_HAPPY, RouteCase
from tests.api.house import House

for _module in sorted(Path(__file__).parent.glob("routes_*.py")):
    import_module(f"tests.api.{_module.stem}")

pytestmark = pytest.mark.asyncio(loop_scope="module")
_OURS_ALONE = "/api/docs/litestar"
"""Litestar's own mount point for viewers that it does not have here."""


_SECONDS = 60.0


def routes_of(app: Litestar) -> Iterator[str]:
    """Name every route as `METHOD /path/{parameter:kind}`."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and not route.path_format.startswith(_OURS_ALONE):
            yield from (f"{method} {route.path}" for method in route.methods if method not in {"OPTIONS", "HEAD"})


async def test_every_route_has_its_three_cases(house: House) -> None:
    application = house.app._application
    assert isinstance(application, Litestar)
    counts = Counter((case.route, case.kind) for case in CASES)
    routes = set(routes_of(application))
    wanted = {(route, kind) for route in routes for kind in KINDS if kind != "happy" or route not in NEVER_HAPPY}
    missing = [f"{kind}: {route}" for route, kind in sorted(wanted) if not counts[route, kind]]
    assert not missing, "a route without its cases; write them in tests/api/routes_*.py"
    assert {case.route for case in CASES} <= routes, "a case of a route that is gone"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind} {case.route}")
async def test_a_route(house: House, case: RouteCase) -> None:
    before = len(house.answered)
    async with asyncio.timeout(_SECONDS):
        await case.perform(house)
    _, _, template = case.route.partition(" ")
    pattern = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", template) + "$")
    statuses = [answer.status for answer in house.answered[before:] if pattern.match(answer.path)]
    assert statuses, f"the case calls {template}"
    assert statuses[-1] == case.status
    assert (case.status < 400) == (case.kind == "happy")
