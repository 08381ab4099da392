"""Taking documents in: bytes first, then the row, the hold on the bytes, the job and the audit line, all at once."""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, look_again, now
from appliance.core.errors import ApplianceError, InvalidRequest, WrittenMeanwhile
from appliance.core.failpoints import Failpoints
from appliance.core.ids import new_id
from appliance.core.settings_sections import Limits
from appliance.core.text import Text
from appliance.core.uploads import UploadedForm, receive_form
from appliance.features.audit import AuditService
from appliance.features.files import FilesService, FileVanished, IncomingFile, StoredFile
from appliance.features.knowledge.errors import CollectionNotFound, ReadOnlyCollection
from appliance.features.knowledge.filenames import clean_filename
from appliance.features.knowledge.mapping import holder_of
from appliance.features.knowledge.repository import CollectionRepository, DocumentRepository
from appliance.features.knowledge.schemas import DEFAULT_CHUNK_CHARACTERS, DEFAULT_CHUNK_OVERLAP
from appliance.features.knowledge.tables import CollectionRow, DocumentRow
from appliance.features.knowledge.work import index_work
from appliance.ports.job_queue import JobQueue

_KEEP_ATTEMPTS = 5
_TAGS, _TAG_CHARACTERS = 50, 60
_OWNER_CHARACTERS = 100


class DocumentIntake:
    """Makes documents of uploads; the same bytes in the same collection are the first document again."""

    def __init__(
        self,
        database: Database,
        *,
        files: FilesService,
        queue: JobQueue,
        audit: AuditService,
        limits: Limits,
        failpoints: Failpoints,
    ) -> None:
        """`limits.upload_bytes` bounds one file."""
        self._database = database
        self._files = files
        self._queue = queue
        self._audit = audit
        self._limits = limits
        self._failpoints = failpoints
        self._documents = DocumentRepository()
        self._collections = CollectionRepository()

    async def private_collection(self, caller: Caller) -> UUID:
        """Find the caller's own collection, made at its first use."""
        while True:
            async with self._database.read() as transaction:
                if row := await self._collections.private_of(transaction, caller.user_id):
                    return row.id
            with contextlib.suppress(WrittenMeanwhile):  # it is there now
                return await self._make_private_collection(caller)

    async def _make_private_collection(self, caller: Caller) -> UUID:
        async with self._database.begin() as transaction:
            if row := await self._collections.private_of(transaction, caller.user_id):
                return row.id
            name = Text("My documents", "Mes documents").say(caller.language)
            row = CollectionRow(
                id=new_id(),
                name=name,
                owner_id=caller.user_id,
                is_private=True,
                language=None,
                chunk_characters=DEFAULT_CHUNK_CHARACTERS,
                chunk_overlap=DEFAULT_CHUNK_OVERLAP,
                created_at=now(),
            )
            transaction.add(row)
            return row.id

    async def receive(
        self, caller: Caller, stream: AsyncIterator[bytes], *, content_type: str
    ) -> tuple[DocumentRow, bool]:
        """Read a multipart form; gives the document and whether it is new.

        Raises TooLarge, StorageFull, InvalidRequest, CollectionNotFound, ReadOnlyCollection.
        """
        async with self._files.receive(limit_bytes=self._limits.upload_bytes) as incoming:
            form = await receive_form(stream, content_type=content_type, file_field="file", sink=incoming)
            stored = await incoming.end()
            self._failpoints.reach("upload.received")
            collection_id = await self._target(caller, form)
            try:
                row, is_new = await self._keep(caller, form, incoming, stored, collection_id)
            except ApplianceError:
                await self._files.collect(stored.sha256)  # what is refused leaves no bytes behind
                raise
        self._failpoints.reach("upload.committed")
        return row, is_new

    async def _target(self, caller: Caller, form: UploadedForm) -> UUID:
        named = form.fields.get("collection", [""])[-1].strip()
        if not named:
            return await self.private_collection(caller)
        try:
            return UUID(named)
        except ValueError:
            raise CollectionNotFound from None

    async def _keep(
        self, caller: Caller, form: UploadedForm, incoming: IncomingFile, stored: StoredFile, collection_id: UUID
    ) -> tuple[DocumentRow, bool]:
        """Keep the bytes and add the document; look again where others send or delete the same at this moment."""

        async def keep() -> tuple[DocumentRow, bool]:
            await self._files.keep(incoming, stored)
            return await self._add(caller, form, stored, collection_id)

        return await look_again(keep, times=_KEEP_ATTEMPTS, after=(FileVanished, WrittenMeanwhile))

    async def _add(
        self, caller: Caller, form: UploadedForm, stored: StoredFile, collection_id: UUID
    ) -> tuple[DocumentRow, bool]:
        """Write the row, the hold on the bytes, the job and the audit line: all of them or none."""
        row = _new_row(form, stored, collection_id, caller)
        async with self._database.begin() as transaction:
            await self._require_editor(transaction, caller, collection_id)
            if there := await self._documents.same_bytes(transaction, collection_id, stored.sha256):
                return there, False
            transaction.add(row)
            await transaction.flush()
            await self._files.hold(transaction, stored, holder_of(row.id))
            row.job_id = await self._queue.enqueue(transaction, index_work(row.id, owner_id=caller.user_id))
            await self._audit.record(
                transaction,
                caller,
                "document.uploaded",
                object_kind="document",
                object_id=row.id,
                size=stored.size,
                sha256=stored.sha256,
                collection=str(collection_id),
            )
            return row, True

    async def _require_editor(self, transaction: Transaction, caller: Caller, collection_id: UUID) -> None:
        known = await self._collections.known(transaction, caller, collection_id)
        if known is None:
            raise CollectionNotFound
        if known.right not in {"owner", "editor"}:
            raise ReadOnlyCollection


def _new_row(form: UploadedForm, stored: StoredFile, collection_id: UUID, caller: Caller) -> DocumentRow:
    return DocumentRow(
        id=new_id(),
        collection_id=collection_id,
        sha256=stored.sha256,
        filename=clean_filename(form.filename or ""),
        size=stored.size,
        media_type=None,
        title=None,
        language=None,
        pages=None,
        unread_pages=0,
        chunks=0,
        status="uploaded",
        problem=None,
        stage_done=0,
        stage_total=0,
        timings={},
        tags=_read_tags(form),
        agent_owner=form.fields.get("agent_owner", [""])[-1].strip()[:_OWNER_CHARACTERS] or None,
        sealed_password=None,
        version=0,
        is_dirty=False,
        job_id=None,
        uploaded_by=caller.user_id,
        uploaded_at=now(),
        indexed_at=None,
    )


def _read_tags(form: UploadedForm) -> list[str]:
    tags = sorted({tag.strip() for value in form.fields.get("tags", []) for tag in value.split(",")} - {""})
    if len(tags) > _TAGS or any(len(tag) > _TAG_CHARACTERS for tag in tags):
        raise InvalidRequest(
            reason=Text(
                f"At most {_TAGS} tags of {_TAG_CHARACTERS} characters.",
                f"Au plus {_TAGS} étiquettes de {_TAG_CHARACTERS} caractères.",
            )
        )
    return tags
