"""Who did what, when: a chain of entries that shows any change made to it afterwards."""

from appliance.features.audit.service import AuditService

__all__ = ["AuditService"]
