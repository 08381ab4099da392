"""The arithmetic of the chain: the same on the box and on an auditor's machine that has only the export."""

import hashlib
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.features.audit.schemas import AuditEntry, AuditSeal, AuditVerdict

GENESIS = "0" * 64


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the entry as JSON with sorted keys, its own hash left out."""
    facts = msgspec.to_builtins(entry)
    del facts["hash"]
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def sealed_text(seal: AuditSeal) -> bytes:
    """What a seal's signature covers."""
    return f"{seal.sequence}:{seal.hash}:{seal.sealed_at.isoformat()}".encode()


class ChainVerifier:
    """Takes entries in order and remembers the first that does not follow."""

    def __init__(self) -> None:
        """Start before the first entry."""
        self.hash = GENESIS
        self.entries = 0
        self.broken: AuditVerdict | None = None

    def take(self, entry: AuditEntry) -> None:
        """Hold one more entry against the one before it."""
        if self.broken:
            return
        reason = None
        if entry.sequence != self.entries + 1:
            reason = "missing"
        elif entry.previous_hash != self.hash:
            reason = "does not follow"
        elif entry_hash(entry) != entry.hash:
            reason = "changed"
        if reason:
            self.broken = self._broken(reason)
            return
        self.entries, self.hash = entry.sequence, entry.hash

    def end(self, sequence: int, last_hash: str) -> AuditVerdict:
        """Hold the last entry against the head kept elsewhere."""
        if self.broken:
            return self.broken
        if (self.entries, self.hash) != (sequence, last_hash):
            return self._broken("entries are missing at the end")
        return AuditVerdict(ok=True, entries=self.entries)

    def _broken(self, reason: str) -> AuditVerdict:
        return AuditVerdict(ok=False, entries=self.entries, broken_at=self.entries + 1, reason=reason)


def verify_export(lines: Iterable[bytes], *, trusted_public_key: str | None = None) -> AuditVerdict:
    """Verify an export line by line: entries, then one seal. `trusted_public_key`: the box's, noted earlier."""
    chain = ChainVerifier()
    seal: AuditSeal | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if seal is None and b'"sealed_at"' in line:
                seal = msgspec.json.decode(line, type=AuditSeal)
            else:
                chain.take(msgspec.json.decode(line, type=AuditEntry))
        except msgspec.MsgspecError:
            return AuditVerdict(ok=False, entries=chain.entries, broken_at=number, reason="line cannot be read")
    if seal is None:
        return chain.broken or AuditVerdict(
            ok=False, entries=chain.entries, broken_at=chain.entries, reason="the seal at the end is missing"
        )
    verdict = chain.end(seal.sequence, seal.hash)
    return _verify_seal(verdict, seal, trusted_public_key) if verdict.ok else verdict


def _verify_seal(verdict: AuditVerdict, seal: AuditSeal, trusted: str | None) -> AuditVerdict:
    reason = None
    if trusted and seal.public_key != trusted:
        reason = "sealed by another box"
    else:
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.public_key))
            key.verify(bytes.fromhex(seal.signature), sealed_text(seal))
        except (InvalidSignature, ValueError):
            reason = "the seal's signature is wrong"
    if reason is None:
        return verdict
    return AuditVerdict(ok=False, entries=verdict.entries, broken_at=verdict.entries, reason=reason)
