"""One generation: its events, its followers, its stop. It belongs to the server, not to the request that asked."""

from appliance.features.runs.errors import RunInterrupted, RunNotFound
from appliance.features.runs.live import LiveRun
from appliance.features.runs.schemas import RunEvent, RunStatus
from appliance.features.runs.service import RunService

__all__ = ["LiveRun", "RunEvent", "RunInterrupted", "RunNotFound", "RunService", "RunStatus"]
