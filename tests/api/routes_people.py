"""Cases of the routes about users, groups, keys and sessions."""

import secrets
from typing import Any
from uuid import uuid4

from tests.api.cases import denied, happy, invalid
from tests.api.house import House


def new_name() -> str:
    return f"name-{secrets.token_hex(4)}"


@happy("GET /api/users")
async def people_are_listed(house: House) -> None:
    found = (await house.admin.api.get("/api/users", params={"q": house.member.name.upper()})).json()
    assert [user["id"] for user in found["items"]] == [house.member.id]
    assert (found["total"], found["limit"], found["offset"]) == (1, 20, 0)


@denied("GET /api/users", 403)
async def people_are_listed_for_admins(house: House) -> None:
    await house.member.api.get("/api/users")


@invalid("GET /api/users")
async def a_page_has_at_most_a_hundred(house: House) -> None:
    await house.admin.api.get("/api/users?limit=101")


@happy("POST /api/users", 201)
async def a_person_is_added(house: House) -> None:
    name = new_name()
    made = (await house.admin.api.post("/api/users", json={"username": name, "language": "fr"})).json()
    assert (made["user"]["username"], made["user"]["role"], made["user"]["language"]) == (name, "member", "fr")
    assert made["url"].startswith("http://localhost/#/login?token=")


@denied("POST /api/users", 403)
async def a_member_adds_nobody(house: House) -> None:
    await house.member.api.post("/api/users", json={"username": new_name()})


@invalid("POST /api/users")
async def a_name_has_no_spaces(house: House) -> None:
    await house.admin.api.post("/api/users", json={"username": "two words"})


@happy("PATCH /api/users/{user_id:uuid}")
async def who_is_disabled_is_out_at_once(house: House) -> None:
    person = await house.person()
    changed = await house.admin.api.patch(f"/api/users/{person.id}", json={"disabled": True})
    assert changed.json()["disabled"]
    assert (await person.api.get("/api/me")).status_code == 401
    assert (await person.browser.get("/api/me")).status_code == 401


@denied("PATCH /api/users/{user_id:uuid}", 403)
async def nobody_promotes_themselves(house: House) -> None:
    await house.member.api.patch(f"/api/users/{house.member.id}", json={"role": "admin"})


@invalid("PATCH /api/users/{user_id:uuid}", 404)
async def an_unknown_person_is_not_changed(house: House) -> None:
    await house.admin.api.patch(f"/api/users/{uuid4()}", json={"role": "admin"})


@happy("POST /api/users/{user_id:uuid}/reset")
async def a_reset_signs_out_everywhere(house: House) -> None:
    person = await house.person()
    link = (await house.admin.api.post(f"/api/users/{person.id}/reset")).json()
    assert "token=" in link["url"]
    assert (await person.browser.get("/api/me")).status_code == 401


@denied("POST /api/users/{user_id:uuid}/reset", 403)
async def a_member_resets_nobody(house: House) -> None:
    await house.member.api.post(f"/api/users/{house.admin.id}/reset")


@invalid("POST /api/users/{user_id:uuid}/reset", 404)
async def an_unknown_person_is_not_reset(house: House) -> None:
    await house.admin.api.post(f"/api/users/{uuid4()}/reset")


async def new_group(house: House, **more: Any) -> dict[str, Any]:
    made = await house.admin.api.post("/api/groups", json={"name": new_name(), **more})
    assert made.status_code == 201, made.text
    return made.json()


@happy("GET /api/groups")
async def groups_are_listed(house: House) -> None:
    group = await new_group(house, members=[house.member.id])
    found = (await house.admin.api.get("/api/groups?limit=100")).json()
    assert group in found["items"]


@denied("GET /api/groups", 403)
async def groups_are_listed_for_admins(house: House) -> None:
    await house.member.api.get("/api/groups")


@invalid("GET /api/groups")
async def a_page_begins_somewhere(house: House) -> None:
    await house.admin.api.get("/api/groups?offset=-1")


@happy("POST /api/groups", 201)
async def a_group_is_added(house: House) -> None:
    assert (await new_group(house, members=[house.member.id]))["members"] == [house.member.id]


@denied("POST /api/groups", 403)
async def a_member_adds_no_group(house: House) -> None:
    await house.member.api.post("/api/groups", json={"name": new_name()})


@invalid("POST /api/groups")
async def a_group_has_people_who_exist(house: House) -> None:
    await house.admin.api.post("/api/groups", json={"name": new_name(), "members": [str(uuid4())]})


@happy("PATCH /api/groups/{group_id:uuid}")
async def members_are_replaced(house: House) -> None:
    group = await new_group(house, members=[house.member.id])
    changed = await house.admin.api.patch(f"/api/groups/{group['id']}", json={"members": [house.other.id]})
    assert changed.json()["members"] == [house.other.id]


@denied("PATCH /api/groups/{group_id:uuid}", 403)
async def nobody_joins_by_themselves(house: House) -> None:
    group = await new_group(house)
    await house.member.api.patch(f"/api/groups/{group['id']}", json={"members": [house.member.id]})


@invalid("PATCH /api/groups/{group_id:uuid}", 409)
async def two_groups_have_two_names(house: House) -> None:
    taken, group = await new_group(house), await new_group(house)
    await house.admin.api.patch(f"/api/groups/{group['id']}", json={"name": taken["name"].upper()})


