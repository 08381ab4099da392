"""What rooms offer `fsck` and `doctor`: each knows how to prove its own invariants."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import msgspec

from appliance.core.text import Text, Words


class Discrepancy(NamedTuple):
    """Two stores that disagree: what kind it is, and about what."""

    kind: str
    subject: str


class Invariant(msgspec.Struct, frozen=True):
    """A promise between state, files and vectors that `fsck` proves; `repair` mends one discrepancy, where it can be."""

    id: str
    promise: Text
    prove: Callable[[], Awaitable[list[Discrepancy]]]
    repair: Callable[[Discrepancy], Awaitable[bool]] | None = None


Severity = Literal["ok", "warning", "failure"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check of `doctor` found: how bad, the evidence, and what to do."""

    id: str
    severity: Severity
    evidence: Words
    fix: Text


class Check(msgspec.Struct, frozen=True):
    """One check of `doctor`."""

    id: str
    look: Callable[[], Awaitable[Finding]]
