"""What goes over the wire and into an export."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class AuditEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One entry of the chain. `details` holds facts (names, counts), never contents."""

    sequence: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    object_kind: str
    object_id: str
    outcome: str
    peer: str
    details: dict[str, Any]
    previous_hash: str
    hash: str


class AuditSeal(msgspec.Struct, kw_only=True, frozen=True):
    """The end of an export: the head of the chain, signed (Ed25519, hexadecimal) by the box."""

    sealed_at: datetime
    sequence: int
    hash: str
    public_key: str
    signature: str


class AuditVerdict(msgspec.Struct, kw_only=True, frozen=True):
    """Whether a chain holds; where it breaks first, and how."""

    ok: bool
    entries: int
    broken_at: int | None = None
    reason: str | None = None
