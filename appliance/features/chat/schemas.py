"""What goes over the wire about conversations and their messages."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.core.errors import Problem
from appliance.features.knowledge import Grantee, GroundedSentence, Source, Usage

ConversationKey = Annotated[str, Meta(min_length=1, max_length=128)]
AssistantChoice = Annotated[str, Meta(min_length=1, max_length=63)]
"""An assistant's name, `auto` (the message is routed) or `conversation` (plain talk)."""
ModelName = Annotated[str, Meta(min_length=1, max_length=200)]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Folder = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
MessageMode = Literal["llm", "extractive", "rule", "person"]
MessageStatus = Literal["writing", "done", "stopped", "failed", "interrupted"]
DecidedBy = Literal["model", "classifier", "sticky", "chosen"]
Rating = Literal["up", "down"]


class In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends: an unknown field is an error, not a surprise."""


class MessageIn(In):
    """A message. `user_id` is a label of the client's own and never authority.

    `assistant`: an assistant's name, `auto` or `conversation`; without it the conversation's own choice, else `auto`.
    """

    conversation_id: ConversationKey
    message: str
    user_id: Annotated[str, Meta(max_length=200)] | None = None
    timestamp: datetime | None = None
    assistant: AssistantChoice | None = None
    model: ModelName | None = None
    stream: bool = False


class Reply(msgspec.Struct, kw_only=True):
    """An answer. `remaining`: messages left in the conversation's window. `confidence` was measured, not claimed."""

    message: str
    agent: str
    confidence: float
    reasoning: str
    timestamp: datetime
    message_id: UUID
    sources: list[Source]
    model: str | None
    mode: MessageMode
    remaining: int
    conversation_id: str
    user_message_id: UUID | None
    run_id: UUID
    decided_by: DecidedBy
    tokens: int
    usage: Usage
    grounded: list[GroundedSentence]
    language: str
    nothing_found: bool = False
    stopped: bool = False
    notice: str | None = None
    partial: str | None = None
    escalation_id: UUID | None = None
    first_token_ms: int | None = None
    milliseconds: int = 0


class Accepted(msgspec.Struct, kw_only=True):
    """The first event of a stream: the message is kept, and this will be its answer."""

    conversation_id: str
    user_message_id: UUID | None
    message_id: UUID
    run_id: UUID
    remaining: int
    title: str


class RateLimit(msgspec.Struct, kw_only=True):
    """What a conversation may still send. `window` in seconds."""

    allowed: bool
    remaining: int
    limit: int
    window: int
    retry_after: int | None = None


class ConversationIn(In):
    """A new conversation; without `conversation_id` it is named by its own id."""

    conversation_id: ConversationKey | None = None
    title: Title | None = None
    folder: Folder | None = None
    assistant: AssistantChoice | None = None


class ConversationPatch(In):
    """What changes. `head`: the message whose branch is shown from now on."""

    title: Title | UnsetType = UNSET
    folder: Folder | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET
    assistant: AssistantChoice | UnsetType | None = UNSET
    head: UUID | UnsetType = UNSET


class ShareIn(In):
    """Who may read it; this replaces what was."""

    readers: Annotated[list[Grantee], Meta(max_length=1000)] = []


class SharedWith(msgspec.Struct, kw_only=True):
    """One reader."""

    user: UUID | None
    group: UUID | None
    name: str


class Attachment(msgspec.Struct, kw_only=True):
    """A document of the conversation."""

    file_id: UUID
    filename: str
    status: str


class Conversation(msgspec.Struct, kw_only=True):
    """A conversation as it stands. `id` and `conversation_id` both name it. `excerpt`: where a search found its words."""

    id: UUID
    conversation_id: str
    title: str
    folder: str | None
    archived: bool
    assistant: str | None
    messages: int
    head: UUID | None
    right: Literal["owner", "reader"]
    owner: str
    running: UUID | None
    created_at: datetime
    updated_at: datetime
    excerpt: str | None = None
    readers: list[SharedWith] = []
    attachments: list[Attachment] = []


class Feedback(msgspec.Struct, kw_only=True):
    """What a person thought of an answer."""

    rating: Rating
    reason: str | None


class FeedbackIn(In):
    """A rating; null takes it back."""

    rating: Rating | None
    reason: Annotated[str, Meta(max_length=1000)] | None = None


class BranchIn(In):
    """Another wording of a message, answered on a branch of its own."""

    message: str
    assistant: AssistantChoice | None = None
    model: ModelName | None = None
    stream: bool = False


class RegenerateIn(In):
    """Another answer to the same message."""

    assistant: AssistantChoice | None = None
    model: ModelName | None = None
    stream: bool = False


class AttachIn(In):
    """A document that the caller may read."""

    file_id: UUID


class ConversationMessage(msgspec.Struct, kw_only=True):
    """A message as it stands. `versions`: the ids of all with the same parent, oldest first, itself included.

    `answered_by`: the person who wrote it, where a person did (mode `person`).
    `hidden`: it rests on a document that the reader of a shared conversation may not read; nothing of it is shown.
    """

    id: UUID
    parent_id: UUID | None
    role: Literal["user", "assistant"]
    content: str
    status: MessageStatus
    created_at: datetime
    versions: list[UUID]
    agent: str | None = None
    confidence: float | None = None
    reasoning: str | None = None
    decided_by: DecidedBy | None = None
    model: str | None = None
    mode: MessageMode | None = None
    sources: list[Source] = []
    grounded: list[GroundedSentence] = []
    usage: Usage | None = None
    run_id: UUID | None = None
    notice: str | None = None
    partial: str | None = None
    nothing_found: bool = False
    language: str | None = None
    milliseconds: int | None = None
    first_token_ms: int | None = None
    error: Problem | None = None
    feedback: Feedback | None = None
    escalation_id: UUID | None = None
    answered_by: str | None = None
    hidden: bool = False


class FolderOut(msgspec.Struct, kw_only=True):
    """A folder is the name conversations share."""

    name: str
    conversations: int


class FolderPatch(In):
    """Rename a folder; null empties it."""

    name: Folder
    to: Folder | None
