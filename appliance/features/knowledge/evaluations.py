"""What `appliance eval` measured, kept to compare with later."""

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.features.audit import AuditService
from appliance.features.knowledge.indexes import IndexService
from appliance.features.knowledge.repository import EvaluationRepository
from appliance.features.knowledge.schemas import Evaluation, EvaluationIn, EvaluationKind
from appliance.features.knowledge.splitting import SPLITTER_VERSION
from appliance.features.knowledge.tables import EvaluationRow


class EvaluationService:
    """Keeps measured runs over question sets."""

    def __init__(self, database: Database, audit: AuditService, *, indexes: IndexService, reranker: str) -> None:
        """What finds the passages is kept with each run: vectors, reranker, way of cutting."""
        self._database = database
        self._audit = audit
        self._indexes = indexes
        self._reranker = reranker
        self._repository = EvaluationRepository()

    async def add(self, caller: Caller, request: EvaluationIn) -> Evaluation:
        """Keep a run."""
        caller.require_admin()
        row = EvaluationRow(
            id=new_id(),
            kind=request.kind,
            name=request.name,
            questions=request.questions,
            measures=dict(request.measures),
            configuration={
                "vectors": self._indexes.identity,
                "reranker": self._reranker,
                "splitter": SPLITTER_VERSION,
            },
            seconds=request.seconds,
            run_by=caller.user_id,
            run_at=now(),
        )
        async with self._database.begin() as transaction:
            self._repository.add(transaction, row)
            await self._audit.record(
                transaction, caller, "evaluation.kept", object_kind="evaluation", object_id=row.id, name=row.name
            )
        return _evaluation(row)

    async def page(self, caller: Caller, *, kind: EvaluationKind | None, limit: int, offset: int) -> Page[Evaluation]:
        """List runs, of one kind or of all, newest first, for an admin."""
        caller.require_admin()
        async with self._database.read() as transaction:
            rows, total = await self._repository.page(transaction, kind, limit=limit, offset=offset)
        return Page(items=[_evaluation(row) for row in rows], total=total, limit=limit, offset=offset)


def _evaluation(row: EvaluationRow) -> Evaluation:
    return Evaluation(
        id=row.id,
        kind=row.kind,
        name=row.name,
        questions=row.questions,
        measures=row.measures,
        configuration=row.configuration,
        seconds=row.seconds,
        run_at=row.run_at,
    )
