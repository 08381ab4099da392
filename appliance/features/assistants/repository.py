"""SQL about assistants."""

from typing import NamedTuple

from sqlalchemy import delete, func, select

from appliance.core.caller import Caller
from appliance.core.database import Transaction
from appliance.features.assistants.tables import AssistantPictureRow, AssistantRow


class ListedAssistant(NamedTuple):
    """An assistant, and what its picture's address carries; None where it has none."""

    row: AssistantRow
    picture: str | None


class AssistantRepository:
    """Assistants, from the caller's point of view: disabled ones are an admin's."""

    async def page(
        self, transaction: Transaction, caller: Caller, *, limit: int, offset: int
    ) -> tuple[list[ListedAssistant], int]:
        """List by title."""
        readable = [] if caller.is_admin else [AssistantRow.is_enabled.is_(True)]
        total = await transaction.scalar(select(func.count()).select_from(AssistantRow).where(*readable))
        statement = (
            select(AssistantRow, AssistantPictureRow.digest)
            .outerjoin(AssistantPictureRow, AssistantPictureRow.name == AssistantRow.name)
            .where(*readable)
            .order_by(func.lower(AssistantRow.title), AssistantRow.name)
            .limit(limit)
            .offset(offset)
        )
        return [ListedAssistant(*row) for row in await transaction.execute(statement)], total or 0

    async def known(self, transaction: Transaction, caller: Caller, name: str) -> ListedAssistant | None:
        """Find one the caller may know of."""
        statement = (
            select(AssistantRow, AssistantPictureRow.digest)
            .outerjoin(AssistantPictureRow, AssistantPictureRow.name == AssistantRow.name)
            .where(AssistantRow.name == name)
        )
        found = (await transaction.execute(statement)).first()
        if found is None or not (caller.is_admin or found[0].is_enabled):
            return None
        return ListedAssistant(*found)

    async def enabled(self, transaction: Transaction) -> list[AssistantRow]:
        """List those that answer, by name."""
        statement = select(AssistantRow).where(AssistantRow.is_enabled.is_(True)).order_by(AssistantRow.name)
        return list(await transaction.scalars(statement))

    async def get(self, transaction: Transaction, name: str) -> AssistantRow | None:
        """Find one by its name, enabled or not."""
        return await transaction.get(AssistantRow, name)

    async def picture(self, transaction: Transaction, name: str) -> AssistantPictureRow | None:
        """Find an assistant's picture."""
        return await transaction.get(AssistantPictureRow, name)

    async def remove_picture(self, transaction: Transaction, name: str) -> None:
        """Forget an assistant's picture."""
        await transaction.execute(delete(AssistantPictureRow).where(AssistantPictureRow.name == name))
