"""A run of this process while it speaks: its events in memory, and whoever follows them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from appliance.core.errors import ApplianceError
from appliance.core.text import Language
from appliance.features.runs.errors import RunInterrupted
from appliance.features.runs.schemas import RunEvent


class LiveRun:
    """Events go in by `emit` and come out by `follow`, for any number of followers, from any number on."""

    def __init__(self, run_id: UUID) -> None:
        """Nothing is said yet."""
        self.id = run_id
        self.stopping = False
        self.task: asyncio.Task[Any] | None = None
        self.saved = 0
        self.recorded = asyncio.Event()
        self.ended = asyncio.Event()
        self.status: str | None = None
        self.error: ApplianceError | None = None
        self._events: list[RunEvent] = []
        self._followers: set[asyncio.Future[bool]] = set()

    def emit(self, name: str, data: Any) -> None:
        """Say something to every follower."""
        self._events.append(RunEvent(len(self._events) + 1, name, data))
        self._wake()

    def fail(self, error: ApplianceError, language: Language) -> None:
        """Say that it went wrong, and why."""
        self.error = error
        self.emit("error", error.to_problem(language))

    def stop(self) -> None:
        """Cancel the work; it may still say what it has so far. Once: a second time would cut that short."""
        if self.stopping:
            return
        self.stopping = True
        if self.task is not None:
            self.task.cancel()

    def abandon(self) -> None:
        """End the work where it stands: its process ends, or what it was to answer is not there."""
        if self.task is not None:
            self.task.cancel()

    def end(self, status: str) -> None:
        """Nothing more will be said."""
        self.status = status
        self._wake()

    @property
    def first(self) -> RunEvent | None:
        """What it said first."""
        return self._events[0] if self._events else None

    def unsaved(self) -> list[RunEvent]:
        """The events that are only in memory."""
        return self._events[self.saved :]

    async def follow(self) -> AsyncIterator[RunEvent]:
        """Give every event, each as it comes, to the end."""
        async for events in self.batches():
            for event in events:
                yield event

    async def outcome(self) -> Any:
        """Wait for what it says last: the data of `done`. Raises what it failed with, or RunInterrupted."""
        async for event in self.follow():
            if event.name == "done":
                return event.data
        raise self.error or RunInterrupted()

    async def batches(self, after: int = 0, *, quiet_seconds: float | None = None) -> AsyncIterator[Sequence[RunEvent]]:
        """Give the events after a number, then what comes, to the end; what came since the last batch is one.

        `quiet_seconds`: after so long without any an empty batch is given, so that a reader can show that it is there.
        """
        while True:
            if new := self._events[after:]:
                after += len(new)
                yield new
            elif self.status is not None:
                return
            elif not await self._news(quiet_seconds):
                yield ()

    async def _news(self, quiet_seconds: float | None) -> bool:
        """Wait for the next event or the end. False where it was quiet for too long.

        A timer and a future: many hundred followers wait at once, and a task for each event would cost more than the event.
        """
        loop = asyncio.get_running_loop()
        news: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(quiet_seconds, _resolve, news, False) if quiet_seconds else None
        self._followers.add(news)
        try:
            return await news
        finally:
            self._followers.discard(news)
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        for news in self._followers:
            _resolve(news, True)


def _resolve(news: "asyncio.Future[bool]", is_news: bool) -> None:
    if not news.done():
        news.set_result(is_news)
