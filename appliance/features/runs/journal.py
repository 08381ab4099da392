"""Writing runs down: all of this process in one transaction, several times a second, however many speak at once."""

import asyncio
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import structlog

from appliance.core.database import Database, now
from appliance.core.failpoints import Failpoints
from appliance.features.runs.live import LiveRun
from appliance.features.runs.repository import RunRepository
from appliance.features.runs.tables import RunRow

log = structlog.get_logger(__name__)
_SAVE_SECONDS = 0.25
_TRIED = 3


class RunJournal:
    """Knows the runs that live here. An end is written at once, a begin and words within a quarter of a second."""

    def __init__(self, database: Database, failpoints: Failpoints) -> None:
        """Nothing speaks yet."""
        self._database = database
        self._failpoints = failpoints
        self._repository = RunRepository()
        self.live: dict[UUID, LiveRun] = {}
        self._begun: list[tuple[LiveRun, RunRow]] = []
        self._ended: list[tuple[LiveRun, str]] = []
        self._known: set[UUID] = set()
        self._news = asyncio.Event()
        self._beginning = asyncio.Event()

    def begin(self, live: LiveRun, row: RunRow) -> None:
        """Write a run down with the next words, not before the first: `live.recorded` tells when that was tried."""
        self.live[live.id] = live
        self._begun.append((live, row))
        self._beginning.set()

    async def end(self, live: LiveRun, status: str) -> None:
        """Write down how a run ended, with all that it said."""
        self._ended.append((live, status))
        self._news.set()
        await live.ended.wait()

    async def keep(self) -> None:
        """Write for as long as the process lives."""
        while True:
            if not self.live:
                await self._beginning.wait()
            if not self._ended:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_SAVE_SECONDS):
                        await self._news.wait()
            self._news.clear()
            self._beginning.clear()
            await asyncio.shield(self._write())

    async def _write(self) -> None:
        begun, self._begun = self._begun, []
        ended, self._ended = self._ended, []
        rows = {live.id: row for live, row in begun}
        statuses = {live.id: status for live, status in ended}
        unwritten = await self._try(
            [_Entry(live, rows.get(live.id), statuses.get(live.id)) for live in self.live.values()]
        )
        self._begun[:0] = [
            (entry.live, entry.row) for entry in unwritten if entry.row is not None and entry.status is None
        ]
        # Where the state is away a run ends all the same, and the sweep marks it later.
        for live, _ in begun:
            live.recorded.set()
        for live, _ in ended:
            self.live.pop(live.id, None)
            self._known.discard(live.id)
            live.ended.set()

    async def _try(self, entries: "list[_Entry]") -> "list[_Entry]":
        """Write all of them, or each by itself where that fails: what one model said must not keep the others from the state.

        Gives those that were not written. Where several in a row fail the state is away, and the rest waits too.
        """
        if await self._is_saved(entries):
            return []
        unwritten: list[_Entry] = []
        for number, entry in enumerate(entries):
            if len(unwritten) == number >= _TRIED:
                unwritten += entries[number:]
                break
            if not await self._is_saved([entry]):
                unwritten.append(entry)
        await asyncio.sleep(_SAVE_SECONDS)
        return unwritten

    async def _is_saved(self, entries: "list[_Entry]") -> bool:
        try:
            await self._save(entries)
        except Exception as error:  # noqa: BLE001 - the state may be away for a moment; what is kept here is written then
            log.warning("runs_not_written", runs=len(entries), reason=type(error).__name__)
            return False
        return True

    async def _save(self, entries: "list[_Entry]") -> None:
        known = self._known | {entry.live.id for entry in entries if entry.row is not None}
        batches = [
            (entry.live, events) for entry in entries if entry.live.id in known and (events := entry.live.unsaved())
        ]
        rows = [entry.row for entry in entries if entry.row is not None]
        ended = [(entry.live.id, entry.status) for entry in entries if entry.status is not None]
        if not (rows or batches or ended):
            return
        async with self._database.begin() as transaction:
            moment = now()
            transaction.add_all(rows)
            await transaction.flush()
            await self._repository.append(transaction, [(live.id, events) for live, events in batches])
            marked = {row.id for row in rows} | {run_id for run_id, _ in ended}
            await self._repository.touch(transaction, [one.id for one, _ in batches if one.id not in marked], moment)
            for run_id, status in ended:
                await self._repository.end(transaction, run_id, status, moment)
        self._failpoints.reach("runs.written")
        self._known = known
        for live, events in batches:
            live.saved = events[-1].number


class _Entry(NamedTuple):
    """A run with what is to be written of it beside its words: its row where it begins, its status where it ends."""

    live: LiveRun
    row: RunRow | None
    status: str | None
