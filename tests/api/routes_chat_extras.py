"""Cases of memories, saved prompts, escalations, figures and quotas."""

from typing import Any
from uuid import uuid4

from tests.api.cases import denied, happy, invalid
from tests.api.conversations_made import add_turns, escalate
from tests.api.house import House, Person


async def remember(person: Person, text: str = "I am left-handed.") -> dict[str, Any]:
    made = await person.api.post("/api/memories", json={"text": text})
    assert made.status_code == 201, made.text
    return made.json()


async def save(person: Person, **more: Any) -> dict[str, Any]:
    prompt = {"name": f"p-{uuid4().hex}", "title": "A letter", "text": "Write to {{ client }}.", **more}
    made = await person.api.post("/api/prompts", json=prompt)
    assert made.status_code == 201, made.text
    return made.json()


@happy("GET /api/memories")
async def memories_are_listed_newest_first(house: House) -> None:
    person = await house.person()
    first, second = await remember(person), await remember(person, "  I live in Lyon. ")
    page = (await person.api.get("/api/memories")).json()
    assert [memory["id"] for memory in page["items"]] == [second["id"], first["id"]]
    assert page["items"][0]["text"] == "I live in Lyon."
    assert page["total"] == 2


@denied("GET /api/memories", 403)
async def a_key_for_documents_sees_no_memory(house: House) -> None:
    narrow = await house.key(house.member, "knowledge")
    await narrow.get("/api/memories")


@invalid("GET /api/memories")
async def a_page_of_memories_has_a_size(house: House) -> None:
    await house.member.api.get("/api/memories", params={"limit": 0})


@happy("POST /api/memories", 201)
async def something_is_remembered(house: House) -> None:
    memory = await remember(house.member)
    assert memory["enabled"]
    assert memory["conversation"] is None
    await house.member.api.delete(f"/api/memories/{memory['id']}")


@denied("POST /api/memories", 401)
async def nobody_is_remembered(house: House) -> None:
    await house.nobody.post("/api/memories", json={"text": "I am nobody."})


@invalid("POST /api/memories")
async def what_cannot_be_remembered_is_said(house: House) -> None:
    for body in (
        {"text": "x" * 1001},
        {"text": 7},
        {"text": "x", "conversation": None},
        {"text": "a\0b"},
        {"text": " "},
    ):
        assert (await house.member.api.post("/api/memories", json=body)).status_code == 400


@happy("PATCH /api/memories/{memory_id:uuid}")
async def a_memory_is_reworded_and_rests(house: House) -> None:
    memory = await remember(house.member)
    changed = await house.member.api.patch(f"/api/memories/{memory['id']}", json={"text": "Right.", "enabled": False})
    assert (changed.json()["text"], changed.json()["enabled"]) == ("Right.", False)


@denied("PATCH /api/memories/{memory_id:uuid}", 404)
async def a_memory_of_another_is_not_there(house: House) -> None:
    memory = await remember(house.member)
    await house.admin.api.patch(f"/api/memories/{memory['id']}", json={"enabled": False})


@invalid("PATCH /api/memories/{memory_id:uuid}")
async def a_memory_is_not_emptied(house: House) -> None:
    memory = await remember(house.member)
    await house.member.api.patch(f"/api/memories/{memory['id']}", json={"text": ""})


@happy("DELETE /api/memories/{memory_id:uuid}", 204)
async def a_memory_is_forgotten(house: House) -> None:
    person = await house.person()
    memory = await remember(person)
    assert (await person.api.delete(f"/api/memories/{memory['id']}")).status_code == 204
    assert (await person.api.get("/api/memories")).json()["total"] == 0


@denied("DELETE /api/memories/{memory_id:uuid}", 404)
async def a_memory_of_another_is_not_forgotten(house: House) -> None:
    memory = await remember(house.member)
    await house.other.api.delete(f"/api/memories/{memory['id']}")


@invalid("DELETE /api/memories/{memory_id:uuid}", 404)
async def what_was_never_known_is_not_forgotten(house: House) -> None:
    await house.member.api.delete(f"/api/memories/{uuid4()}")


@happy("GET /api/prompts")
async def own_and_shared_prompts_are_listed(house: House) -> None:
    mark = uuid4().hex[:8]
    await save(house.other, title=f"Hidden {mark}")
    shared = await save(house.other, title=f"Shared {mark}", shared=True)
    own = await save(house.member, title=f"Own {mark}", text="{{b}} {{a}} {{ b }}")
    page = (await house.member.api.get("/api/prompts", params={"q": mark.upper()})).json()
    found = {prompt["id"]: prompt for prompt in page["items"]}
    assert set(found) == {shared["id"], own["id"]}
    assert page["total"] == 2
    assert (found[shared["id"]]["mine"], found[shared["id"]]["owner"]) == (False, house.other.name)
    assert found[own["id"]]["variables"] == ["b", "a"]


@denied("GET /api/prompts", 403)
async def a_key_for_documents_sees_no_prompt(house: House) -> None:
    narrow = await house.key(house.member, "knowledge")
    await narrow.get("/api/prompts")


