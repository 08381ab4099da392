"""Questions over HTTP: search, answers, and how well they are found."""

from litestar import Controller, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from appliance.core.caller import Caller
from appliance.core.openapi import StreamingOperation
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.core.streams import QUIET_SECONDS, server_sent_events
from appliance.features.knowledge.answers import AnswerService
from appliance.features.knowledge.evaluations import EvaluationService
from appliance.features.knowledge.schemas import (
    Answer,
    ChatIn,
    Evaluation,
    EvaluationIn,
    EvaluationKind,
    SearchIn,
    SearchOut,
)
from appliance.features.knowledge.search import SearchService


class QuestionController(Controller):
    """Asking the documents."""

    path = "/api/rag"
    tags = ("Knowledge",)

    @post("/search", status_code=HTTP_200_OK, operation_id="Search", summary="Find passages, with every stage's score")
    async def search(self, caller: Caller, data: SearchIn, searching: SearchService) -> SearchOut:
        """Only what the caller may read is searched."""
        return await searching.search(caller, data)

    @post(
        "/chat",
        status_code=HTTP_200_OK,
        operation_id="Chat",
        summary="Answer from the documents, with sources",
        operation_class=StreamingOperation,
        responses={
            HTTP_200_OK: ResponseSpec(
                Answer, generate_examples=False, description="The answer; with `stream` it comes as server-sent events"
            )
        },
    )
    async def chat(self, caller: Caller, data: ChatIn, answers: AnswerService) -> Response[Answer] | Stream:
        """JSON, or with `stream` server-sent events: `route`, `source`, `token`, then `done` or `error`."""
        run = await answers.start(caller, data)
        if data.stream:
            return server_sent_events(run.batches(quiet_seconds=QUIET_SECONDS), headers={"X-Run-Id": str(run.id)})
        return Response(await answers.wait(run))


class EvaluationController(Controller):
    """How well is found: measured runs over question sets."""

    path = "/api/evaluations"
    tags = ("Knowledge",)

    @get(operation_id="ListEvaluations", summary="Measured runs, newest first")
    async def list_evaluations(
        self,
        caller: Caller,
        evaluations: EvaluationService,
        kind: EvaluationKind | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[Evaluation]:
        """For admins; `kind` leaves out the others."""
        return await evaluations.page(caller, kind=kind, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="KeepEvaluation", summary="Keep a measured run")
    async def keep(self, caller: Caller, data: EvaluationIn, evaluations: EvaluationService) -> Evaluation:
        """`appliance eval` sends it."""
        return await evaluations.add(caller, data)
