"""What an engine says of itself: one call for many, kept for a moment, failures for nobody."""

import asyncio

import pytest

from appliance.engines.briefly import Briefly


class Engine:
    """Counts who asks; `failure` is raised instead of an answer."""

    def __init__(self) -> None:
        self.calls = 0
        self.moment = 0.0
        self.failure: Exception | None = None

    async def ask(self) -> int:
        self.calls += 1
        answer = self.calls
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return answer


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def known(engine: Engine) -> Briefly[int]:
    return Briefly(engine.ask, seconds=1.0, clock=lambda: engine.moment)


async def test_kept_for_its_moment(engine: Engine, known: Briefly[int]) -> None:
    assert await asyncio.gather(*(known.get() for _ in range(5))) == [1] * 5
    engine.moment = 0.9
    assert await known.get() == 1
    engine.moment = 1.0
    assert await known.get() == 2
    assert await known.get(fresh=True) == 3


async def test_forgotten(known: Briefly[int]) -> None:
    assert await known.get() == 1
    known.forget()
    assert await known.get() == 2


async def test_a_failure_is_kept_for_nobody(engine: Engine, known: Briefly[int]) -> None:
    engine.failure = OSError("away")
    told = await asyncio.gather(known.get(), known.get(), return_exceptions=True)
    assert [type(one) for one in told] == [OSError, OSError]
    assert engine.calls == 1
    engine.failure = None
    assert await known.get() == 2


async def test_one_who_leaves_takes_nobody_along(engine: Engine, known: Briefly[int]) -> None:
    leaving, staying = asyncio.ensure_future(known.get()), asyncio.ensure_future(known.get())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 1
    assert engine.calls == 1
