"""SQL about documents."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select, update

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.identity import UserRow
from appliance.features.knowledge.repository.access import is_known, is_readable, right_of
from appliance.features.knowledge.tables import ChunkRow, CollectionRow, DocumentRow

_BATCH = 500
DELETING = "deleting"


class DocumentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list; all that is given must hold. An admin lists a collection they may not read by naming it."""

    collection_id: UUID | None = None
    status: str | None = None
    query: str = ""
    tag: str | None = None


class ListedDocument(NamedTuple):
    """A document with what a list shows beside it."""

    row: DocumentRow
    collection_name: str
    right: str
    uploaded_by: str


_SORTS: dict[str, Any] = {
    "name": func.lower(DocumentRow.filename),
    "collection": func.lower(CollectionRow.name),
    "pages": DocumentRow.pages,
    "chunks": DocumentRow.chunks,
    "size": DocumentRow.size,
    "status": DocumentRow.status,
    "uploaded_at": DocumentRow.uploaded_at,
}


class DocumentRepository:
    """Documents, from the caller's point of view or from a job's."""

    def _statement(self, caller: Caller) -> Select[DocumentRow, str, str, str]:
        return (
            select(DocumentRow, CollectionRow.name, right_of(caller), UserRow.username)
            .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
            .join(UserRow, UserRow.id == DocumentRow.uploaded_by)
            .where(DocumentRow.status != DELETING)
        )

    async def known(self, transaction: Transaction, caller: Caller, document_id: UUID) -> ListedDocument | None:
        """Find a document the caller may know of: its record, not its contents."""
        statement = self._statement(caller).where(DocumentRow.id == document_id, is_known(caller))
        row = (await transaction.execute(statement)).first()
        return ListedDocument(*row) if row else None

    async def readable(self, transaction: Transaction, caller: Caller, document_id: UUID) -> ListedDocument | None:
        """Find a document whose contents the caller may read."""
        statement = self._statement(caller).where(DocumentRow.id == document_id, is_readable(caller))
        row = (await transaction.execute(statement)).first()
        return ListedDocument(*row) if row else None

    async def names(self, transaction: Transaction, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, str]:
        """Give the file names of those of some documents whose contents the caller may read."""
        statement = (
            select(DocumentRow.id, DocumentRow.filename)
            .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
            .where(DocumentRow.id.in_(ids), is_readable(caller))
        )
        return {row[0]: row[1] for row in await transaction.execute(statement)}

    async def page(
        self,
        transaction: Transaction,
        caller: Caller,
        where: DocumentFilter,
        *,
        sort: str,
        descending: bool,
        limit: int,
        offset: int,
    ) -> tuple[list[ListedDocument], int]:
        """List documents: readable ones, or those of a collection an admin names."""
        conditions = self._conditions(caller, where)
        statement = self._statement(caller).where(*conditions)
        total = await transaction.scalar(select(func.count()).select_from(statement.subquery()))
        order = _SORTS[sort].desc() if descending else _SORTS[sort].asc()
        page = statement.order_by(order.nulls_last(), DocumentRow.id.desc()).limit(limit).offset(offset)
        return [ListedDocument(*row) for row in await transaction.execute(page)], total or 0

    def _conditions(self, caller: Caller, where: DocumentFilter) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if where.collection_id:
            conditions += [DocumentRow.collection_id == where.collection_id, is_known(caller)]
        else:
            conditions.append(is_readable(caller))
        if where.status == "working":
            conditions.append(DocumentRow.status.in_(("uploaded", "queued", "parsing", "embedding")))
        elif where.status:
            conditions.append(DocumentRow.status == where.status)
        if where.query:
            pattern = f"%{escape_like(where.query.lower())}%"
            conditions.append(
                or_(
                    func.lower(DocumentRow.filename).like(pattern, escape="\\"),
                    func.lower(DocumentRow.title).like(pattern, escape="\\"),
                )
            )
        if where.tag:
            conditions.append(cast(DocumentRow.tags, Text).like(f'%"{escape_like(where.tag)}"%', escape="\\"))
        return conditions

    async def get(self, transaction: Transaction, document_id: UUID) -> DocumentRow | None:
        """Find a document for a job."""
        return await transaction.get(DocumentRow, document_id)

    async def lock(self, transaction: Transaction, document_id: UUID) -> DocumentRow | None:
        """Find a document and hold it for this transaction."""
        return await transaction.get(DocumentRow, document_id, with_for_update=True)

    async def same_bytes(self, transaction: Transaction, collection_id: UUID, sha256: str) -> DocumentRow | None:
        """Find the document of a collection that has these bytes."""
        statement = select(DocumentRow).where(
            DocumentRow.collection_id == collection_id, DocumentRow.sha256 == sha256, DocumentRow.status != DELETING
        )
        return await transaction.scalar(statement)

    async def of_collection(self, transaction: Transaction, collection_id: UUID) -> list[UUID]:
        """Name the documents of a collection, those being deleted too."""
        return list(await transaction.scalars(select(DocumentRow.id).where(DocumentRow.collection_id == collection_id)))

    async def working(self, transaction: Transaction) -> list[DocumentRow]:
        """List documents that no end has been noted for: what a restart must look after."""
        states = ("uploaded", "queued", "parsing", "embedding", DELETING)
        return list(await transaction.scalars(select(DocumentRow).where(DocumentRow.status.in_(states))))

    async def dirty_at_rest(self, transaction: Transaction) -> list[DocumentRow]:
        """List documents that are at an end and whose last indexing left points or passages behind."""
        statement = select(DocumentRow).where(
            DocumentRow.is_dirty.is_(True), DocumentRow.status.in_(("indexed", "failed"))
        )
        return list(await transaction.scalars(statement))

    async def set_progress(self, transaction: Transaction, document_id: UUID, **values: Any) -> None:
        """Note how far a document is, unless it is being deleted."""
        statement = update(DocumentRow).where(DocumentRow.id == document_id, DocumentRow.status != DELETING)
        await transaction.execute(statement.values(**values))

    async def containing(
        self, transaction: Transaction, caller: Caller, words: Iterable[str], *, collection_id: UUID | None
    ) -> list[DocumentRow]:
        """List documents the caller may edit in which any of the words stands (in the text or the name)."""
        patterns = [f"%{escape_like(word.lower())}%" for word in words]
        in_text = or_(*(func.lower(ChunkRow.text).like(pattern, escape="\\") for pattern in patterns))
        in_name = or_(*(func.lower(DocumentRow.filename).like(pattern, escape="\\") for pattern in patterns))
        matching = select(ChunkRow.document_id).where(in_text)
        conditions: list[ColumnElement[bool]] = [
            is_readable(caller),
            right_of(caller).in_(("owner", "editor")),
            or_(DocumentRow.id.in_(matching), in_name),
            DocumentRow.status != DELETING,
        ]
        if collection_id:
            conditions.append(DocumentRow.collection_id == collection_id)
        statement = (
            select(DocumentRow).join(CollectionRow, CollectionRow.id == DocumentRow.collection_id).where(*conditions)
        )
        return list(await transaction.scalars(statement))

    async def batch_after(self, transaction: Transaction, after: UUID | None, *, searchable: bool) -> list[DocumentRow]:
        """Walk all documents in the order of their ids, a batch at a time."""
        statement = select(DocumentRow).order_by(DocumentRow.id).limit(_BATCH)
        if after is not None:
            statement = statement.where(DocumentRow.id > after)
        if searchable:
            statement = statement.where(DocumentRow.version > 0, DocumentRow.status != DELETING)
        return list(await transaction.scalars(statement))

    async def existing(self, transaction: Transaction, ids: Sequence[UUID]) -> dict[UUID, DocumentRow]:
        """Find those of some ids that are documents."""
        found = await transaction.scalars(select(DocumentRow).where(DocumentRow.id.in_(ids)))
        return {row.id: row for row in found}


def escape_like(pattern: str) -> str:
    """Make a person's words stand for themselves in LIKE, with a backslash as escape."""
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
