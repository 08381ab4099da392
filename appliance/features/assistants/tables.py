"""Assistants and their pictures."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Table


class AssistantRow(Table):
    """A specialist: how it speaks, what is routed to it, and what it may look at."""

    __tablename__ = "assistants"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    persona: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    routing_description: Mapped[str] = mapped_column(Text)
    examples: Mapped[list[str]]
    model: Mapped[str] = mapped_column(String(200))
    fallbacks: Mapped[list[str]]
    temperature: Mapped[float] = mapped_column(Float)
    knowledge_owners: Mapped[list[str]]
    tags: Mapped[list[str]]
    retrieval: Mapped[dict[str, Any]]
    tools: Mapped[list[str]]
    is_enabled: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AssistantPictureRow(Table):
    """A small picture, apart from its assistant so that lists stay light. `digest` changes with the bytes."""

    __tablename__ = "assistant_pictures"

    name: Mapped[str] = mapped_column(ForeignKey("assistants.name", ondelete="CASCADE"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
