"""All SQL of this room."""

from sqlalchemy import delete, select

from appliance.core.database import Transaction
from appliance.features.model_registry.tables import ModelRoleRow, ModelSpeedRow


class ModelRepository:
    """Roles and speeds."""

    async def roles(self, transaction: Transaction) -> list[ModelRoleRow]:
        """Read every role that was given."""
        return list(await transaction.scalars(select(ModelRoleRow)))

    async def give_role(self, transaction: Transaction, row: ModelRoleRow) -> None:
        """Give a role, or give it anew."""
        await transaction.merge(row)

    async def take_role(self, transaction: Transaction, role: str) -> None:
        """Leave a role to the settings."""
        await transaction.execute(delete(ModelRoleRow).where(ModelRoleRow.role == role))

    async def speeds(self, transaction: Transaction) -> list[ModelSpeedRow]:
        """Read every speed."""
        return list(await transaction.scalars(select(ModelSpeedRow)))

    async def keep_speed(self, transaction: Transaction, row: ModelSpeedRow) -> ModelSpeedRow:
        """Keep a speed in place of the one before."""
        return await transaction.merge(row)

    async def forget(self, transaction: Transaction, model: str) -> None:
        """Forget what is known of a model that is gone."""
        await transaction.execute(delete(ModelRoleRow).where(ModelRoleRow.model == model))
        await transaction.execute(delete(ModelSpeedRow).where(ModelSpeedRow.model == model))
