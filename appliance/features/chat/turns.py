"""Messages in, answers out: what was sent is written down before anything else, then a run answers it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, look_again, now
from appliance.core.failpoints import Failpoints
from appliance.core.ids import new_id
from appliance.core.integrity import Invariant
from appliance.core.settings_sections import Settings
from appliance.features.assistants import AssistantService, RoutingService
from appliance.features.audit import AuditService
from appliance.features.chat.deciding import AUTO, CONVERSATION
from appliance.features.chat.errors import EmptyMessage, MessageNotFound, MessageTooLong, NotAnAnswer
from appliance.features.chat.escalations import EscalationService
from appliance.features.chat.integrity import ChatIntegrity
from appliance.features.chat.limits import MessageWindow
from appliance.features.chat.mapping import title_of
from appliance.features.chat.memories import MemoryService
from appliance.features.chat.records import TurnRecords, begin_turn
from appliance.features.chat.repository import MessageRepository
from appliance.features.chat.schemas import Accepted, BranchIn, MessageIn, RateLimit, RegenerateIn, Reply
from appliance.features.chat.service import ConversationService
from appliance.features.chat.tables import ConversationRow, MessageRow
from appliance.features.chat.turn import Answering, Turn
from appliance.features.chat.usage import UsageService
from appliance.features.generation import GenerationService
from appliance.features.knowledge import AnswerWriter
from appliance.features.runs import LiveRun, RunService

log = structlog.get_logger(__name__)
RUN_KIND = "chat"
_AT_ONCE = 8
"""So many messages are taken in side by side: of hundreds that come at once the others wait here, not in everybody's way."""


class _Wish(msgspec.Struct, kw_only=True):
    """What is to be answered: a new message below `parent_id`, or an old one (`question_id`) once more."""

    message: str
    assistant: str | None
    model: str | None


class _Begun(NamedTuple):
    """An answer that has begun."""

    run: LiveRun
    turn: Turn


