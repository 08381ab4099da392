"""Who writes next: classes before people, people before arrival, and nobody waits for ever."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from appliance.core.ids import new_id
from appliance.features.generation.errors import GenerationBusy
from appliance.features.generation.queue import FairQueue, Ticket
from appliance.features.generation.schemas import Lane

ANNA, BEN, CARL = new_id(), new_id(), new_id()


class Desk:
    """A queue whose turns a test gives by hand."""

    def __init__(self, *, slots: int = 1, longest: int = 100, longest_of_one: int = 100) -> None:
        self.now = 0.0
        self.queue = FairQueue(slots=slots, longest=longest, longest_of_one=longest_of_one, clock=lambda: self.now)
        self.exits: dict[str, AsyncExitStack] = {}
        self.tickets: dict[str, Ticket] = {}

    async def come(self, name: str, owner: UUID, lane: Lane = "chat") -> Ticket:
        self.exits[name] = AsyncExitStack()
        self.tickets[name] = await self.exits[name].enter_async_context(self.queue.enter(owner, lane))
        return self.tickets[name]

    async def leave(self, name: str) -> None:
        await self.exits[name].aclose()
        del self.tickets[name]

    @property
    def writing(self) -> set[str]:
        return {name for name, ticket in self.tickets.items() if ticket.place == 0}

    @property
    def order(self) -> list[str]:
        waiting = [(ticket.place, name) for name, ticket in self.tickets.items() if ticket.place]
        return [name for _, name in sorted(waiting)]


async def test_classes_come_before_arrival() -> None:
    desk = Desk()
    await desk.come("first", ANNA)
    for lane in ("batch", "chat", "voice"):
        await desk.come(lane, BEN, lane)
    assert (desk.writing, desk.order) == ({"first"}, ["voice", "chat", "batch"])


async def test_a_live_call_never_waits_for_a_chat() -> None:
    desk = Desk()
    await desk.come("chat", ANNA)
    await desk.come("call", BEN, "call")
    await desk.come("second call", CARL, "call")
    assert (desk.writing, desk.order) == ({"chat", "call"}, ["second call"])


async def test_one_person_cannot_starve_another() -> None:
    desk = Desk()
    for number in range(5):
        await desk.come(f"anna {number}", ANNA)
    await desk.come("ben 0", BEN)
    await desk.come("carl 0", CARL)
    await desk.come("ben 1", BEN)
    assert desk.order[:2] == ["ben 0", "carl 0"]
    served = []
    while desk.tickets:
        (name,) = desk.writing
        served.append(name)
        await desk.leave(name)
    assert served == ["anna 0", "ben 0", "carl 0", "anna 1", "ben 1", "anna 2", "anna 3", "anna 4"]


async def test_a_batch_is_served_in_the_end() -> None:
    desk = Desk()
    await desk.come("now", ANNA)
    await desk.come("batch", BEN, "batch")
    desk.now = 70.0
    await desk.come("voice", CARL, "voice")
    assert desk.order == ["batch", "voice"]


async def test_places_are_told_as_they_change() -> None:
    desk = Desk()
    await desk.come("now", ANNA)
    await desk.come("next", BEN)
    ticket = await desk.come("last", CARL)
    heard: list[int] = []

    async def listen() -> None:
        heard.extend([place async for place in ticket.places()])

    listening = asyncio.ensure_future(listen())
    await asyncio.sleep(0)
    await desk.leave("next")  # gave up
    await asyncio.sleep(0)
    await desk.leave("now")
    await asyncio.wait_for(listening, 5)
    assert heard == [2, 1]
    assert desk.writing == {"last"}


async def test_whoever_leaves_the_queue_makes_room_for_nobody_else() -> None:
    desk = Desk()
    await desk.come("now", ANNA)
    await desk.come("waits", BEN)
    await desk.leave("waits")
    await desk.come("later", CARL)
    assert (desk.writing, desk.order) == ({"now"}, ["later"])


@pytest.mark.parametrize("limits", [{"longest": 2}, {"longest_of_one": 2}])
async def test_there_is_an_end_to_waiting(limits: dict[str, int]) -> None:
    desk = Desk(**limits)
    for number in range(3):
        await desk.come(str(number), ANNA)
    with pytest.raises(GenerationBusy) as refused:
        await desk.come("too many", ANNA)
    assert refused.value.retry_after_seconds
    assert 1 <= refused.value.retry_after_seconds <= 120
    assert len(desk.order) == 2
    if "longest_of_one" in limits:
        await desk.come("another person", BEN)
        assert desk.order[0] == "another person"


async def test_many_come_and_go() -> None:
    desk = Desk(slots=7, longest=1000, longest_of_one=1000)
    people = [new_id() for _ in range(20)]
    most = 0

    async def one(number: int) -> None:
        nonlocal most
        async with desk.queue.enter(people[number % 20], "chat") as ticket:
            async for _ in ticket.places():
                pass
            most = max(most, desk.queue.writing)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(300)))
    assert most == 7
    assert desk.queue.writing == 0
    assert sum(desk.queue.waiting().values()) == 0
