"""Signing in and out, and who there is."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.params import QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_204_NO_CONTENT

from appliance.core.caller import Caller
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.core.web import PLAIN_COOKIE, SECURE_COOKIE
from appliance.features.identity.access import AccessService, NewSession
from appliance.features.identity.keys import KeyService
from appliance.features.identity.people import PeopleService
from appliance.features.identity.schemas import (
    ApiKey,
    Directory,
    Group,
    GroupIn,
    GroupPatch,
    KeyIn,
    KeyPatch,
    LoginIn,
    LoginLink,
    LoginOut,
    Me,
    MePatch,
    NewApiKey,
    PasswordIn,
    SessionOut,
    User,
    UserIn,
    UserPatch,
)

Query = Annotated[str, QueryParameter(name="q", max_length=200)]


class SignInController(Controller):
    """A session for a browser."""

    tags = ("Sign-in",)

    @post("/api/login", status_code=HTTP_200_OK, operation_id="LogIn", summary="Sign in by link or password")
    async def log_in(self, request: Request[Any, Any, Any], data: LoginIn, access: AccessService) -> Response[LoginOut]:
        """Answer with a session cookie and the token that writes must carry in X-CSRF-Token."""
        peer = request.client.host if request.client else ""
        session = await access.log_in(data, peer=peer, user_agent=request.headers.get("user-agent", ""))
        body = LoginOut(user=session.user, csrf_token=session.csrf_token)
        return Response(body, cookies=_session_cookies(session, is_tls=request.url.scheme == "https"))

    @post("/api/logout", status_code=HTTP_204_NO_CONTENT, operation_id="LogOut", summary="End this session")
    async def log_out(self, caller: Caller, access: AccessService) -> Response[None]:
        """Forget the session here and in the browser."""
        await access.log_out(caller)
        ended = [
            Cookie(key=SECURE_COOKIE, value="", max_age=0, path="/", secure=True, httponly=True, samesite="strict"),
            Cookie(key=PLAIN_COOKIE, value="", max_age=0, path="/", httponly=True, samesite="strict"),
        ]
        return Response(None, status_code=HTTP_204_NO_CONTENT, cookies=ended)

    @get("/api/me", operation_id="GetMe", summary="Who asks, and what they may")
    async def me(self, caller: Caller, people: PeopleService) -> Me:
        """Show the caller."""
        return await people.me(caller)

    @patch("/api/me", operation_id="ChangeMe", summary="Change one's own name, language or theme")
    async def change_me(self, caller: Caller, data: MePatch, people: PeopleService) -> User:
        """Change what people may change about themselves."""
        return await people.change_me(caller, data)

    @post("/api/me/password", status_code=HTTP_204_NO_CONTENT, operation_id="SetPassword", summary="Set one's password")
    async def set_password(self, caller: Caller, data: PasswordIn, people: PeopleService) -> None:
        """End every other session of one's own too."""
        await people.set_password(caller, data)

    @get("/api/directory", operation_id="GetDirectory", summary="Colleagues and groups to share with")
    async def directory(self, people: PeopleService) -> Directory:
        """Names only."""
        return await people.directory()


