"""One appliance a module and state, on SQLite and on PostgreSQL: whoever needs an empty one makes people of their own."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from tests.api.house import House, open_house
from tests.engines.databases import fresh_database

STATES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.engine)]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=STATES)
async def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An appliance with `admin`, `member` and `other`, on each state; a module's SETTINGS are its own."""
    directory: Path = tmp_path_factory.mktemp("house")
    settings: dict[str, Any] = getattr(request.module, "SETTINGS", {})
    if request.param == "sqlite":
        async with open_house(directory, **settings) as opened:
            yield opened
        return
    server = request.getfixturevalue("postgresql_server")
    async with fresh_database(server.url) as url, open_house(directory, database_url=url, **settings) as opened:
        yield opened


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """Failures alone are logged, so that one sees them."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    )
    yield
    structlog.reset_defaults()
