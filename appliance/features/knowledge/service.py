"""Documents: listed, tried again, tagged, and gone for good when deleted. Taking them in is the intake's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from msgspec import UNSET

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction
from appliance.core.failpoints import Failpoints
from appliance.core.security import Vault
from appliance.core.settings_sections import Limits
from appliance.features.audit import AuditService
from appliance.features.files import FilesService
from appliance.features.knowledge.errors import (
    CollectionNotFound,
    DeletionPending,
    DocumentNotFound,
    NothingToCancel,
    ReadOnlyCollection,
    StillWorking,
)
from appliance.features.knowledge.intake import DocumentIntake
from appliance.features.knowledge.mapping import status_of, stored_error, to_document
from appliance.features.knowledge.repository import (
    CollectionRepository,
    DocumentFilter,
    DocumentRepository,
    ListedDocument,
)
from appliance.features.knowledge.schemas import (
    Document,
    DocumentPage,
    DocumentPatch,
    Indexed,
    QueuedJob,
    RetryIn,
    Tagged,
    TagIn,
    Uploaded,
)
from appliance.features.knowledge.tables import DocumentRow
from appliance.features.knowledge.work import delete_work, index_work, place_work
from appliance.ports.event_bus import EventBus
from appliance.ports.job_queue import JobQueue, JobRunner

log = structlog.get_logger(__name__)
DOCUMENTS_TOPIC = "documents"
_WORKING = frozenset({"uploaded", "queued", "parsing", "embedding"})
_POLL_SECONDS = 1.0
_ERASE_SECONDS, _ERASE_POLL_SECONDS = 60.0, 0.05


class DocumentService:
    """What people do with documents. Reading and indexing them is the pipeline's, in jobs."""

    def __init__(
        self,
        database: Database,
        *,
        files: FilesService,
        queue: JobQueue,
        runner: JobRunner,
        bus: EventBus,
        audit: AuditService,
        vault: Vault,
        limits: Limits,
        failpoints: Failpoints,
    ) -> None:
        """`runner` does a deletion at once; indexing waits its turn."""
        self._database = database
        self._queue = queue
        self._runner = runner
        self._bus = bus
        self._audit = audit
        self._vault = vault
        self._failpoints = failpoints
        self._repository = DocumentRepository()
        self._collections = CollectionRepository()
        self._intake = DocumentIntake(
            database, files=files, queue=queue, audit=audit, limits=limits, failpoints=failpoints
        )

    async def private_collection(self, caller: Caller) -> UUID:
        """Find the caller's own collection, made at its first use."""
        return await self._intake.private_collection(caller)

    async def upload(self, caller: Caller, stream: AsyncIterator[bytes], *, content_type: str) -> tuple[Uploaded, bool]:
        """Take a form with a file in; tells whether it is new. The same bytes in the same collection: the first document.

        Raises TooLarge, StorageFull, InvalidRequest, CollectionNotFound, ReadOnlyCollection.
        """
        caller.require_scope("knowledge")
        row, is_new = await self._intake.receive(caller, stream, content_type=content_type)
        if is_new:
            self._runner.wake()
            await self.announce(row)
        uploaded = Uploaded(
            file_id=row.id, filename=row.filename, size=row.size, status=status_of(row), collection=row.collection_id
        )
        return uploaded, is_new

    async def page(
        self, caller: Caller, where: DocumentFilter, *, sort: str, descending: bool, limit: int, offset: int
    ) -> DocumentPage:
        """List documents the caller may read; an admin those of a collection they name."""
        caller.require_scope("knowledge")
        async with self._database.read() as transaction:
            rows, total = await self._repository.page(
                transaction, caller, where, sort=sort, descending=descending, limit=limit, offset=offset
            )
        documents = [to_document(listed, caller.language) for listed in rows]
        return DocumentPage(documents=documents, total=total, limit=limit, offset=offset)

    async def get(self, caller: Caller, document_id: UUID) -> Document:
        """Show one document's record."""
        caller.require_scope("knowledge")
        async with self._database.read() as transaction:
            return to_document(await self._known(transaction, caller, document_id), caller.language)

    async def names(self, transaction: Transaction, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, str]:
        """Give the file names of those of some documents that the caller may read, for lists of other rooms."""
        if not ids or (caller.scopes is not None and "knowledge" not in caller.scopes):
            return {}
        return await self._repository.names(transaction, caller, ids)

    async def _known(self, transaction: Transaction, caller: Caller, document_id: UUID) -> ListedDocument:
        listed = await self._repository.known(transaction, caller, document_id)
        if listed is None:
            raise DocumentNotFound
        return listed

    async def _changeable(self, transaction: Transaction, caller: Caller, document_id: UUID) -> ListedDocument:
        listed = await self._known(transaction, caller, document_id)
        if listed.right == "reader":
            raise ReadOnlyCollection
        locked = await self._repository.lock(transaction, document_id)
        if locked is None or locked.status == "deleting":
            raise DocumentNotFound
        return listed

    async def index(self, caller: Caller, document_id: UUID, *, wait: bool) -> Indexed | QueuedJob:
        """Wait until a document can be asked about, after starting it again where it had failed.

        Raises what the document failed with.
        """
        document = await self.get(caller, document_id)
        if document.status == "failed":
            with suppress(StillWorking):  # somebody else was quicker
                await self.retry(caller, document_id, RetryIn())
        async with self._bus.subscribe(DOCUMENTS_TOPIC) as events:
            while True:
                async with self._database.read() as transaction:
                    row = (await self._known(transaction, caller, document_id)).row
                if row.status == "indexed":
                    return Indexed(file_id=row.id, chunks=row.chunks, embeddings=row.chunks, status=status_of(row))
                if row.status == "failed":
                    raise stored_error(row)
                if not wait:
                    return QueuedJob(file_id=row.id, job_id=row.job_id, status=status_of(row))
                await _next_about(events, document_id)

    async def retry(self, caller: Caller, document_id: UUID, request: RetryIn) -> Document:
        """Read a document again, with its password if it needs one."""
        caller.require_scope("knowledge")
        async with self._database.begin() as transaction:
            listed = await self._changeable(transaction, caller, document_id)
            row = listed.row
            if row.status in _WORKING and row.status != "uploaded":
                raise StillWorking
            if request.password is not None:
                row.sealed_password = self._vault.seal(request.password)
            row.status, row.problem, row.stage_done, row.stage_total = "queued", None, 0, 0
            row.job_id = await self._queue.enqueue(transaction, index_work(row.id, owner_id=caller.user_id))
            await self._audit.record(
                transaction,
                caller,
                "document.retried",
                object_kind="document",
                object_id=document_id,
                with_password=request.password is not None,
            )
        self._runner.wake()
        await self.announce(row)
        return to_document(listed, caller.language)

    async def index_all_again(self, transaction: Transaction, caller: Caller, collection_id: UUID) -> None:
        """Have every document of a collection cut and indexed anew; each is searched as it was until then."""
        for document_id in await self._repository.of_collection(transaction, collection_id):
            row = await self._repository.lock(transaction, document_id)
            if row is not None and row.status in {"indexed", "failed"}:
                row.status, row.problem = "queued", None
                row.job_id = await self._queue.enqueue(transaction, index_work(row.id, owner_id=caller.user_id))

    async def cancel(self, caller: Caller, document_id: UUID) -> Document:
        """Stop the reading or indexing of a document; what was searchable before stays so."""
        caller.require_scope("knowledge")
        async with self._database.begin() as transaction:
            listed = await self._changeable(transaction, caller, document_id)
            row = listed.row
            if row.status not in _WORKING or row.job_id is None:
                raise NothingToCancel
            await self._queue.cancel(transaction, row.job_id)
            row.status, row.problem = "failed", {"code": "indexing_cancelled", "facts": {}}
            await self._audit.record(
                transaction, caller, "document.cancelled", object_kind="document", object_id=document_id
            )
        await self._runner.cancel(row.job_id)
        await self.announce(row)
        return to_document(listed, caller.language)

    async def delete(self, caller: Caller, document_id: UUID) -> None:
        """Delete a document for good: nobody sees it from now on, and its bytes, rows and vectors are gone at the end.

        Raises DeletionPending where an engine does not answer; it goes on by itself.
        """
        caller.require_scope("knowledge")
        await self.erase(caller, document_id)

    async def erase(self, caller: Caller, document_id: UUID) -> None:
        """Do it, for `delete` and for whoever deletes a collection."""
        async with self._database.begin() as transaction:
            row = (await self._changeable(transaction, caller, document_id)).row
            index_job, row.status = row.job_id, "deleting"
            if index_job is not None:
                await self._queue.cancel(transaction, index_job)
            work = delete_work(document_id, sha256=row.sha256, index_job=index_job, owner_id=caller.user_id)
            delete_job = await self._queue.enqueue(transaction, work)
            await self._audit.record(
                transaction, caller, "document.deleted", object_kind="document", object_id=document_id
            )
        self._failpoints.reach("delete.committed")
        await self.announce(row)
        if index_job is not None:
            await self._runner.cancel(index_job)
        await self._runner.run_now(delete_job)
        await self._wait_erased(document_id, delete_job)

    async def _wait_erased(self, document_id: UUID, delete_job: UUID) -> None:
        """Wait for whoever took the job, if it was not this call. Raises DeletionPending where it did not succeed."""
        until = asyncio.get_running_loop().time() + _ERASE_SECONDS
        while True:
            async with self._database.read() as transaction:
                job = await self._queue.get(transaction, delete_job)
                is_there = await self._repository.get(transaction, document_id) is not None
            if not is_there:
                return
            is_coming = job is not None and (job.status == "running" or (job.status == "queued" and not job.problem))
            if not is_coming or asyncio.get_running_loop().time() > until:
                raise DeletionPending
            await asyncio.sleep(_ERASE_POLL_SECONDS)

    async def change(self, caller: Caller, document_id: UUID, patch: DocumentPatch) -> Document:
        """Change what a document is labelled with."""
        caller.require_scope("knowledge")
        async with self._database.begin() as transaction:
            listed = await self._changeable(transaction, caller, document_id)
            row = listed.row
            if patch.tags is not UNSET:
                row.tags = sorted(set(patch.tags))
            if patch.agent_owner is not UNSET:
                row.agent_owner = patch.agent_owner
            await self._queue.enqueue(transaction, place_work(row.id, owner_id=caller.user_id))
            await self._audit.record(
                transaction, caller, "document.changed", object_kind="document", object_id=document_id
            )
        self._runner.wake()
        await self.announce(row)
        return to_document(listed, caller.language)

    async def tag(self, caller: Caller, request: TagIn) -> Tagged:
        """Tag the documents each word stands in; only those the caller may edit."""
        caller.require_scope("knowledge")
        counts: dict[str, int] = {}
        async with self._database.begin() as transaction:
            if request.collection and not await self._collections.known(transaction, caller, request.collection):
                raise CollectionNotFound
            for tag, words in request.keywords.items():
                rows = (
                    await self._repository.containing(transaction, caller, words, collection_id=request.collection)
                    if words
                    else []
                )
                for row in rows:
                    if tag not in row.tags:
                        row.tags = sorted({*row.tags, tag})
                        await self._queue.enqueue(transaction, place_work(row.id, owner_id=caller.user_id))
                counts[tag] = len(rows)
            await self._audit.record(
                transaction, caller, "documents.tagged", object_kind="document", object_id="many", tags=sorted(counts)
            )
        self._runner.wake()
        return Tagged(tagged=counts)

    async def announce(self, row: DocumentRow) -> None:
        """Tell live screens how a document is."""
        event: dict[str, Any] = {
            "document_id": str(row.id),
            "collection_id": str(row.collection_id),
            "status": row.status,
            "done": row.stage_done,
            "total": row.stage_total,
        }
        await self._bus.publish(DOCUMENTS_TOPIC, event)


async def _next_about(events: AsyncIterator[dict[str, Any]], document_id: UUID) -> None:
    """Wait for news of a document; after a while look anyway, for an event may be lost."""
    try:
        async with asyncio.timeout(_POLL_SECONDS):
            while (await anext(events)).get("document_id") != str(document_id):
                continue
    except TimeoutError:
        return
