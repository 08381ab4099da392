"""SQL about messages: the tree of a conversation, one branch of it, and what is still being written."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CTE, BindParameter, Select, Uuid, bindparam, delete, literal, select, update

from appliance.core.database import Transaction
from appliance.features.chat.tables import EscalationRow, MessageRow, MessageWordsRow
from appliance.features.chat.words import searchable


class Earlier(NamedTuple):
    """What a later answer needs of a message before it: not its sources, which are much longer."""

    id: UUID
    role: str
    content: str
    status: str
    agent: str | None


class MessageRepository:
    """Messages of conversations that somebody has found already."""

    async def get(self, transaction: Transaction, conversation_id: UUID, message_id: UUID) -> MessageRow | None:
        """Find one."""
        row = await transaction.get(MessageRow, message_id)
        return row if row is not None and row.conversation_id == conversation_id else None

    async def path_ids(self, transaction: Transaction, leaf_id: UUID | None) -> list[UUID]:
        """Name the messages from the first to a leaf."""
        if leaf_id is None:
            return []
        path = _path(leaf_id, None)
        return list(await transaction.scalars(select(path.c.id).order_by(path.c.depth.desc())))

    async def after(
        self, transaction: Transaction, leaf_id: UUID | None, covered: UUID | None
    ) -> tuple[list[Earlier], bool]:
        """Read the branch down to a leaf from the first message, or from the one after `covered` if that is on it."""
        if leaf_id is None:
            return [], False
        statement = _BRANCH if covered is None else _BRANCH_AFTER
        found = await transaction.execute(statement, {"leaf": leaf_id, "top": covered})
        rows = [Earlier(*row) for row in found]
        is_covered = bool(rows) and rows[0].id == covered
        return rows[1:] if is_covered else rows, is_covered

    async def by_ids(self, transaction: Transaction, ids: Sequence[UUID]) -> list[MessageRow]:
        """Read messages in the order of their ids."""
        if not ids:
            return []
        rows = {row.id: row for row in await transaction.scalars(select(MessageRow).where(MessageRow.id.in_(ids)))}
        return [rows[one] for one in ids if one in rows]

    async def leaf_below(self, transaction: Transaction, conversation_id: UUID, message_id: UUID) -> UUID:
        """Follow the latest version downwards to the end of the branch."""
        statement = (
            select(MessageRow.id, MessageRow.parent_id)
            .where(MessageRow.conversation_id == conversation_id)
            .order_by(MessageRow.created_at, MessageRow.id)
        )
        latest: dict[UUID | None, UUID] = {row[1]: row[0] for row in await transaction.execute(statement)}
        while (below := latest.get(message_id)) is not None:
            message_id = below
        return message_id

    async def versions(
        self, transaction: Transaction, conversation_id: UUID, parents: Sequence[UUID | None]
    ) -> dict[UUID | None, list[UUID]]:
        """Name the messages below some parents, oldest first."""
        known = [parent for parent in parents if parent is not None]
        condition = MessageRow.parent_id.in_(known)
        if None in parents:
            condition |= MessageRow.parent_id.is_(None)
        statement = (
            select(MessageRow.parent_id, MessageRow.id)
            .where(MessageRow.conversation_id == conversation_id, condition)
            .order_by(MessageRow.created_at, MessageRow.id)
        )
        found: dict[UUID | None, list[UUID]] = {}
        for parent, message_id in await transaction.execute(statement):
            found.setdefault(parent, []).append(message_id)
        return found

    async def status(self, transaction: Transaction, message_id: UUID) -> tuple[str, UUID | None] | None:
        """Tell whether a message is still being written, and by which run."""
        row = (
            await transaction.execute(select(MessageRow.status, MessageRow.run_id).where(MessageRow.id == message_id))
        ).first()
        return (row[0], row[1]) if row else None

    async def writing(self, transaction: Transaction) -> list[MessageRow]:
        """List what is being written, by whatever process."""
        return list(await transaction.scalars(select(MessageRow).where(MessageRow.status == "writing")))

    async def finish(self, transaction: Transaction, message_id: UUID, **values: Any) -> None:
        """Set what an answer has become."""
        await transaction.execute(update(MessageRow).where(MessageRow.id == message_id).values(**values))

    def index(self, transaction: Transaction, row: MessageRow, owner_id: UUID) -> None:
        """Make a message findable."""
        transaction.add(
            MessageWordsRow(
                message_id=row.id,
                conversation_id=row.conversation_id,
                owner_id=owner_id,
                words=searchable(row.content),
            )
        )

    async def index_text(
        self, transaction: Transaction, message_id: UUID, conversation_id: UUID, owner_id: UUID, content: str
    ) -> None:
        """Make an answer findable once it is complete; again replaces what was."""
        await transaction.execute(delete(MessageWordsRow).where(MessageWordsRow.message_id == message_id))
        words = MessageWordsRow(
            message_id=message_id, conversation_id=conversation_id, owner_id=owner_id, words=searchable(content)
        )
        transaction.add(words)

    async def escalations(self, transaction: Transaction, ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """Name the escalations that some messages opened."""
        statement = select(EscalationRow.message_id, EscalationRow.id).where(EscalationRow.message_id.in_(ids))
        return {row[0]: row[1] for row in await transaction.execute(statement)}


def _path(leaf_id: UUID | BindParameter[UUID], top_id: UUID | BindParameter[UUID] | None) -> CTE:
    """Walk up from a leaf to the first message, or to one that is as far as is wanted."""
    path = (
        select(MessageRow.id, MessageRow.parent_id, literal(0).label("depth"))
        .where(MessageRow.id == leaf_id)
        .cte("path", recursive=True)
    )
    above = select(MessageRow.id, MessageRow.parent_id, path.c.depth + 1).where(MessageRow.id == path.c.parent_id)
    if top_id is not None:
        above = above.where(path.c.id != top_id)
    return path.union_all(above)


def _branch(top: BindParameter[UUID] | None) -> Select[UUID, str, str, str, str | None]:
    path = _path(bindparam("leaf", type_=Uuid()), top)
    columns = (MessageRow.id, MessageRow.role, MessageRow.content, MessageRow.status, MessageRow.agent)
    return select(*columns).join(path, path.c.id == MessageRow.id).order_by(path.c.depth.desc())


# Every message asks one of these; building it takes longer than running it.
_BRANCH = _branch(None)
_BRANCH_AFTER = _branch(bindparam("top", type_=Uuid()))