@happy("DELETE /api/groups/{group_id:uuid}", 204)
async def a_group_is_removed(house: House) -> None:
    group = await new_group(house, members=[house.member.id])
    await house.admin.api.delete(f"/api/groups/{group['id']}")
    directory = (await house.member.api.get("/api/directory")).json()
    assert group["id"] not in {one["id"] for one in directory["groups"]}


@denied("DELETE /api/groups/{group_id:uuid}", 403)
async def a_member_removes_no_group(house: House) -> None:
    await house.member.api.delete(f"/api/groups/{(await new_group(house))['id']}")


@invalid("DELETE /api/groups/{group_id:uuid}", 404)
async def an_unknown_group_is_not_removed(house: House) -> None:
    await house.admin.api.delete(f"/api/groups/{uuid4()}")


async def new_key(house: House, **more: Any) -> dict[str, Any]:
    made = await house.member.api.post("/api/keys", json={"name": "a key", "scopes": ["knowledge"], **more})
    assert made.status_code == 201, made.text
    return made.json()


@happy("GET /api/keys")
async def keys_are_listed_without_the_key(house: House) -> None:
    key = await new_key(house)
    text = (await house.member.api.get("/api/keys?limit=100")).text
    assert key["id"] in text
    assert key["key"] not in text
    everybodys = (await house.admin.api.get("/api/keys?limit=100&all=true")).json()
    assert house.member.name in {one["username"] for one in everybodys["items"]}


@denied("GET /api/keys", 403)
async def everybodys_keys_are_for_admins(house: House) -> None:
    await house.member.api.get("/api/keys?all=true")


@invalid("GET /api/keys")
async def yes_is_true_or_false(house: House) -> None:
    await house.member.api.get("/api/keys?all=perhaps")


@happy("POST /api/keys", 201)
async def a_key_is_shown_once(house: House) -> None:
    key = await new_key(house, expires_days=2)
    assert key["key"].startswith(f"sov_{key['prefix']}_")
    assert key["scopes"] == ["knowledge"]


@denied("POST /api/keys", 403)
async def a_member_makes_no_key_for_admins(house: House) -> None:
    await house.member.api.post("/api/keys", json={"name": "root", "scopes": ["admin"]})


@invalid("POST /api/keys")
async def a_scope_is_one_of_ours(house: House) -> None:
    await house.member.api.post("/api/keys", json={"name": "x", "scopes": ["everything"]})


@happy("PATCH /api/keys/{key_id:uuid}")
async def a_key_is_renamed(house: House) -> None:
    key = await new_key(house)
    renamed = await house.member.api.patch(f"/api/keys/{key['id']}", json={"name": " nightly "})
    assert renamed.json()["name"] == "nightly"


@denied("PATCH /api/keys/{key_id:uuid}", 404)
async def anothers_key_is_not_there(house: House) -> None:
    await house.other.api.patch(f"/api/keys/{(await new_key(house))['id']}", json={"name": "mine"})


@invalid("PATCH /api/keys/{key_id:uuid}")
async def a_key_has_a_name(house: House) -> None:
    await house.member.api.patch(f"/api/keys/{(await new_key(house))['id']}", json={"name": ""})


@happy("DELETE /api/keys/{key_id:uuid}", 204)
async def a_revoked_key_is_out_at_once(house: House) -> None:
    key = await new_key(house)
    client = await house.with_key(key["key"])
    assert (await client.get("/api/me")).status_code == 200
    await house.member.api.delete(f"/api/keys/{key['id']}")
    assert (await client.get("/api/me")).status_code == 401


@denied("DELETE /api/keys/{key_id:uuid}", 404)
async def anothers_key_is_not_revoked(house: House) -> None:
    await house.other.api.delete(f"/api/keys/{(await new_key(house))['id']}")


@invalid("DELETE /api/keys/{key_id:uuid}", 404)
async def an_unknown_key_is_not_revoked(house: House) -> None:
    await house.member.api.delete(f"/api/keys/{uuid4()}")


@happy("GET /api/sessions")
async def sessions_are_listed(house: House) -> None:
    person = await house.person()
    found = (await person.browser.get("/api/sessions")).json()
    assert [(session["username"], session["current"]) for session in found["items"]] == [(person.name, True)]


@denied("GET /api/sessions", 403)
async def everybodys_sessions_are_for_admins(house: House) -> None:
    await house.member.api.get("/api/sessions?all=true")


@invalid("GET /api/sessions")
async def a_page_of_sessions_has_a_size(house: House) -> None:
    await house.member.api.get("/api/sessions?limit=many")


@happy("DELETE /api/sessions/{session_id:uuid}", 204)
async def a_browser_is_signed_out(house: House) -> None:
    person = await house.person()
    session = (await person.browser.get("/api/sessions")).json()["items"][0]
    await person.api.delete(f"/api/sessions/{session['id']}")
    assert (await person.browser.get("/api/me")).status_code == 401


@denied("DELETE /api/sessions/{session_id:uuid}", 404)
async def anothers_browser_stays(house: House) -> None:
    session = (await house.admin.browser.get("/api/sessions")).json()["items"][0]
    await house.member.api.delete(f"/api/sessions/{session['id']}")


@invalid("DELETE /api/sessions/{session_id:uuid}", 404)
async def an_unknown_session_is_not_ended(house: House) -> None:
    await house.member.api.delete(f"/api/sessions/{uuid4()}")
