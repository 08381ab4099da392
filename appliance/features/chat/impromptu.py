"""An assistant's answer outside any conversation: the client keeps what was said, and sends all of it each time."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.paging import MAXIMUM_LIMIT
from appliance.core.settings_sections import Settings
from appliance.features.assistants import AssistantService, Route, RoutingService
from appliance.features.audit import AuditService
from appliance.features.chat.deciding import AUTO, CONVERSATION, ESCALATE, decide
from appliance.features.chat.errors import EmptyMessage
from appliance.features.chat.history import Said
from appliance.features.chat.memories import MemoryService
from appliance.features.chat.planning import Asked, Planner
from appliance.features.generation import GenerationService
from appliance.features.knowledge import Answer, AnswerWriter
from appliance.features.runs import LiveRun, RunService

RUN_KIND = "impromptu"


class Impromptu(msgspec.Struct, kw_only=True):
    """What a run ends with: the answer, and who gave it."""

    answer: Answer
    route: Route


class ImpromptuService:
    """Routes, searches and answers as in a conversation, and keeps nothing but the audit's line."""

    def __init__(
        self,
        database: Database,
        *,
        assistants: AssistantService,
        routing: RoutingService,
        writer: AnswerWriter,
        generation: GenerationService,
        memories: MemoryService,
        runs: RunService,
        audit: AuditService,
        settings: Settings,
    ) -> None:
        """The same rooms as for a conversation."""
        self._database = database
        self._assistants = assistants
        self._routing = routing
        self._writer = writer
        self._memories = memories
        self._runs = runs
        self._audit = audit
        self._planner = Planner(writer=writer, generation=generation, settings=settings)

    async def names(self, caller: Caller) -> list[str]:
        """Name whom the caller may ask: `auto`, plain conversation, and each enabled assistant."""
        caller.require_scope("chat")
        page = await self._assistants.page(caller, limit=MAXIMUM_LIMIT, offset=0)
        return [AUTO, CONVERSATION, *(one.name for one in page.items if one.is_enabled)]

    async def start(
        self,
        caller: Caller,
        name: str,
        said: Sequence[Said],
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> LiveRun:
        """Begin to answer the last of some messages. Raises AssistantNotFound, EmptyMessage.

        The run says `queue`, `route`, `source`, `token`, then `done` with an `Impromptu`.
        """
        caller.require_scope("chat")
        if not said or said[-1].role != "user" or not said[-1].content.strip():
            raise EmptyMessage
        if name not in {AUTO, CONVERSATION}:
            await self._assistants.profile(name)
        asked = Asked(
            message=said[-1].content,
            said=said[:-1],
            memories=await self._memories.known(caller),
            temperature=temperature,
            max_tokens=max_tokens,
        )

        async def work(run: LiveRun) -> None:
            await self._answer(caller, name, asked, run)

        return await self._runs.start(caller, RUN_KIND, work)

    async def _answer(self, caller: Caller, name: str, asked: Asked, run: LiveRun) -> None:
        started = time.perf_counter()
        route = await self._route(caller, name, asked)
        run.emit("route", {**msgspec.to_builtins(route), "decided_by": route.by, "run_id": run.id})
        profile = None if route.agent == CONVERSATION else await self._assistants.profile(route.agent)
        plan = self._planner.plan(asked, profile, await self._planner.model(asked, profile))
        found = await self._writer.find(caller, plan)
        written = await self._writer.write(caller, plan, found, run, started=started)
        run.emit("done", Impromptu(answer=written.answer, route=route))
        await asyncio.shield(self._record(caller, route, written.answer))

    async def _route(self, caller: Caller, name: str, asked: Asked) -> Route:
        route = await decide(self._routing, caller, name, asked.message, before=asked.before)
        # Outside a conversation no person could answer: it is talked about, and nobody is said to have been asked.
        return msgspec.structs.replace(route, agent=CONVERSATION) if route.agent == ESCALATE else route

    async def _record(self, caller: Caller, route: Route, answer: Answer) -> None:
        async with self._database.begin() as transaction:
            await self._audit.record(
                transaction,
                caller,
                "message.answered",
                object_kind="run",
                object_id=answer.run_id,
                agent=route.agent,
                mode=answer.mode,
                model=answer.model,
                documents=sorted({str(source.file_id) for source in answer.sources}),
            )
