"""Getting in: sign-in links, passwords, sessions, keys, and the lock after too many wrong tries."""

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from appliance.core.caller import Caller, Role
from appliance.core.database import Database, Transaction, look_again, now
from appliance.core.errors import InvalidRequest
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.core.security import Passwords, Vault, new_token
from appliance.core.settings_sections import Security
from appliance.core.text import Language, Text
from appliance.core.web import Credentials
from appliance.features.audit import AuditService
from appliance.features.identity.errors import LoginFailed, LoginLocked, SessionNotFound
from appliance.features.identity.mapping import to_user
from appliance.features.identity.repository import IdentityRepository
from appliance.features.identity.schemas import LoginIn, SessionOut, User
from appliance.features.identity.tables import LoginFailureRow, LoginLinkRow, SessionRow, UserRow

KEY_MARK = "sov"
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST_LOCK = timedelta(hours=1)
_COUNT_ATTEMPTS = 20


class NewSession(msgspec.Struct, frozen=True):
    """A session just made: the token goes into the cookie and nowhere else."""

    user: User
    token: str
    csrf_token: str
    lifetime: timedelta


class AccessService:
    """Tells who a request is, and lets people in and out."""

    def __init__(
        self,
        database: Database,
        *,
        vault: Vault,
        passwords: Passwords,
        audit: AuditService,
        rules: Security,
        base_url: str,
    ) -> None:
        """`rules`: how long a sign-in lasts and when guessing ends. `base_url`: where people open the appliance."""
        self._base_url = base_url.rstrip("/")
        self._database = database
        self._vault = vault
        self._passwords = passwords
        self._audit = audit
        self._rules = rules
        self._repository = IdentityRepository()
        self.control_token = f"control_{new_token()}"
        """Lets the machine's own command line in as the first admin; kept by whoever may read the data directory."""

    async def authenticate(self, credentials: Credentials) -> Caller | None:
        """Say who it is; None for nobody. Every request asks, so a revoked key or a disabled person is out at once."""
        if credentials.key and hmac.compare_digest(credentials.key.encode(), self.control_token.encode()):
            return await self.local_admin()
        if credentials.key:
            return await self._by_key(credentials.key, credentials.peer)
        if credentials.session:
            return await self._by_session(credentials.session, credentials.peer)
        return None

    async def _by_session(self, token: str, peer: str) -> Caller | None:
        moment = now()
        async with self._database.read() as transaction:
            found = await self._repository.session_by_digest(transaction, self._vault.digest(token))
            if found is None:
                return None
            session, user, groups = found
            idle = moment - session.seen_at > timedelta(hours=self._rules.session_idle_hours)
            if user.disabled_at or session.expires_at <= moment or idle:
                return None
        if moment - session.seen_at > _SEEN_EVERY:
            async with self._database.begin() as transaction:
                await self._repository.touch_session(transaction, session.id, user.id, moment)
        return _caller(user, groups, peer, session=session)

    async def _by_key(self, key: str, peer: str) -> Caller | None:
        mark, _, rest = key.partition("_")
        prefix, _, secret = rest.partition("_")
        if mark != KEY_MARK or not prefix or not secret:
            return None
        moment = now()
        async with self._database.read() as transaction:
            found = await self._repository.key_by_prefix(transaction, prefix)
            if found is None:
                return None
            row, user, groups = found
            right = hmac.compare_digest(row.secret_digest, self._vault.digest(secret))
            ended = row.revoked_at or (row.expires_at and row.expires_at <= moment)
            if not right or ended or user.disabled_at:
                return None
        if row.last_used_at is None or moment - row.last_used_at > _SEEN_EVERY:
            async with self._database.begin() as transaction:
                await self._repository.touch_key(transaction, row.id, moment)
        scopes = None if "all" in row.scopes else frozenset(row.scopes)
        return _caller(user, groups, peer, scopes=scopes, via_key=True)

    async def local_admin(self) -> Caller | None:
        """Who the machine's own command line acts as: the first admin."""
        async with self._database.read() as transaction:
            user = await self._repository.first_admin(transaction)
            if user is None:
                return None
            groups = (await self._repository.groups_of(transaction, [user.id]))[user.id]
        return msgspec.structs.replace(_caller(user, groups, "local"), via="local")

    async def log_in(self, request: LoginIn, *, peer: str, user_agent: str) -> NewSession:
        """Sign in by link or password. Raises LoginFailed, or LoginLocked after too many of them."""
        if request.token:
            return await self._log_in_by_link(request.token, peer=peer, user_agent=user_agent)
        if request.username is None or request.password is None:
            raise InvalidRequest(
                reason=Text(
                    "Send `token`, or `username` and `password`.", "Envoyez `token`, ou `username` et `password`."
                )
            )
        username = request.username
        subjects = self._subjects(username, peer)
        await self._refuse_while_locked(subjects)
        async with self._database.read() as transaction:
            user = await self._repository.user_by_name(transaction, username)
        right = await self._passwords.verify(user.password_hash if user else None, request.password)
        if user is None or not right or user.disabled_at:
            await look_again(lambda: self._count_failure(subjects, username=username, peer=peer), times=_COUNT_ATTEMPTS)
            raise LoginFailed
        async with self._database.begin() as transaction:
            await self._repository.forget_failures(transaction, list(subjects))
            return await self._open_session(transaction, user, peer=peer, user_agent=user_agent, by="password")

    def _subjects(self, username: str, peer: str) -> dict[str, int]:
        """Name what is counted, and how many wrong tries each may have.

        The account from one address is tight; the account from anywhere and the address for any account are wider, so
        that guessing locks the one who guesses and not the colleague behind the same proxy.
        """
        attempts = self._rules.login_attempts
        name = username.lower()[:100]
        return {f"pair:{name}@{peer}": attempts, f"user:{name}": attempts * 5, f"peer:{peer}": attempts * 10}

    async def _log_in_by_link(self, token: str, *, peer: str, user_agent: str) -> NewSession:
        """A link is 256 bits nobody guesses, so it works while passwords are locked: it is the way back in."""
        moment = now()
        async with self._database.begin() as transaction:
            link = await self._repository.link(transaction, self._vault.digest(token))
            user = await self._repository.user(transaction, link.user_id) if link else None
            if link and user and not link.used_at and link.expires_at > moment and not user.disabled_at:
                link.used_at = moment
                await self._repository.revoke_links(transaction, user.id)
                await self._repository.forget_failures(transaction, list(self._subjects(user.username, peer)))
                return await self._open_session(transaction, user, peer=peer, user_agent=user_agent, by="link")
            await self._record_failure(transaction, username="", peer=peer)
        raise LoginFailed

    async def _refuse_while_locked(self, subjects: Iterable[str]) -> None:
        moment = now()
        async with self._database.read() as transaction:
            for subject in subjects:
                failures = await self._repository.failures(transaction, subject)
                if failures and failures.locked_until and failures.locked_until > moment:
                    seconds = int((failures.locked_until - moment).total_seconds()) + 1
                    raise LoginLocked(seconds=seconds, retry_after_seconds=seconds)

    async def _count_failure(self, subjects: dict[str, int], *, username: str, peer: str) -> None:
        """Lock from the allowed number on, twice as long each time, at most an hour."""
        moment = now()
        async with self._database.begin() as transaction:
            for subject, allowed in subjects.items():
                row = await self._repository.failures(transaction, subject)
                if row is None:
                    row = LoginFailureRow(subject=subject, failures=0, failed_at=moment, locked_until=None)
                    transaction.add(row)
                if moment - row.failed_at > _LONGEST_LOCK * 2:
                    row.failures = 0
                row.failures, row.failed_at = row.failures + 1, moment
                beyond = row.failures - allowed
                if beyond >= 0:
                    lock = timedelta(seconds=self._rules.lockout_seconds * 2 ** min(beyond, 12))
                    row.locked_until = moment + min(lock, _LONGEST_LOCK)
            await self._record_failure(transaction, username=username, peer=peer)

    async def _record_failure(self, transaction: Transaction, *, username: str, peer: str) -> None:
        await self._audit.record(
            transaction,
            None,
            "login.failed",
            object_kind="user",
            object_id=username[:100] or "link",
            outcome="refused",
            actor=username[:100] or "unknown",
            peer=peer,
        )

    async def _open_session(
        self, transaction: Transaction, user: UserRow, *, peer: str, user_agent: str, by: str
    ) -> NewSession:
        moment = now()
        token = new_token()
        lifetime = timedelta(days=self._rules.session_days)
        session = SessionRow(
            id=new_id(),
            token_digest=self._vault.digest(token),
            csrf_token=new_token(),
            user_id=user.id,
            user_agent=user_agent[:200],
            peer=peer,
            created_at=moment,
            seen_at=moment,
            expires_at=moment + lifetime,
        )
        transaction.add(session)
        user.last_seen_at = moment
        transaction.add(user)
        await self._repository.forget_ended(transaction, moment)
        groups = (await self._repository.groups_of(transaction, [user.id]))[user.id]
        caller = _caller(user, groups, peer, session=session)
        await self._audit.record(transaction, caller, "login.done", object_kind="user", object_id=user.id, by=by)
        return NewSession(to_user(user, groups), token, session.csrf_token, lifetime)

    async def log_out(self, caller: Caller) -> None:
        """End the caller's session; a key has none."""
        if caller.session_id is None:
            return
        async with self._database.begin() as transaction:
            session = await self._repository.session(transaction, caller.session_id)
            if session:
                await transaction.delete(session)
            await self._audit.record(transaction, caller, "logout.done", object_kind="user", object_id=caller.user_id)

    async def create_link(
        self, transaction: Transaction, user_id: UUID, *, ends_others: bool = True
    ) -> tuple[str, datetime]:
        """Make a single-use sign-in address. The token stands in the fragment.

        The person's other unused ones end now, or where several processes print one each, as soon as one is used.
        """
        if ends_others:
            await self._repository.revoke_links(transaction, user_id)
        token, moment = new_token(), now()
        expires = moment + timedelta(hours=self._rules.login_link_hours)
        transaction.add(
            LoginLinkRow(
                token_digest=self._vault.digest(token),
                user_id=user_id,
                created_at=moment,
                expires_at=expires,
                used_at=None,
            )
        )
        return f"{self._base_url}/#/login?token={token}", expires

    async def sessions(self, caller: Caller, *, everybody: bool, limit: int, offset: int) -> Page[SessionOut]:
        """List open sessions: one's own, or for an admin everybody's."""
        caller.require_own_account()
        if everybody:
            caller.require_admin()
        async with self._database.read() as transaction:
            rows, total = await self._repository.sessions(
                transaction, user_id=None if everybody else caller.user_id, at=now(), limit=limit, offset=offset
            )
        items = [
            SessionOut(
                id=row.id,
                user_id=row.user_id,
                username=username,
                user_agent=row.user_agent,
                peer=row.peer,
                created_at=row.created_at,
                seen_at=row.seen_at,
                expires_at=row.expires_at,
                current=row.id == caller.session_id,
            )
            for row, username in rows
        ]
        return Page(items=items, total=total, limit=limit, offset=offset)

    async def end_session(self, caller: Caller, session_id: UUID) -> None:
        """Sign one browser out: one's own, or for an admin anybody's."""
        caller.require_own_account()
        async with self._database.begin() as transaction:
            session = await self._repository.session(transaction, session_id)
            if session is None or (session.user_id != caller.user_id and not caller.is_admin):
                raise SessionNotFound
            await transaction.delete(session)
            await self._audit.record(transaction, caller, "session.ended", object_kind="session", object_id=session_id)


def _caller(
    user: UserRow,
    groups: list[UUID],
    peer: str,
    *,
    session: SessionRow | None = None,
    scopes: frozenset[str] | None = None,
    via_key: bool = False,
) -> Caller:
    role: Role = "admin" if user.role == "admin" else "member"
    language: Language = "fr" if user.language == "fr" else "en"
    return Caller(
        user_id=user.id,
        username=user.username,
        role=role,
        groups=frozenset(groups),
        scopes=scopes,
        language=language,
        via="key" if via_key else "session",
        session_id=session.id if session else None,
        csrf_token=session.csrf_token if session else None,
        peer=peer,
    )
