"""Cases of the routes about assistants and routing."""

import secrets
from base64 import b64decode
from typing import Any

from tests.api.cases import denied, happy, invalid
from tests.api.house import House

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
_ALL = "/api/assistants"


def new_name() -> str:
    return f"helper-{secrets.token_hex(4)}"


async def make(house: House, **more: Any) -> dict[str, Any]:
    """Make an assistant that no message of a test is for."""
    body = {"name": new_name(), "title": "Helper", "persona": "You help with {{ nothing }}.", **more}
    made = await house.admin.api.post(_ALL, json=body)
    assert made.status_code == 201, made.text
    return made.json()


@happy("GET /api/assistants")
async def assistants_are_listed(house: House) -> None:
    made, hidden = await make(house), await make(house, is_enabled=False)
    found = (await house.member.api.get(f"{_ALL}?limit=100")).json()
    shown = {one["name"]: one for one in found["items"]}
    assert hidden["name"] not in shown
    assert shown[made["name"]]["persona"] is None
    assert shown[made["name"]]["model"] is None
    everything = (await house.admin.api.get(f"{_ALL}?limit=100")).json()["items"]
    assert hidden["name"] in {one["name"] for one in everything}
    await house.member.api.get(_ALL)


@denied("GET /api/assistants", 403)
async def assistants_are_for_keys_that_chat(house: House) -> None:
    await (await house.key(house.member, "knowledge")).get(_ALL)


@invalid("GET /api/assistants")
async def a_page_of_assistants_begins_somewhere(house: House) -> None:
    await house.member.api.get(f"{_ALL}?offset=-1")


@happy("POST /api/assistants", 201)
async def an_assistant_is_made(house: House) -> None:
    made = await make(house, examples=["Where is it?"], tools=["search_documents"])
    assert made["persona"] == "You help with {{ nothing }}.", "a persona is text, and no template"
    assert made["knowledge_owners"] == [made["name"], "shared"]
    assert made["retrieval"] == {"candidates": 20, "floor": 0.0, "kept": 3}
    assert (made["picture"], made["language"], made["is_enabled"]) == (None, "auto", True)


@denied("POST /api/assistants", 403)
async def a_member_makes_no_assistant(house: House) -> None:
    await house.member.api.post(_ALL, json={"name": new_name(), "title": "Mine"})


@invalid("POST /api/assistants")
async def a_name_is_short_and_plain(house: House) -> None:
    for body in (
        {"name": "Audrey", "title": "x"},
        {"name": "two words", "title": "x"},
        {"name": "-x", "title": "x"},
        {"name": "a" * 64, "title": "x"},
        {"name": "conversation", "title": "x"},
        {"name": "escalate", "title": "x"},
        {"name": new_name(), "title": " "},
        {"name": new_name(), "title": "x", "tools": ["shell"]},
        {"name": new_name(), "title": "x", "temperature": 3},
        {"name": new_name(), "title": "x", "retrieval": {"kept": 0}},
        {"name": new_name(), "title": "x", "colour": "blue"},
    ):
        refused = await house.admin.api.post(_ALL, json=body)
        assert refused.status_code == 400, body


@happy("GET /api/assistants/{name:str}")
async def an_assistant_is_shown(house: House) -> None:
    made = await make(house)
    assert (await house.admin.api.get(f"{_ALL}/{made['name']}")).json() == made


@denied("GET /api/assistants/{name:str}", 404)
async def a_disabled_assistant_is_an_admins(house: House) -> None:
    await house.member.api.get(f"{_ALL}/{(await make(house, is_enabled=False))['name']}")


@invalid("GET /api/assistants/{name:str}", 404)
async def an_unknown_assistant_is_not_shown(house: House) -> None:
    await house.admin.api.get(f"{_ALL}/nobody")


@happy("PATCH /api/assistants/{name:str}")
async def an_assistant_changes(house: House) -> None:
    made = await make(house)
    changed = await house.admin.api.patch(
        f"{_ALL}/{made['name']}", json={"title": "Other", "retrieval": {"kept": 5}, "knowledge_owners": []}
    )
    assert (changed.json()["title"], changed.json()["retrieval"]["kept"]) == ("Other", 5)
    assert changed.json()["knowledge_owners"] == []
    assert changed.json()["persona"] == made["persona"]
    audit = (await house.admin.api.get("/api/audit", params={"action": "assistant.changed"})).json()["items"][0]
    assert audit["object_id"] == made["name"]
    assert audit["details"]["changed"] == ["title", "knowledge_owners", "retrieval"]


@denied("PATCH /api/assistants/{name:str}", 403)
async def a_member_changes_no_assistant(house: House) -> None:
    await house.member.api.patch(f"{_ALL}/{(await make(house))['name']}", json={"title": "Mine"})


@invalid("PATCH /api/assistants/{name:str}")
async def a_name_stays(house: House) -> None:
    await house.admin.api.patch(f"{_ALL}/{(await make(house))['name']}", json={"name": "other"})


