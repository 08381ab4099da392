"""The knowledge room's promises between state, files and vectors: proved by `fsck`, kept by `recover` after a crash."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import structlog

from appliance.core.database import Database, Transaction
from appliance.core.integrity import Discrepancy, Invariant
from appliance.core.text import Text
from appliance.features.files import FilesService
from appliance.features.knowledge.indexes import IndexService
from appliance.features.knowledge.mapping import TEXTS, text_key
from appliance.features.knowledge.pipeline import IndexingPipeline, place_of
from appliance.features.knowledge.repository import ChunkRepository, DocumentRepository, IndexRepository
from appliance.features.knowledge.tables import DocumentRow
from appliance.features.knowledge.work import delete_work, index_work
from appliance.ports.job_queue import JobQueue
from appliance.ports.vector_store import Place, VectorStore, Where

log = structlog.get_logger(__name__)
_WORKING = frozenset({"uploaded", "queued", "parsing", "embedding"})


class KnowledgeIntegrity:
    """Proves, mends and recovers."""

    def __init__(
        self,
        database: Database,
        *,
        files: FilesService,
        vectors: VectorStore,
        indexes: IndexService,
        pipeline: IndexingPipeline,
        queue: JobQueue,
    ) -> None:
        """`pipeline` brings points in line, `queue` indexes anew what cannot be."""
        self._database = database
        self._files = files
        self._vectors = vectors
        self._indexes = indexes
        self._pipeline = pipeline
        self._queue = queue
        self._documents = DocumentRepository()
        self._chunks = ChunkRepository()
        self._index_repository = IndexRepository()

    @property
    def invariants(self) -> list[Invariant]:
        """What `fsck` proves of this room."""
        return [
            Invariant(
                "knowledge.passages",
                Text(
                    "Every searchable document has exactly its passages, and its text is kept.",
                    "Chaque document interrogeable a exactement ses passages, et son texte est conservé.",
                ),
                self._prove_passages,
                self._reindex,
            ),
            Invariant(
                "knowledge.points",
                Text(
                    "Every index holds exactly one point per passage, filtered as the document's row says, and no other.",
                    "Chaque index contient exactement un point par passage, filtré comme le dit sa ligne, et aucun autre.",
                ),
                self._prove_points,
                self._mend_points,
            ),
            Invariant(
                "knowledge.work",
                Text(
                    "Every document that is not at an end has a job that brings it there.",
                    "Chaque document inachevé a une tâche qui le mène à son terme.",
                ),
                self._prove_work,
                self._resume,
            ),
        ]

    async def _walk(
        self, *, searchable: bool, look: Callable[[DocumentRow], Awaitable[str | None]]
    ) -> list[Discrepancy]:
        found: list[Discrepancy] = []
        after: UUID | None = None
        while True:
            async with self._database.read() as transaction:
                rows = await self._documents.batch_after(transaction, after, searchable=searchable)
            for row in rows:
                kind = await look(row)
                found += [Discrepancy(kind, str(row.id))] if kind else []
            if not rows:
                return found
            after = rows[-1].id

    async def _prove_passages(self) -> list[Discrepancy]:
        found = await self._walk(searchable=True, look=self._look_at_passages)
        async for document_id, key in self._texts():
            async with self._database.read() as transaction:
                if await self._documents.get(transaction, document_id) is None:
                    found.append(Discrepancy("text_of_deleted", key))
        return found

    async def _texts(self) -> AsyncIterator[tuple[UUID, str]]:
        async for key in self._files.derived(TEXTS):
            yield UUID(key.rpartition("/")[2]), key

    async def _look_at_passages(self, row: DocumentRow) -> str | None:
        async with self._database.read() as transaction:
            count = await self._chunks.count(transaction, row.id, row.version)
        if count != row.chunks:
            return "passages_missing"
        return None if await self._files.has_derived(text_key(row.id)) else "text_missing"

    async def _prove_points(self) -> list[Discrepancy]:
        found: list[Discrepancy] = []
        async with self._database.read() as transaction:
            indexes = await self._index_repository.live(transaction)
        known = {row.name for row in indexes}
        found += [Discrepancy("index_unknown", name) for name in await self._vectors.names() if name not in known]
        for index in indexes:
            async with self._database.read() as transaction:
                expected = await self._index_repository.points(transaction, index.id)
            found += await self._prove_index(index.name, expected)
        return found

    async def _prove_index(self, name: str, expected: dict[UUID, tuple[int, int]]) -> list[Discrepancy]:
        counts: dict[tuple[UUID, int], int] = {}
        places: dict[UUID, Place] = {}
        async for _, place in self._vectors.scan(name):
            key = place.document_id, place.version
            counts[key] = counts.get(key, 0) + 1
            if (
                places.setdefault(place.document_id, place) != place
                and place.version == places[place.document_id].version
            ):
                counts[place.document_id, -1] = 1
        async with self._database.read() as transaction:
            rows = await self._documents.existing(transaction, list(places))
        found: list[Discrepancy] = []
        for (document_id, version), count in counts.items():
            row = rows.get(document_id)
            if row is not None and (row.is_dirty or row.status in _WORKING):
                continue
            if row is None or row.status == "deleting":
                found.append(Discrepancy("points_of_deleted", str(document_id)))
            elif expected.get(document_id) != (version, count) or row.version != version:
                found.append(Discrepancy("points_differ", str(document_id)))
            elif places[document_id] != place_of(row, version=version, language=row.language or "en"):
                found.append(Discrepancy("filters_differ", str(document_id)))
        missing = [document_id for document_id, (_, points) in expected.items() if points and document_id not in places]
        return found + [Discrepancy("points_missing", str(document_id)) for document_id in missing]

    async def _prove_work(self) -> list[Discrepancy]:
        async with self._database.read() as transaction:
            return [
                Discrepancy("nobody_works", str(row.id))
                for row in await self._documents.working(transaction)
                if not await self._has_job(transaction, row)
            ]

    async def _has_job(self, transaction: Transaction, row: DocumentRow) -> bool:
        key = f"delete:{row.id}" if row.status == "deleting" else f"index:{row.id}"
        return await self._queue.is_open(transaction, key)

    async def _mend_points(self, discrepancy: Discrepancy) -> bool:
        if discrepancy.kind == "index_unknown":
            await self._vectors.drop(discrepancy.subject)
            return True
        document_id = UUID(discrepancy.subject)
        if discrepancy.kind == "filters_differ":
            await self._pipeline.update_place(document_id)
            return True
        if discrepancy.kind == "points_of_deleted":
            for name in await self._vectors.names():
                await self._vectors.delete(name, Where(documents=(document_id,)))
            return True
        return await self._reindex(discrepancy)

    async def _reindex(self, discrepancy: Discrepancy) -> bool:
        """Have a document indexed anew; it counts as mended once that job is queued."""
        if discrepancy.kind == "text_of_deleted":
            await self._files.delete_derived(discrepancy.subject)
            return True
        async with self._database.begin() as transaction:
            row = await self._documents.lock(transaction, UUID(discrepancy.subject))
            if row is None or row.status == "deleting":
                return False
            row.status, row.is_dirty = "queued", True
            await self._enqueue(transaction, row)
        return True

    async def _resume(self, discrepancy: Discrepancy) -> bool:
        async with self._database.begin() as transaction:
            row = await self._documents.lock(transaction, UUID(discrepancy.subject))
            if row is not None:
                await self._enqueue(transaction, row)
        return True

    async def _enqueue(self, transaction: Transaction, row: DocumentRow) -> None:
        if row.status == "deleting":
            work = delete_work(row.id, sha256=row.sha256, index_job=None, owner_id=row.uploaded_by)
        else:
            work = index_work(row.id, owner_id=row.uploaded_by)
        row.job_id = await self._queue.enqueue(transaction, work)

    async def recover(self) -> int:
        """Give every document that is not at an end a job, and sweep what an interrupted indexing left behind."""
        lost = await self._prove_work()
        for discrepancy in lost:
            await self._resume(discrepancy)
        async with self._database.read() as transaction:
            dirty = await self._documents.dirty_at_rest(transaction)
        for row in dirty:
            await self._pipeline.sweep(row)
        return len(lost)
