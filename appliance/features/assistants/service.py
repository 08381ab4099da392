"""Assistants: listed, made, changed, exported and imported, and handed to the room that answers."""

from collections.abc import AsyncIterator, Sequence
from typing import cast

import msgspec
from msgspec import UNSET

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.errors import Fact
from appliance.core.paging import Page
from appliance.features.assistants.classifier import CONVERSATION, ESCALATE, FOLLOW_UP
from appliance.features.assistants.errors import (
    AssistantExists,
    AssistantNotFound,
    NameReserved,
    PictureNotFound,
    UnknownTool,
)
from appliance.features.assistants.mapping import to_assistant, to_input, to_profile
from appliance.features.assistants.pictures import read_picture, receive_picture
from appliance.features.assistants.repository import AssistantRepository, ListedAssistant
from appliance.features.assistants.schemas import (
    SHARED_OWNER,
    TOOLS,
    Assistant,
    AssistantIn,
    AssistantPatch,
    Picture,
    Profile,
    TomlIn,
)
from appliance.features.assistants.tables import AssistantPictureRow, AssistantRow
from appliance.features.assistants.toml_form import read_toml, write_toml
from appliance.features.audit import AuditService

RESERVED = frozenset({CONVERSATION, ESCALATE, FOLLOW_UP, SHARED_OWNER, "route", "import", "examples", "evaluate"})
"""Words of routing and of the API's addresses."""


