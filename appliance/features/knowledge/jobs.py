"""The durable work of the knowledge room. Every handler may run twice."""

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from appliance.core.database import Database, now
from appliance.core.errors import ApplianceError, EngineUnavailable, StoredProblem
from appliance.core.text import Text
from appliance.features.knowledge.indexes import DROP_JOB, REEMBED_JOB, IndexService, LiveIndex
from appliance.features.knowledge.pipeline import Announce, DocumentGone, IndexingPipeline, Prepared
from appliance.features.knowledge.repository import (
    ChunkRepository,
    CollectionRepository,
    DocumentRepository,
    IndexRepository,
)
from appliance.features.knowledge.splitting import Chunk
from appliance.features.knowledge.tables import ChunkRow, DocumentRow
from appliance.features.knowledge.work import DELETE_JOB, INDEX_JOB, PLACE_JOB
from appliance.ports.job_queue import Job, JobContext, JobQueue
from appliance.ports.parser import Locator

log = structlog.get_logger(__name__)
_REEMBED_BATCH = 20
_CHUNK_BATCH = 64
_WAIT_FOR_INDEXER = timedelta(seconds=60)


class IndexDocument:
    """Reads and indexes one document."""

    kind = INDEX_JOB

    def __init__(
        self,
        database: Database,
        *,
        pipeline: IndexingPipeline,
        queue: JobQueue,
        announce: Announce,
        timeout_seconds: float,
    ) -> None:
        """`timeout_seconds`: for the whole of it; parsing has its own, shorter limit."""
        self.timeout_seconds = timeout_seconds
        self._database = database
        self._queue = queue
        self._pipeline = pipeline
        self._announce = announce
        self._documents = DocumentRepository()

    async def run(self, context: JobContext) -> None:
        """Take the document through the pipeline."""
        document_id = UUID(context.job.payload["document_id"])
        try:
            await self._pipeline.index(document_id, context)
        except DocumentGone:
            log.info("document_gone", document_id=str(document_id))

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        """Show the reason on the document, unless somebody had it read again meanwhile."""
        document_id = UUID(job.payload["document_id"])
        async with self._database.begin() as transaction:
            row = await self._documents.lock(transaction, document_id)
            current = await self._queue.get(transaction, job.id)
            if row is None or row.status == "deleting" or (current is not None and current.wanted_again):
                return
            row.status = "queued" if retried else "failed"
            row.problem = msgspec.to_builtins(problem)
        await self._announce(row)
        if row.is_dirty and not retried:
            try:
                await self._pipeline.sweep(row)
            except ApplianceError as error:  # the engine is away: housekeeping sweeps when it is back
                log.warning("points_left_behind", document_id=str(document_id), code=error.code)


class DeleteDocument:
    """Removes every trace of one document."""

    kind = DELETE_JOB
    timeout_seconds = 600.0

    def __init__(self, database: Database, *, pipeline: IndexingPipeline, queue: JobQueue) -> None:
        """`queue` tells when nobody writes to the document any more."""
        self._database = database
        self._pipeline = pipeline
        self._queue = queue

    async def run(self, context: JobContext) -> None:
        """Wait until its indexing has stopped, then erase."""
        payload = context.job.payload
        if payload.get("index_job"):
            await self._wait_for_indexer(UUID(payload["index_job"]))
        await self._pipeline.erase(UUID(payload["document_id"]), payload.get("sha256"))

    async def _wait_for_indexer(self, job_id: UUID) -> None:
        until = now() + _WAIT_FOR_INDEXER
        while True:
            async with self._database.read() as transaction:
                job = await self._queue.get(transaction, job_id)
            silent = job is None or job.lease_until is None or job.lease_until < now()
            if job is None or job.status != "running" or silent:
                return
            if now() > until:
                raise EngineUnavailable(
                    engine=Text("the worker that reads the document", "le processus qui lit le document")
                )
            await asyncio.sleep(0.1)

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        """The document stays invisible; the dead letter says why its bytes are still there."""
        log.error("document_not_erased", document_id=job.payload["document_id"], code=problem.code, retried=retried)


class UpdatePlace:
    """Brings the filters of a document's points in line with its row."""

    kind = PLACE_JOB
    timeout_seconds = 120.0

    def __init__(self, pipeline: IndexingPipeline) -> None:
        """The pipeline knows every live index."""
        self._pipeline = pipeline

    async def run(self, context: JobContext) -> None:
        """Do it."""
        await self._pipeline.update_place(UUID(context.job.payload["document_id"]))

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        """A dead letter says so."""
        log.error("place_not_updated", document_id=job.payload["document_id"], code=problem.code, retried=retried)


class ReembedIndex:
    """Fills a new index from the passages in the state, then has it searched."""

    kind = REEMBED_JOB
    timeout_seconds = 7 * 24 * 3600.0

    def __init__(self, database: Database, *, indexes: IndexService, pipeline: IndexingPipeline) -> None:
        """Documents added meanwhile are written to both indexes by the pipeline."""
        self._database = database
        self._indexes = indexes
        self._pipeline = pipeline
        self._repository = IndexRepository()
        self._chunks = ChunkRepository()
        self._collections = CollectionRepository()

    async def run(self, context: JobContext) -> None:
        """Embed document after document until none is missing, then swap."""
        index_id = UUID(context.job.payload["index_id"])
        while True:
            target = next((live for live in await self._indexes.live() if live.id == index_id), None)
            if target is None:
                return
            async with self._database.read() as transaction:
                missing = await self._repository.missing_documents(transaction, index_id, limit=_REEMBED_BATCH)
                there = await self._repository.count_documents(transaction, index_id)
            if not missing and await self._indexes.swap(index_id):
                return
            for row in missing:
                await self._embed(target, row)
            context.report(there / max(1, there + len(missing)))

    async def _embed(self, target: LiveIndex, row: DocumentRow) -> None:
        async with self._database.read() as transaction:
            rows = await self._chunks.of_document(transaction, row.id, row.version)
            collection = await self._collections.get(transaction, row.collection_id)
        prepared = Prepared(
            document_id=row.id,
            collection_id=row.collection_id,
            version=row.version,
            language=row.language or "en",
            title=row.title,
            characters=collection.chunk_characters,
            chunks=[_chunk(chunk) for chunk in rows],
        )
        for start in range(0, len(prepared.chunks), _CHUNK_BATCH):
            batch = prepared.chunks[start : start + _CHUNK_BATCH]
            await self._pipeline.write_points(target, row, prepared, batch)
        await self._pipeline.note_embedded(target, row)

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        """The old index is searched on; the next start tries again."""
        log.error("index_not_rebuilt", index_id=job.payload["index_id"], code=problem.code, retried=retried)


class DropIndex:
    """Removes a retired index."""

    kind = DROP_JOB
    timeout_seconds = 600.0

    def __init__(self, indexes: IndexService) -> None:
        """The service drops only what is retired."""
        self._indexes = indexes

    async def run(self, context: JobContext) -> None:
        """Do it."""
        await self._indexes.drop(UUID(context.job.payload["index_id"]))

    async def give_up(self, job: Job, problem: StoredProblem, *, retried: bool) -> None:
        """The next start tries again."""
        log.error("index_not_dropped", index_id=job.payload["index_id"], code=problem.code, retried=retried)


def _chunk(row: ChunkRow) -> Chunk:
    return Chunk(
        position=row.position,
        text=row.text,
        start=row.start,
        end=row.end,
        page=row.page,
        headings=tuple(row.headings),
        locator=msgspec.convert(row.locator, Locator) if row.locator else None,
    )
