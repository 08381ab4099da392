"""SQL about what answers took: the sliding window, and the row each turn leaves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, exists, select, update

from appliance.core.database import Transaction
from appliance.features.chat.tables import MessageRow, TurnRow

_SINCE = (
    select(TurnRow.at)
    .where(TurnRow.conversation_key == bindparam("key"), TurnRow.at > bindparam("moment"))
    .order_by(TurnRow.at.desc())
    .limit(bindparam("at_most", type_=Integer()))
)


class TurnRepository:
    """Turns, without a word of what was said."""

    async def since(self, transaction: Transaction, key: str, moment: datetime, *, at_most: int) -> list[datetime]:
        """When the latest turns of a conversation began, newest first, within a window."""
        values = {"key": key, "moment": moment, "at_most": at_most}
        with transaction.no_autoflush:  # a conversation that has just been made is written together with its message
            return list(await transaction.scalars(_SINCE, values))

    async def finish(self, transaction: Transaction, turn_id: UUID, **values: Any) -> None:
        """Write down what a turn took."""
        await transaction.execute(update(TurnRow).where(TurnRow.id == turn_id).values(**values))

    async def stop_writing(self, transaction: Transaction, key: str) -> None:
        """End the turns of a conversation that is deleted; whoever still writes one writes down later what it took."""
        await transaction.execute(
            update(TurnRow).where(TurnRow.conversation_key == key, TurnRow.status == "writing").values(status="stopped")
        )

    async def end_deleted(self, transaction: Transaction, status: str) -> int:
        """End the turns that are being written of answers that are not there; give how many."""
        statement = (
            update(TurnRow)
            .where(TurnRow.status == "writing", ~exists().where(MessageRow.id == TurnRow.id))
            .values(status=status)
            .returning(TurnRow.id)
            .execution_options(synchronize_session=False)
        )
        return len((await transaction.execute(statement)).all())
