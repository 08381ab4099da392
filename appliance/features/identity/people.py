"""Users and groups: made, listed, changed, and never so that no admin is left."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET

from appliance.core.caller import SCOPES, Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.errors import InvalidRequest
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.core.security import Passwords
from appliance.core.settings_sections import Limits
from appliance.core.text import Text
from appliance.features.audit import AuditService
from appliance.features.identity.access import AccessService
from appliance.features.identity.errors import GroupNotFound, LastAdmin, NameTaken, UserNotFound, WrongPassword
from appliance.features.identity.mapping import to_user
from appliance.features.identity.repository import IdentityRepository
from appliance.features.identity.schemas import (
    Directory,
    Group,
    GroupIn,
    GroupName,
    GroupPatch,
    LoginLink,
    Me,
    MePatch,
    OwnLimits,
    PasswordIn,
    Person,
    User,
    UserIn,
    UserPatch,
)
from appliance.features.identity.tables import GroupRow, UserRow

FIRST_ADMIN = "admin"


class PeopleService:
    """Who there is."""

    def __init__(
        self, database: Database, *, access: AccessService, passwords: Passwords, audit: AuditService, limits: Limits
    ) -> None:
        """`access` makes the links that let a new person in."""
        self._limits = OwnLimits(upload_bytes=limits.upload_bytes, question_characters=limits.question_characters)
        self._database = database
        self._access = access
        self._passwords = passwords
        self._audit = audit
        self._repository = IdentityRepository()

    async def ensure_first_admin(self) -> LoginLink:
        """Make the first admin where there is none, and a new single-use link for the first one."""
        async with self._database.begin() as transaction:
            row = await self._repository.first_admin(transaction)
            if row is None:
                row = _new_user(UserIn(username=FIRST_ADMIN, display_name="Administrator", role="admin"))
                transaction.add(row)
                await transaction.flush()
                await self._audit.record(transaction, None, "user.created", object_kind="user", object_id=row.id)
            return await self._link(transaction, row, ends_others=False)

    async def _link(self, transaction: Transaction, row: UserRow, *, ends_others: bool = True) -> LoginLink:
        url, expires = await self._access.create_link(transaction, row.id, ends_others=ends_others)
        groups = (await self._repository.groups_of(transaction, [row.id]))[row.id]
        return LoginLink(user=to_user(row, groups), url=url, expires_at=expires)

    async def page(self, caller: Caller, *, query: str, limit: int, offset: int) -> Page[User]:
        """List everybody, for an admin."""
        caller.require_admin()
        async with self._database.read() as transaction:
            rows, total = await self._repository.users(transaction, query=query, limit=limit, offset=offset)
            groups = await self._repository.groups_of(transaction, [row.id for row in rows])
        return Page(items=[to_user(row, groups[row.id]) for row in rows], total=total, limit=limit, offset=offset)

    async def directory(self) -> Directory:
        """Name colleagues and groups, so that anybody can share with them."""
        async with self._database.read() as transaction:
            users = await self._repository.active_users(transaction)
            groups = await self._repository.all_groups(transaction)
        return Directory(
            users=[Person(id=row.id, username=row.username, display_name=row.display_name) for row in users],
            groups=[GroupName(id=row.id, name=row.name) for row in groups],
        )

    async def get(self, user_id: UUID) -> User:
        """Show one person."""
        async with self._database.read() as transaction:
            row = await self._user(transaction, user_id)
            return to_user(row, (await self._repository.groups_of(transaction, [row.id]))[row.id])

    async def me(self, caller: Caller) -> Me:
        """Show the caller."""
        return Me(
            user=await self.get(caller.user_id),
            via=caller.via,
            scopes=sorted(caller.scopes) if caller.scopes is not None else list(SCOPES),
            csrf_token=caller.csrf_token,
            limits=self._limits,
        )

    async def find(self, caller: Caller, username: str) -> User:
        """Find a person by name, for an admin."""
        caller.require_admin()
        async with self._database.read() as transaction:
            row = await self._repository.user_by_name(transaction, username)
            if row is None:
                raise UserNotFound
            return to_user(row, (await self._repository.groups_of(transaction, [row.id]))[row.id])

    async def add(self, caller: Caller, request: UserIn) -> LoginLink:
        """Make a person and the link that lets them in."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            if await self._repository.user_by_name(transaction, request.username):
                raise NameTaken(name=request.username)
            await self._require_groups(transaction, request.groups)
            row = _new_user(request)
            transaction.add(row)
            await transaction.flush()
            await self._repository.set_groups_of(transaction, row.id, request.groups)
            link = await self._link(transaction, row)
            await self._audit.record(
                transaction,
                caller,
                "user.created",
                object_kind="user",
                object_id=row.id,
                username=row.username,
                role=row.role,
            )
            return link

    async def reset(self, caller: Caller, user_id: UUID) -> LoginLink:
        """Sign a person out everywhere, forget their password, and make a new link."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            row = await self._user(transaction, user_id)
            row.password_hash = None
            await self._repository.end_sessions(transaction, user_id)
            await self._repository.forget_failures(transaction, [f"user:{row.username.lower()}"])
            link = await self._link(transaction, row)
            await self._audit.record(transaction, caller, "user.reset", object_kind="user", object_id=user_id)
            return link

    async def change(self, caller: Caller, user_id: UUID, patch: UserPatch) -> User:
        """Change what an admin may change; disabling ends every session at once."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            row = await self._user(transaction, user_id)
            was_admin = row.role == "admin" and row.disabled_at is None
            for name in ("display_name", "role", "language"):
                if (value := getattr(patch, name)) is not UNSET:
                    setattr(row, name, value)
            if patch.disabled is not UNSET:
                row.disabled_at = (row.disabled_at or now()) if patch.disabled else None
            if patch.groups is not UNSET:
                await self._require_groups(transaction, patch.groups)
                await self._repository.set_groups_of(transaction, user_id, patch.groups)
            await transaction.flush()
            if was_admin and await self._repository.count_admins(transaction) == 0:
                raise LastAdmin
            if row.disabled_at or (was_admin and row.role != "admin"):
                await self._repository.end_sessions(transaction, user_id)
            groups = (await self._repository.groups_of(transaction, [user_id]))[user_id]
            changed = [name for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET]
            await self._audit.record(
                transaction, caller, "user.changed", object_kind="user", object_id=user_id, changed=changed
            )
            return to_user(row, groups)

    async def change_me(self, caller: Caller, patch: MePatch) -> User:
        """Change what people may change about themselves."""
        caller.require_own_account()
        async with self._database.begin() as transaction:
            row = await self._user(transaction, caller.user_id)
            for name in patch.__struct_fields__:
                if (value := getattr(patch, name)) is not UNSET:
                    setattr(row, name, value)
            groups = (await self._repository.groups_of(transaction, [row.id]))[row.id]
            await self._audit.record(transaction, caller, "user.changed", object_kind="user", object_id=row.id)
            return to_user(row, groups)

    async def set_password(self, caller: Caller, request: PasswordIn) -> None:
        """Set one's own password; every other session of one's ends."""
        caller.require_own_account()
        async with self._database.read() as transaction:
            row = await self._user(transaction, caller.user_id)
        if row.password_hash and not await self._passwords.verify(row.password_hash, request.current or ""):
            raise WrongPassword
        hashed = await self._passwords.hash(request.password)
        async with self._database.begin() as transaction:
            row = await self._user(transaction, caller.user_id)
            row.password_hash = hashed
            await self._repository.end_sessions(transaction, row.id, but=caller.session_id)
            await self._audit.record(transaction, caller, "password.changed", object_kind="user", object_id=row.id)

    async def groups(self, caller: Caller, *, limit: int, offset: int) -> Page[Group]:
        """List groups with their members, for an admin."""
        caller.require_admin()
        async with self._database.read() as transaction:
            rows, total = await self._repository.groups(transaction, limit=limit, offset=offset)
            members = await self._repository.members_of(transaction, [row.id for row in rows])
        return Page(items=[_group(row, members[row.id]) for row in rows], total=total, limit=limit, offset=offset)

    async def add_group(self, caller: Caller, request: GroupIn) -> Group:
        """Make a group."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            await self._require_free_name(transaction, request.name)
            await self._require_users(transaction, request.members)
            row = GroupRow(id=new_id(), name=request.name.strip(), created_at=now())
            transaction.add(row)
            await transaction.flush()
            await self._repository.set_members_of(transaction, row.id, request.members)
            await self._audit.record(
                transaction, caller, "group.created", object_kind="group", object_id=row.id, name=row.name
            )
            return _group(row, sorted(set(request.members)))

    async def change_group(self, caller: Caller, group_id: UUID, patch: GroupPatch) -> Group:
        """Rename a group or change who is in it."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            row = await self._group(transaction, group_id)
            if patch.name is not UNSET and patch.name.strip() != row.name:
                await self._require_free_name(transaction, patch.name, but=group_id)
                row.name = patch.name.strip()
            if patch.members is not UNSET:
                await self._require_users(transaction, patch.members)
                await self._repository.set_members_of(transaction, group_id, patch.members)
                await transaction.flush()
            members = (await self._repository.members_of(transaction, [group_id]))[group_id]
            await self._audit.record(transaction, caller, "group.changed", object_kind="group", object_id=group_id)
            return _group(row, members)

    async def remove_group(self, caller: Caller, group_id: UUID) -> None:
        """Remove a group and whatever was granted to it."""
        caller.require_admin()
        async with self._database.begin() as transaction:
            row = await self._group(transaction, group_id)
            await transaction.delete(row)
            await self._audit.record(
                transaction, caller, "group.deleted", object_kind="group", object_id=group_id, name=row.name
            )

    async def require_people(self, transaction: Transaction, users: Iterable[UUID], groups: Iterable[UUID]) -> None:
        """Raise unless all of these exist: for whoever grants something."""
        await self._require_users(transaction, users)
        await self._require_groups(transaction, groups)

    async def _user(self, transaction: Transaction, user_id: UUID) -> UserRow:
        row = await self._repository.user(transaction, user_id)
        if row is None:
            raise UserNotFound
        return row

    async def _group(self, transaction: Transaction, group_id: UUID) -> GroupRow:
        row = await self._repository.group(transaction, group_id)
        if row is None:
            raise GroupNotFound
        return row

    async def _require_free_name(self, transaction: Transaction, name: str, *, but: UUID | None = None) -> None:
        taken = await self._repository.group_by_name(transaction, name.strip())
        if taken and taken.id != but:
            raise NameTaken(name=name.strip())

    async def _require_users(self, transaction: Transaction, ids: Iterable[UUID]) -> None:
        if set(ids) - await self._repository.existing_users(transaction, ids):
            raise InvalidRequest(
                reason=Text("One of these people does not exist.", "L’une de ces personnes n’existe pas.")
            )

    async def _require_groups(self, transaction: Transaction, ids: Iterable[UUID]) -> None:
        if set(ids) - await self._repository.existing_groups(transaction, ids):
            raise InvalidRequest(
                reason=Text("One of these groups does not exist.", "L’un de ces groupes n’existe pas.")
            )


def _new_user(request: UserIn) -> UserRow:
    return UserRow(
        id=new_id(),
        username=request.username,
        display_name=request.display_name.strip() or request.username,
        role=request.role,
        language=request.language,
        theme="system",
        password_hash=None,
        created_at=now(),
        disabled_at=None,
        last_seen_at=None,
    )


def _group(row: GroupRow, members: list[UUID]) -> Group:
    return Group(id=row.id, name=row.name, members=members, created_at=row.created_at)
