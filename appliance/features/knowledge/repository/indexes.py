"""SQL about vector indexes and what stands in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update

from appliance.core.database import Transaction
from appliance.features.knowledge.tables import DocumentRow, IndexedDocumentRow, VectorIndexRow

_LIVE = select(VectorIndexRow).where(VectorIndexRow.state.in_(("active", "building"))).order_by(VectorIndexRow.state)


class IndexRepository:
    """Vector indexes: one is active, another may be building beside it."""

    async def all(self, transaction: Transaction) -> list[VectorIndexRow]:
        """List every index, oldest first."""
        return list(await transaction.scalars(select(VectorIndexRow).order_by(VectorIndexRow.created_at)))

    async def live(self, transaction: Transaction) -> list[VectorIndexRow]:
        """List the indexes that are written to."""
        return list(await transaction.scalars(_LIVE))

    async def get(self, transaction: Transaction, index_id: UUID) -> VectorIndexRow | None:
        """Find an index by id and hold it for this transaction."""
        return await transaction.get(VectorIndexRow, index_id, with_for_update=True)

    async def note_document(
        self, transaction: Transaction, index_id: UUID, document_id: UUID, *, version: int, points: int
    ) -> None:
        """Write down which version of a document stands in an index."""
        row = await transaction.get(IndexedDocumentRow, (index_id, document_id))
        if row is None:
            row = IndexedDocumentRow(index_id=index_id, document_id=document_id, version=version, points=points)
            transaction.add(row)
        row.version, row.points = version, points

    async def forget_document(self, transaction: Transaction, document_id: UUID) -> None:
        """Write down that a document stands in no index."""
        await transaction.execute(delete(IndexedDocumentRow).where(IndexedDocumentRow.document_id == document_id))

    async def missing_documents(self, transaction: Transaction, index_id: UUID, *, limit: int) -> list[DocumentRow]:
        """List searchable documents whose present version does not stand in an index yet."""
        there = exists().where(
            IndexedDocumentRow.index_id == index_id,
            IndexedDocumentRow.document_id == DocumentRow.id,
            IndexedDocumentRow.version == DocumentRow.version,
        )
        statement = (
            select(DocumentRow)
            .where(DocumentRow.version > 0, DocumentRow.status != "deleting", ~there)
            .order_by(DocumentRow.id)
            .limit(limit)
        )
        return list(await transaction.scalars(statement))

    async def count_documents(self, transaction: Transaction, index_id: UUID) -> int:
        """Count the documents that stand in an index."""
        return await transaction.scalar(select(func.count()).where(IndexedDocumentRow.index_id == index_id)) or 0

    async def points(self, transaction: Transaction, index_id: UUID) -> dict[UUID, tuple[int, int]]:
        """Give version and number of points of every document in an index."""
        statement = select(IndexedDocumentRow).where(IndexedDocumentRow.index_id == index_id)
        return {row.document_id: (row.version, row.points) for row in await transaction.scalars(statement)}

    async def set_state(self, transaction: Transaction, index_id: UUID, state: str, **values: Any) -> None:
        """Move an index on: building, active, retired."""
        await transaction.execute(
            update(VectorIndexRow).where(VectorIndexRow.id == index_id).values(state=state, **values)
        )

    async def remove(self, transaction: Transaction, index_id: UUID) -> None:
        """Forget an index whose vectors are gone."""
        await transaction.execute(delete(VectorIndexRow).where(VectorIndexRow.id == index_id))

    async def activate(self, transaction: Transaction, index_id: UUID, at: datetime) -> None:
        """Search this one from now on; the one before retires in the same step."""
        await transaction.execute(
            update(VectorIndexRow).where(VectorIndexRow.state == "active").values(state="retired")
        )
        await self.set_state(transaction, index_id, "active", activated_at=at)
