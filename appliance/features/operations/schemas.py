"""What goes over the wire about the box."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from appliance.core.errors import Problem
from appliance.core.integrity import Severity
from appliance.ports.job_queue import JobStatus


class HealthOut(msgspec.Struct, kw_only=True):
    """The process answers."""

    status: Literal["healthy"]
    version: str


class EngineHealth(msgspec.Struct, kw_only=True):
    """One look at one engine. `detail`: a version, a count, a cause."""

    kind: str
    ok: bool
    detail: str
    latency_ms: float | None


class JobOut(msgspec.Struct, kw_only=True):
    """Durable work as it stands; `problem` says why it failed last.

    `subject`: the file name of the document it is about, for those who may read that.
    """

    id: UUID
    kind: str
    status: JobStatus
    progress: float
    attempts: int
    problem: Problem | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    owner_id: UUID | None
    subject: str | None


class EgressEntry(msgspec.Struct, kw_only=True):
    """One outbound connection, or one that was refused."""

    id: UUID
    at: datetime
    verdict: Literal["allowed", "refused"]
    host: str
    port: int | None
    purpose: str


class EgressPage(msgspec.Struct, kw_only=True):
    """The ledger; `quiet_since`: since when nothing was refused (the installation's beginning if never)."""

    items: list[EgressEntry]
    total: int
    limit: int
    offset: int
    refused: int
    quiet_since: datetime
    watching: bool


class FindingOut(msgspec.Struct, kw_only=True):
    """What one check of `doctor` found."""

    id: str
    severity: Severity
    evidence: str
    fix: str


class DoctorReport(msgspec.Struct, kw_only=True):
    """All checks; `ok` unless one failed."""

    ok: bool
    findings: list[FindingOut]


class DiscrepancyOut(msgspec.Struct, kw_only=True):
    """Two stores that disagree, and whether that was mended."""

    invariant: str
    promise: str
    kind: str
    subject: str
    repaired: bool


class FsckReport(msgspec.Struct, kw_only=True):
    """The proof of the invariants: `ok` when nothing (more) disagrees."""

    ok: bool
    invariants: int
    discrepancies: list[DiscrepancyOut]
    seconds: float
