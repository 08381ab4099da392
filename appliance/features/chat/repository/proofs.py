"""SQL that proves the chat room's promises, and what mends them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, text, update
from sqlalchemy.exc import DatabaseError

from appliance.core.database import Transaction
from appliance.features.chat.tables import ConversationRow, EscalationRow, MessageRow, MessageWordsRow, TurnRow

_BATCH = 100
PERSON = "person"
"""The mode of an answer that a person wrote: it took no turn."""


class Place(NamedTuple):
    """Where a message stands in its conversation."""

    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    created_at: datetime


class Indexed(NamedTuple):
    """A message's words as they are, beside those that full-text search has (None: it is not findable)."""

    id: UUID
    content: str
    words: str | None
    is_placed: bool
    """Its words are listed under its own conversation and that one's owner."""


class ProofRepository:
    """Conversations in batches, whoever's, and what stands about them elsewhere."""

    async def batch_after(self, transaction: Transaction, after: UUID | None) -> list[ConversationRow]:
        """Give the next conversations in the order of their ids."""
        statement = select(ConversationRow).order_by(ConversationRow.id).limit(_BATCH)
        if after is not None:
            statement = statement.where(ConversationRow.id > after)
        return list(await transaction.scalars(statement))

    async def places(self, transaction: Transaction, conversations: Sequence[UUID]) -> list[Place]:
        """Give the trees of some conversations, oldest message first."""
        statement = (
            select(MessageRow.id, MessageRow.conversation_id, MessageRow.parent_id, MessageRow.created_at)
            .where(MessageRow.conversation_id.in_(conversations))
            .order_by(MessageRow.created_at, MessageRow.id)
        )
        return [Place(*row) for row in await transaction.execute(statement)]

    async def indexed(self, transaction: Transaction, conversations: Sequence[UUID]) -> list[Indexed]:
        """Give the messages of some conversations with what full-text search knows of each."""
        placed = (MessageWordsRow.conversation_id == MessageRow.conversation_id) & (
            MessageWordsRow.owner_id == ConversationRow.owner_id
        )
        statement = (
            select(MessageRow.id, MessageRow.content, MessageWordsRow.words, func.coalesce(placed, False))
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .outerjoin(MessageWordsRow, MessageWordsRow.message_id == MessageRow.id)
            .where(MessageRow.conversation_id.in_(conversations))
        )
        return [Indexed(row[0], row[1], row[2], bool(row[3])) for row in await transaction.execute(statement)]

    async def is_index_whole(self, transaction: Transaction) -> bool:
        """Tell whether SQLite's index agrees with the words it indexes; PostgreSQL keeps its own with each row."""
        if transaction.get_bind().dialect.name != "sqlite":
            return True
        try:
            async with transaction.begin_nested():
                await transaction.execute(
                    text("insert into message_index(message_index, rank) values ('integrity-check', 1)")
                )
        except DatabaseError:
            return False
        return True

    async def rebuild_index(self, transaction: Transaction) -> None:
        """Make SQLite's index anew from the words."""
        await transaction.execute(text("insert into message_index(message_index) values ('rebuild')"))

    async def find(self, transaction: Transaction, message_id: UUID) -> tuple[MessageRow, ConversationRow] | None:
        """Find a message with its conversation, which nobody changes until the transaction ends."""
        conversation_id = await transaction.scalar(
            select(MessageRow.conversation_id).where(MessageRow.id == message_id)
        )
        if conversation_id is None:
            return None
        conversation = await transaction.get(ConversationRow, conversation_id, with_for_update=True)
        message = await transaction.get(MessageRow, message_id, populate_existing=True)
        return (message, conversation) if message is not None and conversation is not None else None

    async def unindex(self, transaction: Transaction, message_id: UUID) -> None:
        """Have a message no longer be found."""
        await transaction.execute(delete(MessageWordsRow).where(MessageWordsRow.message_id == message_id))

    async def without_turn(self, transaction: Transaction) -> list[UUID]:
        """Name the answers of assistants whose turn is not written down."""
        statement = select(MessageRow.id).where(
            MessageRow.role == "assistant",
            MessageRow.mode.is_distinct_from(PERSON),
            ~exists().where(TurnRow.id == MessageRow.id),
        )
        return list(await transaction.scalars(statement))

    async def differing_turns(self, transaction: Transaction) -> list[UUID]:
        """Name the turns that say something else than the answers they are about."""
        statement = (
            select(TurnRow.id)
            .join(MessageRow, MessageRow.id == TurnRow.id)
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .where(
                or_(
                    TurnRow.status != MessageRow.status,
                    TurnRow.owner_id != ConversationRow.owner_id,
                    TurnRow.conversation_key != ConversationRow.key,
                    TurnRow.rating.is_distinct_from(MessageRow.rating),
                )
            )
        )
        return list(await transaction.scalars(statement))

    async def unfinished_turns(self, transaction: Transaction) -> list[UUID]:
        """Name the turns that are being written of answers that are not there."""
        statement = select(TurnRow.id).where(TurnRow.status == "writing", ~exists().where(MessageRow.id == TurnRow.id))
        return list(await transaction.scalars(statement))

    async def turn(self, transaction: Transaction, turn_id: UUID) -> TurnRow | None:
        """Find a turn."""
        return await transaction.get(TurnRow, turn_id, with_for_update=True)

    async def lost_escalations(self, transaction: Transaction) -> list[UUID]:
        """Name the escalations whose message is none of their conversation."""
        statement = (
            select(EscalationRow.id)
            .outerjoin(MessageRow, MessageRow.id == EscalationRow.message_id)
            .where(MessageRow.conversation_id.is_distinct_from(EscalationRow.conversation_id))
        )
        return list(await transaction.scalars(statement))

    async def place_escalation(self, transaction: Transaction, escalation_id: UUID) -> None:
        """Have an escalation stand at what its conversation shows; without any message it is gone."""
        row = await transaction.get(EscalationRow, escalation_id)
        conversation = await transaction.get(ConversationRow, row.conversation_id) if row is not None else None
        if row is None or conversation is None:
            return
        if conversation.head_id is None:
            await transaction.delete(row)
        else:
            row.message_id = conversation.head_id

    async def detach(self, transaction: Transaction, message_id: UUID) -> None:
        """Have a message begin a branch of its own."""
        await transaction.execute(update(MessageRow).where(MessageRow.id == message_id).values(parent_id=None))
