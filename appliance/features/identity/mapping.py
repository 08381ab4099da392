"""From rows to what goes over the wire."""

from typing import cast
from uuid import UUID

from appliance.core.caller import Role
from appliance.core.text import Language
from appliance.features.identity.schemas import ApiKey, Theme, User
from appliance.features.identity.tables import ApiKeyRow, UserRow


def to_user(row: UserRow, groups: list[UUID]) -> User:
    """Show a person."""
    return User(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=cast("Role", row.role),
        language=cast("Language", row.language),
        theme=cast("Theme", row.theme),
        groups=groups,
        has_password=row.password_hash is not None,
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )


def to_key(row: ApiKeyRow, username: str) -> ApiKey:
    """Show a key without the key."""
    return ApiKey(
        id=row.id,
        prefix=row.prefix,
        name=row.name,
        user_id=row.user_id,
        username=username,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked=row.revoked_at is not None,
    )
