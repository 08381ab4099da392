"""SQL about passages."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, func, insert, select

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.knowledge.repository.access import IS_READABLE, asked_by
from appliance.features.knowledge.repository.documents import DELETING
from appliance.features.knowledge.tables import ChunkRow, CollectionRow, DocumentRow


class FoundChunk(NamedTuple):
    """A passage and what one shows of its document: columns, for a search reads dozens and changes none."""

    id: UUID
    document_id: UUID
    position: int
    page: int | None
    start: int
    end: int
    headings: list[str]
    locator: dict[str, Any] | None
    text: str
    collection_id: UUID
    filename: str
    title: str | None
    language: str | None


_READABLE = (
    select(ChunkRow.id, ChunkRow.document_id, ChunkRow.position, ChunkRow.page, ChunkRow.start, ChunkRow.end)
    .add_columns(ChunkRow.headings, ChunkRow.locator, ChunkRow.text)
    .add_columns(DocumentRow.collection_id, DocumentRow.filename, DocumentRow.title, DocumentRow.language)
    .join(DocumentRow, DocumentRow.id == ChunkRow.document_id)
    .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
    .where(
        ChunkRow.id.in_(bindparam("ids", type_=Uuid(), expanding=True)),
        ChunkRow.version == DocumentRow.version,
        DocumentRow.status != DELETING,
        IS_READABLE,
    )
)


class ChunkRepository:
    """Passages: only those of a document's present version are ever shown."""

    async def readable(self, transaction: Transaction, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, FoundChunk]:
        """Find those of some passages the caller may read: a late vector leads nowhere."""
        rows = await transaction.execute(_READABLE, {"ids": list(ids), **asked_by(caller)})
        return {row[0]: FoundChunk(*row) for row in rows}

    async def of_document(self, transaction: Transaction, document_id: UUID, version: int) -> list[ChunkRow]:
        """List a document's passages in order."""
        statement = (
            select(ChunkRow)
            .where(ChunkRow.document_id == document_id, ChunkRow.version == version)
            .order_by(ChunkRow.position)
        )
        return list(await transaction.scalars(statement))

    async def insert(self, transaction: Transaction, rows: Sequence[dict[str, object]]) -> None:
        """Write passages."""
        await transaction.execute(insert(ChunkRow), list(rows))

    async def delete_version(self, transaction: Transaction, document_id: UUID, version: int) -> None:
        """Remove the passages of one version of a document."""
        statement = delete(ChunkRow).where(ChunkRow.document_id == document_id, ChunkRow.version == version)
        await transaction.execute(statement)

    async def delete_other_versions(self, transaction: Transaction, document_id: UUID, *, keep: int | None) -> None:
        """Remove the passages of a document, but for one version."""
        statement = delete(ChunkRow).where(ChunkRow.document_id == document_id)
        if keep is not None:
            statement = statement.where(ChunkRow.version != keep)
        await transaction.execute(statement)

    async def count(self, transaction: Transaction, document_id: UUID, version: int) -> int:
        """Count the passages of a version."""
        statement = select(func.count()).where(ChunkRow.document_id == document_id, ChunkRow.version == version)
        return await transaction.scalar(statement) or 0
