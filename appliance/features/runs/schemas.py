"""What goes over the wire about runs."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

RunStatus = Literal["running", "done", "failed", "stopped", "interrupted"]
FINAL: frozenset[str] = frozenset({"done", "failed", "stopped", "interrupted"})


class Run(msgspec.Struct, kw_only=True):
    """A generation as it stands."""

    id: UUID
    kind: str
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None


class RunEvent(msgspec.Struct, frozen=True):
    """One event of a run: its number from 1, its name, and its data."""

    number: int
    name: str
    data: Any
