import contextlib

import pytest

from appliance.core.errors import EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.engines.circuit import Circuit
from appliance.engines.http_engine import EngineRefused


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit("Ollama", clock)


def attempt(circuit: Circuit, error: BaseException | None = None, what: str = "model") -> bool:
    """Tell whether the engine was asked."""
    asked = False

    def ask() -> None:
        nonlocal asked
        asked = True
        if error is not None:
            raise error

    with contextlib.suppress(EngineUnavailable, *([type(error)] if error else [])), circuit.guard(what):
        ask()
    return asked


FAILURE = EngineTimedOut(engine="Ollama", seconds=60)


def test_five_failures_in_a_row_open_it(circuit: Circuit) -> None:
    for _ in range(4):
        assert attempt(circuit, FAILURE)
    assert attempt(circuit)
    for _ in range(5):
        assert attempt(circuit, EngineFailed(engine="Ollama"))
    assert not attempt(circuit)


def test_after_the_pause_one_tries(circuit: Circuit, clock: Clock) -> None:
    for _ in range(5):
        attempt(circuit, FAILURE)
    clock.now += 9.9
    assert not attempt(circuit)
    clock.now += 0.2
    with circuit.guard("model"):
        assert not attempt(circuit), "the others wait for its outcome"
    assert attempt(circuit)


def test_a_try_that_fails_pauses_again(circuit: Circuit, clock: Clock) -> None:
    for _ in range(5):
        attempt(circuit, FAILURE)
    clock.now += 10.1
    assert attempt(circuit, FAILURE)
    assert not attempt(circuit)
    clock.now += 10.1
    assert attempt(circuit)
    assert attempt(circuit)


@pytest.mark.parametrize("answer", [EngineRefused(404, engine="Ollama"), GeneratorExit(), KeyboardInterrupt()])
def test_what_says_nothing_of_the_engine_is_not_counted(circuit: Circuit, answer: BaseException) -> None:
    for _ in range(9):
        assert attempt(circuit, answer)


def test_an_answer_of_any_kind_closes_it(circuit: Circuit, clock: Clock) -> None:
    for _ in range(5):
        attempt(circuit, FAILURE)
    clock.now += 10.1
    assert attempt(circuit, EngineRefused(400, engine="Ollama"))
    assert attempt(circuit)


def test_a_try_that_its_reader_stopped_lets_the_next_one_try(circuit: Circuit, clock: Clock) -> None:
    for _ in range(5):
        attempt(circuit, FAILURE)
    clock.now += 10.1
    assert attempt(circuit, GeneratorExit())
    assert attempt(circuit)


def test_each_has_a_count_of_its_own(circuit: Circuit) -> None:
    for _ in range(5):
        attempt(circuit, FAILURE, "broken")
    assert not attempt(circuit, what="broken")
    assert attempt(circuit, what="good")
