"""Which model serves what, and how fast each was."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Table


class ModelRoleRow(Table):
    """A role an admin gave to a model; without a row the settings say it."""

    __tablename__ = "model_roles"

    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    model: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID]


class ModelSpeedRow(Table):
    """The last speed test of a model as it was, by its digest."""

    __tablename__ = "model_speeds"

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(80), primary_key=True)
    prompt_tokens: Mapped[int] = mapped_column(Integer)
    prompt_tokens_per_second: Mapped[float | None] = mapped_column(Float)
    tokens: Mapped[int] = mapped_column(Integer)
    tokens_per_second: Mapped[float | None] = mapped_column(Float)
    load_seconds: Mapped[float] = mapped_column(Float)
    context_length: Mapped[int] = mapped_column(Integer)
    measured_at: Mapped[datetime]
