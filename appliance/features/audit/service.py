"""Writing the chain in the caller's own transaction, and proving it afterwards."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.integrity import Discrepancy, Invariant
from appliance.core.paging import Page
from appliance.core.security import Vault
from appliance.core.text import Text
from appliance.features.audit.chain import GENESIS, ChainVerifier, entry_hash, sealed_text
from appliance.features.audit.repository import AuditFilter, AuditRepository
from appliance.features.audit.schemas import AuditEntry, AuditSeal, AuditVerdict

log = structlog.get_logger(__name__)
SYSTEM = "appliance"


class AuditService:
    """An entry commits with the change it is about, or not at all."""

    def __init__(self, database: Database, vault: Vault) -> None:
        """The vault signs exports."""
        self._database = database
        self._vault = vault
        self._repository = AuditRepository()

    async def record(
        self,
        transaction: Transaction,
        caller: Caller | None,
        action: str,
        *,
        object_kind: str,
        object_id: UUID | str,
        outcome: str = "done",
        actor: str = SYSTEM,
        peer: str = "",
        **details: str | float | bool | list[str] | None,
    ) -> None:
        """Append an entry. Make it the transaction's last act: the chain is locked from here to its end."""
        head = await self._repository.lock_head(transaction)
        moment = now()
        entry = AuditEntry(
            sequence=head.sequence + 1,
            at=moment.replace(microsecond=moment.microsecond // 1000 * 1000),
            actor_id=caller.user_id if caller else None,
            actor=caller.username if caller else actor,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            outcome=outcome,
            peer=caller.peer if caller else peer,
            details=details,
            previous_hash=head.hash,
            hash="",
        )
        entry = msgspec.structs.replace(entry, hash=entry_hash(entry))
        self._repository.append(transaction, head, entry)

    async def page(self, caller: Caller, where: AuditFilter, *, limit: int, offset: int) -> Page[AuditEntry]:
        """List entries for an admin, newest first."""
        caller.require_admin()
        async with self._database.read() as transaction:
            entries, total = await self._repository.page(transaction, where, limit=limit, offset=offset)
        return Page(items=entries, total=total, limit=limit, offset=offset)

    async def export(self, caller: Caller) -> AsyncIterator[bytes]:
        """Write the chain as JSON lines with a signed seal at the end."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            await self.record(transaction, caller, "audit.exported", object_kind="audit", object_id="chain")
        return self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        sequence, last = 0, GENESIS
        async with self._database.read() as transaction:
            async for entry in self._repository.walk(transaction):
                sequence, last = entry.sequence, entry.hash
                yield msgspec.json.encode(entry) + b"\n"
        yield msgspec.json.encode(self._seal(sequence, last)) + b"\n"

    def _seal(self, sequence: int, last: str) -> AuditSeal:
        seal = AuditSeal(
            sealed_at=now().replace(microsecond=0),
            sequence=sequence,
            hash=last,
            public_key=self._vault.public_key,
            signature="",
        )
        return msgspec.structs.replace(seal, signature=self._vault.sign(sealed_text(seal)))

    async def verify(self) -> AuditVerdict:
        """Walk the chain in the state and hold its end against the head."""
        chain = ChainVerifier()
        async with self._database.read() as transaction:
            async for entry in self._repository.walk(transaction):
                chain.take(entry)
            return chain.end(*await self._repository.head(transaction))

    @property
    def invariant(self) -> Invariant:
        """What `fsck` proves of this room."""
        promise = Text("The audit chain is whole and unchanged.", "La chaîne d’audit est entière et inchangée.")
        return Invariant("audit.chain", promise, self._prove)

    async def _prove(self) -> list[Discrepancy]:
        verdict = await self.verify()
        return [] if verdict.ok else [Discrepancy(f"chain {verdict.reason}", f"entry {verdict.broken_at}")]
