"""Prompts over HTTP, and how busy the models are."""

from litestar import Controller, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from appliance.core.caller import Caller
from appliance.core.openapi import StreamingOperation
from appliance.core.streams import QUIET_SECONDS, server_sent_events
from appliance.features.generation.completions import CompletionService
from appliance.features.generation.schemas import Generated, GenerateIn, QueueState
from appliance.features.generation.service import GenerationService


class GenerationController(Controller):
    """For scripts that want a text and nothing else."""

    path = "/api/generate"
    tags = ("Models",)

    @post(
        status_code=HTTP_200_OK,
        operation_id="Generate",
        summary="Complete a prompt",
        operation_class=StreamingOperation,
        responses={
            HTTP_200_OK: ResponseSpec(
                Generated,
                generate_examples=False,
                description="The response; with `stream` it comes as server-sent events",
            )
        },
    )
    async def generate(
        self, caller: Caller, data: GenerateIn, completions: CompletionService
    ) -> Response[Generated] | Stream:
        """JSON, or with `stream` server-sent events: `queue`, `token`, then `done` or `error`."""
        run = await completions.start(caller, data)
        if data.stream:
            return server_sent_events(run.batches(quiet_seconds=QUIET_SECONDS), headers={"X-Run-Id": str(run.id)})
        return Response(await completions.wait(run))

    @get("/queue", operation_id="GetQueue", summary="How busy the models are")
    async def queue(self, caller: Caller, generation: GenerationService) -> QueueState:
        """Counts, nobody's names."""
        return generation.state(caller)
