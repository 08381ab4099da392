"""Who writes next: latency classes first, then whoever has had the least, then who came first."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from appliance.features.generation.errors import GenerationBusy
from appliance.features.generation.schemas import LANES, Lane

_AGED_SECONDS = 30.0
"""Whoever has waited this long moves up a class, but never among the calls: batches starve no more than people do."""
_USUAL_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 120
_WEIGHT = 0.2


class Ticket:
    """A place in the queue. `place` counts from 1; 0 means that it is one's turn."""

    def __init__(self, number: int, owner: UUID, lane: Lane, at: float) -> None:
        """`number` orders those that are otherwise equal; `at` on the queue's clock."""
        self.number = number
        self.owner = owner
        self.lane: Lane = lane
        self.since = at
        self.place = -1
        self._news = asyncio.Event()

    def move(self, place: int) -> None:
        """Tell whoever waits."""
        if place != self.place:
            self.place = place
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def places(self) -> AsyncGenerator[int]:
        """Give the place, and again whenever it changes, until it is one's turn."""
        while self.place:
            place, news = self.place, self._news
            yield place
            if self.place == place:
                await news.wait()


class FairQueue:
    """At most `slots` write at once; a live call has one more, kept for it alone."""

    def __init__(
        self, *, slots: int, longest: int, longest_of_one: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`longest`: how many may wait in all, `longest_of_one` how many of one person."""
        self.slots = slots
        self._longest = longest
        self._longest_of_one = longest_of_one
        self._clock = clock
        self._numbers = itertools.count(1)
        self._turns = itertools.count(1)
        self._waiting: list[Ticket] = []
        self._writing: set[Ticket] = set()
        self._served: dict[UUID, int] = {}
        self._seconds = _USUAL_SECONDS

    @asynccontextmanager
    async def enter(self, owner: UUID, lane: Lane) -> AsyncGenerator[Ticket]:
        """Take a place and leave it in the end, however that comes. Raises GenerationBusy where there is no room."""
        self._refuse_overload(owner)
        ticket = Ticket(next(self._numbers), owner, lane, self._clock())
        self._waiting.append(ticket)
        self._serve()
        try:
            yield ticket
        finally:
            self._leave(ticket)

    def _refuse_overload(self, owner: UUID) -> None:
        own = sum(1 for ticket in self._waiting if ticket.owner == owner)
        if len(self._waiting) >= self._longest or own >= self._longest_of_one:
            raise self.busy()

    def busy(self) -> GenerationBusy:
        """Make the refusal, with the time until there is probably room."""
        estimate = self._seconds * (len(self._waiting) + 1) / self.slots
        seconds = min(_LONGEST_RETRY_SECONDS, max(1, round(estimate)))
        return GenerationBusy(retry_after_seconds=seconds, seconds=seconds)

    def _leave(self, ticket: Ticket) -> None:
        if ticket in self._writing:
            self._writing.discard(ticket)
            self._seconds += _WEIGHT * (self._clock() - ticket.since - self._seconds)
        else:
            self._waiting.remove(ticket)
        self._serve()

    def _serve(self) -> None:
        """Let in whoever may write now, and tell the others their places."""
        while (chosen := self._next()) is not None:
            self._waiting.remove(chosen)
            self._writing.add(chosen)
            self._served[chosen.owner] = next(self._turns)
            chosen.since = self._clock()
            chosen.move(0)
        for place, ticket in enumerate(self._order(), 1):
            ticket.move(place)
        active = {ticket.owner for ticket in (*self._waiting, *self._writing)}
        self._served = {owner: number for owner, number in self._served.items() if owner in active}

    def _next(self) -> Ticket | None:
        order = self._order()
        if not order:
            return None
        first = order[0]
        kept = 1 if first.lane == "call" else 0
        return first if len(self._writing) < self.slots + kept else None

    def _order(self) -> list[Ticket]:
        """Order those who wait as they would be served if each turn took as long as every other."""
        moment = self._clock()
        turns = Counter(ticket.owner for ticket in self._writing)
        # The nth wish of one person stands behind the first of everybody else.
        ranked: list[tuple[int, int, int, int, Ticket]] = []
        for ticket in self._waiting:
            urgency = self._urgency(ticket, moment)
            ranked.append((urgency, turns[ticket.owner], self._served.get(ticket.owner, 0), ticket.number, ticket))
            turns[ticket.owner] += 1
        return [ticket for *_, ticket in sorted(ranked, key=lambda entry: entry[:4])]

    @staticmethod
    def _urgency(ticket: Ticket, moment: float) -> int:
        lane = LANES.index(ticket.lane)
        return lane if lane == 0 else max(1, lane - int((moment - ticket.since) / _AGED_SECONDS))

    def waiting(self) -> dict[Lane, int]:
        """Count those who wait, by class."""
        counts = Counter(ticket.lane for ticket in self._waiting)
        return {lane: counts[lane] for lane in LANES}

    def of(self, owner: UUID) -> int:
        """Count what one person has waiting or being written."""
        return sum(1 for ticket in (*self._waiting, *self._writing) if ticket.owner == owner)

    @property
    def writing(self) -> int:
        """How many are being written."""
        return len(self._writing)
