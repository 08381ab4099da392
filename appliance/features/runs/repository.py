"""All SQL of the runs room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.runs.schemas import RunEvent
from appliance.features.runs.tables import RunBatchRow, RunRow


class RunRepository:
    """Runs and their batches of events."""

    async def readable(self, transaction: Transaction, caller: Caller, run_id: UUID) -> RunRow | None:
        """Find a run of the caller's own: nobody else follows it."""
        statement = select(RunRow).where(RunRow.id == run_id, RunRow.owner_id == caller.user_id)
        return await transaction.scalar(statement)

    async def running(self, transaction: Transaction, caller: Caller, kinds: Sequence[str]) -> list[RunRow]:
        """List the caller's runs of some kinds that go on, oldest first."""
        statement = select(RunRow).where(
            RunRow.owner_id == caller.user_id, RunRow.status == "running", RunRow.kind.in_(kinds)
        )
        return list(await transaction.scalars(statement.order_by(RunRow.created_at)))

    async def status(self, transaction: Transaction, run_id: UUID) -> str | None:
        """Tell how a run stands, whoever's; None where it was never written down or is forgotten."""
        return await transaction.scalar(select(RunRow.status).where(RunRow.id == run_id))

    async def append(self, transaction: Transaction, batches: Sequence[tuple[UUID, list[RunEvent]]]) -> None:
        """Keep what some runs said."""
        if not batches:
            return
        rows: list[dict[str, Any]] = [
            {
                "run_id": run_id,
                "first": events[0].number,
                "events": [[event.name, event.data] for event in events],
            }
            for run_id, events in batches
        ]
        await transaction.execute(insert(RunBatchRow), rows)

    async def touch(self, transaction: Transaction, run_ids: list[UUID], at: datetime) -> None:
        """Note that the process of these runs lives."""
        if not run_ids:
            return
        await transaction.execute(update(RunRow).where(RunRow.id.in_(run_ids)).values(seen_at=at))

    async def events_after(self, transaction: Transaction, run_id: UUID, number: int) -> list[RunEvent]:
        """Read the events after a number."""
        last = select(RunBatchRow.first).where(RunBatchRow.run_id == run_id, RunBatchRow.first <= number + 1)
        start = await transaction.scalar(last.order_by(RunBatchRow.first.desc()).limit(1))
        statement = (
            select(RunBatchRow)
            .where(RunBatchRow.run_id == run_id, RunBatchRow.first >= (start or 0))
            .order_by(RunBatchRow.first)
        )
        events = [
            RunEvent(row.first + index, name, data)
            for row in await transaction.scalars(statement)
            for index, (name, data) in enumerate(row.events)
        ]
        return [event for event in events if event.number > number]

    async def end(self, transaction: Transaction, run_id: UUID, status: str, at: datetime) -> None:
        """Note how a run ended."""
        await transaction.execute(update(RunRow).where(RunRow.id == run_id).values(status=status, finished_at=at))

    async def interrupt(self, transaction: Transaction, run_id: UUID, at: datetime) -> None:
        """Note that a run was cut short, unless it has ended meanwhile."""
        statement = update(RunRow).where(RunRow.id == run_id, RunRow.status == "running")
        await transaction.execute(statement.values(status="interrupted", finished_at=at))

    async def silent(self, transaction: Transaction, *, before: datetime | None) -> list[UUID]:
        """List running runs whose process has not been heard of since a moment (None: all)."""
        statement = select(RunRow.id).where(RunRow.status == "running")
        if before is not None:
            statement = statement.where(RunRow.seen_at < before)
        return list(await transaction.scalars(statement))

    async def forget(self, transaction: Transaction, *, before: datetime) -> None:
        """Drop runs that ended before a moment."""
        await transaction.execute(delete(RunRow).where(RunRow.finished_at < before))
