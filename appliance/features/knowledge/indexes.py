"""Vector indexes: which one is searched, which are written, and how a new embedder takes over without a pause."""

import asyncio
from typing import Any, Protocol, Self
from uuid import UUID

import msgspec
import structlog

from appliance.core.database import Database, Transaction, now
from appliance.core.errors import ApplianceError
from appliance.core.failpoints import Failpoints
from appliance.core.health import Health
from appliance.core.ids import derive_id, new_id
from appliance.features.audit import AuditService
from appliance.features.knowledge.repository import IndexRepository
from appliance.features.knowledge.tables import VectorIndexRow
from appliance.ports.analyzer import Analyzer
from appliance.ports.embedder import Embedder
from appliance.ports.job_queue import JobQueue, NewJob
from appliance.ports.vector_store import VectorShape, VectorStore

log = structlog.get_logger(__name__)
REEMBED_JOB, DROP_JOB = "index.reembed", "index.drop"
EmbedderFacts = dict[str, Any]


class Embedders(Protocol):
    """Makes embedders: the settings' own, and those of older indexes from the facts kept with them."""

    async def from_settings(self, known: list[EmbedderFacts]) -> tuple[Embedder, EmbedderFacts]:
        """Make the settings' embedder, not entered yet, with the facts to make it again."""
        ...

    async def restore(self, facts: EmbedderFacts) -> Embedder | None:
        """Make an older index's embedder, not entered yet; None where it cannot be had."""
        ...


class LiveIndex(msgspec.Struct, frozen=True):
    """An index with the embedder that made it."""

    id: UUID
    name: str
    embedder: Embedder
    is_active: bool


class IndexService:
    """Keeps one active index, and builds another beside it when the embedder of the settings is another."""

    def __init__(
        self,
        database: Database,
        *,
        vectors: VectorStore,
        analyzer: Analyzer,
        embedders: Embedders,
        queue: JobQueue,
        audit: AuditService,
        failpoints: Failpoints,
    ) -> None:
        """Nothing is made or asked before it is entered."""
        self._database = database
        self._vectors = vectors
        self._analyzer = analyzer
        self._embedders = embedders
        self._queue = queue
        self._audit = audit
        self._failpoints = failpoints
        self._repository = IndexRepository()
        self._embedder: Embedder | None = None
        self._restored: dict[str, Embedder] = {}
        self._restoring = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Make the settings' embedder, and find or make its index."""
        async with self._database.read() as transaction:
            rows = await self._repository.all(transaction)
        embedder, facts = await self._embedders.from_settings([row.embedder for row in rows])
        self._embedder = await embedder.__aenter__()
        await self._open(facts)
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close every embedder."""
        restored, self._restored = list(self._restored.values()), {}
        for embedder in (*restored, *([self._embedder] if self._embedder else [])):
            await embedder.__aexit__(None, None, None)

    @property
    def embedder(self) -> Embedder:
        """The settings' embedder."""
        if self._embedder is None:
            message = "the indexes are not open"
            raise RuntimeError(message)
        return self._embedder

    @property
    def identity(self) -> str:
        """Everything the vectors of the settings' embedder depend on."""
        return f"{self.embedder.identity}|{self._analyzer.identity}"

    async def check_embedder(self) -> Health:
        """Say whether the settings' embedder answers."""
        return await self.embedder.check()

    async def _open(self, facts: EmbedderFacts) -> None:
        """Find or make the index of the settings' embedder; where another is active, build this one beside it."""
        name = f"passages-{derive_id(self.identity).hex[:12]}"
        shape = VectorShape(self.embedder.dimensions, self.embedder.token_dimensions)
        await self._vectors.create(name, shape)
        self._failpoints.reach("indexes.collection_created")
        async with self._database.begin() as transaction:
            rows = await self._repository.all(transaction)
            mine = next((row for row in rows if row.identity == self.identity), None)
            active = next((row for row in rows if row.state == "active"), None)
            if mine is None:
                mine = VectorIndexRow(
                    id=new_id(),
                    name=name,
                    identity=self.identity,
                    embedder=facts,
                    state="building" if active else "active",
                    created_at=now(),
                    activated_at=None if active else now(),
                )
                transaction.add(mine)
                await transaction.flush()
            elif mine.state == "retired":
                mine.state = "building"
            await self._retire_others(transaction, rows, mine)
            if mine.state == "building":
                await self._enqueue(transaction, REEMBED_JOB, mine.id)

    async def _retire_others(self, transaction: Transaction, rows: list[VectorIndexRow], mine: VectorIndexRow) -> None:
        """A second index that was building is not wanted any more; retired ones are dropped."""
        for row in rows:
            if row.id != mine.id and row.state in {"retired", "building"}:
                row.state = "retired"
                await self._enqueue(transaction, DROP_JOB, row.id)

    async def _enqueue(self, transaction: Transaction, kind: str, index_id: UUID) -> None:
        job = NewJob(kind=kind, payload={"index_id": str(index_id)}, key=f"{kind}:{index_id}", priority=-1)
        await self._queue.enqueue(transaction, job)

    async def live(self) -> list[LiveIndex]:
        """List the indexes to write to, whose embedder can be had."""
        async with self._database.read() as transaction:
            rows = await self._repository.live(transaction)
        found = [(row, await self._embedder_of(row)) for row in rows]
        return [LiveIndex(row.id, row.name, embedder, row.state == "active") for row, embedder in found if embedder]

    async def active(self, transaction: Transaction) -> tuple[str, Embedder | None]:
        """Name the index to search, and its embedder; None where that cannot be had any more."""
        rows = await self._repository.live(transaction)
        row = next(row for row in rows if row.state == "active")
        return row.name, await self._embedder_of(row)

    async def _embedder_of(self, row: VectorIndexRow) -> Embedder | None:
        if row.identity == self.identity:
            return self.embedder
        async with self._restoring:
            known = self._restored.get(row.identity)
            if known is None and (restored := await self._restore(row)) is not None:
                known = self._restored[row.identity] = restored
            return known

    async def _restore(self, row: VectorIndexRow) -> Embedder | None:
        try:
            embedder = await self._embedders.restore(row.embedder)
            return await embedder.__aenter__() if embedder else None
        except ApplianceError as error:
            log.warning("embedder_not_restored", index=row.name, code=error.code)
            return None

    async def swap(self, index_id: UUID) -> bool:
        """Search a finished index from now on. False where documents are missing in it still."""
        async with self._database.begin() as transaction:
            row = await self._repository.get(transaction, index_id)
            if row is None or row.state != "building":
                return True
            if await self._repository.missing_documents(transaction, index_id, limit=1):
                return False
            retired = [other.id for other in await self._repository.live(transaction) if other.id != index_id]
            await self._repository.activate(transaction, index_id, now())
            for other in retired:
                await self._enqueue(transaction, DROP_JOB, other)
            await self._audit.record(
                transaction, None, "index.activated", object_kind="index", object_id=index_id, name=row.name
            )
        self._failpoints.reach("indexes.swapped")
        log.info("index_activated", index=row.name)
        return True

    async def drop(self, index_id: UUID) -> None:
        """Remove a retired index and its vectors."""
        async with self._database.read() as transaction:
            row = await self._repository.get(transaction, index_id)
        if row is None or row.state != "retired":
            return
        await self._vectors.drop(row.name)
        self._failpoints.reach("indexes.dropped")
        async with self._database.begin() as transaction:
            await self._repository.remove(transaction, index_id)
        if (embedder := self._restored.pop(row.identity, None)) is not None:
            await embedder.__aexit__(None, None, None)