class AssistantService:
    """What people see of assistants and admins do with them."""

    def __init__(self, database: Database, audit: AuditService) -> None:
        """Every change is audited by field, never by content."""
        self._database = database
        self._audit = audit
        self._repository = AssistantRepository()

    async def page(self, caller: Caller, *, limit: int, offset: int) -> Page[Assistant]:
        """List those the caller may know of."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            listed, total = await self._repository.page(transaction, caller, limit=limit, offset=offset)
        return Page(items=[to_assistant(one, caller) for one in listed], total=total, limit=limit, offset=offset)

    async def get(self, caller: Caller, name: str) -> Assistant:
        """Show one."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            return to_assistant(await self._known(transaction, caller, name), caller)

    async def profile(self, name: str) -> Profile:
        """Give an enabled assistant to the room that answers with it. Raises AssistantNotFound."""
        async with self._database.read() as transaction:
            row = await self._repository.get(transaction, name)
        if row is None or not row.is_enabled:
            raise AssistantNotFound(name=name[:63])
        return to_profile(row)

    async def create(self, caller: Caller, request: AssistantIn) -> Assistant:
        """Make one. Raises AssistantExists, NameReserved, UnknownTool."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            row = await self._insert(transaction, request)
            await self._record(transaction, caller, "assistant.created", row.name)
        return to_assistant(ListedAssistant(row, None), caller)

    async def _insert(self, transaction: Transaction, request: AssistantIn) -> AssistantRow:
        if request.name in RESERVED:
            raise NameReserved(name=request.name)
        if await self._repository.get(transaction, request.name) is not None:
            raise AssistantExists(name=request.name)
        moment = now()
        row = AssistantRow(name=request.name, created_at=moment, updated_at=moment)
        _fill(row, request)
        transaction.add(row)
        await transaction.flush()
        return row

    async def change(self, caller: Caller, name: str, patch: AssistantPatch) -> Assistant:
        """Change one. Raises AssistantNotFound, UnknownTool."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            known = await self._known(transaction, caller, name)
            before = to_input(known.row)
            given = {field: getattr(patch, field) for field in patch.__struct_fields__}
            after = msgspec.structs.replace(before, **{k: v for k, v in given.items() if v is not UNSET})
            changed = [field for field in after.__struct_fields__ if getattr(after, field) != getattr(before, field)]
            if changed:
                _fill(known.row, after)
                known.row.updated_at = now()
                await transaction.flush()
                await self._record(transaction, caller, "assistant.changed", name, changed=changed)
        return to_assistant(known, caller)

    async def delete(self, caller: Caller, name: str) -> None:
        """Delete one with its picture; its documents stay."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            known = await self._known(transaction, caller, name)
            await transaction.delete(known.row)
            await transaction.flush()
            await self._record(transaction, caller, "assistant.deleted", name)

    async def picture(self, caller: Caller, name: str) -> Picture:
        """Give the bytes of a picture."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            await self._known(transaction, caller, name)
            row = await self._repository.picture(transaction, name)
        if row is None:
            raise PictureNotFound
        return Picture(row.media_type, row.content, row.digest)

    async def set_picture(self, caller: Caller, name: str, stream: AsyncIterator[bytes]) -> Assistant:
        """Take a picture. Raises PictureTooLarge, PictureUnsupported."""
        caller.require_admin()
        await self.get(caller, name)
        picture = await receive_picture(stream)
        async with self._database.begin() as transaction:
            known = await self._known(transaction, caller, name)
            await self._keep_picture(transaction, name, picture)
            await self._record(transaction, caller, "assistant.changed", name, changed=["picture"])
        return to_assistant(ListedAssistant(known.row, picture.digest), caller)

    async def _keep_picture(self, transaction: Transaction, name: str, picture: Picture) -> None:
        row = await self._repository.picture(transaction, name)
        if row is None:
            row = AssistantPictureRow(name=name)
            transaction.add(row)
        row.media_type, row.content, row.digest = picture.media_type, picture.content, picture.digest
        await transaction.flush()

    async def remove_picture(self, caller: Caller, name: str) -> None:
        """Forget a picture."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            if (await self._known(transaction, caller, name)).picture is None:
                raise PictureNotFound
            await self._repository.remove_picture(transaction, name)
            await self._record(transaction, caller, "assistant.changed", name, changed=["picture"])

    async def export(self, caller: Caller, name: str) -> str:
        """Write one as TOML, its picture included."""
        caller.require_admin()
        async with self._database.read() as transaction:
            known = await self._known(transaction, caller, name)
            row = await self._repository.picture(transaction, name)
        picture = Picture(row.media_type, row.content, row.digest) if row else None
        return write_toml(to_input(known.row), picture)

    async def import_toml(self, caller: Caller, request: TomlIn) -> Assistant:
        """Make one of a file, or with `replace` make the one of that name what the file says. Raises TomlUnreadable."""
        caller.require_admin()
        imported = read_toml(request.toml)
        picture = read_picture(imported.picture) if imported.picture is not None else None
        name = imported.assistant.name
        async with self._database.begin() as transaction:
            row = await self._repository.get(transaction, name) if request.replace else None
            if row is None:
                row = await self._insert(transaction, imported.assistant)
            else:
                _fill(row, imported.assistant)
                row.updated_at = now()
                await self._repository.remove_picture(transaction, name)
            if picture is not None:
                await self._keep_picture(transaction, name, picture)
            await transaction.flush()
            await self._record(transaction, caller, "assistant.imported", name)
        return to_assistant(ListedAssistant(row, picture.digest if picture else None), caller)

    async def _known(self, transaction: Transaction, caller: Caller, name: str) -> ListedAssistant:
        known = await self._repository.known(transaction, caller, name)
        if known is None:
            raise AssistantNotFound(name=name[:63])
        return known

    async def _record(
        self, transaction: Transaction, caller: Caller, action: str, name: str, *, changed: Sequence[str] = ()
    ) -> None:
        await self._audit.record(
            transaction, caller, action, object_kind="assistant", object_id=name, changed=list(changed)
        )


def _fill(row: AssistantRow, request: AssistantIn) -> None:
    """Write everything but the name. Raises UnknownTool."""
    for tool in request.tools:
        if tool not in TOOLS:
            raise UnknownTool(tool=cast("Fact", tool), tools=", ".join(TOOLS))
    owners = request.knowledge_owners
    row.title = request.title.strip()
    row.persona = request.persona
    row.language = request.language
    row.routing_description = request.routing_description
    row.examples = list(request.examples)
    row.model = request.model.strip()
    row.fallbacks = list(request.fallbacks)
    row.temperature = request.temperature
    row.knowledge_owners = [request.name, SHARED_OWNER] if owners is None else list(owners)
    row.tags = list(request.tags)
    row.retrieval = msgspec.to_builtins(request.retrieval)
    row.tools = list(dict.fromkeys(request.tools))
    row.is_enabled = request.is_enabled