class ChatService:
    """Sends messages: new, worded differently, or answered once more."""

    def __init__(
        self,
        database: Database,
        *,
        conversations: ConversationService,
        assistants: AssistantService,
        routing: RoutingService,
        writer: AnswerWriter,
        generation: GenerationService,
        memories: MemoryService,
        escalations: EscalationService,
        usage: UsageService,
        runs: RunService,
        audit: AuditService,
        settings: Settings,
        failpoints: Failpoints,
    ) -> None:
        """`usage` holds people to their quotas, `settings.limits` conversations to their window."""
        self._database = database
        self._conversations = conversations
        self._assistants = assistants
        self._routing = routing
        self._generation = generation
        self._memories = memories
        self._usage = usage
        self._runs = runs
        self._settings = settings
        self._messages = MessageRepository()
        self._taking_in = asyncio.Semaphore(_AT_ONCE)
        self._window = MessageWindow(settings.limits.messages_per_minute)
        self._records = TurnRecords(database, runs=runs, audit=audit)
        self._integrity = ChatIntegrity(database, records=self._records)
        self._answering = Answering(
            database=database,
            assistants=assistants,
            routing=routing,
            writer=writer,
            generation=generation,
            memories=memories,
            escalations=escalations,
            runs=runs,
            records=self._records,
            settings=settings,
            failpoints=failpoints,
        )

    @property
    def invariants(self) -> list[Invariant]:
        """What `fsck` proves of this room."""
        return self._integrity.invariants

    async def send(self, caller: Caller, request: MessageIn) -> LiveRun:
        """Keep a message and begin to answer it.

        Raises at once what is wrong: EmptyMessage, MessageTooLong, AssistantNotFound, ModelNotFound, ConversationNotFound,
        RateLimited, QuotaReached.
        """
        caller.require_scope("chat")
        wish = _Wish(message=request.message, assistant=request.assistant, model=request.model)
        await self._check(caller, wish)
        self._generation.look_ahead(wish.model)

        async def accept(transaction: Transaction) -> _Begun:
            row = await self._conversations.open(transaction, caller, request.conversation_id)
            return await self._accept(transaction, caller, row, wish, parent_id=row.head_id)

        return await look_again(lambda: self._take_in(accept), times=3)

    async def branch(self, caller: Caller, handle: str, message_id: UUID, request: BranchIn) -> LiveRun:
        """Answer another wording of a message, on a branch of its own."""
        caller.require_scope("chat")
        wish = _Wish(message=request.message, assistant=request.assistant, model=request.model)
        await self._check(caller, wish)

        async def accept(transaction: Transaction) -> _Begun:
            row, original = await self._find(transaction, caller, handle, message_id)
            if original.role != "user":
                raise NotAnAnswer
            return await self._accept(transaction, caller, row, wish, parent_id=original.parent_id)

        return await self._take_in(accept)

    async def regenerate(self, caller: Caller, handle: str, message_id: UUID, request: RegenerateIn) -> LiveRun:
        """Answer a message once more; the answers are versions of each other."""
        caller.require_scope("chat")
        await self._check_choice(request.assistant, request.model)

        async def accept(transaction: Transaction) -> _Begun:
            row, answer = await self._find(transaction, caller, handle, message_id)
            if answer.role != "assistant" or answer.parent_id is None:
                raise NotAnAnswer
            question = await self._messages.get(transaction, row.id, answer.parent_id)
            if question is None:
                raise MessageNotFound
            wish = _Wish(message=question.content, assistant=request.assistant, model=request.model)
            return await self._accept(transaction, caller, row, wish, parent_id=question.parent_id, question=question)

        return await self._take_in(accept)

    async def wait(self, run: LiveRun) -> Reply:
        """Wait for the whole answer. Raises what it failed with."""
        return await run.outcome()

    async def rate_limit(self, caller: Caller, key: str) -> RateLimit:
        """Say what a conversation may still send. One that is not there yet, or another's, is answered as a new one."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            known = await self._conversations.find(transaction, caller, key)
            return await self._window.look(transaction, known.row.key if known and known.right == "owner" else "")

    async def close(self) -> None:
        """Leave what is being summarised."""
        await self._answering.summaries.close()

    async def recover(self, *, alone: bool = False) -> int:
        """Mark answers whose run has ended without them as interrupted. `alone`: nothing runs, here or elsewhere."""
        return await self._records.recover(alone=alone)

    async def end_turns(self) -> int:
        """End the turns of answers that were deleted while they were written, by a process that died then."""
        return await self._records.end_turns()

    async def _check(self, caller: Caller, wish: _Wish) -> None:
        if not wish.message.strip():
            raise EmptyMessage
        limit = self._settings.limits.message_characters
        if len(wish.message) > limit:
            raise MessageTooLong(characters=len(wish.message), limit=limit)
        await self._check_choice(wish.assistant, wish.model)

    async def _check_choice(self, assistant: str | None, model: str | None) -> None:
        if assistant not in {None, AUTO, CONVERSATION}:
            await self._assistants.profile(str(assistant))
        if model:
            await self._generation.resolve(model)

    async def _find(
        self, transaction: Transaction, caller: Caller, handle: str, message_id: UUID
    ) -> tuple[ConversationRow, MessageRow]:
        known = await self._conversations.own(transaction, caller, handle)
        message = await self._messages.get(transaction, known.row.id, message_id)
        if message is None:
            raise MessageNotFound
        return known.row, message

    async def _take_in(self, accept: Callable[[Transaction], Awaitable[_Begun]]) -> LiveRun:
        """Write a message down while its answer is begun; where that fails the answer goes with it."""
        begun: _Begun | None = None
        try:
            async with self._taking_in, self._database.begin() as transaction:
                begun = await accept(transaction)
        except BaseException:
            if begun is not None:
                begun.turn.kept.set_result(False)
                begun.run.abandon()
            raise
        self._answering.failpoints.reach("chat.accepted")
        begun.turn.kept.set_result(True)
        return begun.run

    async def _accept(
        self,
        transaction: Transaction,
        caller: Caller,
        row: ConversationRow,
        wish: _Wish,
        *,
        parent_id: UUID | None,
        question: MessageRow | None = None,
    ) -> _Begun:
        """Write down the message, the place of its answer and the turn, and begin the answer; the conversation is locked."""
        remaining = await self._window.take(transaction, row.key)
        await self._usage.check(transaction, caller)
        is_new = question is None
        if question is None:
            question = _message(row, parent_id, role="user", content=wish.message, status="done")
            transaction.add(question)
            self._messages.index(transaction, question, row.owner_id)
        remembered = await self._remember(transaction, caller, row, wish.message) if is_new else None
        answer = _message(row, question.id, role="assistant", content="", status="writing")
        answer.run_id = new_id()
        transaction.add(answer)
        transaction.add(begin_turn(answer, row))
        _advance(row, answer, wish.message, added=2 if is_new else 1)
        turn = Turn(
            conversation_id=row.id,
            key=row.key,
            owner_id=row.owner_id,
            question_id=question.id,
            message=wish.message,
            previous_id=parent_id,
            begins=row in transaction.new,
            summary=row.summary,
            summary_id=row.summary_id,
            message_id=answer.id,
            assistant=wish.assistant or row.assistant or AUTO,
            model=wish.model,
            remembered=remembered,
            kept=asyncio.get_running_loop().create_future(),
            accepted=_accepted(row, question, answer, remaining),
        )
        if turn.begins and not self._database.is_sqlite:
            # Who else makes this conversation at the moment is heard of before the engine is asked.
            await transaction.flush()
        return await self._begin(caller, turn)

    async def _remember(
        self, transaction: Transaction, caller: Caller, row: ConversationRow, message: str
    ) -> str | None:
        """Keep what a message asks to be remembered, if it does and there is room."""
        memory = self._memories.asked_to_remember(message)
        if memory is None or await self._memories.keep(transaction, caller, memory, conversation_id=row.id) is None:
            return None
        return memory

    async def _begin(self, caller: Caller, turn: Turn) -> _Begun:
        async def work(run: LiveRun) -> None:
            await self._answering.answer(caller, turn, run)

        return _Begun(await self._runs.start(caller, RUN_KIND, work, run_id=turn.accepted.run_id), turn)


def _message(row: ConversationRow, parent_id: UUID | None, *, role: str, content: str, status: str) -> MessageRow:
    return MessageRow(
        id=new_id(),
        conversation_id=row.id,
        parent_id=parent_id,
        role=role,
        content=content,
        status=status,
        run_id=None,
        agent=None,
        model=None,
        mode=None,
        details={},
        problem=None,
        rating=None,
        reason=None,
        created_at=now(),
    )


def _accepted(row: ConversationRow, question: MessageRow, answer: MessageRow, remaining: int) -> Accepted:
    assert answer.run_id is not None  # noqa: S101 - it was just given one
    return Accepted(
        conversation_id=row.key,
        user_message_id=question.id,
        message_id=answer.id,
        run_id=answer.run_id,
        remaining=remaining,
        title=row.title,
    )


def _advance(row: ConversationRow, answer: MessageRow, message: str, *, added: int) -> None:
    """Have the conversation show the new answer; its first message gives it its title."""
    if not row.is_titled and row.messages == 0:
        row.title, row.is_titled = title_of(message) or row.title, True
    row.head_id, row.updated_at = answer.id, answer.created_at
    row.messages += added
    row.is_archived = False
