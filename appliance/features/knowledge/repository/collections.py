"""SQL about collections and who they are shared with."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.identity import UserRow
from appliance.features.knowledge.repository.access import IS_READABLE, asked_by, is_known, right_of
from appliance.features.knowledge.tables import CollectionGrantRow, CollectionRow, DocumentRow

_READABLE_IDS = select(CollectionRow.id).where(IS_READABLE)


class KnownCollection(NamedTuple):
    """A collection, what the caller may do with it, and its owner's name."""

    row: CollectionRow
    right: str
    owner: str


class CollectionRepository:
    """Collections, from the caller's point of view."""

    async def readable_ids(self, transaction: Transaction, caller: Caller) -> list[UUID]:
        """Name all collections the caller may read."""
        return list(await transaction.scalars(_READABLE_IDS, asked_by(caller)))

    async def get(self, transaction: Transaction, collection_id: UUID) -> CollectionRow:
        """Find a collection for a job; a document always has one."""
        return await transaction.get_one(CollectionRow, collection_id)

    async def known(self, transaction: Transaction, caller: Caller, collection_id: UUID) -> KnownCollection | None:
        """Find a collection the caller may know of."""
        statement = (
            select(CollectionRow, right_of(caller), UserRow.username)
            .join(UserRow, UserRow.id == CollectionRow.owner_id)
            .where(CollectionRow.id == collection_id, is_known(caller))
        )
        row = (await transaction.execute(statement)).first()
        return KnownCollection(row[0], row[1], row[2]) if row else None

    async def page(
        self, transaction: Transaction, caller: Caller, *, limit: int, offset: int
    ) -> tuple[list[KnownCollection], int]:
        """List the collections the caller may know of: their own private one first, then by name."""
        total = await transaction.scalar(select(func.count()).select_from(CollectionRow).where(is_known(caller)))
        own_first = (CollectionRow.is_private & (CollectionRow.owner_id == caller.user_id)).desc()
        statement = (
            select(CollectionRow, right_of(caller), UserRow.username)
            .join(UserRow, UserRow.id == CollectionRow.owner_id)
            .where(is_known(caller))
            .order_by(own_first, func.lower(CollectionRow.name), CollectionRow.id)
            .limit(limit)
            .offset(offset)
        )
        return [KnownCollection(*row) for row in await transaction.execute(statement)], total or 0

    async def languages(self, transaction: Transaction, ids: Sequence[UUID]) -> set[str]:
        """Name the languages of the documents in some collections."""
        statement = select(DocumentRow.language).where(DocumentRow.collection_id.in_(ids)).distinct()
        return {language for language in await transaction.scalars(statement) if language}

    async def private_of(self, transaction: Transaction, user_id: UUID) -> CollectionRow | None:
        """Find a person's own collection."""
        statement = select(CollectionRow).where(CollectionRow.owner_id == user_id, CollectionRow.is_private.is_(True))
        return await transaction.scalar(statement)

    async def counts(self, transaction: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
        """Count documents and passages of each collection."""
        statement = (
            select(DocumentRow.collection_id, func.count(), func.coalesce(func.sum(DocumentRow.chunks), 0))
            .where(DocumentRow.collection_id.in_(ids), DocumentRow.status != "deleting")
            .group_by(DocumentRow.collection_id)
        )
        return {row[0]: (row[1], int(row[2])) for row in await transaction.execute(statement)}

    async def grants(self, transaction: Transaction, ids: Sequence[UUID]) -> dict[UUID, list[CollectionGrantRow]]:
        """Name who each collection is shared with."""
        found: dict[UUID, list[CollectionGrantRow]] = {collection_id: [] for collection_id in ids}
        statement = select(CollectionGrantRow).where(CollectionGrantRow.collection_id.in_(ids))
        for grant in await transaction.scalars(statement.order_by(CollectionGrantRow.id)):
            found[grant.collection_id].append(grant)
        return found

    async def replace_grants(
        self, transaction: Transaction, collection_id: UUID, grants: Sequence[CollectionGrantRow]
    ) -> None:
        """Share with these and nobody else."""
        await transaction.execute(delete(CollectionGrantRow).where(CollectionGrantRow.collection_id == collection_id))
        transaction.add_all(grants)
