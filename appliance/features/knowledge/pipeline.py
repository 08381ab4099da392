"""A document's way into the index: parse → split → embed → index, each stage a plain step that may run twice."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import structlog

from appliance.core.database import Database, Transaction, now
from appliance.core.failpoints import Failpoints
from appliance.core.ids import derive_id
from appliance.core.metrics import Metrics
from appliance.core.security import Vault
from appliance.features.audit import AuditService
from appliance.features.files import FilesService
from appliance.features.knowledge.indexes import IndexService, LiveIndex
from appliance.features.knowledge.mapping import holder_of, text_key
from appliance.features.knowledge.repository import (
    ChunkRepository,
    CollectionRepository,
    DocumentRepository,
    IndexRepository,
)
from appliance.features.knowledge.splitting import SPLITTER_VERSION, Chunk, header_of, split_document, title_of
from appliance.features.knowledge.tables import CollectionRow, DocumentRow
from appliance.ports.analyzer import Analyzer
from appliance.ports.job_queue import JobCancelled, JobContext, JobQueue
from appliance.ports.parser import ParsedDocument, Parser
from appliance.ports.vector_store import Place, Point, VectorStore, Where

log = structlog.get_logger(__name__)
_BATCH_CHUNKS = 64
_LANGUAGE_SAMPLE = 4_000
Announce = Callable[[DocumentRow], Awaitable[None]]


class DocumentGone(Exception):
    """The document was deleted while it was worked on: nothing is left to do."""


class Prepared(msgspec.Struct, frozen=True):
    """A document cut and ready to be embedded under its next version."""

    document_id: UUID
    collection_id: UUID
    version: int
    language: str
    title: str | None
    characters: int
    chunks: Sequence[Chunk]

    def chunk_id(self, chunk: Chunk) -> UUID:
        """The same cut of the same version has the same id, so that indexing twice is harmless."""
        return derive_id(self.document_id, self.version, SPLITTER_VERSION, chunk.position)


class IndexingPipeline:
    """Reads, cuts, embeds and writes one document; the version searched changes in one step at the end."""

    def __init__(
        self,
        database: Database,
        *,
        files: FilesService,
        parser: Parser,
        analyzer: Analyzer,
        vectors: VectorStore,
        indexes: IndexService,
        queue: JobQueue,
        audit: AuditService,
        vault: Vault,
        metrics: Metrics,
        failpoints: Failpoints,
        announce: Announce,
    ) -> None:
        """`announce` tells live screens how a document is."""
        self._database = database
        self._files = files
        self._parser = parser
        self._analyzer = analyzer
        self._vectors = vectors
        self._indexes = indexes
        self._queue = queue
        self._audit = audit
        self._vault = vault
        self._metrics = metrics
        self._failpoints = failpoints
        self._announce = announce
        self._documents = DocumentRepository()
        self._collections = CollectionRepository()
        self._chunks = ChunkRepository()
        self._index_repository = IndexRepository()

    async def index(self, document_id: UUID, context: JobContext) -> None:
        """Take a document through every stage.

        Raises what a stage raises; DocumentGone when it was deleted meanwhile, JobCancelled when somebody stopped it.
        """
        timings: dict[str, float] = {}
        row, collection = await self._begin(document_id, context)
        async with self._stage("parse", timings):
            parsed = await self._parse(row)
        self._failpoints.reach("index.parsed")
        async with self._stage("split", timings):
            prepared = await self._split(row, collection, parsed)
        await self._note_cut(prepared, timings, context)
        async with self._stage("embed", timings):
            await self._write(row, prepared, context.report)
        self._failpoints.reach("index.points_written")
        async with self._stage("index", timings):
            await self._flip(row, parsed, prepared, timings, context)
        self._failpoints.reach("index.flipped")
        await self.sweep(row, keep=prepared.version)

    async def _lock(self, transaction: Transaction, document_id: UUID, context: JobContext) -> DocumentRow:
        """Hold a document whose work is still wanted: whoever stops or deletes it holds it too."""
        row = await self._documents.lock(transaction, document_id)
        if row is None or row.status == "deleting":
            raise DocumentGone
        job = await self._queue.get(transaction, context.job.id)
        if job is not None and job.cancel_requested:
            raise JobCancelled
        return row

    async def _begin(self, document_id: UUID, context: JobContext) -> tuple[DocumentRow, CollectionRow]:
        async with self._database.begin() as transaction:
            row = await self._lock(transaction, document_id, context)
            row.status, row.problem, row.stage_done, row.stage_total, row.timings = "parsing", None, 0, 0, {}
            collection = await self._collections.get(transaction, row.collection_id)
        await self._announce(row)
        if row.is_dirty:
            await self._remove_other_points(row, keep=row.version)
        return row, collection

    async def _parse(self, row: DocumentRow) -> ParsedDocument:
        password = self._vault.unseal(row.sealed_password) if row.sealed_password else None
        async with self._files.fetch(row.sha256) as path:
            return await self._parser.parse(path, filename=row.filename, password=password)

    async def _split(self, row: DocumentRow, collection: CollectionRow, parsed: ParsedDocument) -> Prepared:
        language = collection.language or await self._detect_language(parsed)
        chunks = await asyncio.to_thread(
            split_document, parsed, characters=collection.chunk_characters, overlap=collection.chunk_overlap
        )
        await self._files.write_derived(text_key(row.id), await asyncio.to_thread(msgspec.json.encode, parsed))
        self._failpoints.reach("index.text_written")
        return Prepared(
            document_id=row.id,
            collection_id=row.collection_id,
            version=row.version + 1,
            language=language,
            title=title_of(parsed),
            characters=collection.chunk_characters,
            chunks=chunks,
        )

    async def _detect_language(self, parsed: ParsedDocument) -> str:
        """Look at the middle of the document too: covers and imprints are often in another language."""
        text = " ".join(section.text for section in parsed.sections[:200])
        middle = max(0, len(text) // 2 - _LANGUAGE_SAMPLE // 2)
        return await self._analyzer.detect_language(
            text[: _LANGUAGE_SAMPLE // 2] + " " + text[middle : middle + _LANGUAGE_SAMPLE]
        )

    async def _write(self, row: DocumentRow, prepared: Prepared, report: Callable[[float], None]) -> None:
        """Embed in batches and write each into every live index; its passages into the state beside."""
        total = len(prepared.chunks)
        await self._forget_version(prepared)
        for start in range(0, total, _BATCH_CHUNKS):
            batch = prepared.chunks[start : start + _BATCH_CHUNKS]
            for index in await self._indexes.live():
                await self.write_points(index, row, prepared, batch)
            self._failpoints.reach("index.batch_written")
            done = start + len(batch)
            await self._keep_chunks(row, prepared, batch, done)
            report(done / total)

    async def _forget_version(self, prepared: Prepared) -> None:
        """Drop passages an interrupted run left under the version this run writes."""
        async with self._database.begin() as transaction:
            await self._chunks.delete_version(transaction, prepared.document_id, prepared.version)

    async def write_points(
        self, index: LiveIndex, row: DocumentRow, prepared: Prepared, batch: Sequence[Chunk]
    ) -> None:
        """Embed some passages for one index and write them there."""
        texts = [f"{header_of(prepared.title, row.filename, chunk.headings)}\n{chunk.text}" for chunk in batch]
        vectors = await index.embedder.embed_passages(texts)
        lexical = await asyncio.to_thread(
            self._analyzer.encode_passages, texts, language=prepared.language, characters=prepared.characters
        )
        place = place_of(row, version=prepared.version, language=prepared.language)
        points = [
            Point(prepared.chunk_id(chunk), place, words, vector)
            for chunk, words, vector in zip(batch, lexical, vectors, strict=True)
        ]
        await self._vectors.upsert(index.name, points)

    async def _keep_chunks(self, row: DocumentRow, prepared: Prepared, batch: Sequence[Chunk], done: int) -> None:
        rows: list[dict[str, Any]] = [
            {
                "id": prepared.chunk_id(chunk),
                "document_id": prepared.document_id,
                "version": prepared.version,
                "position": chunk.position,
                "page": chunk.page,
                "start": chunk.start,
                "end": chunk.end,
                "headings": list(chunk.headings),
                "locator": msgspec.to_builtins(chunk.locator),
                "text": chunk.text,
            }
            for chunk in batch
        ]
        async with self._database.begin() as transaction:
            await self._chunks.insert(transaction, rows)
            await self._documents.set_progress(transaction, row.id, stage_done=done)
        row.status, row.stage_done, row.stage_total = "embedding", done, len(prepared.chunks)
        await self._announce(row)

    async def _flip(
        self,
        row: DocumentRow,
        parsed: ParsedDocument,
        prepared: Prepared,
        timings: dict[str, float],
        context: JobContext,
    ) -> None:
        """Show the new version: one transaction, after all of it is written."""
        live = await self._indexes.live()
        async with self._database.begin() as transaction:
            current = await self._lock(transaction, row.id, context)
            current.version, current.status, current.problem = prepared.version, "indexed", None
            current.chunks = current.stage_done = current.stage_total = len(prepared.chunks)
            current.pages, current.media_type = parsed.pages, parsed.media_type
            current.unread_pages = len(parsed.unread_pages)
            current.title, current.language = (prepared.title or "")[:500] or None, prepared.language
            current.timings, current.indexed_at = timings, now()
            for index in live:
                await self._index_repository.note_document(
                    transaction, index.id, row.id, version=prepared.version, points=len(prepared.chunks)
                )
            await self._audit.record(
                transaction,
                None,
                "document.indexed",
                object_kind="document",
                object_id=row.id,
                chunks=len(prepared.chunks),
                version=prepared.version,
            )
        await self._announce(current)

    async def sweep(self, row: DocumentRow, *, keep: int | None = None) -> None:
        """Remove what other versions than the one searched left, then note that nothing is left behind."""
        version = row.version if keep is None else keep
        await self._remove_other_points(row, keep=version)
        self._failpoints.reach("index.old_points_removed")
        async with self._database.begin() as transaction:
            await self._chunks.delete_other_versions(transaction, row.id, keep=version)
            await self._documents.set_progress(transaction, row.id, is_dirty=False)

    async def _remove_other_points(self, row: DocumentRow, *, keep: int) -> None:
        for index in await self._indexes.live():
            await self._vectors.delete(index.name, Where(documents=(row.id,), version_not=keep))

    async def note_embedded(self, index: LiveIndex, row: DocumentRow) -> None:
        """Note that a document's present version stands in one more index, unless it changed or went meanwhile."""
        async with self._database.begin() as transaction:
            current = await self._documents.lock(transaction, row.id)
            is_same = current is not None and current.version == row.version and current.status != "deleting"
            if is_same:
                await self._index_repository.note_document(
                    transaction, index.id, row.id, version=row.version, points=row.chunks
                )
        if not is_same:
            await self._vectors.delete(index.name, Where(documents=(row.id,), version=row.version))

    async def erase(self, document_id: UUID, sha256: str | None) -> None:
        """Remove every trace of a document that is marked as being deleted, and prove that its points are gone.

        `sha256`: its bytes, which an attempt that was cut short may have left behind the row.
        """
        async with self._database.read() as transaction:
            row = await self._documents.get(transaction, document_id)
        if row is None:
            if sha256:
                await self._files.collect(sha256)
            return
        for name in await self._vectors.names():
            await self._vectors.delete(name, Where(documents=(document_id,)))
            self._failpoints.reach("delete.points_deleted")
            remaining = await self._vectors.count(name, Where(documents=(document_id,)))
            if remaining:
                message = f"{remaining} points remain after their deletion"
                raise RuntimeError(message)
        await self._files.delete_derived(text_key(document_id))
        self._failpoints.reach("delete.text_deleted")
        async with self._database.begin() as transaction:
            await self._chunks.delete_other_versions(transaction, document_id, keep=None)
            await self._index_repository.forget_document(transaction, document_id)
            released = await self._files.let_go(transaction, holder_of(document_id))
            if current := await self._documents.lock(transaction, document_id):
                await transaction.delete(current)
            await self._audit.record(
                transaction, None, "document.erased", object_kind="document", object_id=document_id, points_remaining=0
            )
        self._failpoints.reach("delete.row_deleted")
        if released:
            await self._files.collect(released)

    async def update_place(self, document_id: UUID) -> None:
        """Bring what a document's points are filtered by in line with its row."""
        async with self._database.read() as transaction:
            row = await self._documents.get(transaction, document_id)
        if row is None or row.version == 0:
            return
        place = place_of(row, version=row.version, language=row.language or "en")
        for index in await self._indexes.live():
            await self._vectors.update_place(index.name, document_id, place)

    async def _note_cut(self, prepared: Prepared, timings: dict[str, float], context: JobContext) -> None:
        async with self._database.begin() as transaction:
            row = await self._lock(transaction, prepared.document_id, context)
            row.status, row.is_dirty = "embedding", True
            row.stage_total, row.timings = len(prepared.chunks), dict(timings)

    @asynccontextmanager
    async def _stage(self, name: str, timings: dict[str, float]) -> AsyncGenerator[None]:
        started = asyncio.get_running_loop().time()
        with self._metrics.stage("indexing", name):
            yield
        timings[name] = round(asyncio.get_running_loop().time() - started, 3)


def place_of(row: DocumentRow, *, version: int, language: str) -> Place:
    """Name what the points of a document may be filtered by."""
    return Place(
        document_id=row.id,
        collection_id=row.collection_id,
        version=version,
        language=language,
        agent_owner=row.agent_owner,
        tags=tuple(row.tags),
    )
