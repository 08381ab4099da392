"""What assistants know of a person because that person said so; the person sees, changes and removes it."""

from uuid import UUID

from msgspec import UNSET

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.features.audit import AuditService
from appliance.features.chat.extras_errors import MemoryNotFound, TooManyMemories
from appliance.features.chat.extras_schemas import Memory, MemoryIn, MemoryPatch
from appliance.features.chat.remembering import asked_to_remember
from appliance.features.chat.repository.extras import MemoryRepository
from appliance.features.chat.tables import MemoryRow

MOST_MEMORIES = 200


class MemoryService:
    """Long-term memory: a person's own, and nobody else's."""

    def __init__(self, database: Database, *, audit: AuditService) -> None:
        """Changes are audited without their words."""
        self._database = database
        self._audit = audit
        self._repository = MemoryRepository()

    @staticmethod
    def asked_to_remember(message: str) -> str | None:
        """Give the sentence that a message asks to be remembered; None where it asks for nothing of the kind."""
        return asked_to_remember(message)

    async def known(self, caller: Caller) -> list[str]:
        """Give the memories that go into prompts, oldest first: the same order keeps the engine's cache of the prompt."""
        async with self._database.read() as transaction:
            return await self.known_in(transaction, caller)

    async def known_in(self, transaction: Transaction, caller: Caller) -> list[str]:
        """The same in a transaction that reads other things too."""
        return await self._repository.enabled(transaction, caller.user_id)

    async def page(self, caller: Caller, *, limit: int, offset: int) -> Page[Memory]:
        """List one's memories, newest first."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            rows, total = await self._repository.page(transaction, caller.user_id, limit=limit, offset=offset)
        return Page(items=[_memory(row) for row in rows], total=total, limit=limit, offset=offset)

    async def add(self, caller: Caller, request: MemoryIn) -> Memory:
        """Keep something. Raises TooManyMemories."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            if await self._repository.count_locked(transaction, caller.user_id) >= MOST_MEMORIES:
                raise TooManyMemories(limit=MOST_MEMORIES)
            return _memory(await self._write(transaction, caller, request.text.strip(), conversation_id=None))

    async def keep(self, transaction: Transaction, caller: Caller, text: str, *, conversation_id: UUID) -> UUID | None:
        """Keep what was asked for in a conversation, in its transaction; None where there is no room left.

        The same words are kept once.
        """
        count = await self._repository.count_locked(transaction, caller.user_id)
        same = await self._repository.same(transaction, caller.user_id, text)
        if same is not None:
            same.is_enabled = True
            return same.id
        if count >= MOST_MEMORIES:
            return None
        return (await self._write(transaction, caller, text, conversation_id=conversation_id)).id

    async def change(self, caller: Caller, memory_id: UUID, patch: MemoryPatch) -> Memory:
        """Reword it, or let it rest. Raises MemoryNotFound."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            row = await self._own(transaction, caller, memory_id)
            if patch.text is not UNSET:
                row.text = patch.text.strip()
            if patch.enabled is not UNSET:
                row.is_enabled = patch.enabled
            row.updated_at = now()
            await self._audit.record(
                transaction, caller, "memory.changed", object_kind="memory", object_id=memory_id, enabled=row.is_enabled
            )
            return _memory(row)

    async def remove(self, caller: Caller, memory_id: UUID) -> None:
        """Forget it. Raises MemoryNotFound."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            await transaction.delete(await self._own(transaction, caller, memory_id))
            await transaction.flush()
            await self._audit.record(transaction, caller, "memory.removed", object_kind="memory", object_id=memory_id)

    async def _own(self, transaction: Transaction, caller: Caller, memory_id: UUID) -> MemoryRow:
        row = await self._repository.get(transaction, memory_id)
        if row is None or row.owner_id != caller.user_id:
            raise MemoryNotFound
        return row

    async def _write(
        self, transaction: Transaction, caller: Caller, text: str, *, conversation_id: UUID | None
    ) -> MemoryRow:
        moment = now()
        row = MemoryRow(
            id=new_id(),
            owner_id=caller.user_id,
            text=text,
            is_enabled=True,
            conversation_id=conversation_id,
            created_at=moment,
            updated_at=moment,
        )
        transaction.add(row)
        await transaction.flush()
        await self._audit.record(transaction, caller, "memory.added", object_kind="memory", object_id=row.id)
        return row


def _memory(row: MemoryRow) -> Memory:
    return Memory(
        id=row.id,
        text=row.text,
        enabled=row.is_enabled,
        conversation=row.conversation_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
