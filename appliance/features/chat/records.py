"""What becomes of an answer in the state: complete, stopped, failed, or interrupted by the end of its process."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.errors import ApplianceError
from appliance.features.audit import AuditService
from appliance.features.chat.mapping import Details
from appliance.features.chat.repository import ConversationRepository, MessageRepository, TurnRepository
from appliance.features.chat.schemas import Reply
from appliance.features.chat.tables import ConversationRow, MessageRow, TurnRow
from appliance.features.runs import RunInterrupted, RunService

log = structlog.get_logger(__name__)
_LOOK_SECONDS = 0.25


class TurnRecords:
    """Finishes what `ChatService` has begun to write down."""

    def __init__(self, database: Database, *, runs: RunService, audit: AuditService) -> None:
        """`runs` know what was said before a process ended; `audit` is told of every answer, never its words."""
        self._database = database
        self._audit = audit
        self._runs = runs
        self._conversations = ConversationRepository()
        self._messages = MessageRepository()
        self._turns = TurnRepository()

    async def finish(
        self, caller: Caller, conversation_id: UUID, reply: Reply, *, attempts: int, queue_ms: int | None
    ) -> None:
        """Keep an answer; of a conversation that was deleted meanwhile nothing is kept."""
        message, turn = _kept(reply, attempts=attempts, queue_ms=queue_ms)
        async with self._database.begin() as transaction:
            await self._keep(transaction, conversation_id, reply.message_id, message, turn)
            await self._audit.record(
                transaction,
                caller,
                "message.answered",
                object_kind="conversation",
                object_id=conversation_id,
                agent=reply.agent,
                mode=reply.mode,
                model=reply.model,
                documents=sorted({str(source.file_id) for source in reply.sources}),
            )

    async def fail(self, conversation_id: UUID, message_id: UUID, error: ApplianceError) -> None:
        """Keep why there is no answer."""
        problem = msgspec.to_builtins(error.store())
        message = {"content": "", "status": "failed", "problem": problem}
        async with self._database.begin() as transaction:
            await self._keep(transaction, conversation_id, message_id, message, {"status": "failed"})

    async def _keep(
        self,
        transaction: Transaction,
        conversation_id: UUID,
        message_id: UUID,
        message: dict[str, Any],
        turn: dict[str, Any],
        *,
        only_writing: bool = False,
    ) -> bool:
        """Write both down, the conversation locked. `only_writing`: what was kept meanwhile stays as it is."""
        row = await self._conversations.lock_id(transaction, conversation_id)
        if row is not None and only_writing:
            state = await self._messages.status(transaction, message_id)
            if state is None or state[0] != "writing":
                return False
        await self._turns.finish(transaction, message_id, **turn)
        if row is None:
            return False
        await self._messages.finish(transaction, message_id, **message)
        if message["content"]:
            await self._messages.index_text(transaction, message_id, conversation_id, row.owner_id, message["content"])
        row.updated_at = now()
        return True

    async def wait_for(self, message_id: UUID | None) -> None:
        """Wait until the answer before is no longer being written, by whatever process."""
        while message_id is not None:
            async with self._database.read() as transaction:
                state = await self._messages.status(transaction, message_id)
            if state is None or state[0] != "writing" or state[1] is None:
                return
            if not await self._runs.wait_end(state[1]):
                await self._mend(message_id, state[1])
                await asyncio.sleep(_LOOK_SECONDS)

    async def _mend(self, message_id: UUID, run_id: UUID) -> None:
        """Mark one answer as interrupted where its run has ended without it."""
        if await self._runs.said(run_id) is not None:
            await self.interrupt(message_id)

    async def recover(self, *, alone: bool) -> int:
        """Mark every answer whose run has ended without it as interrupted, with what was said so far."""
        async with self._database.read() as transaction:
            rows = await self._messages.writing(transaction)
        return sum([await self._interrupt(row, alone=alone) for row in rows])

    async def end_turns(self) -> int:
        """End the turns of answers that were deleted while they were written."""
        async with self._database.begin() as transaction:
            return await self._turns.end_deleted(transaction, "interrupted")

    async def abandoned(self) -> list[UUID]:
        """Name the answers that nobody writes any more."""
        async with self._database.read() as transaction:
            rows = await self._messages.writing(transaction)
        return [row.id for row in rows if row.run_id is None or await self._runs.said(row.run_id) is not None]

    async def interrupt(self, message_id: UUID) -> bool:
        """Mark one answer as interrupted, unless its run goes on or it was kept meanwhile."""
        async with self._database.read() as transaction:
            rows = await self._messages.by_ids(transaction, [message_id])
        return bool(rows) and await self._interrupt(rows[0])

    async def _interrupt(self, row: MessageRow, *, alone: bool = False) -> bool:
        events = await self._runs.said(row.run_id, alone=alone) if row.run_id else []
        if events is None:
            return False
        said = "".join(str(event.data.get("text", "")) for event in events if event.name == "token")
        problem = msgspec.to_builtins(RunInterrupted().store())
        message = {"content": said, "status": "interrupted", "problem": problem}
        turn = {"status": "interrupted"}
        async with self._database.begin() as transaction:
            kept = await self._keep(transaction, row.conversation_id, row.id, message, turn, only_writing=True)
        if kept:
            log.info("answer_interrupted", message_id=str(row.id), characters=len(said))
        return kept


def begin_turn(answer: MessageRow, row: ConversationRow) -> TurnRow:
    """Make the turn of an answer that nothing is known of yet."""
    return TurnRow(
        id=answer.id,
        at=answer.created_at,
        owner_id=row.owner_id,
        conversation_key=row.key,
        status="writing",
        agent=None,
        decided_by=None,
        confidence=None,
        model=None,
        mode=None,
        attempts=0,
        queue_ms=None,
        first_token_ms=None,
        total_ms=None,
        prompt_tokens=0,
        completion_tokens=0,
        rating=None,
    )


def _kept(reply: Reply, *, attempts: int, queue_ms: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a message and its turn become."""
    status = "stopped" if reply.stopped else "done"
    details = Details(
        sources=reply.sources,
        grounded=reply.grounded,
        usage=reply.usage,
        confidence=reply.confidence,
        reasoning=reply.reasoning,
        decided_by=reply.decided_by,
        notice=reply.notice,
        partial=reply.partial,
        nothing_found=reply.nothing_found,
        language=reply.language,
        milliseconds=reply.milliseconds,
        first_token_ms=reply.first_token_ms,
    )
    message = {
        "content": reply.message,
        "status": status,
        "agent": reply.agent,
        "model": reply.model,
        "mode": reply.mode,
        "details": msgspec.to_builtins(details),
    }
    turn = {
        "status": status,
        "agent": reply.agent,
        "decided_by": reply.decided_by,
        "confidence": reply.confidence,
        "model": reply.model,
        "mode": reply.mode,
        "attempts": attempts,
        "queue_ms": queue_ms,
        "first_token_ms": reply.first_token_ms,
        "total_ms": reply.milliseconds,
        "prompt_tokens": reply.usage.prompt_tokens,
        "completion_tokens": reply.usage.completion_tokens,
    }
    return message, turn
