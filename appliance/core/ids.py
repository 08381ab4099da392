"""Identifiers: time-ordered for rows, derived for what must come out the same twice."""

import secrets
import time
from uuid import UUID, uuid5

_TIME_ORDERED = 7
_APPLIANCE = UUID("5b0c1f0e-6f0a-5b57-9a3c-2f6c1d1c7a11")


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562, 5.7): milliseconds first, so that rows lie in the order they came."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def made_at(identifier: UUID) -> float:
    """Read when a UUIDv7 was made, in seconds since 1970; 0 for any other."""
    return (identifier.int >> 80) / 1000 if identifier.version == _TIME_ORDERED else 0.0


def derive_id(*parts: object) -> UUID:
    """Make the UUIDv5 of some parts: the same parts give the same id on every machine."""
    return uuid5(_APPLIANCE, "\x1f".join(str(part) for part in parts))
