"""Runs and what they said, in batches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Table


class RunRow(Table):
    """One generation."""

    __tablename__ = "runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    owner_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    process: Mapped[str] = mapped_column(String(80))
    seen_at: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RunBatchRow(Table):
    """The events of a run from number `first` on: `[[name, data], …]`."""

    __tablename__ = "run_batches"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    first: Mapped[int] = mapped_column(Integer, primary_key=True)
    events: Mapped[list[Any]]
