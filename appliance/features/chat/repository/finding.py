"""Full-text search over one's own conversations, in each database's own index."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, column, func, or_, select, table, text
from sqlalchemy.sql import ColumnElement

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.chat.repository.conversations import ConversationFilter
from appliance.features.chat.tables import ConversationRow, MessageRow, MessageWordsRow
from appliance.features.chat.words import searchable

_MOST_WORDS = 12


class Hit(NamedTuple):
    """A conversation that was found, and the latest message that holds the words (None: the title does)."""

    conversation_id: UUID
    content: str | None


class Search:
    """All words must stand in one message, or in the title; each may be the beginning of a longer one."""

    async def find(
        self,
        transaction: Transaction,
        caller: Caller,
        query: str,
        where: ConversationFilter,
        *,
        limit: int,
        offset: int,
    ) -> tuple[list[Hit], int]:
        """Find conversations of the caller's own, the latest first."""
        words = ["".join(letter for letter in word if letter.isalnum()) for word in searchable(query).split()]
        words = [word for word in words if word][:_MOST_WORDS]
        if not words:
            return [], 0
        owned = [ConversationRow.owner_id == caller.user_id, ConversationRow.is_archived.is_(where.archived)]
        if where.folder is not None:
            owned.append(ConversationRow.folder == where.folder)
        said = (
            select(MessageWordsRow.conversation_id, func.max(MessageWordsRow.number).label("number"))
            .where(MessageWordsRow.owner_id == caller.user_id, _holds(transaction, words))
            .group_by(MessageWordsRow.conversation_id)
            .subquery()
        )
        titled = [ConversationRow.title.icontains(word, autoescape=True) for word in query.split()[:_MOST_WORDS]]
        found = (
            select(ConversationRow.id, said.c.number, func.count().over().label("total"))
            .outerjoin(said, said.c.conversation_id == ConversationRow.id)
            .where(*owned, or_(said.c.number.is_not(None), and_(*titled)))
        )
        page = found.order_by(ConversationRow.updated_at.desc(), ConversationRow.id.desc()).limit(limit).offset(offset)
        rows = (await transaction.execute(page)).all()
        if rows or not offset:
            total = rows[0][2] if rows else 0
        else:
            total = await transaction.scalar(select(func.count()).select_from(found.subquery())) or 0
        contents = await self._contents(transaction, [row[1] for row in rows if row[1] is not None])
        return [Hit(row[0], contents.get(row[1])) for row in rows], total

    async def _contents(self, transaction: Transaction, numbers: list[int]) -> dict[int, str]:
        statement = (
            select(MessageWordsRow.number, MessageRow.content)
            .join(MessageRow, MessageRow.id == MessageWordsRow.message_id)
            .where(MessageWordsRow.number.in_(numbers))
        )
        return {row[0]: row[1] for row in await transaction.execute(statement)}


def _holds(transaction: Transaction, words: list[str]) -> ColumnElement[bool]:
    if transaction.get_bind().dialect.name == "sqlite":
        match = " ".join(f'"{word}"*' for word in words)
        index = table("message_index", column("rowid"))
        numbers = select(index.c.rowid).where(text("message_index match :match").bindparams(match=match))
        return MessageWordsRow.number.in_(numbers)
    match = " & ".join(f"{word}:*" for word in words)
    indexed = text("to_tsvector('simple', message_words.words) @@ to_tsquery('simple', :match)")
    return indexed.bindparams(match=match)  # pyright: ignore[reportReturnType] - a text clause is a condition too
