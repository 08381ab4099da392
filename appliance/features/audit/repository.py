"""All SQL of the audit room."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from appliance.core.database import Transaction
from appliance.features.audit.chain import GENESIS
from appliance.features.audit.schemas import AuditEntry
from appliance.features.audit.tables import AuditEntryRow, AuditHeadRow

_HEAD = 1
_BATCH = 500


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list; all that is given must hold."""

    actor_id: UUID | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository:
    """Appends to the chain and reads it."""

    async def lock_head(self, transaction: Transaction) -> AuditHeadRow:
        """Take the head for this transaction; nobody else appends until it ends."""
        head = await transaction.get(AuditHeadRow, _HEAD, with_for_update=True)
        if head is None:
            head = AuditHeadRow(id=_HEAD, sequence=0, hash=GENESIS)
            transaction.add(head)
        return head

    async def head(self, transaction: Transaction) -> tuple[int, str]:
        """Read the number and hash of the last entry."""
        head = await transaction.get(AuditHeadRow, _HEAD)
        return (head.sequence, head.hash) if head else (0, GENESIS)

    def append(self, transaction: Transaction, head: AuditHeadRow, entry: AuditEntry) -> None:
        """Add the entry that follows the head."""
        transaction.add(AuditEntryRow(**{name: getattr(entry, name) for name in entry.__struct_fields__}))
        head.sequence, head.hash = entry.sequence, entry.hash

    async def page(
        self, transaction: Transaction, where: AuditFilter, *, limit: int, offset: int
    ) -> tuple[list[AuditEntry], int]:
        """List entries, newest first, and count all that match."""
        row = AuditEntryRow
        conditions = [
            column == value
            for column, value in (
                (row.actor_id, where.actor_id),
                (row.action, where.action),
                (row.object_kind, where.object_kind),
                (row.object_id, where.object_id),
            )
            if value is not None
        ]
        if where.since:
            conditions.append(row.at >= where.since)
        if where.until:
            conditions.append(row.at < where.until)
        total = await transaction.scalar(select(func.count()).select_from(row).where(*conditions))
        statement = select(row).where(*conditions).order_by(row.sequence.desc()).limit(limit).offset(offset)
        return [_entry(found) for found in await transaction.scalars(statement)], total or 0

    async def walk(self, transaction: Transaction) -> AsyncIterator[AuditEntry]:
        """Read the whole chain in order."""
        after = 0
        while True:
            statement = (
                select(AuditEntryRow)
                .where(AuditEntryRow.sequence > after)
                .order_by(AuditEntryRow.sequence)
                .limit(_BATCH)
            )
            rows = list(await transaction.scalars(statement))
            for row in rows:
                yield _entry(row)
            if len(rows) < _BATCH:
                return
            after = rows[-1].sequence
            transaction.expunge_all()


def _entry(row: AuditEntryRow) -> AuditEntry:
    return AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__struct_fields__})