class UserController(Controller):
    """People, for admins."""

    path = "/api/users"
    tags = ("Administration",)

    @get(operation_id="ListUsers", summary="List people")
    async def list_users(
        self,
        caller: Caller,
        people: PeopleService,
        sought: Query = "",
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[User]:
        """By name."""
        return await people.page(caller, query=sought, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddUser", summary="Add a person; answers with their sign-in link")
    async def add(self, caller: Caller, data: UserIn, people: PeopleService) -> LoginLink:
        """The link works once."""
        return await people.add(caller, data)

    @patch("/{user_id:uuid}", operation_id="ChangeUser", summary="Change or disable a person")
    async def change(self, caller: Caller, user_id: UUID, data: UserPatch, people: PeopleService) -> User:
        """Disabling ends their sessions and keys at once."""
        return await people.change(caller, user_id, data)

    @post("/{user_id:uuid}/reset", status_code=HTTP_200_OK, operation_id="ResetUser", summary="A new sign-in link")
    async def reset(self, caller: Caller, user_id: UUID, people: PeopleService) -> LoginLink:
        """Sign the person out everywhere first."""
        return await people.reset(caller, user_id)


class GroupController(Controller):
    """Groups, for admins."""

    path = "/api/groups"
    tags = ("Administration",)

    @get(operation_id="ListGroups", summary="List groups")
    async def list_groups(
        self, caller: Caller, people: PeopleService, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> Page[Group]:
        """With their members."""
        return await people.groups(caller, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddGroup", summary="Add a group")
    async def add(self, caller: Caller, data: GroupIn, people: PeopleService) -> Group:
        """With members, if given."""
        return await people.add_group(caller, data)

    @patch("/{group_id:uuid}", operation_id="ChangeGroup", summary="Rename a group or set its members")
    async def change(self, caller: Caller, group_id: UUID, data: GroupPatch, people: PeopleService) -> Group:
        """Members given replace those there."""
        return await people.change_group(caller, group_id, data)

    @delete("/{group_id:uuid}", operation_id="RemoveGroup", summary="Remove a group")
    async def remove(self, caller: Caller, group_id: UUID, people: PeopleService) -> None:
        """What was granted to it ends."""
        await people.remove_group(caller, group_id)


class KeyController(Controller):
    """API keys: everybody's own, and for admins all."""

    path = "/api/keys"
    tags = ("Administration",)

    @get(operation_id="ListKeys", summary="List keys")
    async def list_keys(
        self,
        caller: Caller,
        keys: KeyService,
        everybody: Annotated[bool, QueryParameter(name="all")] = False,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[ApiKey]:
        """`all=true` for an admin."""
        return await keys.page(caller, everybody=everybody, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddKey", summary="Make a key; it is shown only here")
    async def add(self, caller: Caller, data: KeyIn, keys: KeyService) -> NewApiKey:
        """A key never may more than the one who makes it."""
        return await keys.create(caller, data)

    @patch("/{key_id:uuid}", operation_id="RenameKey", summary="Rename a key")
    async def rename(self, caller: Caller, key_id: UUID, data: KeyPatch, keys: KeyService) -> ApiKey:
        """Its rights stay as they are."""
        return await keys.rename(caller, key_id, data)

    @delete("/{key_id:uuid}", operation_id="RevokeKey", summary="Revoke a key")
    async def revoke(self, caller: Caller, key_id: UUID, keys: KeyService) -> None:
        """At once."""
        await keys.revoke(caller, key_id)


class SessionController(Controller):
    """Signed-in browsers: everybody's own, and for admins all."""

    path = "/api/sessions"
    tags = ("Administration",)

    @get(operation_id="ListSessions", summary="List open sessions")
    async def list_sessions(
        self,
        caller: Caller,
        access: AccessService,
        everybody: Annotated[bool, QueryParameter(name="all")] = False,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[SessionOut]:
        """`all=true` for an admin."""
        return await access.sessions(caller, everybody=everybody, limit=limit, offset=offset)

    @delete("/{session_id:uuid}", operation_id="EndSession", summary="Sign a browser out")
    async def end(self, caller: Caller, session_id: UUID, access: AccessService) -> None:
        """At once."""
        await access.end_session(caller, session_id)


def _session_cookies(session: NewSession, *, is_tls: bool) -> list[Cookie]:
    age = int(session.lifetime.total_seconds())
    secure = Cookie(
        key=SECURE_COOKIE, value=session.token, max_age=age, path="/", secure=True, httponly=True, samesite="strict"
    )
    if is_tls:
        return [secure]
    plain = Cookie(key=PLAIN_COOKIE, value=session.token, max_age=age, path="/", httponly=True, samesite="strict")
    return [secure, plain]
