"""Following and stopping a generation."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import HeaderParameter
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from appliance.core.caller import Caller
from appliance.core.streams import QUIET_SECONDS, server_sent_events
from appliance.features.runs.schemas import Run
from appliance.features.runs.service import RunService


class RunController(Controller):
    """For whoever started the run."""

    path = "/api/runs"
    tags = ("Runs",)

    @get("/{run_id:uuid}", operation_id="GetRun", summary="A run as it stands")
    async def get_run(self, caller: Caller, run_id: UUID, runs: RunService) -> Run:
        """Whether it still speaks."""
        return await runs.get(caller, run_id)

    @get(
        "/{run_id:uuid}/events",
        operation_id="FollowRun",
        summary="The events of a run, from any number on",
        media_type="text/event-stream",
    )
    async def follow(
        self,
        caller: Caller,
        run_id: UUID,
        runs: RunService,
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=20)] = None,
    ) -> Stream:
        """Server-sent events; after a cut, `Last-Event-ID` goes on where it ended."""
        after = int(last_event_id) if last_event_id and last_event_id.isdigit() else 0
        return server_sent_events(await runs.follow(caller, run_id, after=after, quiet_seconds=QUIET_SECONDS))

    @post("/{run_id:uuid}/stop", status_code=HTTP_200_OK, operation_id="StopRun", summary="Stop a run and its engine")
    async def stop(self, caller: Caller, run_id: UUID, runs: RunService) -> Run:
        """What was said so far is kept."""
        return await runs.stop(caller, run_id)
