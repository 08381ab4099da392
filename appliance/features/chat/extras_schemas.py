"""What goes over the wire about memories, saved prompts, escalations, usage and analytics."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.features.chat.schemas import In

MemoryText = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]
PromptName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
PromptText = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
EscalationStatus = Literal["open", "answered", "closed"]


class MemoryIn(In):
    """Something assistants should know."""

    text: MemoryText


class MemoryPatch(In):
    """What changes."""

    text: MemoryText | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class Memory(msgspec.Struct, kw_only=True):
    """What assistants know of a person because that person said so. `conversation`: where, if in one."""

    id: UUID
    text: str
    enabled: bool
    conversation: UUID | None
    created_at: datetime
    updated_at: datetime


class PromptIn(In):
    """A prompt to keep. `{{words}}` in its text are asked for when it is used."""

    name: PromptName
    title: Title
    text: PromptText
    shared: bool = False


class PromptPatch(In):
    """What changes."""

    name: PromptName | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    text: PromptText | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class Prompt(msgspec.Struct, kw_only=True):
    """A saved prompt; `variables` in the order they first appear."""

    id: UUID
    name: str
    title: str
    text: str
    variables: list[str]
    shared: bool
    mine: bool
    owner: str
    created_at: datetime
    updated_at: datetime


class EscalationAnswerIn(In):
    """What a person answers."""

    message: Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]


class Excerpt(msgspec.Struct, kw_only=True):
    """A message as whoever answers the escalation sees it."""

    role: Literal["user", "assistant"]
    content: str
    created_at: datetime


class Escalation(msgspec.Struct, kw_only=True):
    """A message that waits for a person. `messages`: the branch that led to it, where one escalation is shown."""

    id: UUID
    conversation: UUID
    title: str
    person: str
    status: EscalationStatus
    reason: str
    created_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    messages: list[Excerpt] = []


class AgentFigures(msgspec.Struct, kw_only=True):
    """One row of the analytics: by agent, by model or by day. Milliseconds; None where nothing was measured."""

    name: str
    messages: int
    first_token_p50: int | None
    first_token_p95: int | None
    latency_p50: int | None
    latency_p95: int | None
    prompt_tokens: int
    completion_tokens: int
    confidence: float | None
    fallbacks: int
    extractive: int
    failures: int
    escalations: int
    up: int
    down: int


class Analytics(msgspec.Struct, kw_only=True):
    """What assistants did between two days (both included), in all and taken apart."""

    since: date
    until: date
    total: AgentFigures
    agents: list[AgentFigures]
    models: list[AgentFigures]
    days: list[AgentFigures]


class PersonUsage(msgspec.Struct, kw_only=True):
    """What a person has used since midnight UTC; a limit of 0 is none."""

    user: UUID
    username: str
    messages: int
    messages_limit: int
    tokens: int
    tokens_limit: int
