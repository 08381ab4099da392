"""Collections: made, changed, shared, emptied."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from msgspec import UNSET

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.errors import InvalidRequest, WrittenMeanwhile
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.core.text import Text
from appliance.features.audit import AuditService
from appliance.features.identity import PeopleService
from appliance.features.knowledge.errors import (
    CollectionInUse,
    CollectionNotFound,
    DeletionPending,
    DocumentNotFound,
    ReadOnlyCollection,
)
from appliance.features.knowledge.repository import CollectionRepository, DocumentRepository
from appliance.features.knowledge.repository.collections import KnownCollection
from appliance.features.knowledge.schemas import (
    Collection,
    CollectionIn,
    CollectionPatch,
    Grantee,
    PermissionsIn,
    Right,
)
from appliance.features.knowledge.service import DocumentService
from appliance.features.knowledge.tables import CollectionGrantRow, CollectionRow

_DELETE_SECONDS, _DELETE_PAUSE_SECONDS = 10.0, 0.1
_CUTTING = ("language", "chunk_characters", "chunk_overlap")


class CollectionService:
    """What people put documents into and share."""

    def __init__(
        self, database: Database, *, people: PeopleService, documents: DocumentService, audit: AuditService
    ) -> None:
        """`documents` deletes and indexes what stands in a collection."""
        self._database = database
        self._people = people
        self._documents = documents
        self._audit = audit
        self._repository = CollectionRepository()
        self._document_repository = DocumentRepository()

    async def page(self, caller: Caller, *, limit: int, offset: int) -> Page[Collection]:
        """List what the caller may know of, their own private collection first."""
        caller.require_scope("knowledge")
        await self._documents.private_collection(caller)
        async with self._database.read() as transaction:
            known, total = await self._repository.page(transaction, caller, limit=limit, offset=offset)
            items = await self._describe(transaction, known)
        return Page(items=items, total=total, limit=limit, offset=offset)

    async def get(self, caller: Caller, collection_id: UUID) -> Collection:
        """Show one collection."""
        caller.require_scope("knowledge")
        async with self._database.read() as transaction:
            known = await self._known(transaction, caller, collection_id)
            return (await self._describe(transaction, [known]))[0]

    async def create(self, caller: Caller, request: CollectionIn) -> Collection:
        """Make a collection that is the caller's."""
        caller.require_scope("knowledge")
        row = CollectionRow(
            id=new_id(),
            name=request.name.strip(),
            owner_id=caller.user_id,
            is_private=False,
            language=request.language,
            chunk_characters=request.chunk_characters,
            chunk_overlap=min(request.chunk_overlap, request.chunk_characters // 2),
            created_at=now(),
        )
        async with self._database.begin() as transaction:
            transaction.add(row)
            await transaction.flush()
            await self._audit.record(
                transaction, caller, "collection.created", object_kind="collection", object_id=row.id, name=row.name
            )
            return (await self._describe(transaction, [KnownCollection(row, "owner", caller.username)]))[0]

    async def change(self, caller: Caller, collection_id: UUID, patch: CollectionPatch) -> Collection:
        """Rename a collection, or have its documents cut anew."""
        caller.require_scope("knowledge")
        async with self._database.begin() as transaction:
            known = await self._changeable(transaction, caller, collection_id)
            row, changed = known.row, list[str]()
            for name in patch.__struct_fields__:
                value = getattr(patch, name)
                if value is not UNSET and value != getattr(row, name):
                    setattr(row, name, value.strip() if name == "name" else value)
                    changed.append(name)
            row.chunk_overlap = min(row.chunk_overlap, row.chunk_characters // 2)
            if any(name in _CUTTING for name in changed):
                await self._documents.index_all_again(transaction, caller, collection_id)
            await self._audit.record(
                transaction,
                caller,
                "collection.changed",
                object_kind="collection",
                object_id=collection_id,
                changed=changed,
            )
            return (await self._describe(transaction, [known]))[0]

    async def share(self, caller: Caller, collection_id: UUID, request: PermissionsIn) -> Collection:
        """Say who may read and who may edit; it holds from the next request on."""
        caller.require_scope("knowledge")
        async with self._database.begin() as transaction:
            known = await self._known(transaction, caller, collection_id)
            if known.right not in {"owner", "manage"}:
                raise ReadOnlyCollection
            if known.row.is_private:
                raise CollectionInUse
            rows = _grant_rows(collection_id, request)
            await self._people.require_people(
                transaction,
                [row.user_id for row in rows if row.user_id],
                [row.group_id for row in rows if row.group_id],
            )
            await self._repository.replace_grants(transaction, collection_id, rows)
            await transaction.flush()
            await self._audit.record(
                transaction,
                caller,
                "collection.shared",
                object_kind="collection",
                object_id=collection_id,
                readers=[str(row.user_id or row.group_id) for row in rows if row.right == "reader"],
                editors=[str(row.user_id or row.group_id) for row in rows if row.right == "editor"],
            )
            return (await self._describe(transaction, [known]))[0]

    async def delete(self, caller: Caller, collection_id: UUID) -> None:
        """Delete a collection and every document in it."""
        caller.require_scope("knowledge")
        async with self._database.read() as transaction:
            known = await self._known(transaction, caller, collection_id)
            if known.right not in {"owner", "manage"}:
                raise ReadOnlyCollection
            if known.row.is_private:
                raise CollectionInUse
        until = asyncio.get_running_loop().time() + _DELETE_SECONDS
        while asyncio.get_running_loop().time() < until:
            await self._empty(caller, collection_id)
            with contextlib.suppress(WrittenMeanwhile):  # somebody added a document, or one is still being deleted
                await self._remove(caller, collection_id)
                return
            await asyncio.sleep(_DELETE_PAUSE_SECONDS)
        raise DeletionPending

    async def _empty(self, caller: Caller, collection_id: UUID) -> None:
        async with self._database.read() as transaction:
            documents = await self._document_repository.of_collection(transaction, collection_id)
        for document_id in documents:
            # Somebody else is deleting it, or its job tries again by itself: the next round sees.
            with contextlib.suppress(DocumentNotFound, DeletionPending):
                await self._documents.erase(caller, document_id)

    async def _remove(self, caller: Caller, collection_id: UUID) -> None:
        async with self._database.begin() as transaction:
            known = await self._known(transaction, caller, collection_id)
            await transaction.delete(known.row)
            await transaction.flush()
            await self._audit.record(
                transaction, caller, "collection.deleted", object_kind="collection", object_id=collection_id
            )

    async def _known(self, transaction: Transaction, caller: Caller, collection_id: UUID) -> KnownCollection:
        known = await self._repository.known(transaction, caller, collection_id)
        if known is None:
            raise CollectionNotFound
        return known

    async def _changeable(self, transaction: Transaction, caller: Caller, collection_id: UUID) -> KnownCollection:
        known = await self._known(transaction, caller, collection_id)
        if known.right == "reader":
            raise ReadOnlyCollection
        return known

    async def _describe(self, transaction: Transaction, known: Sequence[KnownCollection]) -> list[Collection]:
        ids = [entry.row.id for entry in known]
        counts = await self._repository.counts(transaction, ids)
        grants = await self._repository.grants(transaction, ids)
        return [_collection(entry, counts.get(entry.row.id, (0, 0)), grants[entry.row.id]) for entry in known]


def _grant_rows(collection_id: UUID, request: PermissionsIn) -> list[CollectionGrantRow]:
    """One row per person or group; who may edit need not be named a reader too."""
    rights: dict[tuple[UUID | None, UUID | None], str] = {}
    for right, grantees in (("reader", request.readers), ("editor", request.editors)):
        for grantee in grantees:
            if (grantee.user is None) == (grantee.group is None):
                raise InvalidRequest(
                    reason=Text(
                        "Each entry names a `user` or a `group`.", "Chaque entrée désigne un `user` ou un `group`."
                    )
                )
            rights[grantee.user, grantee.group] = right
    return [
        CollectionGrantRow(id=new_id(), collection_id=collection_id, user_id=user, group_id=group, right=right)
        for (user, group), right in rights.items()
    ]


def _collection(known: KnownCollection, counts: tuple[int, int], grants: list[CollectionGrantRow]) -> Collection:
    row = known.row
    return Collection(
        id=row.id,
        name=row.name,
        owner_id=row.owner_id,
        owner=known.owner,
        private=row.is_private,
        language=row.language,
        chunk_characters=row.chunk_characters,
        chunk_overlap=row.chunk_overlap,
        documents=counts[0],
        chunks=counts[1],
        right=cast("Right", known.right),
        readers=[Grantee(user=grant.user_id, group=grant.group_id) for grant in grants if grant.right == "reader"],
        editors=[Grantee(user=grant.user_id, group=grant.group_id) for grant in grants if grant.right == "editor"],
        created_at=row.created_at,
    )