@happy("DELETE /api/assistants/{name:str}", 204)
async def an_assistant_goes_with_its_picture(house: House) -> None:
    path = f"{_ALL}/{(await make(house))['name']}"
    assert (await house.admin.api.put(f"{path}/picture", content=PNG)).status_code == 200
    assert (await house.admin.api.delete(path)).status_code == 204
    assert (await house.admin.api.get(f"{path}/picture")).status_code == 404
    await house.admin.api.delete(f"{_ALL}/{(await make(house))['name']}")


@denied("DELETE /api/assistants/{name:str}", 403)
async def a_member_deletes_no_assistant(house: House) -> None:
    await house.member.api.delete(f"{_ALL}/{(await make(house))['name']}")


@invalid("DELETE /api/assistants/{name:str}", 404)
async def an_unknown_assistant_is_not_deleted(house: House) -> None:
    await house.admin.api.delete(f"{_ALL}/nobody")


@happy("GET /api/assistants/{name:str}/picture")
async def a_picture_is_shown_as_what_it_is(house: House) -> None:
    path = f"{_ALL}/{(await make(house))['name']}"
    await house.admin.api.put(f"{path}/picture", content=PNG, headers={"content-type": "text/html"})
    shown = await house.member.api.get(f"{path}/picture")
    assert shown.content == PNG
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"


@denied("GET /api/assistants/{name:str}/picture", 404)
async def a_disabled_assistants_picture_is_an_admins(house: House) -> None:
    path = f"{_ALL}/{(await make(house, is_enabled=False))['name']}/picture"
    await house.admin.api.put(path, content=PNG)
    await house.member.api.get(path)


@invalid("GET /api/assistants/{name:str}/picture", 404)
async def no_picture_is_said(house: House) -> None:
    await house.member.api.get(f"{_ALL}/{(await make(house))['name']}/picture")


@happy("PUT /api/assistants/{name:str}/picture")
async def a_picture_has_an_address_of_its_own(house: House) -> None:
    made = await make(house)
    changed = (await house.admin.api.put(f"{_ALL}/{made['name']}/picture", content=PNG)).json()
    assert changed["picture"].startswith(f"{_ALL}/{made['name']}/picture?v=")


@denied("PUT /api/assistants/{name:str}/picture", 403)
async def a_member_sets_no_picture(house: House) -> None:
    await house.member.api.put(f"{_ALL}/{(await make(house))['name']}/picture", content=PNG)


@invalid("PUT /api/assistants/{name:str}/picture", 413)
async def a_picture_is_small_and_a_picture(house: House) -> None:
    path = f"{_ALL}/{(await make(house))['name']}/picture"
    for content in (b"", b"<svg onload='alert(1)'/>", b"GIF89a", b"RIFF0000WAVE"):
        assert (await house.admin.api.put(path, content=content)).status_code == 415
    await house.admin.api.put(path, content=PNG + b"\0" * 256 * 1024)


@happy("DELETE /api/assistants/{name:str}/picture", 204)
async def a_picture_is_taken_away(house: House) -> None:
    path = f"{_ALL}/{(await make(house))['name']}/picture"
    await house.admin.api.put(path, content=PNG)
    await house.admin.api.delete(path)


@denied("DELETE /api/assistants/{name:str}/picture", 403)
async def a_member_takes_no_picture_away(house: House) -> None:
    await house.member.api.delete(f"{_ALL}/{(await make(house))['name']}/picture")


@invalid("DELETE /api/assistants/{name:str}/picture", 404)
async def no_picture_cannot_be_taken_away(house: House) -> None:
    await house.admin.api.delete(f"{_ALL}/{(await make(house))['name']}/picture")


@happy("GET /api/assistants/{name:str}/export")
async def an_export_comes_back_exactly(house: House) -> None:
    made = await make(house, persona='One\n"""two""" {{ x }} \\ \t end"', examples=['Say "hi"?'], fallbacks=["small"])
    path = f"{_ALL}/{made['name']}"
    await house.admin.api.put(f"{path}/picture", content=PNG)
    before = (await house.admin.api.get(path)).json()
    text = (await house.admin.api.get(f"{path}/export")).text
    await house.admin.api.delete(path)
    again = (await house.admin.api.post(f"{_ALL}/import", json={"toml": text})).json()
    times = {"created_at": None, "updated_at": None}
    assert {**again, **times} == {**before, **times}
    assert (await house.admin.api.get(f"{path}/picture")).content == PNG
    assert (await house.admin.api.get(f"{path}/export")).text == text


@denied("GET /api/assistants/{name:str}/export", 403)
async def a_member_exports_no_persona(house: House) -> None:
    await house.member.api.get(f"{_ALL}/{(await make(house))['name']}/export")


@invalid("GET /api/assistants/{name:str}/export", 404)
async def an_unknown_assistant_is_not_exported(house: House) -> None:
    await house.admin.api.get(f"{_ALL}/nobody/export")


