"""What is asked of the queue and what comes back; and `/api/generate` on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from appliance.ports.chat import ChatRequest, Delta

Lane = Literal["call", "voice", "chat", "batch"]
LANES: tuple[Lane, ...] = ("call", "voice", "chat", "batch")
"""Latency classes, most urgent first."""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """Something to write, for somebody. `fallbacks`: the models tried after the first; None: those of the settings."""

    request: ChatRequest
    owner: UUID
    lane: Lane = "chat"
    fallbacks: tuple[str, ...] | None = None


class Waiting(msgspec.Struct, frozen=True):
    """Not yet: this many are served before, oneself included."""

    place: int


class Writing(msgspec.Struct, frozen=True):
    """A model begins. `attempt` counts the models and tries before it, from 1."""

    model: str
    attempt: int


Step = Waiting | Writing | Delta


class GenerateIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A prompt. `format` is a JSON schema the response must keep to."""

    prompt: Annotated[str, Meta(min_length=1, max_length=400_000)]
    model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    stream: bool = False
    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    format: dict[str, Any] | None = None


class Generated(msgspec.Struct, kw_only=True):
    """What was written."""

    response: str
    model: str
    tokens: int
    duration_ms: int
    stopped: bool = False


class QueueState(msgspec.Struct, kw_only=True):
    """How busy the models are, in this process."""

    places: int
    writing: int
    waiting: dict[Lane, int]
    mine: int
