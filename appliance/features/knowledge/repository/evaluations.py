"""SQL about measured runs over question sets."""

from sqlalchemy import func, select

from appliance.core.database import Transaction
from appliance.features.knowledge.tables import EvaluationRow


class EvaluationRepository:
    """What was measured, and when."""

    def add(self, transaction: Transaction, row: EvaluationRow) -> None:
        """Keep a run."""
        transaction.add(row)

    async def page(
        self, transaction: Transaction, kind: str | None, *, limit: int, offset: int
    ) -> tuple[list[EvaluationRow], int]:
        """List runs, newest first."""
        where = [EvaluationRow.kind == kind] if kind else []
        total = await transaction.scalar(select(func.count()).select_from(EvaluationRow).where(*where))
        statement = (
            select(EvaluationRow).where(*where).order_by(EvaluationRow.run_at.desc()).limit(limit).offset(offset)
        )
        return list(await transaction.scalars(statement)), total or 0
