"""How the box is: health, metrics, jobs, the egress ledger, `doctor` and `fsck`."""

from appliance.features.operations.checks import InstallationChecks
from appliance.features.operations.egress import EgressLedger
from appliance.features.operations.jobs import JobService
from appliance.features.operations.live import LiveService
from appliance.features.operations.service import OperationsService

__all__ = ["EgressLedger", "InstallationChecks", "JobService", "LiveService", "OperationsService"]
