"""The appliance as a whole: its rooms, opened and closed in their order, and what is looked after between."""

import asyncio
from datetime import timedelta
from typing import Self

import structlog

from appliance.bootstrap.rooms import Part, Rooms
from appliance.core.database import now
from appliance.core.settings import LoadedSettings
from appliance.core.tasks import watch_loop
from appliance.engine_choice import (
    Engines,
    require_shared_engines,
)
from appliance.migrations import upgrade

log = structlog.get_logger(__name__)
_HOUSEKEEPING_SECONDS = 600.0
_RUN_LOOK_SECONDS = 2.0
_SETTLED_SECONDS = 3.0  # who has just started it is let in first
_ENDED_JOBS_KEPT = timedelta(days=7)


class Appliance(Rooms):
    """Everything built, ready to open. Services are plain attributes; nothing is looked up by name."""

    async def open(self) -> Self:
        """Bring the state to this version's shape, open the engines, mend what a crash left, begin to work."""
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        return self

    async def _open(self) -> None:
        enter = self._stack.enter_async_context
        await enter(self.database)
        await upgrade(self.database)
        await self.operations.open()
        for engine in (self.bus, self.objects, self.vectors, self.parser, self.language_model, self.model_host):
            await enter(engine)
        await enter(self.indexes)
        await self.model_roles.refresh()
        self.runs.open()
        self._stack.push_async_callback(self.generation.close)
        self._stack.push_async_callback(self.chat.close)
        self._stack.push_async_callback(self.runs.close)
        await enter(self.compatible)
        if self.is_alone:
            log.info("state_opened", jobs_recovered=await self.queue.recover())
        await self._tidy(alone=self.is_alone)
        await enter(self.worker)
        await enter(self._tasks)
        self._tasks.start(self._keep_house(), name="housekeeping")
        self._tasks.start(self._look_after_runs(), name="runs_look")
        self._tasks.start(self.ledger.keep_regularly(), name="egress_ledger")
        self._tasks.start(self.model_roles.keep_fresh(), name="model_roles")
        self._tasks.start(watch_loop(self.metrics.loop_lag.set), name="loop_watch")
        if self.part != "work":
            self._tasks.start(self._prepare_routing(), name="routing_prepared")

    async def _prepare_routing(self) -> None:
        await asyncio.sleep(_SETTLED_SECONDS)
        await self.routing.prepare()

    async def _tidy(self, *, alone: bool) -> None:
        await self.runs.sweep(alone=alone)
        await self.chat.recover(alone=alone)
        await self.chat.end_turns()
        await self.integrity.recover()
        await self.files.sweep(alone=alone)

    async def _keep_house(self) -> None:
        """Forget what ended long ago and what a dead process left."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            try:
                await self._tidy(alone=False)
                await self.queue.forget_ended(now() - _ENDED_JOBS_KEPT)
                await self.ledger.forget_old()
            except Exception:  # tried again in ten minutes; the state may be away for a moment
                log.exception("housekeeping_failed")

    async def _look_after_runs(self) -> None:
        """Mark what another process leaves unfinished soon after its death: somebody waits for it."""
        while True:
            await asyncio.sleep(_RUN_LOOK_SECONDS)
            try:
                await self.runs.interrupt_lost()
                await self.chat.recover()
            except Exception as error:  # noqa: BLE001 - the state may be away for a moment; the next look comes soon
                log.warning("runs_not_looked_after", reason=type(error).__name__)

    async def close(self) -> None:
        """Give jobs back, end runs, close every engine."""
        await self._stack.aclose()
        self.egress.close()
        self.passwords.close()

    async def __aenter__(self) -> Self:
        """Open."""
        return await self.open()

    async def __aexit__(self, *exception: object) -> None:
        """Close."""
        await self.close()


def build(
    loaded: LoadedSettings,
    overrides: Engines | None = None,
    *,
    part: Part = "all",
    base_url: str = "http://127.0.0.1:8000",
) -> Appliance:
    """Build the appliance. Raises SettingsError where several processes are asked to share what only one can hold."""
    if part != "all":
        require_shared_engines(loaded.settings)
    return Appliance(loaded, overrides or Engines(), part=part, base_url=base_url)
