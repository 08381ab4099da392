"""SQL about conversations: whose they are, who else reads them, what they are called."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.sql import ColumnElement, Select

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.chat.tables import (
    AttachmentRow,
    ConversationRow,
    ConversationShareRow,
    MessageRow,
)
from appliance.features.identity import UserRow
from appliance.features.identity.tables import GroupRow
from appliance.features.knowledge.tables import DocumentRow

_BY_KEY = select(ConversationRow).where(ConversationRow.key == bindparam("handle")).with_for_update()
_BY_KEY_OR_ID = (
    select(ConversationRow)
    .where(or_(ConversationRow.key == bindparam("handle"), ConversationRow.id == bindparam("id")))
    .with_for_update()
)
_ATTACHED = (
    select(DocumentRow.id, DocumentRow.filename, DocumentRow.status)
    .join(AttachmentRow, AttachmentRow.document_id == DocumentRow.id)
    .where(AttachmentRow.conversation_id == bindparam("conversation"), DocumentRow.status != "deleting")
    .order_by(AttachmentRow.added_at, DocumentRow.id)
)


class KnownConversation(NamedTuple):
    """A conversation, what the caller may do with it (`owner`, `reader`), and its owner's name."""

    row: ConversationRow
    right: str
    owner: str


class ConversationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations to list. `shared`: those of others that the caller may read, instead of their own."""

    folder: str | None = None
    archived: bool = False
    shared: bool = False


class Reader(NamedTuple):
    """Somebody a conversation is shared with."""

    user_id: UUID | None
    group_id: UUID | None
    name: str


class ConversationRepository:
    """Conversations, from the caller's point of view."""

    async def known(self, transaction: Transaction, caller: Caller, handle: str) -> KnownConversation | None:
        """Find a conversation by its key or id, if the caller may read it."""
        statement = _listed(caller).where(_is_named(handle), _is_readable(caller)).limit(1)
        row = (await transaction.execute(statement)).first()
        return KnownConversation(*row) if row else None

    async def lock(self, transaction: Transaction, key: str) -> ConversationRow | None:
        """Find a conversation, whoever's, and keep others from changing it until the transaction ends."""
        with suppress(ValueError):
            return await transaction.scalar(_BY_KEY_OR_ID, {"handle": key, "id": UUID(key)})
        return await transaction.scalar(_BY_KEY, {"handle": key})

    async def lock_id(self, transaction: Transaction, conversation_id: UUID) -> ConversationRow | None:
        """The same by its id."""
        statement = select(ConversationRow).where(ConversationRow.id == conversation_id).with_for_update()
        return await transaction.scalar(statement)

    async def get(self, transaction: Transaction, conversation_id: UUID) -> ConversationRow | None:
        """Find one that is being answered, whoever's."""
        return await transaction.get(ConversationRow, conversation_id)

    async def page(
        self, transaction: Transaction, caller: Caller, where: ConversationFilter, *, limit: int, offset: int
    ) -> tuple[list[KnownConversation], int]:
        """List conversations, the latest first."""
        conditions = _conditions(caller, where)
        total = await transaction.scalar(select(func.count()).select_from(ConversationRow).where(*conditions))
        statement = (
            _listed(caller)
            .where(*conditions)
            .order_by(ConversationRow.updated_at.desc(), ConversationRow.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [KnownConversation(*row) for row in await transaction.execute(statement)], total or 0

    async def by_ids(
        self, transaction: Transaction, caller: Caller, ids: Sequence[UUID]
    ) -> dict[UUID, KnownConversation]:
        """Find several that the caller may read."""
        statement = _listed(caller).where(ConversationRow.id.in_(ids), _is_readable(caller))
        known = [KnownConversation(*row) for row in await transaction.execute(statement)]
        return {one.row.id: one for one in known}

    async def running(self, transaction: Transaction, ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """Name the runs that write into some conversations now; the latest of each."""
        statement = (
            select(MessageRow.conversation_id, MessageRow.run_id)
            .where(MessageRow.status == "writing", MessageRow.conversation_id.in_(ids), MessageRow.run_id.is_not(None))
            .order_by(MessageRow.created_at)
        )
        rows = (await transaction.execute(statement)).all()
        return {conversation_id: run_id for conversation_id, run_id in rows if run_id is not None}

    async def writing(self, transaction: Transaction, conversation_id: UUID) -> list[UUID]:
        """Name all runs that write into a conversation now."""
        statement = select(MessageRow.run_id).where(
            MessageRow.conversation_id == conversation_id, MessageRow.status == "writing"
        )
        return [run_id for run_id in await transaction.scalars(statement) if run_id is not None]

    async def folders(self, transaction: Transaction, caller: Caller) -> list[tuple[str, int]]:
        """Name the caller's folders, with how many conversations each holds."""
        statement = (
            select(ConversationRow.folder, func.count())
            .where(ConversationRow.owner_id == caller.user_id, ConversationRow.folder.is_not(None))
            .group_by(ConversationRow.folder)
            .order_by(func.lower(ConversationRow.folder))
        )
        return [(str(name), count) for name, count in await transaction.execute(statement)]

    async def rename_folder(self, transaction: Transaction, caller: Caller, name: str, to: str | None) -> int:
        """Put all conversations of a folder into another, or into none."""
        statement = (
            update(ConversationRow)
            .where(ConversationRow.owner_id == caller.user_id, ConversationRow.folder == name)
            .values(folder=to)
            .returning(ConversationRow.id)
        )
        return len((await transaction.execute(statement)).all())

    async def readers(self, transaction: Transaction, ids: Sequence[UUID]) -> dict[UUID, list[Reader]]:
        """Name who some conversations are shared with."""
        statement = (
            select(ConversationShareRow, func.coalesce(UserRow.username, GroupRow.name))
            .outerjoin(UserRow, UserRow.id == ConversationShareRow.user_id)
            .outerjoin(GroupRow, GroupRow.id == ConversationShareRow.group_id)
            .where(ConversationShareRow.conversation_id.in_(ids))
            .order_by(ConversationShareRow.id)
        )
        found: dict[UUID, list[Reader]] = {one: [] for one in ids}
        for share, name in await transaction.execute(statement):
            found[share.conversation_id].append(Reader(share.user_id, share.group_id, name))
        return found

    async def replace_readers(
        self, transaction: Transaction, conversation_id: UUID, shares: Sequence[ConversationShareRow]
    ) -> None:
        """Share with these and nobody else."""
        await transaction.execute(
            delete(ConversationShareRow).where(ConversationShareRow.conversation_id == conversation_id)
        )
        transaction.add_all(shares)

    async def attachments(self, transaction: Transaction, conversation_id: UUID) -> list[tuple[UUID, str, str]]:
        """List the documents of a conversation: id, name, status."""
        rows = await transaction.execute(_ATTACHED, {"conversation": conversation_id})
        return [(row[0], row[1], row[2]) for row in rows]

    async def attachment(
        self, transaction: Transaction, conversation_id: UUID, document_id: UUID
    ) -> AttachmentRow | None:
        """Find one."""
        return await transaction.get(AttachmentRow, (conversation_id, document_id))


def _is_named(handle: str) -> ColumnElement[bool]:
    named = ConversationRow.key == handle
    with suppress(ValueError):
        return or_(named, ConversationRow.id == UUID(handle))
    return named


def _listed(caller: Caller) -> Select[ConversationRow, str, str]:
    right: ColumnElement[str] = case((ConversationRow.owner_id == caller.user_id, "owner"), else_="reader")
    return select(ConversationRow, right, UserRow.username).join(UserRow, UserRow.id == ConversationRow.owner_id)


def _conditions(caller: Caller, where: ConversationFilter) -> list[ColumnElement[bool]]:
    owned = ConversationRow.owner_id == caller.user_id
    conditions = [_is_shared_with(caller) & ~owned if where.shared else owned]
    if not where.shared:
        conditions.append(ConversationRow.is_archived.is_(where.archived))
        if where.folder is not None:
            conditions.append(ConversationRow.folder == where.folder)
    return conditions


def _is_shared_with(caller: Caller) -> ColumnElement[bool]:
    to_caller = or_(
        ConversationShareRow.user_id == caller.user_id, ConversationShareRow.group_id.in_(list(caller.groups))
    )
    return exists().where(and_(ConversationShareRow.conversation_id == ConversationRow.id, to_caller))


def _is_readable(caller: Caller) -> ColumnElement[bool]:
    return or_(ConversationRow.owner_id == caller.user_id, _is_shared_with(caller))
