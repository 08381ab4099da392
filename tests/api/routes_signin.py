"""Cases of the routes that let people in and tell them who they are."""

import secrets

from tests.api.cases import denied, happy, invalid
from tests.api.house import House, sign_in, token_of


@happy("GET /health")
async def health_is_open(house: House) -> None:
    answer = await house.nobody.get("/health")
    assert answer.json()["status"] == "healthy"
    assert answer.json()["version"]


@denied("GET /health", 400)
async def health_is_not_told_to_a_rebound_name(house: House) -> None:
    await house.nobody.get("/health", headers={"host": "rebound.example"})


@invalid("GET /health", 405)
async def health_takes_nothing(house: House) -> None:
    await house.nobody.post("/health")


@happy("GET /api/docs")
async def the_viewer_is_our_own(house: House) -> None:
    page = await house.member.api.get("/api/docs")
    assert "https://" not in page.text


@denied("GET /api/docs", 401)
async def the_viewer_is_for_people_we_know(house: House) -> None:
    await house.nobody.get("/api/docs")


@invalid("GET /api/docs", 405)
async def the_viewer_takes_nothing(house: House) -> None:
    await house.member.api.put("/api/docs")


@happy("GET /api/docs/openapi.json")
async def the_description_describes(house: House) -> None:
    described = (await house.member.api.get("/api/docs/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    assert "/api/rag/chat" in described["paths"]


@denied("GET /api/docs/openapi.json", 401)
async def the_description_is_for_people_we_know(house: House) -> None:
    await house.nobody.get("/api/docs/openapi.json")


@invalid("GET /api/docs/openapi.json", 405)
async def the_description_takes_nothing(house: House) -> None:
    await house.member.api.delete("/api/docs/openapi.json")


for _path in ("/docs", "/redoc"):

    @happy(f"GET {_path}", 302)
    async def old_addresses_lead_on(house: House, path: str = _path) -> None:
        assert (await house.member.api.get(path)).headers["location"] == "/api/docs"

    @denied(f"GET {_path}", 401)
    async def old_addresses_are_for_people_we_know(house: House, path: str = _path) -> None:
        await house.nobody.get(path)

    @invalid(f"GET {_path}", 405)
    async def old_addresses_take_nothing(house: House, path: str = _path) -> None:
        await house.member.api.post(path)


@happy("POST /api/login")
async def a_link_lets_in(house: House) -> None:
    reset = await house.admin.api.post(f"/api/users/{house.other.id}/reset")
    browser = await house.client()
    assert (await sign_in(browser, token_of(reset.json()["url"])))["id"] == house.other.id
    assert (await browser.get("/api/me")).json()["via"] == "session"


@denied("POST /api/login", 401)
async def a_wrong_link_does_not(house: House) -> None:
    await house.nobody.post("/api/login", json={"token": secrets.token_urlsafe(32)})


@invalid("POST /api/login")
async def signing_in_needs_a_name_and_a_password(house: House) -> None:
    await house.nobody.post("/api/login", json={"username": "somebody"})


@happy("POST /api/logout", 204)
async def signing_out_ends_the_session(house: House) -> None:
    person = await house.person()
    ended = await person.browser.post("/api/logout")
    cookies = ended.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("Max-Age=0" in cookie for cookie in cookies)
    assert (await person.browser.get("/api/me")).status_code == 401


@denied("POST /api/logout", 401)
async def signing_out_needs_a_session(house: House) -> None:
    await house.nobody.post("/api/logout")


@invalid("POST /api/logout", 405)
async def signing_out_is_a_post(house: House) -> None:
    await house.member.api.get("/api/logout")


@happy("GET /api/me")
async def me_says_who_and_what(house: House) -> None:
    me = (await house.member.api.get("/api/me")).json()
    assert (me["user"]["username"], me["via"]) == (house.member.name, "key")
    assert "knowledge" in me["scopes"]
    assert me["limits"]["upload_bytes"] > 0


@denied("GET /api/me", 401)
async def nobody_is_nobody(house: House) -> None:
    await house.nobody.get("/api/me")


@invalid("GET /api/me", 405)
async def me_is_not_put(house: House) -> None:
    await house.member.api.put("/api/me", json={})


@happy("PATCH /api/me")
async def people_choose_their_language(house: House) -> None:
    person = await house.person()
    changed = await person.api.patch("/api/me", json={"language": "fr", "theme": "dark", "display_name": "Zoé"})
    assert changed.json()["display_name"] == "Zoé"
    refused = await person.api.get("/api/rag/documents?limit=0")
    assert refused.json()["title"] == "La demande est illisible"


@denied("PATCH /api/me", 403)
async def a_key_for_one_purpose_does_not_touch_the_account(house: House) -> None:
    await (await house.key(house.member, "knowledge")).patch("/api/me", json={"theme": "dark"})


@invalid("PATCH /api/me")
async def nobody_makes_themselves_admin(house: House) -> None:
    await house.member.api.patch("/api/me", json={"role": "admin"})


@happy("POST /api/me/password", 204)
async def a_password_lets_in(house: House) -> None:
    person = await house.person()
    await person.browser.post("/api/me/password", json={"password": "correct horse battery"})
    browser = await house.client(peer="10.0.0.1")
    body = {"username": person.name.upper(), "password": "correct horse battery"}
    assert (await browser.post("/api/login", json=body)).status_code == 200


@denied("POST /api/me/password", 403)
async def a_password_is_changed_by_who_knows_it(house: House) -> None:
    person = await house.person()
    first = await person.browser.post("/api/me/password", json={"password": "correct horse battery"})
    assert first.status_code == 204
    change = {"password": "another horse battery", "current": "wrong horse battery"}
    await person.browser.post("/api/me/password", json=change)


@invalid("POST /api/me/password")
async def a_password_is_not_short(house: House) -> None:
    await house.member.api.post("/api/me/password", json={"password": "short"})


@happy("GET /api/directory")
async def the_directory_names_colleagues(house: House) -> None:
    directory = (await house.member.api.get("/api/directory")).json()
    assert house.other.id in {person["id"] for person in directory["users"]}
    assert all(set(person) == {"id", "username", "display_name"} for person in directory["users"])


@denied("GET /api/directory", 401)
async def the_directory_is_for_colleagues(house: House) -> None:
    await house.nobody.get("/api/directory")


@invalid("GET /api/directory", 405)
async def the_directory_is_read_only(house: House) -> None:
    await house.admin.api.post("/api/directory", json={})
