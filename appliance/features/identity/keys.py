"""API keys: made once, shown once, revoked at once."""

import secrets
from datetime import timedelta
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.errors import Forbidden
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.core.security import Vault, new_token
from appliance.core.settings_sections import Security
from appliance.core.text import Text
from appliance.features.audit import AuditService
from appliance.features.identity.access import KEY_MARK
from appliance.features.identity.errors import KeyNotFound
from appliance.features.identity.mapping import to_key
from appliance.features.identity.repository import IdentityRepository
from appliance.features.identity.schemas import ApiKey, KeyIn, KeyPatch, NewApiKey
from appliance.features.identity.tables import ApiKeyRow

_PREFIX_BYTES = 5


class KeyService:
    """Keys for programs. A key never may more than the one who makes it."""

    def __init__(self, database: Database, *, vault: Vault, audit: AuditService, rules: Security) -> None:
        """`rules.key_days`: how long a key lasts unless said otherwise."""
        self._database = database
        self._vault = vault
        self._audit = audit
        self._rules = rules
        self._repository = IdentityRepository()

    async def create(self, caller: Caller, request: KeyIn) -> NewApiKey:
        """Make a key; the answer is the only place it ever stands."""
        caller.require_own_account()
        self._refuse_more_than_own(caller, set(request.scopes))
        prefix, secret = secrets.token_hex(_PREFIX_BYTES), new_token()
        moment = now()
        row = ApiKeyRow(
            id=new_id(),
            prefix=prefix,
            secret_digest=self._vault.digest(secret),
            name=request.name.strip(),
            user_id=caller.user_id,
            scopes=sorted(set(request.scopes)),
            created_at=moment,
            expires_at=moment + timedelta(days=request.expires_days or self._rules.key_days),
            last_used_at=None,
            revoked_at=None,
        )
        async with self._database.begin() as transaction:
            transaction.add(row)
            await self._audit.record(
                transaction,
                caller,
                "key.created",
                object_kind="key",
                object_id=row.id,
                name=row.name,
                scopes=row.scopes,
            )
        shown = to_key(row, caller.username)
        return NewApiKey(
            key=f"{KEY_MARK}_{prefix}_{secret}",
            **{name: getattr(shown, name) for name in shown.__struct_fields__},
        )

    def _refuse_more_than_own(self, caller: Caller, scopes: set[str]) -> None:
        if "admin" in scopes and caller.role != "admin":
            raise Forbidden(needed=Text("the role of administrator", "le rôle d’administrateur"))
        if caller.scopes is not None and ("all" in scopes or scopes - caller.scopes):
            raise Forbidden(
                needed=Text("a key that has these scopes itself", "une clé qui porte elle-même ces portées")
            )

    async def page(self, caller: Caller, *, everybody: bool, limit: int, offset: int) -> Page[ApiKey]:
        """List keys: one's own, or for an admin everybody's."""
        caller.require_own_account()
        if everybody:
            caller.require_admin()
        async with self._database.read() as transaction:
            rows, total = await self._repository.keys(
                transaction, user_id=None if everybody else caller.user_id, limit=limit, offset=offset
            )
        return Page(items=[to_key(row, name) for row, name in rows], total=total, limit=limit, offset=offset)

    async def rename(self, caller: Caller, key_id: UUID, patch: KeyPatch) -> ApiKey:
        """Give a key another name."""
        caller.require_own_account()
        async with self._database.begin() as transaction:
            found = await self._repository.key(transaction, key_id)
            if found is None or (found[0].user_id != caller.user_id and not caller.is_admin):
                raise KeyNotFound
            row, username = found
            row.name = patch.name.strip()
            await self._audit.record(transaction, caller, "key.renamed", object_kind="key", object_id=key_id)
            return to_key(row, username)

    async def revoke(self, caller: Caller, key_id: UUID) -> None:
        """End a key: one's own, or for an admin anybody's."""
        caller.require_own_account()
        async with self._database.begin() as transaction:
            found = await self._repository.key(transaction, key_id)
            if found is None or (found[0].user_id != caller.user_id and not caller.is_admin):
                raise KeyNotFound
            found[0].revoked_at = found[0].revoked_at or now()
            await self._audit.record(transaction, caller, "key.revoked", object_kind="key", object_id=key_id)
