"""Who asks: carried from the door to every service method, never kept."""

from typing import Literal
from uuid import UUID

import msgspec

from appliance.core.errors import Forbidden
from appliance.core.text import Language, Text

Role = Literal["admin", "member"]
Scope = Literal["knowledge", "models", "chat", "bi", "speech", "calls", "inbox", "leads", "metrics", "admin"]
SCOPES: tuple[Scope, ...] = (
    "knowledge",
    "models",
    "chat",
    "bi",
    "speech",
    "calls",
    "inbox",
    "leads",
    "metrics",
    "admin",
)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A person, by session, key or the machine's own command line. `scopes` is None where all of them are held."""

    user_id: UUID
    username: str
    role: Role
    groups: frozenset[UUID] = frozenset()
    scopes: frozenset[str] | None = None
    language: Language = "en"
    via: Literal["session", "key", "local"] = "session"
    session_id: UUID | None = None
    csrf_token: str | None = None
    peer: str = ""

    @property
    def is_admin(self) -> bool:
        """An admin by role whose key, if a key it is, carries that scope."""
        return self.role == "admin" and (self.scopes is None or "admin" in self.scopes)

    def require_scope(self, scope: Scope) -> None:
        """Raise Forbidden unless the key carries the scope; sessions carry all."""
        if self.scopes is not None and scope not in self.scopes:
            raise Forbidden(needed=Text(f"a key with the scope `{scope}`", f"une clé portant la portée `{scope}`"))

    def require_admin(self) -> None:
        """Raise Forbidden unless an admin asks."""
        self.require_scope("admin")
        if self.role != "admin":
            raise Forbidden(needed=Text("the role of administrator", "le rôle d’administrateur"))

    def require_own_account(self) -> None:
        """Raise Forbidden for a key made for some purpose: it must not touch its owner's keys, sessions or password."""
        if self.scopes is not None and "admin" not in self.scopes:
            raise Forbidden(
                needed=Text("a session, or a key with all scopes", "une session, ou une clé de toutes portées")
            )
