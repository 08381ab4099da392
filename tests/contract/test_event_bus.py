"""What every EventBus promises, in one process and between two."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from appliance.engines import postgresql_bus, redis_bus
from appliance.engines.local_bus import LocalBus
from appliance.engines.postgresql_bus import PostgresqlBus
from appliance.engines.redis_bus import RedisBus
from appliance.engines.shared_bus import SharedBus
from appliance.ports.event_bus import Event, EventBus
from tests.engines.fixtures import running
from tests.engines.processes import free_port
from tests.engines.servers import Postgresql, Redis

Make = Callable[[], EventBus]
_REAL = pytest.mark.engine
_SHARED = [pytest.param("redis", marks=_REAL), pytest.param("postgresql", marks=_REAL)]
SECONDS = 10.0


def make_shared(kind: str, url: str) -> SharedBus:
    return RedisBus(url) if kind == "redis" else PostgresqlBus(url)


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Make:
    """Makes buses that know each other; the one in memory is one object."""
    if request.param == "memory":
        bus = LocalBus()
        return lambda: bus
    url = request.getfixturevalue(f"{request.param}_server").url
    return lambda: make_shared(request.param, url)


every_bus = pytest.mark.parametrize("make", ["memory", *_SHARED], indirect=True)
shared_buses = pytest.mark.parametrize("make", _SHARED, indirect=True)


@pytest.fixture
async def buses(make: Make) -> AsyncIterator[tuple[EventBus, EventBus]]:
    """Two of them, as two processes have."""
    async with AsyncExitStack() as stack:
        yield (await stack.enter_async_context(make()), await stack.enter_async_context(make()))


async def hear(events: AsyncIterator[Event], count: int = 1) -> list[Event]:
    async with asyncio.timeout(SECONDS):
        return [await anext(events) for _ in range(count)]


@every_bus
async def test_what_one_publishes_all_hear(buses: tuple[EventBus, EventBus]) -> None:
    here, there = buses
    event: dict[str, Any] = {"id": "1", "text": "é 🙂", "nested": {"list": [1, None, 2.5]}}
    async with here.subscribe("a") as one, here.subscribe("a", "b") as two, there.subscribe("a") as three:
        await here.publish("a", event)
        assert await hear(one) == await hear(two) == await hear(three) == [event]


@every_bus
async def test_a_topic_is_heard_by_its_listeners_alone(buses: tuple[EventBus, EventBus]) -> None:
    here, there = buses
    async with there.subscribe("b") as events:
        await here.publish("a", {"for": "others"})
        await here.publish("b", {"for": "us"})
        assert await hear(events) == [{"for": "us"}]


@every_bus
async def test_each_event_comes_once_and_in_order(buses: tuple[EventBus, EventBus]) -> None:
    here, there = buses
    async with here.subscribe("a") as near, there.subscribe("a") as far:
        for number in range(300):
            await here.publish("a", {"n": number})
        await here.publish("a", {"n": "end"})
        for events in (near, far):
            assert [event["n"] for event in await hear(events, 301)] == [*range(300), "end"]


@every_bus
async def test_a_listener_that_left_costs_nothing(buses: tuple[EventBus, EventBus]) -> None:
    here, _ = buses
    async with here.subscribe("a"):
        pass
    await here.publish("a", {})
    async with here.subscribe("a") as events:
        await here.publish("a", {"n": 2})
        assert await hear(events) == [{"n": 2}]


@every_bus
async def test_a_wait_that_is_given_up_loses_nothing(buses: tuple[EventBus, EventBus]) -> None:
    here, _ = buses
    async with here.subscribe("a") as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await here.publish("a", {"n": 1})
        assert await hear(events) == [{"n": 1}]


@every_bus
async def test_a_slow_listener_loses_the_oldest_and_delays_nobody(buses: tuple[EventBus, EventBus]) -> None:
    here, _ = buses
    async with here.subscribe("a") as slow, here.subscribe("a") as quick:
        for number in range(1_500):
            await here.publish("a", {"n": number})
            assert await hear(quick) == [{"n": number}]
        assert [event["n"] for event in await hear(slow, 1_000)] == list(range(500, 1_500))


@every_bus
async def test_check_says_that_it_is_well(buses: tuple[EventBus, EventBus]) -> None:
    health = await buses[0].check()
    assert health.ok, health


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
async def test_a_server_that_is_away_delays_nobody(kind: str) -> None:
    async with make_shared(kind, _nowhere(kind)) as bus, bus.subscribe("a") as events:
        started = asyncio.get_running_loop().time()
        for number in range(3_000):
            await bus.publish("a", {"n": number})
        assert asyncio.get_running_loop().time() - started < 1.0
        assert (await hear(events))[0]["n"] == 2_000, "our own listeners are served"
        assert not (await bus.check()).ok


def _nowhere(kind: str) -> str:
    return f"{kind}://someone@127.0.0.1:{free_port()}/0"


@pytest.fixture(params=_SHARED)
def own_server(request: pytest.FixtureRequest, own_engine_directory: Path) -> Any:
    """A server of the test's own: its kind, and the server."""
    with running(Redis if request.param == "redis" else Postgresql, own_engine_directory) as server:  # pyright: ignore[reportArgumentType]
        yield request.param, server


