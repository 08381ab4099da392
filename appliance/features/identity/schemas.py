"""What goes over the wire about people. Secrets appear once, in the answer that makes them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.core.caller import SCOPES, Role
from appliance.core.text import Language

Username = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.@-]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Password = Annotated[str, Meta(min_length=10, max_length=1000)]
Theme = Literal["system", "light", "dark"]
ScopeName = Literal["knowledge", "models", "chat", "bi", "speech", "calls", "inbox", "leads", "metrics", "admin", "all"]
KNOWN_SCOPES = (*SCOPES, "all")


class In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends: an unknown field is an error, not a surprise."""


class LoginIn(In):
    """A sign-in link's token, or a name and a password."""

    token: Annotated[str, Meta(max_length=200)] | None = None
    username: Annotated[str, Meta(max_length=200)] | None = None
    password: Annotated[str, Meta(max_length=1000)] | None = None


class User(msgspec.Struct, kw_only=True):
    """A person as others see them."""

    id: UUID
    username: str
    display_name: str
    role: Role
    language: Language
    theme: Theme
    groups: list[UUID]
    has_password: bool
    disabled: bool
    created_at: datetime
    last_seen_at: datetime | None


class LoginOut(msgspec.Struct, kw_only=True):
    """Who signed in, and the token that writes by cookie must carry."""

    user: User
    csrf_token: str


class OwnLimits(msgspec.Struct, kw_only=True):
    """What is refused beyond: shown before it happens."""

    upload_bytes: int
    question_characters: int


class Me(msgspec.Struct, kw_only=True):
    """The caller: the person, how they came, what they may, and within which limits."""

    user: User
    via: Literal["session", "key", "local"]
    scopes: list[str]
    csrf_token: str | None
    limits: OwnLimits


class MePatch(In):
    """What a person changes about themselves."""

    display_name: Name | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET


class PasswordIn(In):
    """A new password; the present one where there is one."""

    password: Password
    current: Annotated[str, Meta(max_length=1000)] | None = None


class UserIn(In):
    """A new person."""

    username: Username
    display_name: Annotated[str, Meta(max_length=200)] = ""
    role: Role = "member"
    language: Language = "en"
    groups: list[UUID] = []


class UserPatch(In):
    """What an admin changes about a person."""

    display_name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    groups: list[UUID] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class LoginLink(msgspec.Struct, kw_only=True):
    """A link that signs this person in once."""

    user: User
    url: str
    expires_at: datetime


class Person(msgspec.Struct, kw_only=True):
    """The little everybody may know of a colleague, to share with them."""

    id: UUID
    username: str
    display_name: str


class Directory(msgspec.Struct, kw_only=True):
    """Whom something can be shared with."""

    users: list[Person]
    groups: list["GroupName"]


class GroupName(msgspec.Struct, kw_only=True):
    """A group by name."""

    id: UUID
    name: str


class GroupIn(In):
    """A new group."""

    name: Name
    members: list[UUID] = []


class GroupPatch(In):
    """What changes about a group."""

    name: Name | UnsetType = UNSET
    members: list[UUID] | UnsetType = UNSET


class Group(msgspec.Struct, kw_only=True):
    """A group and who is in it."""

    id: UUID
    name: str
    members: list[UUID]
    created_at: datetime


class KeyIn(In):
    """A new API key; without `expires_days` it lasts `security.key_days`."""

    name: Name
    scopes: Annotated[list[ScopeName], Meta(min_length=1, max_length=len(KNOWN_SCOPES))]
    expires_days: Annotated[float, Meta(gt=0, le=3650)] | None = None


class KeyPatch(In):
    """A key's new name."""

    name: Name


class ApiKey(msgspec.Struct, kw_only=True):
    """A key as it is listed: never the key itself."""

    id: UUID
    prefix: str
    name: str
    user_id: UUID
    username: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked: bool


class NewApiKey(ApiKey, kw_only=True):
    """A key just made, with the key: it is never shown again."""

    key: str


class SessionOut(msgspec.Struct, kw_only=True):
    """A signed-in browser."""

    id: UUID
    user_id: UUID
    username: str
    user_agent: str
    peer: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool
