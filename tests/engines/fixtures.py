"""Real servers for tests: each started once a session, when the first test asks for it, and stopped by its pid.

An address in the environment (`just engines` prints them) is used instead of starting one. Where a server is not on this
machine its tests are skipped with the way to get it; with APPLIANCE_REQUIRE_ENGINES=1, as in CI, it is installed, and
not having it is a failure.
"""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from tests.engines.databases import fresh_database
from tests.engines.install import NotInstalled
from tests.engines.processes import make_directory
from tests.engines.servers import Minio, Ollama, Postgresql, QdrantStandIn, Redis, Registry

_Engine = TypeVar("_Engine", Minio, Ollama, Postgresql, QdrantStandIn, Redis, Registry)

_LAST_WORDS = 3000
_running: dict[Path, str] = {}


@dataclass(frozen=True)
class Reached:
    """A server as tests reach it; the keys are S3's."""

    url: str
    access_key: str = ""
    secret_key: str = ""


def are_engines_required() -> bool:
    """In CI every engine must be there."""
    return os.environ.get("APPLIANCE_REQUIRE_ENGINES", "") not in {"", "0"}


def skip_or_fail(reason: object) -> None:
    """Skip with the reason, or fail where engines are required."""
    if are_engines_required():
        pytest.fail(str(reason), pytrace=False)
    pytest.skip(str(reason))


@contextmanager
def running(make: Callable[..., _Engine], directory: Path) -> Iterator[_Engine]:
    """Start a server of one's own; it may be killed and started again."""
    try:
        engine = make(directory, install=are_engines_required())
    except NotInstalled as reason:
        skip_or_fail(reason)
        raise
    try:
        engine.start()
        _running[engine.process.log] = type(engine).__name__
        yield engine
    finally:
        _running.pop(engine.process.log, None)
        engine.process.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers said last beside a test that failed: in CI their logs are gone with it."""
    report = yield
    if report.failed and item.get_closest_marker("engine"):
        for log, name in _running.items():
            if words := log.read_text(errors="replace")[-_LAST_WORDS:]:
                report.sections.append((f"last words of {name}", words))
    return report


@contextmanager
def reaching(variable: str, make: Callable[..., _Engine], directory: Path) -> Iterator[Reached]:
    """Reach the server that the environment names, or start one."""
    if url := os.environ.get(variable):
        prefix = variable.removesuffix("_URL")
        yield Reached(url, os.environ.get(f"{prefix}_ACCESS_KEY", ""), os.environ.get(f"{prefix}_SECRET_KEY", ""))
        return
    with running(make, directory) as engine:
        yield Reached(engine.url, getattr(engine, "access_key", ""), getattr(engine, "secret_key", ""))


@pytest.fixture(scope="session")
def engine_directory() -> Iterator[Path]:
    """Where the session's servers keep their files."""
    directory = make_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def own_engine_directory() -> Iterator[Path]:
    """For servers of one test's own."""
    directory = make_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def ollama_server(engine_directory: Path) -> Iterator[Reached]:
    """A real Ollama with `stories` and `all-minilm`."""
    with reaching("APPLIANCE_TEST_OLLAMA_URL", Ollama, engine_directory) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(engine_directory: Path) -> Iterator[Reached]:
    """A real MinIO, or any S3 that the environment names."""
    with reaching("APPLIANCE_TEST_S3_URL", Minio, engine_directory) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server(engine_directory: Path) -> Iterator[Reached]:
    """A real PostgreSQL."""
    with reaching("APPLIANCE_TEST_POSTGRESQL_URL", Postgresql, engine_directory) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(engine_directory: Path) -> Iterator[Reached]:
    """A real Redis."""
    with reaching("APPLIANCE_TEST_REDIS_URL", Redis, engine_directory) as server:
        yield server


@pytest.fixture(scope="session")
def registry_server(engine_directory: Path) -> Iterator[Reached]:
    """A real registry of models."""
    with reaching("APPLIANCE_TEST_REGISTRY_URL", Registry, engine_directory) as server:
        yield server


@pytest.fixture(scope="session")
def qdrant_server(engine_directory: Path) -> Iterator[Reached]:
    """A real Qdrant where APPLIANCE_TEST_QDRANT_URL names one, else a stand-in that several processes share."""
    with reaching("APPLIANCE_TEST_QDRANT_URL", QdrantStandIn, engine_directory) as server:
        yield server


@pytest.fixture
async def postgresql_url(postgresql_server: Reached) -> AsyncIterator[str]:
    """The SQLAlchemy URL of a migrated database of the test's own on a real PostgreSQL."""
    async with fresh_database(postgresql_server.url) as url:
        yield url


@pytest.fixture
def shared_engines(
    postgresql_url: str, s3_server: Reached, redis_server: Reached, qdrant_server: Reached
) -> dict[str, str]:
    """Settings that exchange state, objects, events and vectors for their servers; all else stays as it is."""
    return {
        "APPLIANCE_DATABASE__URL": postgresql_url,
        "APPLIANCE_OBJECT_STORE__KIND": "s3",
        "APPLIANCE_OBJECT_STORE__ENDPOINT": s3_server.url,
        "APPLIANCE_OBJECT_STORE__BUCKET": f"tests-{secrets.token_hex(4)}",
        "APPLIANCE_OBJECT_STORE__ACCESS_KEY": s3_server.access_key,
        "APPLIANCE_OBJECT_STORE__SECRET_KEY": s3_server.secret_key,
        "APPLIANCE_EVENT_BUS__KIND": "redis",
        "APPLIANCE_EVENT_BUS__URL": redis_server.url,
        "APPLIANCE_VECTOR_STORE__KIND": "qdrant",
        "APPLIANCE_VECTOR_STORE__URL": qdrant_server.url,
        "APPLIANCE_VECTOR_STORE__COLLECTION_PREFIX": f"tests_{secrets.token_hex(4)}",
        "APPLIANCE_SECURITY__MASTER_KEY": secrets.token_hex(32),
    }


@pytest.fixture
def state_url(request: pytest.FixtureRequest) -> str:
    """`[database] url` for suites that run on either state: APPLIANCE_TEST_STATE=postgresql, else SQLite (empty)."""
    if os.environ.get("APPLIANCE_TEST_STATE", "sqlite") == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return ""
