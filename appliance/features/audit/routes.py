"""GET /api/audit, its export and its proof."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.params import QueryParameter
from litestar.response import Stream

from appliance.core.caller import Caller
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.features.audit.repository import AuditFilter
from appliance.features.audit.schemas import AuditEntry, AuditVerdict
from appliance.features.audit.service import AuditService


class AuditController(Controller):
    """For admins."""

    path = "/api/audit"
    tags = ("Administration",)

    @get(operation_id="ListAudit", summary="List audit entries, newest first")
    async def list_entries(
        self,
        caller: Caller,
        audit: AuditService,
        actor_id: UUID | None = None,
        action: str | None = None,
        object_kind: str | None = None,
        object_id: str | None = None,
        since: Annotated[datetime | None, QueryParameter(name="from")] = None,
        until: Annotated[datetime | None, QueryParameter(name="to")] = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[AuditEntry]:
        """Filter by who, what and when."""
        where = AuditFilter(
            actor_id=actor_id,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            since=since,
            until=until,
        )
        return await audit.page(caller, where, limit=limit, offset=offset)

    @get(
        "/export",
        operation_id="ExportAudit",
        summary="The whole chain as JSON lines, sealed",
        media_type="application/jsonl",
    )
    async def export(self, caller: Caller, audit: AuditService) -> Stream:
        """`appliance audit verify FILE` proves it on any machine."""
        lines = await audit.export(caller)
        headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
        return Stream(lines, media_type="application/jsonl", headers=headers)

    @get("/verify", operation_id="VerifyAudit", summary="Walk the chain and say whether it holds")
    async def verify(self, caller: Caller, audit: AuditService) -> AuditVerdict:
        """For the admin page; `fsck` does the same."""
        caller.require_admin()
        return await audit.verify()
