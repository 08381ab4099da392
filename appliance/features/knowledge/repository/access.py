"""Who may see what: the one statement all others start from."""

from typing import Any

from sqlalchemy import Uuid, and_, bindparam, case, exists, literal, or_
from sqlalchemy.sql import ColumnElement

from appliance.core.caller import Caller
from appliance.features.knowledge.tables import CollectionGrantRow, CollectionRow

# Their type is said: a foreign key's column has none until the table it points to is imported.
_CALLER = bindparam("caller", type_=Uuid())
_GROUPS = bindparam("caller_groups", type_=Uuid(), expanding=True)


def asked_by(caller: Caller) -> dict[str, Any]:
    """Fill `IS_READABLE` in."""
    return {"caller": caller.user_id, "caller_groups": list(caller.groups)}


def _granted(user_id: Any, groups: Any, *, right: str | None = None) -> ColumnElement[bool]:
    to_caller = or_(CollectionGrantRow.user_id == user_id, CollectionGrantRow.group_id.in_(groups))
    conditions = [CollectionGrantRow.collection_id == CollectionRow.id, to_caller]
    if right:
        conditions.append(CollectionGrantRow.right == right)
    return exists().where(and_(*conditions)).correlate(CollectionRow)


def is_readable(caller: Caller) -> ColumnElement[bool]:
    """The caller owns the collection, or it is granted to them or to a group of theirs."""
    return _is_readable(caller.user_id, list(caller.groups))


def _is_readable(user_id: Any, groups: Any) -> ColumnElement[bool]:
    return or_(CollectionRow.owner_id == user_id, _granted(user_id, groups))


IS_READABLE = _is_readable(_CALLER, _GROUPS)
"""`is_readable` for statements that are made once: building one takes longer than a small one runs."""


def is_known(caller: Caller) -> ColumnElement[bool]:
    """The caller may learn that the collection exists: readers, and admins, who manage what they may not read."""
    return literal(value=True) if caller.is_admin else is_readable(caller)


def right_of(caller: Caller) -> ColumnElement[str]:
    """What the caller may do: `owner`, `editor`, `reader`, or for an admin without a grant `manage`."""
    return case(
        (CollectionRow.owner_id == caller.user_id, "owner"),
        (_granted(caller.user_id, list(caller.groups), right="editor"), "editor"),
        (_granted(caller.user_id, list(caller.groups)), "reader"),
        else_="manage",
    )
