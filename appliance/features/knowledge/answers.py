"""Answering questions to the documents: each answer is a run of the server."""

import asyncio
import time
from collections.abc import Sequence

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.text import Language
from appliance.features.audit import AuditService
from appliance.features.generation import GenerationService
from appliance.features.knowledge.merging import FoundPassage
from appliance.features.knowledge.prompting import build_messages, read_prompt
from appliance.features.knowledge.schemas import Answer, ChatIn
from appliance.features.knowledge.search import SearchService
from appliance.features.knowledge.writing import AnswerWriter, Place, Plan
from appliance.features.runs import LiveRun, RunService
from appliance.ports.chat import Message

_ROUTE = {"agent": "knowledge", "reasoning": "documents"}
RUN_KIND = "answer"


class AnswerService:
    """Answers can be followed again, and stopped."""

    def __init__(
        self,
        *,
        database: Database,
        search: SearchService,
        generation: GenerationService,
        writer: AnswerWriter,
        runs: RunService,
        audit: AuditService,
    ) -> None:
        """`writer` does the answering."""
        self._database = database
        self._search = search
        self._generation = generation
        self._writer = writer
        self._runs = runs
        self._audit = audit

    async def start(self, caller: Caller, request: ChatIn) -> LiveRun:
        """Begin to answer. Raises at once what is wrong with the question, the collection or a model that was named."""
        caller.require_scope("knowledge")
        self._search.check_question(request.question)
        await self._search.require_collection(caller, request.collection)
        if request.model:
            await self._generation.resolve(request.model)

        async def work(run: LiveRun) -> None:
            await self._perform(caller, request, run)

        return await self._runs.start(caller, RUN_KIND, work)

    async def wait(self, run: LiveRun) -> Answer:
        """Wait for the whole answer. Raises what it failed with."""
        return await run.outcome()

    async def _perform(self, caller: Caller, request: ChatIn, run: LiveRun) -> None:
        started = time.perf_counter()
        plan = _plan(request)
        resolving = asyncio.ensure_future(self._writer.resolve_model(request.model))
        try:
            found = await self._writer.find(caller, plan)
            model = await resolving
        finally:
            resolving.cancel()
        run.emit("route", {**_ROUTE, "run_id": str(run.id), "confidence": round(found.support, 3)})
        plan = _plan(request, model)
        written = await self._writer.write(caller, plan, found, run, started=started)
        run.emit("done", written.answer)
        await asyncio.shield(self._record(caller, written.answer))

    async def _record(self, caller: Caller, answer: Answer) -> None:
        """Write down that was answered, and from what; never the words."""
        async with self._database.begin() as transaction:
            await self._audit.record(
                transaction,
                caller,
                "question.answered",
                object_kind="run",
                object_id=answer.run_id,
                mode=answer.mode,
                model=answer.model,
                documents=sorted({str(source.file_id) for source in answer.sources}),
                nothing_found=answer.nothing_found,
            )


def _plan(request: ChatIn, model: str | None = None) -> Plan:
    def compose(passages: Sequence[FoundPassage], language: Language) -> list[Message]:
        return build_messages(read_prompt(language), passages, request.question)

    return Plan(
        question=request.question,
        compose=compose,
        places=(Place(collection=request.collection, filters=request.filters),),
        model=model,
        max_tokens=request.max_tokens,
        conversation_id=request.conversation_id,
    )
