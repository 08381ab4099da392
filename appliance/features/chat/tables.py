"""Conversations as trees of messages, what each turn cost, and what people keep: memories, prompts, escalations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Table


class ConversationRow(Table):
    """A conversation. `key` is the name its client gave it; `head_id` the last message of the branch being shown.

    `summary` stands for all that was said up to the message `summary_id`, where the model's context is too small for it.
    """

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_listing", "owner_id", "is_archived", "updated_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200))
    is_titled: Mapped[bool]
    folder: Mapped[str | None] = mapped_column(String(100))
    assistant: Mapped[str | None] = mapped_column(String(63))
    is_archived: Mapped[bool]
    head_id: Mapped[UUID | None]
    messages: Mapped[int] = mapped_column(Integer)
    summary: Mapped[str] = mapped_column(Text)
    summary_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class MessageRow(Table):
    """A turn of a conversation. Messages of one parent are versions of each other."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_tree", "conversation_id", "parent_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(String(12))
    content: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12), index=True)
    run_id: Mapped[UUID | None]
    agent: Mapped[str | None] = mapped_column(String(63))
    model: Mapped[str | None] = mapped_column(String(200))
    mode: Mapped[str | None] = mapped_column(String(12))
    details: Mapped[dict[str, Any]]
    """What else is shown with an answer: sources, grounded sentences, the route, usage, notices."""
    problem: Mapped[dict[str, Any] | None]
    rating: Mapped[str | None] = mapped_column(String(4))
    reason: Mapped[str | None] = mapped_column(String(1000))
    created_at: Mapped[datetime]


class MessageWordsRow(Table):
    """A message's words without case and accents, for full-text search: `migrations` builds each database's own index on it."""

    __tablename__ = "message_words"
    __table_args__ = (Index("ix_message_words_found", "owner_id", "number", "conversation_id"),)

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[UUID]
    words: Mapped[str] = mapped_column(Text)


class ConversationShareRow(Table):
    """Who else may read a conversation."""

    __tablename__ = "conversation_shares"
    __table_args__ = (UniqueConstraint("conversation_id", "user_id", "group_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), index=True)


class AttachmentRow(Table):
    """A document that belongs to a conversation: it is searched first there. It stays where it was added."""

    __tablename__ = "conversation_attachments"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    added_at: Mapped[datetime]


class TurnRow(Table):
    """What one answer took, without a word of it: limits, quotas and analytics outlive the conversation."""

    __tablename__ = "turns"
    __table_args__ = (
        Index("ix_turns_window", "conversation_key", "at"),
        Index("ix_turns_person", "owner_id", "at"),
        Index("ix_turns_time", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The id of the answering message."""
    at: Mapped[datetime]
    owner_id: Mapped[UUID]
    conversation_key: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(String(12))
    agent: Mapped[str | None] = mapped_column(String(63))
    decided_by: Mapped[str | None] = mapped_column(String(12))
    confidence: Mapped[float | None] = mapped_column(Float)
    model: Mapped[str | None] = mapped_column(String(200))
    mode: Mapped[str | None] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(Integer)
    queue_ms: Mapped[int | None] = mapped_column(Integer)
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    total_ms: Mapped[int | None] = mapped_column(Integer)
    prompt_tokens: Mapped[int] = mapped_column(Integer)
    completion_tokens: Mapped[int] = mapped_column(Integer)
    rating: Mapped[str | None] = mapped_column(String(4))


class MemoryRow(Table):
    """Something a person wants assistants to know in every conversation."""

    __tablename__ = "memories"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(String(1000))
    is_enabled: Mapped[bool]
    conversation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("conversations.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PromptRow(Table):
    """A saved prompt, called by `/name`; `{{words}}` in its text are asked for."""

    __tablename__ = "prompts"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(63))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    is_shared: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class EscalationRow(Table):
    """A message that waits for a person."""

    __tablename__ = "escalations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[UUID]
    """The message that says that a person will answer; the person's answer follows it."""
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(String(12), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
