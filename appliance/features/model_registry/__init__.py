"""Which models there are, what of them is in memory, how they come and go, and which one serves what."""

from appliance.features.model_registry.catalog import ModelCatalog
from appliance.features.model_registry.roles import ModelRoles
from appliance.features.model_registry.service import ModelService

__all__ = ["ModelCatalog", "ModelRoles", "ModelService"]
