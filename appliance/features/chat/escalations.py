"""Messages that wait for a person: an admin reads the branch that led to one, and answers in the conversation."""

from typing import Literal, cast
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.features.audit import AuditService
from appliance.features.chat.extras_errors import EscalationNotFound, EscalationSettled
from appliance.features.chat.extras_schemas import Escalation, EscalationAnswerIn, EscalationStatus, Excerpt
from appliance.features.chat.repository import MessageRepository
from appliance.features.chat.repository.extras import EscalationRepository, KnownEscalation
from appliance.features.chat.tables import ConversationRow, EscalationRow, MessageRow

ESCALATE = "escalate"
_LONGEST_REASON = 500
_MOST_EXCERPTS = 200


class EscalationService:
    """An escalation is a grant: it lets admins read the branch that led to it, and nothing else of the conversation."""

    def __init__(self, database: Database, *, audit: AuditService) -> None:
        """Who read and who answered is audited."""
        self._database = database
        self._audit = audit
        self._repository = EscalationRepository()
        self._messages = MessageRepository()

    async def open(
        self, transaction: Transaction, caller: Caller, conversation: ConversationRow, *, message_id: UUID, reason: str
    ) -> UUID:
        """Have a message wait for a person, in the transaction that writes it; gives the escalation's id."""
        row = EscalationRow(
            id=new_id(),
            conversation_id=conversation.id,
            message_id=message_id,
            owner_id=conversation.owner_id,
            status="open",
            reason=reason[:_LONGEST_REASON],
            answered_by=None,
            created_at=now(),
            answered_at=None,
        )
        transaction.add(row)
        await transaction.flush()
        await self._record(transaction, caller, "escalation.opened", row)
        return row.id

    async def page(
        self, caller: Caller, *, status: EscalationStatus | None, limit: int, offset: int
    ) -> Page[Escalation]:
        """List escalations for an admin, newest first."""
        caller.require_admin()
        async with self._database.read() as transaction:
            known, total = await self._repository.page(transaction, status, limit=limit, offset=offset)
        return Page(items=[_escalation(entry, []) for entry in known], total=total, limit=limit, offset=offset)

    async def get(self, caller: Caller, escalation_id: UUID) -> Escalation:
        """Show one with the branch that led to it, and its answer. That it was read is audited.

        Raises EscalationNotFound.
        """
        caller.require_admin()
        async with self._database.begin() as transaction:
            shown = await self._show(transaction, escalation_id)
            await self._audit.record(
                transaction,
                caller,
                "escalation.read",
                object_kind="escalation",
                object_id=escalation_id,
                conversation=str(shown.conversation),
            )
        return shown

    async def answer(self, caller: Caller, escalation_id: UUID, request: EscalationAnswerIn) -> Escalation:
        """Answer in the conversation; its person sees the answer as its newest message.

        Raises EscalationNotFound, and EscalationSettled where somebody else was first.
        """
        caller.require_admin()
        async with self._database.begin() as transaction:
            row, conversation = await self._open_one(transaction, escalation_id)
            message = _message(row, caller, request.message.strip())
            message.parent_id = await self._place(transaction, row, conversation)
            transaction.add(message)
            await transaction.flush()
            self._messages.index(transaction, message, conversation.owner_id)
            conversation.head_id = message.id
            conversation.messages += 1
            conversation.updated_at = message.created_at
            row.status, row.answered_by, row.answered_at = "answered", caller.user_id, message.created_at
            await transaction.flush()
            shown = await self._show(transaction, escalation_id)
            await self._record(transaction, caller, "escalation.answered", row)
        return shown

    async def close(self, caller: Caller, escalation_id: UUID) -> Escalation:
        """Settle one without an answer. Raises EscalationNotFound, EscalationSettled."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            row, _ = await self._open_one(transaction, escalation_id)
            row.status = "closed"
            await transaction.flush()
            shown = await self._show(transaction, escalation_id)
            await self._record(transaction, caller, "escalation.closed", row)
        return shown

    async def _open_one(self, transaction: Transaction, escalation_id: UUID) -> tuple[EscalationRow, ConversationRow]:
        found = await self._repository.locked(transaction, escalation_id)
        if found is None:
            raise EscalationNotFound
        if found[0].status != "open":
            raise EscalationSettled
        return found

    async def _place(self, transaction: Transaction, row: EscalationRow, conversation: ConversationRow) -> UUID:
        """Give the message that the answer follows.

        The escalation's own; where the person has gone on talking since, the last answer of that branch, so that nothing
        shown is hidden by it.
        """
        head = conversation.head_id
        if head is None or head == row.message_id:
            return row.message_id
        parents = await self._repository.parents(transaction, conversation.id)
        if row.message_id not in _branch(parents, head):
            return row.message_id
        last = await self._repository.messages(transaction, [head])
        return head if last and last[0].role == "assistant" else row.message_id

    async def _show(self, transaction: Transaction, escalation_id: UUID) -> Escalation:
        known = await self._repository.known(transaction, escalation_id)
        if known is None:
            raise EscalationNotFound
        row = known.row
        parents = await self._repository.parents(transaction, row.conversation_id)
        ids = _branch(parents, row.message_id)[-_MOST_EXCERPTS:]
        answer = await self._repository.answer_of(transaction, row) if row.status == "answered" else None
        messages = await self._repository.messages(transaction, [*ids, *([answer] if answer else [])])
        return _escalation(known, messages)

    async def _record(self, transaction: Transaction, caller: Caller, action: str, row: EscalationRow) -> None:
        await self._audit.record(
            transaction,
            caller,
            action,
            object_kind="escalation",
            object_id=row.id,
            conversation=str(row.conversation_id),
        )


def _branch(parents: dict[UUID, UUID | None], last: UUID) -> list[UUID]:
    """Name the messages from the first to the last of a branch."""
    branch, message = list[UUID](), last
    while message in parents and len(branch) <= len(parents):
        branch.append(message)
        parent = parents[message]
        if parent is None:
            break
        message = parent
    return branch[::-1]


def _message(row: EscalationRow, caller: Caller, content: str) -> MessageRow:
    return MessageRow(
        id=new_id(),
        conversation_id=row.conversation_id,
        parent_id=row.message_id,
        role="assistant",
        content=content,
        status="done",
        run_id=None,
        agent=ESCALATE,
        model=None,
        mode="person",
        details={"escalation_id": str(row.id), "answered_by": caller.username},
        problem=None,
        rating=None,
        reason=None,
        created_at=now(),
    )


def _escalation(known: KnownEscalation, messages: list[MessageRow]) -> Escalation:
    row = known.row
    return Escalation(
        id=row.id,
        conversation=row.conversation_id,
        title=known.title,
        person=known.person,
        status=cast("EscalationStatus", row.status),
        reason=row.reason,
        created_at=row.created_at,
        answered_at=row.answered_at,
        answered_by=known.answered_by,
        messages=[
            Excerpt(
                role=cast("Literal['user', 'assistant']", message.role),
                content=message.content,
                created_at=message.created_at,
            )
            for message in messages
        ],
    )
