"""A library of saved prompts: one's own, and those that others share."""

import re
from uuid import UUID

from msgspec import UNSET

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.features.audit import AuditService
from appliance.features.chat.extras_errors import PromptNameTaken, PromptNotFound, PromptNotOwn, TooManyPrompts
from appliance.features.chat.extras_schemas import Prompt, PromptIn, PromptPatch
from appliance.features.chat.repository.extras import PromptRepository
from appliance.features.chat.tables import PromptRow

MOST_PROMPTS = 500
_VARIABLE = re.compile(r"\{\{\s{0,8}(\w[\w '’-]{0,62}?)\s{0,8}\}\}")


def variables_of(text: str) -> list[str]:
    """Name what a prompt asks for, `{{ like this }}`, in the order it first appears. Nothing in it is ever evaluated."""
    return list(dict.fromkeys(found.group(1) for found in _VARIABLE.finditer(text)))


class PromptService:
    """Prompts called by `/name`: where one's own and a shared one have the same name, both are listed, one's own first."""

    def __init__(self, database: Database, *, audit: AuditService) -> None:
        """Changes are audited without their words."""
        self._database = database
        self._audit = audit
        self._repository = PromptRepository()

    async def page(self, caller: Caller, *, sought: str, limit: int, offset: int) -> Page[Prompt]:
        """List one's own and shared prompts by name; `sought` stands in name or title."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            found, total = await self._repository.page(
                transaction, caller.user_id, sought=sought.strip().lower(), limit=limit, offset=offset
            )
        items = [_prompt(row, owner, caller) for row, owner in found]
        return Page(items=items, total=total, limit=limit, offset=offset)

    async def get(self, caller: Caller, prompt_id: UUID) -> Prompt:
        """Show one. Raises PromptNotFound."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            row, owner = await self._visible(transaction, caller, prompt_id)
        return _prompt(row, owner, caller)

    async def add(self, caller: Caller, request: PromptIn) -> Prompt:
        """Save one. Raises PromptNameTaken, TooManyPrompts."""
        caller.require_scope("chat")
        moment = now()
        row = PromptRow(
            id=new_id(),
            owner_id=caller.user_id,
            name=request.name,
            title=request.title.strip(),
            text=request.text,
            is_shared=request.shared,
            created_at=moment,
            updated_at=moment,
        )
        async with self._database.begin() as transaction:
            if await self._repository.count_locked(transaction, caller.user_id) >= MOST_PROMPTS:
                raise TooManyPrompts(limit=MOST_PROMPTS)
            await self._require_free(transaction, caller, request.name)
            transaction.add(row)
            await transaction.flush()
            await self._record(transaction, caller, "prompt.added", row)
        return _prompt(row, caller.username, caller)

    async def change(self, caller: Caller, prompt_id: UUID, patch: PromptPatch) -> Prompt:
        """Change one's own. Raises PromptNotFound, PromptNotOwn, PromptNameTaken."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            row, owner = await self._visible(transaction, caller, prompt_id)
            if row.owner_id != caller.user_id:
                raise PromptNotOwn
            if patch.name is not UNSET and patch.name != row.name:
                await self._require_free(transaction, caller, patch.name)
                row.name = patch.name
            if patch.title is not UNSET:
                row.title = patch.title.strip()
            if patch.text is not UNSET:
                row.text = patch.text
            if patch.shared is not UNSET:
                row.is_shared = patch.shared
            row.updated_at = now()
            await transaction.flush()
            await self._record(transaction, caller, "prompt.changed", row)
        return _prompt(row, owner, caller)

    async def remove(self, caller: Caller, prompt_id: UUID) -> None:
        """Remove one's own; an admin removes shared ones too. Raises PromptNotFound, PromptNotOwn."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            row, _ = await self._visible(transaction, caller, prompt_id)
            if row.owner_id != caller.user_id and not caller.is_admin:
                raise PromptNotOwn
            await transaction.delete(row)
            await transaction.flush()
            await self._record(transaction, caller, "prompt.removed", row)

    async def _visible(self, transaction: Transaction, caller: Caller, prompt_id: UUID) -> tuple[PromptRow, str]:
        found = await self._repository.visible(transaction, caller.user_id, prompt_id)
        if found is None:
            raise PromptNotFound
        return found

    async def _require_free(self, transaction: Transaction, caller: Caller, name: str) -> None:
        if await self._repository.has_name(transaction, caller.user_id, name):
            raise PromptNameTaken(name=name)

    async def _record(self, transaction: Transaction, caller: Caller, action: str, row: PromptRow) -> None:
        await self._audit.record(
            transaction, caller, action, object_kind="prompt", object_id=row.id, name=row.name, shared=row.is_shared
        )


def _prompt(row: PromptRow, owner: str, caller: Caller) -> Prompt:
    return Prompt(
        id=row.id,
        name=row.name,
        title=row.title,
        text=row.text,
        variables=variables_of(row.text),
        shared=row.is_shared,
        mine=row.owner_id == caller.user_id,
        owner=owner,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