@happy("POST /api/assistants/import", 201)
async def an_import_replaces_where_that_is_said(house: House) -> None:
    name = new_name()
    text = f'name = "{name}"\ntitle = "From a file"\npersona = """\nYou are {{{{ you }}}}.\n"""\n'
    assert (await house.admin.api.post(f"{_ALL}/import", json={"toml": text})).status_code == 201
    assert (await house.admin.api.post(f"{_ALL}/import", json={"toml": text})).status_code == 409
    again = await house.admin.api.post(f"{_ALL}/import", json={"toml": text, "replace": True})
    assert again.json()["persona"] == "You are {{ you }}.\n"


@denied("POST /api/assistants/import", 403)
async def a_member_imports_nothing(house: House) -> None:
    await house.member.api.post(f"{_ALL}/import", json={"toml": 'name = "x"\ntitle = "x"'})


@invalid("POST /api/assistants/import", 422)
async def a_file_that_is_no_assistant_is_said(house: House) -> None:
    for text in (
        "name = ",
        "name = 'x'",
        "name = 'X'\ntitle = 'x'",
        "name = 'x'\ntitle = 'x'\nsecret = 1",
        "name = 'x'\ntitle = 'x'\npersona = \"\\u0000\"",
        "name = 'x'\ntitle = 'x'\n[picture]\ndata = 'not base64!'",
        "name = 'x'\ntitle = 'x'\npicture = 3",
        "x = " + "[" * 2000,
    ):
        refused = await house.admin.api.post(f"{_ALL}/import", json={"toml": text})
        assert refused.status_code == 422, text[:60]


@happy("POST /api/assistants/examples")
async def the_examples_are_installed_once(house: House) -> None:
    first = (await house.admin.api.post(f"{_ALL}/examples")).json()
    assert first["assistants"] == ["audrey", "carole"]
    assert len(first["documents"]) == 13
    late = await house.person()
    again = (await house.admin.api.post(f"{_ALL}/examples")).json()
    assert again == {"assistants": [], "documents": [], "collection": first["collection"]}
    for person in (house.member, late):
        shown = await person.api.get("/api/rag/documents", params={"collection": first["collection"], "limit": 100})
        owners = [document["agent_owner"] for document in shown.json()["documents"]]
        assert (owners.count("audrey"), owners.count("carole"), owners.count("shared")) == (5, 5, 3)
    exported = (await house.admin.api.get(f"{_ALL}/audrey/export")).text
    replaced = await house.admin.api.post(f"{_ALL}/import", json={"toml": exported, "replace": True})
    assert replaced.json()["routing_description"].startswith("Automatisation marketing")


@denied("POST /api/assistants/examples", 403)
async def a_member_installs_no_examples(house: House) -> None:
    await house.member.api.post(f"{_ALL}/examples")


@invalid("POST /api/assistants/examples", 403)
async def a_key_without_admin_installs_no_examples(house: House) -> None:
    await (await house.key(house.admin, "chat", "knowledge")).post(f"{_ALL}/examples")


@happy("POST /api/assistants/route")
async def a_message_finds_its_assistant(house: House) -> None:
    made = await make(house, title="Gardens", examples=["How do I prune roses?", "When do I sow tomatoes?"])
    with house.without_model():
        tried = (await house.admin.api.post(f"{_ALL}/route", json={"message": "how to prune my old roses?"})).json()
    assert (tried["agent"], tried["by"]) == (made["name"], "classifier")
    assert 0 < tried["confidence"] <= 1
    assert "How do I prune roses?" in tried["reasoning"]
    assert sum(tried["probabilities"].values()) > 0.99
    assert set(tried["probabilities"]) >= {made["name"], "conversation", "escalate"}
    await house.admin.api.delete(f"{_ALL}/{made['name']}")


@denied("POST /api/assistants/route", 403)
async def a_member_tries_no_routing(house: House) -> None:
    await house.member.api.post(f"{_ALL}/route", json={"message": "hello"})


@invalid("POST /api/assistants/route")
async def an_empty_message_is_routed_nowhere(house: House) -> None:
    await house.admin.api.post(f"{_ALL}/route", json={"message": " "})


@happy("POST /api/assistants/evaluate")
async def a_labelled_set_is_judged(house: House) -> None:
    messages = [
        {"text": text, "label": label}
        for text, label in (("hello", "conversation"), ("I want a refund", "escalate"), ("thanks", "conversation"))
    ]
    judged = (await house.admin.api.post(f"{_ALL}/evaluate", json={"messages": messages, "folds": 3})).json()
    assert [one["shipped"] for one in judged["judged"]] == ["conversation", "escalate", "conversation"]
    assert judged["embedder"].startswith("memory")


@denied("POST /api/assistants/evaluate", 403)
async def a_member_evaluates_nothing(house: House) -> None:
    await house.member.api.post(f"{_ALL}/evaluate", json={"messages": [{"text": "hi", "label": "conversation"}]})


@invalid("POST /api/assistants/evaluate")
async def a_label_is_somebody_who_answers(house: House) -> None:
    await house.admin.api.post(f"{_ALL}/evaluate", json={"messages": [{"text": "hi", "label": "nobody"}]})
