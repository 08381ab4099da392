"""All SQL of the operations room."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from appliance.core.database import Transaction
from appliance.core.egress import Attempt
from appliance.core.ids import new_id
from appliance.features.operations.tables import EgressRow, InstallationRow


class OperationsRepository:
    """The ledger and the facts."""

    async def add_attempts(self, transaction: Transaction, attempts: Sequence[Attempt]) -> None:
        """Write attempts into the ledger."""
        await transaction.execute(insert(EgressRow), [{"id": new_id(), **attempt._asdict()} for attempt in attempts])

    async def page(
        self, transaction: Transaction, *, verdict: str | None, limit: int, offset: int
    ) -> tuple[list[EgressRow], int]:
        """List the ledger, newest first."""
        conditions = [EgressRow.verdict == verdict] if verdict else []
        total = await transaction.scalar(select(func.count()).select_from(EgressRow).where(*conditions))
        statement = select(EgressRow).where(*conditions).order_by(EgressRow.at.desc()).limit(limit).offset(offset)
        return list(await transaction.scalars(statement)), total or 0

    async def refusals(self, transaction: Transaction) -> tuple[int, datetime | None]:
        """Count the refusals, and say when the last was."""
        statement = select(func.count(), func.max(EgressRow.at)).where(EgressRow.verdict == "refused")
        row = (await transaction.execute(statement)).one()
        return row[0], row[1]

    async def forget_allowed(self, transaction: Transaction, before: datetime) -> None:
        """Drop allowed connections from before a moment; refusals stay."""
        await transaction.execute(delete(EgressRow).where(EgressRow.verdict == "allowed", EgressRow.at < before))

    async def fact(self, transaction: Transaction, name: str) -> str | None:
        """Read a fact about the installation."""
        row = await transaction.get(InstallationRow, name)
        return row.value if row else None

    async def set_fact(self, transaction: Transaction, name: str, value: str) -> None:
        """Write a fact down."""
        await transaction.merge(InstallationRow(name=name, value=value))