@invalid("GET /api/prompts")
async def prompts_are_not_sought_by_a_book(house: House) -> None:
    await house.member.api.get("/api/prompts", params={"q": "x" * 201})


@happy("POST /api/prompts", 201)
async def a_prompt_is_saved(house: House) -> None:
    text = "{% for x in y %}{{ x.__class__ }}{{ 7*7 }} {{client}}"
    prompt = await save(house.member, text=text)
    assert (prompt["text"], prompt["variables"], prompt["mine"]) == (text, ["client"], True)


@denied("POST /api/prompts", 401)
async def nobody_saves_a_prompt(house: House) -> None:
    await house.nobody.post("/api/prompts", json={"name": "x", "title": "x", "text": "x"})


@invalid("POST /api/prompts", 409)
async def a_name_is_ones_own_only_once(house: House) -> None:
    prompt = await save(house.member)
    for more in ({"name": "Two words"}, {"name": ""}, {"text": ""}, {"title": " "}, {"teapot": 1}):
        body = {"name": "x", "title": "x", "text": "x", **more}
        assert (await house.member.api.post("/api/prompts", json=body)).status_code == 400
    await save(house.other, name=prompt["name"])
    again = await house.member.api.post("/api/prompts", json={"name": prompt["name"], "title": "x", "text": "x"})
    assert again.json()["type"] == "urn:appliance:prompt_name_taken"
    assert "`name`" in again.json()["detail"]


@happy("GET /api/prompts/{prompt_id:uuid}")
async def a_shared_prompt_is_shown(house: House) -> None:
    prompt = await save(house.other, shared=True)
    shown = (await house.member.api.get(f"/api/prompts/{prompt['id']}")).json()
    assert shown == {**prompt, "mine": False}


@denied("GET /api/prompts/{prompt_id:uuid}", 404)
async def a_private_prompt_is_not_there(house: House) -> None:
    prompt = await save(house.other)
    await house.admin.api.get(f"/api/prompts/{prompt['id']}")


@invalid("GET /api/prompts/{prompt_id:uuid}", 404)
async def an_unknown_prompt_is_not_there(house: House) -> None:
    await house.member.api.get(f"/api/prompts/{uuid4()}")


@happy("PATCH /api/prompts/{prompt_id:uuid}")
async def a_prompt_is_changed(house: House) -> None:
    prompt = await save(house.member)
    patch = {"name": prompt["name"], "title": "Other", "text": "{{c}}", "shared": True}
    changed = (await house.member.api.patch(f"/api/prompts/{prompt['id']}", json=patch)).json()
    assert (changed["title"], changed["variables"], changed["shared"]) == ("Other", ["c"], True)


@denied("PATCH /api/prompts/{prompt_id:uuid}", 403)
async def a_shared_prompt_is_not_changed_by_others(house: House) -> None:
    prompt = await save(house.other, shared=True)
    assert (await house.admin.api.patch(f"/api/prompts/{prompt['id']}", json={"text": "x"})).status_code == 403
    await house.member.api.patch(f"/api/prompts/{prompt['id']}", json={"text": "x"})


@invalid("PATCH /api/prompts/{prompt_id:uuid}", 409)
async def a_prompt_takes_no_name_that_is_there(house: House) -> None:
    first, second = await save(house.member), await save(house.member)
    assert (await house.member.api.patch(f"/api/prompts/{second['id']}", json={"name": None})).status_code == 400
    await house.member.api.patch(f"/api/prompts/{second['id']}", json={"name": first["name"]})


@happy("DELETE /api/prompts/{prompt_id:uuid}", 204)
async def a_prompt_is_removed(house: House) -> None:
    own, shared = await save(house.member), await save(house.member, shared=True)
    assert (await house.admin.api.delete(f"/api/prompts/{shared['id']}")).status_code == 204
    await house.member.api.delete(f"/api/prompts/{own['id']}")


@denied("DELETE /api/prompts/{prompt_id:uuid}", 403)
async def a_shared_prompt_is_not_removed_by_others(house: House) -> None:
    prompt = await save(house.other, shared=True)
    await house.member.api.delete(f"/api/prompts/{prompt['id']}")


@invalid("DELETE /api/prompts/{prompt_id:uuid}", 404)
async def what_is_not_there_is_not_removed(house: House) -> None:
    await house.member.api.delete(f"/api/prompts/{uuid4()}")


