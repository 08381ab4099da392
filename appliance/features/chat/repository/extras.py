"""SQL about memories, saved prompts and escalations."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, or_, select

from appliance.core.database import Transaction
from appliance.features.chat.tables import (
    ConversationRow,
    EscalationRow,
    MemoryRow,
    MessageRow,
    PromptRow,
)
from appliance.features.identity import UserRow


async def lock_person(transaction: Transaction, user_id: UUID) -> None:
    """Have everything of one person that counts before it adds happen one after the other (SQLite writes so anyway)."""
    await transaction.scalar(select(UserRow.id).where(UserRow.id == user_id).with_for_update(key_share=True))


_ENABLED = (
    select(MemoryRow.text)
    .where(MemoryRow.owner_id == bindparam("owner"), MemoryRow.is_enabled.is_(True))
    .order_by(MemoryRow.created_at, MemoryRow.id)
)


class MemoryRepository:
    """Memories, always of one person."""

    async def get(self, transaction: Transaction, memory_id: UUID) -> MemoryRow | None:
        """Find one by id; whose it is the service looks at."""
        return await transaction.get(MemoryRow, memory_id)

    async def enabled(self, transaction: Transaction, owner_id: UUID) -> list[str]:
        """Give the words of those in use, oldest first."""
        return list(await transaction.scalars(_ENABLED, {"owner": owner_id}))

    async def page(
        self, transaction: Transaction, owner_id: UUID, *, limit: int, offset: int
    ) -> tuple[list[MemoryRow], int]:
        """List newest first, and count all."""
        total = await transaction.scalar(
            select(func.count()).select_from(MemoryRow).where(MemoryRow.owner_id == owner_id)
        )
        statement = (
            select(MemoryRow)
            .where(MemoryRow.owner_id == owner_id)
            .order_by(MemoryRow.created_at.desc(), MemoryRow.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return list(await transaction.scalars(statement)), total or 0

    async def count_locked(self, transaction: Transaction, owner_id: UUID) -> int:
        """Count a person's, and let nobody add to them meanwhile."""
        await lock_person(transaction, owner_id)
        statement = select(func.count()).select_from(MemoryRow).where(MemoryRow.owner_id == owner_id)
        return await transaction.scalar(statement) or 0

    async def same(self, transaction: Transaction, owner_id: UUID, text: str) -> MemoryRow | None:
        """Find one with these words."""
        statement = select(MemoryRow).where(MemoryRow.owner_id == owner_id, MemoryRow.text == text).limit(1)
        return await transaction.scalar(statement)


class PromptRepository:
    """Saved prompts, from one person's point of view."""

    async def page(
        self, transaction: Transaction, user_id: UUID, *, sought: str, limit: int, offset: int
    ) -> tuple[list[tuple[PromptRow, str]], int]:
        """List a person's own and the shared ones by name, with their owners' names."""
        conditions: list[ColumnElement[bool]] = [_is_visible(user_id)]
        if sought:
            found = (
                func.lower(column).contains(sought, autoescape=True) for column in (PromptRow.name, PromptRow.title)
            )
            conditions.append(or_(*found))
        total = await transaction.scalar(select(func.count()).select_from(PromptRow).where(*conditions))
        statement = (
            select(PromptRow, UserRow.username)
            .join(UserRow, UserRow.id == PromptRow.owner_id)
            .where(*conditions)
            .order_by(PromptRow.name, (PromptRow.owner_id == user_id).desc(), PromptRow.id)
            .limit(limit)
            .offset(offset)
        )
        return [(row, owner) for row, owner in await transaction.execute(statement)], total or 0

    async def visible(self, transaction: Transaction, user_id: UUID, prompt_id: UUID) -> tuple[PromptRow, str] | None:
        """Find one that a person may see."""
        statement = (
            select(PromptRow, UserRow.username)
            .join(UserRow, UserRow.id == PromptRow.owner_id)
            .where(PromptRow.id == prompt_id, _is_visible(user_id))
        )
        row = (await transaction.execute(statement)).first()
        return (row[0], row[1]) if row else None

    async def has_name(self, transaction: Transaction, user_id: UUID, name: str) -> bool:
        """Tell whether a person has a prompt of that name."""
        statement = select(PromptRow.id).where(PromptRow.owner_id == user_id, PromptRow.name == name)
        return await transaction.scalar(statement) is not None

    async def count_locked(self, transaction: Transaction, user_id: UUID) -> int:
        """Count a person's, and let nobody add to them meanwhile."""
        await lock_person(transaction, user_id)
        statement = select(func.count()).select_from(PromptRow).where(PromptRow.owner_id == user_id)
        return await transaction.scalar(statement) or 0


