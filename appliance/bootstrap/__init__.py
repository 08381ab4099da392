"""The composition root: the only place that builds services."""

from appliance.bootstrap.appliance import Appliance, build
from appliance.bootstrap.rooms import Part
from appliance.engine_choice import Engines

__all__ = ["Appliance", "Engines", "Part", "build"]
