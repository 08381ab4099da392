"""One message on its way to its answer: who answers, what it rests on, what is said, what is kept of it."""

import asyncio
import time
from uuid import UUID

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.errors import ApplianceError
from appliance.core.failpoints import Failpoints
from appliance.core.settings_sections import Settings
from appliance.core.text import Text
from appliance.features.assistants import AssistantService, Route, RoutingService
from appliance.features.chat.deciding import CONVERSATION, ESCALATE, decide
from appliance.features.chat.escalations import EscalationService
from appliance.features.chat.history import Said
from appliance.features.chat.memories import MemoryService
from appliance.features.chat.planning import Asked, Planner
from appliance.features.chat.records import TurnRecords
from appliance.features.chat.repository import ConversationRepository, Earlier, MessageRepository
from appliance.features.chat.schemas import Accepted, MessageMode, Reply
from appliance.features.chat.summaries import Summaries
from appliance.features.generation import GenerationBusy, GenerationService
from appliance.features.knowledge import (
    Answer,
    AnswerWriter,
    Usage,
    Written,
)
from appliance.features.runs import LiveRun, RunService

log = structlog.get_logger(__name__)
_NO_MODEL = Text(
    "No language model answers here, so the documents are quoted.",
    "Aucun modèle de langage ne répond ici ; les documents sont cités.",
)
_REMEMBERED = Text("This will be remembered: “{memory}”.", "C’est retenu : « {memory} ».")
_ESCALATED = Text(
    "Your message has been passed on to a person, who will answer here.",
    "Votre message a été transmis à une personne, qui vous répondra ici.",
)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is being written down and waits for its answer.

    `kept` tells whether that succeeded: nothing of the answer is kept or said to be complete before it did.
    `previous_id`: the answer before it; `begins`: the conversation is made with it, so that nothing belongs to it yet;
    `summary` stands for what was said up to `summary_id`, if that is on its branch.
    """

    conversation_id: UUID
    key: str
    owner_id: UUID
    question_id: UUID
    message: str
    previous_id: UUID | None
    begins: bool
    summary: str
    summary_id: UUID | None
    message_id: UUID
    assistant: str
    model: str | None
    remembered: str | None
    kept: asyncio.Future[bool]
    accepted: Accepted

    async def is_kept(self) -> bool:
        """Wait until that is known; whoever leaves meanwhile takes nothing along."""
        return await asyncio.shield(self.kept)


class _Read(msgspec.Struct, kw_only=True):
    """What the state holds for a turn: earlier messages, the summary of those before them, documents, memories."""

    path: list[Earlier]
    summary: str
    attachments: list[UUID]
    memories: list[str]

    @property
    def current(self) -> str | None:
        """Who answered last."""
        return next((row.agent for row in reversed(self.path) if row.role == "assistant" and row.agent), None)

    @property
    def asked(self) -> list[str]:
        """What the person said before, oldest first."""
        return [row.content for row in self.path if row.role == "user"]


class Answering:
    """Everything a turn needs; each turn is an `_Answer` of its own."""

    def __init__(
        self,
        *,
        database: Database,
        assistants: AssistantService,
        routing: RoutingService,
        writer: AnswerWriter,
        generation: GenerationService,
        memories: MemoryService,
        escalations: EscalationService,
        runs: RunService,
        records: TurnRecords,
        settings: Settings,
        failpoints: Failpoints,
    ) -> None:
        """`records` keep what becomes of it."""
        self.database = database
        self.assistants = assistants
        self.routing = routing
        self.writer = writer
        self.generation = generation
        self.memories = memories
        self.escalations = escalations
        self.runs = runs
        self.records = records
        self.settings = settings
        self.failpoints = failpoints
        self.planner = Planner(writer=writer, generation=generation, settings=settings)
        self.summaries = Summaries(database, generation=generation, settings=settings, failpoints=failpoints)
        self._conversations = ConversationRepository()
        self._messages = MessageRepository()

    async def answer(self, caller: Caller, turn: Turn, run: LiveRun) -> None:
        """Answer one message. Whatever goes wrong is kept with it and raised."""
        answering = _Answer(self, caller, turn, run)
        try:
            await answering.perform()
        except asyncio.CancelledError:
            if not run.stopping:
                await asyncio.shield(answering.settle())
                raise
            await asyncio.shield(answering.stop())
        except ApplianceError as error:
            if not await turn.is_kept():
                return
            await asyncio.shield(self.records.fail(turn.conversation_id, turn.message_id, error))
            raise

    async def read(self, caller: Caller, turn: Turn) -> _Read:
        """Read what the answer may know, once the answer before it is no longer being written."""
        read, path = await self._read(caller, turn)
        if path and path[-1].status == "writing":
            await self.records.wait_for(turn.previous_id)
            read, _ = await self._read(caller, turn)
        return read

    async def _read(self, caller: Caller, turn: Turn) -> tuple[_Read, list[Earlier]]:
        async with self.database.read() as transaction:
            path, is_covered = await self._messages.after(transaction, turn.previous_id, turn.summary_id)
            attached = [] if turn.begins else await self._conversations.attachments(transaction, turn.conversation_id)
            memories = await self.memories.known_in(transaction, caller)
        read = _Read(
            path=[message for message in path if message.content],
            summary=turn.summary if is_covered else "",
            attachments=[entry[0] for entry in attached],
            memories=memories,
        )
        return read, path

    async def open_escalation(self, caller: Caller, turn: Turn, reason: str) -> UUID | None:
        """Have a message wait for a person; None where its conversation is gone."""
        if not await turn.is_kept():
            return None
        async with self.database.begin() as transaction:
            row = await self._conversations.lock_id(transaction, turn.conversation_id)
            if row is None:
                return None
            return await self.escalations.open(transaction, caller, row, message_id=turn.message_id, reason=reason)


class _Answer:
    """One turn."""

    def __init__(self, rooms: Answering, caller: Caller, turn: Turn, run: LiveRun) -> None:
        self._rooms = rooms
        self._caller = caller
        self._turn = turn
        self._run = run
        self._started = time.perf_counter()
        self._finishing: asyncio.Future[None] | None = None
        self._route = Route(agent=CONVERSATION, confidence=0.0, reasoning="", by="chosen")

    async def perform(self) -> None:
        """Wait for the answer before, route, answer, keep."""
        rooms, turn = self._rooms, self._turn
        self._run.emit("accepted", turn.accepted)
        read = await rooms.read(self._caller, turn)
        self._route = await decide(
            rooms.routing, self._caller, turn.assistant, turn.message, before=read.asked, current=read.current
        )
        self._run.emit(
            "route", {**msgspec.to_builtins(self._route), "decided_by": self._route.by, "run_id": self._run.id}
        )
        rooms.failpoints.reach("chat.routed")
        if self._route.agent == ESCALATE:
            await self._escalate()
            return
        written = await self._write(read)
        reply = self._reply(written.answer, written)
        if turn.remembered and reply.notice is None:
            reply.notice = _REMEMBERED.say("fr" if reply.language == "fr" else "en", memory=turn.remembered)
        await self._finish(reply, written)
        rooms.summaries.consider(self._caller, turn.conversation_id, turn.message_id, written.answer)

    async def stop(self) -> None:
        """Keep that the person stopped it before a word was written; an answer that is being kept stays whole."""
        if self._finishing is not None:
            await self.settle()
            return
        usage = Usage(prompt_tokens=0, completion_tokens=0)
        await self._finish(self._plain("", mode="rule", usage=usage, stopped=True), None)

    async def settle(self) -> None:
        """Wait until an answer that is being kept is kept."""
        if self._finishing is not None:
            await self._finishing

    async def _write(self, read: _Read) -> Written:
        rooms, caller = self._rooms, self._caller
        profile = None if self._route.agent == CONVERSATION else await rooms.assistants.profile(self._route.agent)
        asked = self._asked(read)
        model = await rooms.planner.model(asked, profile)
        plan = rooms.planner.plan(asked, profile, model)
        found = await rooms.writer.find(caller, plan)
        try:
            return await rooms.writer.write(caller, plan, found, self._run, started=self._started)
        except GenerationBusy:
            raise
        except ApplianceError as error:  # nobody wrote, and nothing was searched or found that could be quoted
            log.warning("conversation_without_model", code=error.code)
            plan = rooms.planner.plan(asked, profile, None)
            found = await rooms.writer.find(caller, plan)
            return await rooms.writer.write(caller, plan, found, self._run, started=self._started)

    def _asked(self, read: _Read) -> Asked:
        return Asked(
            message=self._turn.message,
            said=[Said(row.role, row.content) for row in read.path],
            summary=read.summary,
            memories=read.memories,
            attachments=read.attachments,
            key=self._turn.key,
            model=self._turn.model,
        )

    async def _escalate(self) -> None:
        text = _ESCALATED.say(await self._rooms.writer.answer_language(self._caller, self._turn.message))
        self._run.emit("token", {"text": text})
        reply = self._plain(text, mode="rule", usage=Usage(prompt_tokens=0, completion_tokens=0))
        reply.escalation_id = await self._rooms.open_escalation(self._caller, self._turn, self._route.reasoning)
        self._rooms.failpoints.reach("chat.escalated")
        await self._finish(reply, None)

    async def _finish(self, reply: Reply, written: Written | None) -> None:
        """Keep the answer, then say that it is complete: what was said to be done survives whatever comes."""
        self._finishing = asyncio.ensure_future(self._keep(reply, written))
        await asyncio.shield(self._finishing)

    async def _keep(self, reply: Reply, written: Written | None) -> None:
        rooms = self._rooms
        if not await self._turn.is_kept():
            return
        await rooms.records.finish(
            self._caller,
            self._turn.conversation_id,
            reply,
            attempts=written.attempts if written else 0,
            queue_ms=written.queue_ms if written else None,
        )
        rooms.failpoints.reach("chat.kept")
        self._run.emit("done", reply)
        rooms.failpoints.reach("chat.answered")

    def _reply(self, answer: Answer, written: Written) -> Reply:
        reply = self._plain(answer.answer, mode=answer.mode, usage=answer.usage, stopped=answer.stopped)
        reply.sources, reply.grounded = answer.sources, answer.grounded
        reply.model, reply.language = answer.model, answer.language
        reply.nothing_found = answer.nothing_found and self._route.agent != CONVERSATION
        reply.notice, reply.partial = answer.notice, answer.partial
        reply.first_token_ms = written.first_token_ms
        if answer.mode == "extractive" and self._route.agent == CONVERSATION and reply.notice is None:
            reply.notice = _NO_MODEL.say("fr" if answer.language == "fr" else "en")
        return reply

    def _plain(self, text: str, *, mode: MessageMode, usage: Usage, stopped: bool = False) -> Reply:
        accepted = self._turn.accepted
        return Reply(
            message=text,
            agent=self._route.agent,
            confidence=round(self._route.confidence, 4),
            reasoning=self._route.reasoning,
            timestamp=now(),
            message_id=self._turn.message_id,
            sources=[],
            model=None,
            mode=mode,
            remaining=accepted.remaining,
            conversation_id=accepted.conversation_id,
            user_message_id=accepted.user_message_id,
            run_id=accepted.run_id,
            decided_by=self._route.by,
            tokens=usage.prompt_tokens + usage.completion_tokens,
            usage=usage,
            grounded=[],
            language=self._caller.language,
            stopped=stopped,
            milliseconds=int((time.perf_counter() - self._started) * 1000),
        )