def _is_visible(user_id: UUID) -> ColumnElement[bool]:
    return or_(PromptRow.owner_id == user_id, PromptRow.is_shared.is_(True))


class KnownEscalation(NamedTuple):
    """An escalation with what is shown beside it."""

    row: EscalationRow
    title: str
    person: str
    answered_by: str | None


class EscalationRepository:
    """Escalations, for admins."""

    async def page(
        self, transaction: Transaction, status: str | None, *, limit: int, offset: int
    ) -> tuple[list[KnownEscalation], int]:
        """List newest first, and count all."""
        conditions = [EscalationRow.status == status] if status else []
        total = await transaction.scalar(select(func.count()).select_from(EscalationRow).where(*conditions))
        statement = (
            _known()
            .where(*conditions)
            .order_by(EscalationRow.created_at.desc(), EscalationRow.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [KnownEscalation(*row) for row in await transaction.execute(statement)], total or 0

    async def known(self, transaction: Transaction, escalation_id: UUID) -> KnownEscalation | None:
        """Find one with what is shown beside it."""
        row = (await transaction.execute(_known().where(EscalationRow.id == escalation_id))).first()
        return KnownEscalation(*row) if row else None

    async def locked(
        self, transaction: Transaction, escalation_id: UUID
    ) -> tuple[EscalationRow, ConversationRow] | None:
        """Take an escalation for this transaction: its conversation first, as whoever deletes one does."""
        conversation_id = await transaction.scalar(
            select(EscalationRow.conversation_id).where(EscalationRow.id == escalation_id)
        )
        if conversation_id is None:
            return None
        conversation = await transaction.get(
            ConversationRow, conversation_id, with_for_update=True, populate_existing=True
        )
        row = await transaction.get(EscalationRow, escalation_id, with_for_update=True, populate_existing=True)
        return (row, conversation) if row is not None and conversation is not None else None

    async def parents(self, transaction: Transaction, conversation_id: UUID) -> dict[UUID, UUID | None]:
        """Give the tree of a conversation: each message's parent."""
        statement = select(MessageRow.id, MessageRow.parent_id).where(MessageRow.conversation_id == conversation_id)
        return {row[0]: row[1] for row in await transaction.execute(statement)}

    async def answer_of(self, transaction: Transaction, row: EscalationRow) -> UUID | None:
        """Find the message with which a person answered."""
        statement = select(MessageRow.id).where(
            MessageRow.conversation_id == row.conversation_id,
            MessageRow.mode == "person",
            MessageRow.created_at == row.answered_at,
        )
        return await transaction.scalar(statement.limit(1))

    async def messages(self, transaction: Transaction, ids: Sequence[UUID]) -> list[MessageRow]:
        """Read messages in the order of their ids given."""
        rows = {row.id: row for row in await transaction.scalars(select(MessageRow).where(MessageRow.id.in_(ids)))}
        return [rows[message] for message in ids if message in rows]


def _known():  # noqa: ANN202 - what a select of four columns is, SQLAlchemy says better
    person, answering = UserRow.__table__.alias("person"), UserRow.__table__.alias("answering")
    return (
        select(EscalationRow, ConversationRow.title, person.c.username, answering.c.username)
        .join(ConversationRow, ConversationRow.id == EscalationRow.conversation_id)
        .join(person, person.c.id == EscalationRow.owner_id)
        .join(answering, answering.c.id == EscalationRow.answered_by, isouter=True)
    )
