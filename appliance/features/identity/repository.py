"""All SQL of the identity room."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, delete, func, or_, select, update

from appliance.core.database import Transaction
from appliance.features.identity.tables import (
    ApiKeyRow,
    GroupMemberRow,
    GroupRow,
    LoginFailureRow,
    LoginLinkRow,
    SessionRow,
    UserRow,
)

# Every request asks these; building a statement takes longer than a small one runs.
_KEY_BY_PREFIX = (
    select(ApiKeyRow, UserRow, GroupMemberRow.group_id)
    .join(UserRow, UserRow.id == ApiKeyRow.user_id)
    .outerjoin(GroupMemberRow, GroupMemberRow.user_id == UserRow.id)
    .where(ApiKeyRow.prefix == bindparam("prefix"))
)
_SESSION_BY_DIGEST = (
    select(SessionRow, UserRow, GroupMemberRow.group_id)
    .join(UserRow, UserRow.id == SessionRow.user_id)
    .outerjoin(GroupMemberRow, GroupMemberRow.user_id == UserRow.id)
    .where(SessionRow.token_digest == bindparam("digest"))
)
_GROUPS_OF = select(GroupMemberRow.user_id, GroupMemberRow.group_id).where(
    GroupMemberRow.user_id.in_(bindparam("users", type_=Uuid(), expanding=True))
)

_FIRST_ADMIN = (
    select(UserRow)
    .where(UserRow.role == "admin", UserRow.disabled_at.is_(None))
    .order_by(UserRow.created_at, UserRow.id)
    .limit(1)
)


class IdentityRepository:
    """Reads and writes people, groups, sessions, links and keys."""

    async def user(self, transaction: Transaction, user_id: UUID) -> UserRow | None:
        """Find a person by id."""
        return await transaction.get(UserRow, user_id)

    async def user_by_name(self, transaction: Transaction, username: str) -> UserRow | None:
        """Find a person by name, whatever its case."""
        statement = select(UserRow).where(func.lower(UserRow.username) == username.lower())
        return await transaction.scalar(statement)

    async def first_admin(self, transaction: Transaction) -> UserRow | None:
        """Find the admin who came first and can sign in."""
        return await transaction.scalar(_FIRST_ADMIN)

    async def count_admins(self, transaction: Transaction) -> int:
        """Count the admins who can sign in."""
        statement = select(func.count()).where(UserRow.role == "admin", UserRow.disabled_at.is_(None))
        return await transaction.scalar(statement) or 0

    async def users(
        self, transaction: Transaction, *, query: str, limit: int, offset: int
    ) -> tuple[list[UserRow], int]:
        """List people by name."""
        conditions: list[ColumnElement[bool]] = []
        if query:
            pattern = f"%{_escape(query.lower())}%"
            conditions.append(
                or_(
                    func.lower(UserRow.username).like(pattern, escape="\\"),
                    func.lower(UserRow.display_name).like(pattern, escape="\\"),
                )
            )
        total = await transaction.scalar(select(func.count()).select_from(UserRow).where(*conditions))
        statement = select(UserRow).where(*conditions).order_by(UserRow.username).limit(limit).offset(offset)
        return list(await transaction.scalars(statement)), total or 0

    async def active_users(self, transaction: Transaction) -> list[UserRow]:
        """List everybody who can sign in."""
        statement = select(UserRow).where(UserRow.disabled_at.is_(None)).order_by(UserRow.username)
        return list(await transaction.scalars(statement))

    async def existing_users(self, transaction: Transaction, ids: Iterable[UUID]) -> set[UUID]:
        """Keep those ids that are people."""
        return set(await transaction.scalars(select(UserRow.id).where(UserRow.id.in_(set(ids)))))

    async def existing_groups(self, transaction: Transaction, ids: Iterable[UUID]) -> set[UUID]:
        """Keep those ids that are groups."""
        return set(await transaction.scalars(select(GroupRow.id).where(GroupRow.id.in_(set(ids)))))

    async def groups_of(self, transaction: Transaction, user_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """Name the groups of each person."""
        found: dict[UUID, list[UUID]] = {user_id: [] for user_id in user_ids}
        for user_id, group_id in await transaction.execute(_GROUPS_OF, {"users": list(user_ids)}):
            found[user_id].append(group_id)
        return found

    async def set_groups_of(self, transaction: Transaction, user_id: UUID, groups: Iterable[UUID]) -> None:
        """Put a person into these groups and no others."""
        await transaction.execute(delete(GroupMemberRow).where(GroupMemberRow.user_id == user_id))
        transaction.add_all([GroupMemberRow(group_id=group, user_id=user_id) for group in set(groups)])

    async def group(self, transaction: Transaction, group_id: UUID) -> GroupRow | None:
        """Find a group by id."""
        return await transaction.get(GroupRow, group_id)

    async def group_by_name(self, transaction: Transaction, name: str) -> GroupRow | None:
        """Find a group by name, whatever its case."""
        return await transaction.scalar(select(GroupRow).where(func.lower(GroupRow.name) == name.lower()))

    async def groups(self, transaction: Transaction, *, limit: int, offset: int) -> tuple[list[GroupRow], int]:
        """List groups by name."""
        total = await transaction.scalar(select(func.count()).select_from(GroupRow))
        statement = select(GroupRow).order_by(GroupRow.name).limit(limit).offset(offset)
        return list(await transaction.scalars(statement)), total or 0

    async def all_groups(self, transaction: Transaction) -> list[GroupRow]:
        """List every group by name."""
        return list(await transaction.scalars(select(GroupRow).order_by(GroupRow.name)))

    async def members_of(self, transaction: Transaction, group_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """Name the members of each group."""
        found: dict[UUID, list[UUID]] = {group_id: [] for group_id in group_ids}
        statement = select(GroupMemberRow.group_id, GroupMemberRow.user_id).where(
            GroupMemberRow.group_id.in_(group_ids)
        )
        for group_id, user_id in await transaction.execute(statement):
            found[group_id].append(user_id)
        return found

    async def set_members_of(self, transaction: Transaction, group_id: UUID, users: Iterable[UUID]) -> None:
        """Put these people and no others into a group."""
        await transaction.execute(delete(GroupMemberRow).where(GroupMemberRow.group_id == group_id))
        transaction.add_all([GroupMemberRow(group_id=group_id, user_id=user) for user in set(users)])

    async def session_by_digest(
        self, transaction: Transaction, digest: str
    ) -> tuple[SessionRow, UserRow, list[UUID]] | None:
        """Find a session, its person and that person's groups: in one statement, as every request asks."""
        rows = (await transaction.execute(_SESSION_BY_DIGEST, {"digest": digest})).all()
        return (rows[0][0], rows[0][1], [group for *_, group in rows if group]) if rows else None

    async def session(self, transaction: Transaction, session_id: UUID) -> SessionRow | None:
        """Find a session by id."""
        return await transaction.get(SessionRow, session_id)

    async def sessions(
        self, transaction: Transaction, *, user_id: UUID | None, at: datetime, limit: int, offset: int
    ) -> tuple[list[tuple[SessionRow, str]], int]:
        """List sessions that have not ended, with the person's name, latest first."""
        conditions = [SessionRow.expires_at > at]
        if user_id:
            conditions.append(SessionRow.user_id == user_id)
        total = await transaction.scalar(select(func.count()).select_from(SessionRow).where(*conditions))
        statement = (
            select(SessionRow, UserRow.username)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .where(*conditions)
            .order_by(SessionRow.seen_at.desc())
            .limit(limit)
            .offset(offset)
        )
        return [(row[0], row[1]) for row in await transaction.execute(statement)], total or 0

    async def touch_session(self, transaction: Transaction, session_id: UUID, user_id: UUID, at: datetime) -> None:
        """Note that a session was used."""
        await transaction.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=at))
        await transaction.execute(update(UserRow).where(UserRow.id == user_id).values(last_seen_at=at))

    async def end_sessions(self, transaction: Transaction, user_id: UUID, *, but: UUID | None = None) -> None:
        """Sign a person out everywhere, but for one session."""
        statement = delete(SessionRow).where(SessionRow.user_id == user_id)
        if but:
            statement = statement.where(SessionRow.id != but)
        await transaction.execute(statement)

    async def forget_ended(self, transaction: Transaction, at: datetime) -> None:
        """Drop sessions, links and failures that mean nothing any more."""
        await transaction.execute(delete(SessionRow).where(SessionRow.expires_at <= at))
        await transaction.execute(delete(LoginLinkRow).where(LoginLinkRow.expires_at <= at))

    async def link(self, transaction: Transaction, digest: str) -> LoginLinkRow | None:
        """Find a sign-in link and hold it for this transaction."""
        return await transaction.get(LoginLinkRow, digest, with_for_update=True)

    async def revoke_links(self, transaction: Transaction, user_id: UUID) -> None:
        """Make a person's unused links worthless."""
        await transaction.execute(
            delete(LoginLinkRow).where(LoginLinkRow.user_id == user_id, LoginLinkRow.used_at.is_(None))
        )

    async def key_by_prefix(
        self, transaction: Transaction, prefix: str
    ) -> tuple[ApiKeyRow, UserRow, list[UUID]] | None:
        """Find a key, its owner and that person's groups, likewise."""
        rows = (await transaction.execute(_KEY_BY_PREFIX, {"prefix": prefix})).all()
        return (rows[0][0], rows[0][1], [group for *_, group in rows if group]) if rows else None

    async def key(self, transaction: Transaction, key_id: UUID) -> tuple[ApiKeyRow, str] | None:
        """Find a key by id, with its owner's name."""
        statement = (
            select(ApiKeyRow, UserRow.username)
            .join(UserRow, UserRow.id == ApiKeyRow.user_id)
            .where(ApiKeyRow.id == key_id)
        )
        row = (await transaction.execute(statement)).first()
        return (row[0], row[1]) if row else None

    async def keys(
        self, transaction: Transaction, *, user_id: UUID | None, limit: int, offset: int
    ) -> tuple[list[tuple[ApiKeyRow, str]], int]:
        """List keys with their owners' names, newest first."""
        conditions = [ApiKeyRow.user_id == user_id] if user_id else []
        total = await transaction.scalar(select(func.count()).select_from(ApiKeyRow).where(*conditions))
        statement = (
            select(ApiKeyRow, UserRow.username)
            .join(UserRow, UserRow.id == ApiKeyRow.user_id)
            .where(*conditions)
            .order_by(ApiKeyRow.created_at.desc())
            .limit(limit)
            .offset(offset)
        )
        return [(row[0], row[1]) for row in await transaction.execute(statement)], total or 0

    async def touch_key(self, transaction: Transaction, key_id: UUID, at: datetime) -> None:
        """Note that a key was used."""
        await transaction.execute(update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(last_used_at=at))

    async def failures(self, transaction: Transaction, subject: str) -> LoginFailureRow | None:
        """Find the wrong sign-ins of an account or address."""
        return await transaction.get(LoginFailureRow, subject)

    async def forget_failures(self, transaction: Transaction, subjects: Sequence[str]) -> None:
        """Start counting again."""
        await transaction.execute(delete(LoginFailureRow).where(LoginFailureRow.subject.in_(subjects)))


def _escape(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
