"""The state, its queue and its clock, for suites that run on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.core.database import Database
from appliance.engines.sql_queue import SqlQueue
from appliance.migrations import upgrade
from tests.contract.job_queues import LEASE_SECONDS, Clock


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engine)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return f"sqlite+aiosqlite:///{tmp_path / 'appliance.db'}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as made:
        await upgrade(made)
        yield made


@pytest.fixture
def queue(database: Database) -> SqlQueue:
    return SqlQueue(database, lease_seconds=LEASE_SECONDS)


@pytest.fixture
def clock(queue: SqlQueue, monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(queue, "_moment", made)
    return made
