"""Health, metrics, jobs, the ledger, and the two ways of looking deeper."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from appliance import __version__
from appliance.core.caller import Caller
from appliance.core.egress import Verdict
from appliance.core.metrics import Metrics
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.core.streams import server_sent_events, with_signs_of_life
from appliance.features.operations.egress import EgressLedger
from appliance.features.operations.jobs import JobService
from appliance.features.operations.live import LiveService
from appliance.features.operations.schemas import DoctorReport, EgressPage, EngineHealth, FsckReport, HealthOut, JobOut
from appliance.features.operations.service import OperationsService
from appliance.ports.job_queue import JobStatus


class HealthController(Controller):
    """For probes and dashboards."""

    tags = ("Health",)

    @get("/health", operation_id="GetHealth", summary="The process answers", security=[{}])
    async def health(self) -> HealthOut:
        """Open to everybody; says nothing of the engines."""
        return HealthOut(status="healthy", version=__version__)

    @get("/status", operation_id="GetStatus", summary="How every engine is")
    async def status(self, caller: Caller, operations: OperationsService) -> dict[str, EngineHealth]:
        """One object per engine."""
        return await operations.status(caller.language)

    @get("/metrics", operation_id="GetMetrics", summary="Numbers for Prometheus", media_type="text/plain")
    async def metrics(self, caller: Caller | None, metrics: Metrics) -> Response[bytes]:
        """From loopback without a key, otherwise with the scope `metrics`."""
        if caller is not None:
            caller.require_scope("metrics")
        return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


class LiveController(Controller):
    """What changes, as it changes."""

    tags = ("Health",)

    @get(
        "/api/events",
        operation_id="FollowEvents",
        summary="Server-sent events for live screens",
        media_type="text/event-stream",
    )
    async def follow(self, caller: Caller, live: LiveService) -> Stream:
        """`document` events, and whatever later rooms add; an event may be lost, so look again after a cut."""
        return server_sent_events(with_signs_of_life(live.follow(caller)))


class JobController(Controller):
    """Durable work: one's own, for admins everybody's."""

    path = "/api/jobs"
    tags = ("Administration",)

    @get(operation_id="ListJobs", summary="List jobs; dead letters by `status=dead`")
    async def list_jobs(
        self,
        caller: Caller,
        jobs: JobService,
        status: JobStatus | None = None,
        kind: Annotated[str | None, QueryParameter(max_length=60)] = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[JobOut]:
        """Newest first."""
        return await jobs.page(caller, status=status, kind=kind, limit=limit, offset=offset)

    @get("/{job_id:uuid}", operation_id="GetJob", summary="One job")
    async def get_job(self, caller: Caller, job_id: UUID, jobs: JobService) -> JobOut:
        """As it stands."""
        return await jobs.get(caller, job_id)

    @post("/{job_id:uuid}/retry", status_code=HTTP_200_OK, operation_id="RetryJob", summary="Try a failed job again")
    async def retry(self, caller: Caller, job_id: UUID, jobs: JobService) -> JobOut:
        """With all its attempts."""
        return await jobs.retry(caller, job_id)

    @post("/{job_id:uuid}/cancel", status_code=HTTP_200_OK, operation_id="CancelJob", summary="Stop a job")
    async def cancel(self, caller: Caller, job_id: UUID, jobs: JobService) -> JobOut:
        """At once while it waits, at its next step while it runs."""
        return await jobs.cancel(caller, job_id)


class EgressController(Controller):
    """What left the box, and what tried to."""

    tags = ("Administration",)

    @get("/api/egress", operation_id="ListEgress", summary="The ledger of outbound connections and refusals")
    async def list_egress(
        self,
        caller: Caller,
        egress: EgressLedger,
        verdict: Verdict | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> EgressPage:
        """Newest first, for admins."""
        return await egress.page(caller, verdict=verdict, limit=limit, offset=offset)


class InspectionController(Controller):
    """`doctor` and `fsck` over HTTP, for admins."""

    tags = ("Administration",)

    @get("/api/doctor", operation_id="Doctor", summary="Every check, with its evidence and its fix")
    async def doctor(self, caller: Caller, operations: OperationsService) -> DoctorReport:
        """As `appliance doctor`."""
        return await operations.doctor(caller)

    @post("/api/fsck", status_code=HTTP_200_OK, operation_id="Fsck", summary="Prove state, files and vectors agree")
    async def fsck(self, caller: Caller, operations: OperationsService, repair: bool = False) -> FsckReport:
        """As `appliance fsck`."""
        return await operations.fsck(caller, repair=repair)