async def test_it_comes_back_with_its_server(own_server: tuple[str, Redis | Postgresql]) -> None:
    kind, server = own_server
    here, there = make_shared(kind, server.url), make_shared(kind, server.url)
    async with here, there, there.subscribe("a") as events:
        await here.publish("a", {"n": 1})
        assert await hear(events) == [{"n": 1}]
        server.process.kill()
        await here.publish("a", {"n": "lost"})
        assert not (await here.check()).ok
        server.start()
        assert await _until_heard(here, events)
        assert (await there.check()).ok


async def _until_heard(bus: EventBus, events: AsyncIterator[Event]) -> bool:
    """Publish now and then until it is heard: events of the outage may be lost, later ones may not."""
    async with asyncio.timeout(20):
        while True:
            await bus.publish("a", {"n": "again"})
            try:
                async with asyncio.timeout(0.3):
                    while (await anext(events)) != {"n": "again"}:
                        pass
            except TimeoutError:
                continue
            return True


async def test_a_server_that_freezes_is_noticed(
    own_server: tuple[str, Redis | Postgresql], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stays open and says nothing: as after a cable is pulled."""
    kind, server = own_server
    for module in (redis_bus, postgresql_bus):
        monkeypatch.setattr(module, "_QUIET_SECONDS", 0.3)
        monkeypatch.setattr(module, "_TIMEOUT_SECONDS", 0.5)
    async with make_shared(kind, server.url) as bus, bus.subscribe("a") as events:
        server.process.freeze()
        try:
            async with asyncio.timeout(10):
                while bus._listening.is_set():
                    await asyncio.sleep(0.05)
            await bus.publish("a", {"n": 1})
            assert await hear(events) == [{"n": 1}]
            assert not (await bus.check()).ok
        finally:
            server.process.thaw()
        async with asyncio.timeout(10):
            while not (await bus.check()).ok:
                await asyncio.sleep(0.05)


@pytest.mark.engine
async def test_two_appliances_share_a_redis(redis_server: Any) -> None:
    """Each in a database of its own, whose events the other never hears."""
    server = redis_server.url.removesuffix("/0")
    async with (
        RedisBus(f"{server}/1") as one,
        RedisBus(f"{server}/2") as other,
        RedisBus(f"{server}/2") as beside,
        beside.subscribe("a") as events,
    ):
        await one.publish("a", {"of": "one"})
        await other.publish("a", {"of": "other"})
        assert await hear(events) == [{"of": "other"}]


@pytest.mark.engine
async def test_what_others_say_on_the_channel_harms_nobody(redis_server: Any) -> None:
    async with RedisBus(redis_server.url) as bus, bus.subscribe("a") as events:
        for nonsense in (b"\xff\xfe", b"{}", b"[1,2,3]", b'["x","a",5]', b"[" * 100_000):
            await bus._redis.publish(bus.channel, nonsense)
        async with RedisBus(redis_server.url) as other:
            await other.publish("a", {"n": 1})
            assert await hear(events) == [{"n": 1}]