@happy("GET /api/escalations")
async def escalations_are_listed_without_messages(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    page = (await house.admin.api.get("/api/escalations", params={"status": "open"})).json()
    first = page["items"][0]
    assert (first["id"], first["person"], first["messages"]) == (escalation, house.member.name, [])
    assert (first["title"], first["reason"], first["answered_at"]) == ("The parcel", "asks for a person", None)


@denied("GET /api/escalations", 403)
async def a_member_lists_no_escalations(house: House) -> None:
    await house.member.api.get("/api/escalations")


@invalid("GET /api/escalations")
async def an_escalation_has_three_states(house: House) -> None:
    await house.admin.api.get("/api/escalations", params={"status": "lost"})


@happy("GET /api/escalations/{escalation_id:uuid}")
async def an_escalation_shows_its_branch(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    shown = (await house.admin.api.get(f"/api/escalations/{escalation}")).json()
    assert [message["content"] for message in shown["messages"]] == ["Where is my parcel?", "A person will answer."]
    read = await house.admin.api.get("/api/audit", params={"action": "escalation.read", "object_id": escalation})
    assert read.json()["total"] == 1


@denied("GET /api/escalations/{escalation_id:uuid}", 403)
async def a_member_reads_no_escalation(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    await house.other.api.get(f"/api/escalations/{escalation}")


@invalid("GET /api/escalations/{escalation_id:uuid}", 404)
async def an_unknown_escalation_is_not_there(house: House) -> None:
    await house.admin.api.get(f"/api/escalations/{uuid4()}")


@happy("POST /api/escalations/{escalation_id:uuid}/answer")
async def a_person_answers(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    answered = await house.admin.api.post(f"/api/escalations/{escalation}/answer", json={"message": " At the depot. "})
    shown = answered.json()
    assert (shown["status"], shown["answered_by"]) == ("answered", house.admin.name)
    assert shown["messages"][-1]["content"] == "At the depot."
    said = (await house.member.api.get(f"/api/conversations/{shown['conversation']}/messages")).json()["items"][-1]
    assert (said["content"], said["mode"], said["answered_by"]) == ("At the depot.", "person", house.admin.name)


@denied("POST /api/escalations/{escalation_id:uuid}/answer", 403)
async def a_member_does_not_answer_in_its_place(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    await house.member.api.post(f"/api/escalations/{escalation}/answer", json={"message": "x"})


@invalid("POST /api/escalations/{escalation_id:uuid}/answer", 409)
async def an_escalation_is_answered_once(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    path = f"/api/escalations/{escalation}/answer"
    for body in ({}, {"message": " "}, {"message": "x" * 20_001}, {"message": "x", "as": "admin"}):
        assert (await house.admin.api.post(path, json=body)).status_code == 400
    assert (await house.admin.api.post(f"/api/escalations/{uuid4()}/answer", json={"message": "x"})).status_code == 404
    assert (await house.admin.api.post(path, json={"message": "x"})).status_code == 200
    again = await house.admin.api.post(path, json={"message": "y"})
    assert again.json()["type"] == "urn:appliance:escalation_settled"


@happy("POST /api/escalations/{escalation_id:uuid}/close")
async def an_escalation_is_closed(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    closed = (await house.admin.api.post(f"/api/escalations/{escalation}/close")).json()
    assert (closed["status"], closed["answered_by"], len(closed["messages"])) == ("closed", None, 2)


@denied("POST /api/escalations/{escalation_id:uuid}/close", 403)
async def a_member_closes_nothing(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    await house.member.api.post(f"/api/escalations/{escalation}/close")


@invalid("POST /api/escalations/{escalation_id:uuid}/close", 409)
async def what_is_closed_is_not_closed_again(house: House) -> None:
    escalation, _, _ = await escalate(house, house.member)
    await house.admin.api.post(f"/api/escalations/{escalation}/close")
    await house.admin.api.post(f"/api/escalations/{escalation}/close")


@happy("GET /api/analytics/agents")
async def figures_are_given(house: House) -> None:
    await add_turns(house, house.member, {"agent": "carole"})
    figures = (await house.admin.api.get("/api/analytics/agents")).json()
    assert "carole" in {agent["name"] for agent in figures["agents"]}
    assert len(figures["days"]) == 30
    assert figures["total"]["messages"] == sum(day["messages"] for day in figures["days"])


@denied("GET /api/analytics/agents", 403)
async def a_member_sees_no_figures(house: House) -> None:
    await house.member.api.get("/api/analytics/agents")


@invalid("GET /api/analytics/agents")
async def days_must_be_days(house: House) -> None:
    for since, until in (("2026-02-30", "2026-03-01"), ("2026-03-02", "2026-03-01"), ("2020-01-01", "2026-01-01")):
        answer = await house.admin.api.get("/api/analytics/agents", params={"from": since, "to": until})
        assert answer.status_code == 400


@happy("GET /api/usage")
async def usage_is_counted(house: House) -> None:
    person = await house.person()
    await add_turns(house, person, {}, {})
    await add_turns(house, person, {}, days_ago=1)
    own = (await person.api.get("/api/usage")).json()
    row = {
        "user": person.id,
        "username": person.name,
        "messages": 2,
        "messages_limit": 0,
        "tokens": 30,
        "tokens_limit": 0,
    }
    assert own == {"items": [row], "total": 1, "limit": 20, "offset": 0}
    everybody = (await house.admin.api.get("/api/usage", params={"everybody": True, "limit": 100})).json()
    assert row in everybody["items"]
    assert everybody["total"] >= 4


@denied("GET /api/usage", 403)
async def a_member_sees_nobody_elses_usage(house: House) -> None:
    await house.member.api.get("/api/usage", params={"everybody": True})


@invalid("GET /api/usage")
async def everybody_is_yes_or_no(house: House) -> None:
    await house.member.api.get("/api/usage", params={"everybody": "perhaps"})
