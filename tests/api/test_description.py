"""The API does what its description says, whatever is sent: Schemathesis makes the requests up from the OpenAPI document."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.generation import GenerationMode

from tests.api.house import House, open_house
from tests.engines.processes import free_port

_SECONDS = 30.0
_EXAMPLES, _MANY_EXAMPLES = 3, 10
_ENDLESS = "/api/events"
"""It streams for two minutes: tests/api/routes_operations.py follows it."""
_CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


@dataclass(frozen=True)
class Served:
    """An appliance on a socket, and ids that are there."""

    url: str
    key: str
    known: dict[str, list[str]]


async def _serve(directory: Path, port: int, served: "Future[Served]", over: asyncio.Event) -> None:
    async with open_house(directory) as house:
        known = await _fill(house)
        config = uvicorn.Config(house.app, port=port, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        running = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        served.set_result(Served(f"http://127.0.0.1:{port}", house.admin.key, known))
        await over.wait()
        server.should_exit = True
        await running


async def _fill(house: House) -> dict[str, list[str]]:
    """Make one of each thing, so that not every id is unknown."""
    document = await house.add(house.admin, "Kites are made of paper.\fLanterns are made of glass.")
    passage = (await house.find(house.admin, "kites paper"))[0]
    question = {"question": "What are kites made of?"}
    answer = (await house.admin.api.post("/api/rag/chat", json=question)).json()
    collection = await house.collection(house.admin)
    group = (await house.admin.api.post("/api/groups", json={"name": "some"})).json()
    job = (await house.admin.api.get("/api/jobs?limit=1")).json()["items"][0]
    session = (await house.admin.browser.get("/api/sessions")).json()["items"][0]
    return {
        "file_id": [document["file_id"]],
        "chunk_id": [passage["chunk_id"]],
        "run_id": [answer["run_id"]],
        "collection_id": [collection["id"]],
        "group_id": [group["id"]],
        "job_id": [job["id"]],
        "session_id": [session["id"]],
        "user_id": [house.member.id],
        "number": ["1", "2"],
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An appliance in a thread of its own."""
    ready: Future[Served] = Future()
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    serving = _serve(tmp_path_factory.mktemp("served"), free_port(), ready, over)

    def run() -> None:
        try:
            loop.run_until_complete(serving)
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield ready.result(_SECONDS)
    loop.call_soon_threadsafe(over.set)
    thread.join(_SECONDS)
    loop.close()


def describe(served: Served) -> Any:
    """The document as it is served."""
    headers = {"authorization": f"Bearer {served.key}"}
    document = httpx.get(f"{served.url}/api/docs/openapi.json", headers=headers, trust_env=False).json()
    schema = schemathesis.openapi.from_dict(document).exclude(path=_ENDLESS)
    schema.config.update(base_url=served.url)
    return schema


# The appliance runs in this process and draws random numbers of its own while Hypothesis draws.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("examples", [_EXAMPLES, pytest.param(_MANY_EXAMPLES, marks=pytest.mark.slow)])
def test_whatever_is_sent(served: Served, subtests: pytest.Subtests, examples: int) -> None:
    """Every second time the ids of the path are ones that are there."""
    turns = itertools.count()
    operations = [found.ok() for found in describe(served).get_all_operations()]
    assert len(operations) > 50
    for operation, mode in itertools.product(operations, GenerationMode):
        cases = operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
        @given(cases)
        def check(case: schemathesis.Case) -> None:
            turn = next(turns)
            for name in set(case.path_parameters) & set(served.known) if turn % 2 else ():
                case.path_parameters[name] = served.known[name][turn // 2 % len(served.known[name])]
            case.call_and_validate(
                headers={"authorization": f"Bearer {served.key}"}, checks=list(_CHECKS), timeout=_SECONDS
            )

        with subtests.test(operation.label, mode=mode.name):
            try:
                check()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, (
                    "only what takes nothing, or any text, cannot be sent anything wrong"
                )
                assert not operation.body
                assert all(one.definition["schema"] == {"type": "string"} for one in operation.iter_parameters())
