"""People and what they hold: users, groups, sessions, sign-in links and API keys."""

from appliance.features.identity.access import AccessService
from appliance.features.identity.keys import KeyService
from appliance.features.identity.people import PeopleService
from appliance.features.identity.schemas import GroupIn, GroupPatch
from appliance.features.identity.tables import GroupMemberRow, GroupRow, UserRow

__all__ = [
    "AccessService",
    "GroupIn",
    "GroupMemberRow",
    "GroupPatch",
    "GroupRow",
    "KeyService",
    "PeopleService",
    "UserRow",
]
