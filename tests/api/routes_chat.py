"""Cases of the routes of conversations."""

from typing import Any
from uuid import uuid4

from tests.api.cases import denied, happy, invalid
from tests.api.house import House, Person

_C = "/api/conversations/{conversation_id:str}"
_M = f"{_C}/messages/{{message_id:uuid}}"


async def say(person: Person, text: str, key: str = "", **more: Any) -> dict[str, Any]:
    """Send a message as plain conversation, and give the answer."""
    body = {"conversation_id": key or str(uuid4()), "message": text, "assistant": "conversation", **more}
    answer = await person.api.post("/api/chat", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def at(reply: dict[str, Any], rest: str = "") -> str:
    return f"/api/conversations/{reply['conversation_id']}{rest}"


def at_message(reply: dict[str, Any], rest: str, which: str = "message_id") -> str:
    return at(reply, f"/messages/{reply[which]}/{rest}")


@happy("POST /api/chat")
async def a_message_is_answered(house: House) -> None:
    with house.saying("Bonjour à vous."):
        reply = await say(house.member, "Bonjour")
    assert reply["message"] == "Bonjour à vous."
    assert (reply["agent"], reply["mode"], reply["model"]) == ("conversation", "llm", "memory")
    assert (reply["decided_by"], reply["confidence"], reply["sources"]) == ("chosen", 1.0, [])
    assert reply["remaining"] == 9


@denied("POST /api/chat", 404)
async def anothers_conversation_is_not_there(house: House) -> None:
    mine = await say(house.member, "Mine")
    await house.other.api.post("/api/chat", json={"conversation_id": mine["conversation_id"], "message": "Mine too"})


@invalid("POST /api/chat")
async def what_is_no_message_is_said(house: House) -> None:
    key = str(uuid4())
    for body, status in [
        ({"conversation_id": key, "message": "x", "assistant": "nobody"}, 404),
        ({"conversation_id": key, "message": "x", "model": "nobody:70b"}, 404),
        ({"conversation_id": key, "message": "x" * 40_000}, 400),
        ({"conversation_id": "", "message": "x"}, 400),
        ({"conversation_id": "k" * 129, "message": "x"}, 400),
        ({"conversation_id": key, "message": 7}, 400),
        ({"message": "x"}, 400),
        ({"conversation_id": key, "message": " \n"}, 400),
    ]:
        answer = await house.member.api.post("/api/chat", json=body)
        assert answer.status_code == status, body
    left = await house.member.api.get("/api/conversations", params={"limit": 100})
    assert key not in {one["conversation_id"] for one in left.json()["items"]}, "nothing is kept of what was refused"


@happy("GET /api/rate-limit/{conversation_id:str}")
async def the_window_is_told(house: House) -> None:
    reply = await say(house.member, "One")
    limit = (await house.member.api.get(f"/api/rate-limit/{reply['conversation_id']}")).json()
    assert limit == {"allowed": True, "remaining": 9, "limit": 10, "window": 60, "retry_after": None}


@denied("GET /api/rate-limit/{conversation_id:str}", 401)
async def nobody_is_told_a_window(house: House) -> None:
    await house.nobody.get("/api/rate-limit/x")


@invalid("GET /api/rate-limit/{conversation_id:str}", 405)
async def a_window_is_not_put(house: House) -> None:
    await house.member.api.put("/api/rate-limit/x", json={})


@happy("GET /api/conversations")
async def conversations_are_listed_and_found(house: House) -> None:
    person = await house.person()
    first = await say(person, "Où est l’œuvre d’été ?", "les-vacances")
    second = await say(person, "Another thing")
    page = (await person.api.get("/api/conversations")).json()
    assert [one["conversation_id"] for one in page["items"]] == [second["conversation_id"], "les-vacances"]
    assert page["items"][1]["title"] == "Où est l’œuvre d’été ?"
    assert (page["items"][1]["messages"], page["items"][1]["right"], page["total"]) == (2, "owner", 2)
    for query in ("oeuvre ete", "ŒUVRE", "été"):
        found = (await person.api.get("/api/conversations", params={"q": query})).json()
        assert [one["conversation_id"] for one in found["items"]] == [first["conversation_id"]], query
        assert "œuvre d’été" in found["items"][0]["excerpt"]
    none = (await house.other.api.get("/api/conversations", params={"q": "oeuvre"})).json()
    assert none["total"] == 0


@denied("GET /api/conversations", 403)
async def a_key_for_documents_lists_no_conversations(house: House) -> None:
    made = await house.member.api.post("/api/keys", json={"name": "documents alone", "scopes": ["knowledge"]})
    narrow = await house.client(Authorization=f"Bearer {made.json()['key']}")
    await narrow.get("/api/conversations")


@invalid("GET /api/conversations")
async def a_page_of_conversations_has_a_size(house: House) -> None:
    for query in ("'", '"', "* OR 1=1", "NEAR(", "!!!", "a" * 500, "& | :* ()"):
        answer = await house.member.api.get("/api/conversations", params={"q": query})
        assert answer.status_code == 200, query
    await house.member.api.get("/api/conversations?limit=1000")


@happy("POST /api/conversations", 201)
async def a_conversation_is_begun(house: House) -> None:
    made = await house.member.api.post("/api/conversations", json={"title": "Budget", "folder": "2027"})
    body = made.json()
    assert (body["title"], body["folder"], body["messages"], body["conversation_id"]) == (
        "Budget",
        "2027",
        0,
        body["id"],
    )


@denied("POST /api/conversations", 404)
async def a_taken_name_is_not_there(house: House) -> None:
    key = f"taken-{uuid4()}"
    await house.member.api.post("/api/conversations", json={"conversation_id": key})
    await house.other.api.post("/api/conversations", json={"conversation_id": key})


@invalid("POST /api/conversations")
async def a_title_has_words(house: House) -> None:
    await house.member.api.post("/api/conversations", json={"title": " "})


@happy(f"GET {_C}")
async def a_conversation_is_shown(house: House) -> None:
    reply = await say(house.member, "Hello")
    by_key = (await house.member.api.get(at(reply))).json()
    by_id = (await house.member.api.get(f"/api/conversations/{by_key['id']}")).json()
    assert by_id == by_key
    assert (by_key["head"], by_key["running"], by_key["attachments"]) == (reply["message_id"], None, [])


@denied(f"GET {_C}", 404)
async def anothers_conversation_is_not_shown(house: House) -> None:
    await house.other.api.get(at(await say(house.member, "Hello")))


@invalid(f"GET {_C}", 404)
async def an_unknown_conversation_is_not_shown(house: House) -> None:
    await house.member.api.get(f"/api/conversations/{uuid4()}")


@happy(f"PATCH {_C}")
async def a_conversation_is_arranged(house: House) -> None:
    person = await house.person()
    reply = await say(person, "Hello")
    changes = {"title": "Greetings", "folder": "Talks", "archived": True, "assistant": "conversation"}
    changed = (await person.api.patch(at(reply), json=changes)).json()
    assert {name: changed[name] for name in changes} == changes
    assert (await person.api.get("/api/conversations")).json()["total"] == 0
    assert (await person.api.get("/api/conversations?archived=true")).json()["total"] == 1
    assert (await person.api.patch(at(reply), json={"folder": None})).json()["folder"] is None


@denied(f"PATCH {_C}", 404)
async def anothers_conversation_is_not_arranged(house: House) -> None:
    await house.other.api.patch(at(await say(house.member, "Hello")), json={"title": "Mine"})


@invalid(f"PATCH {_C}")
async def a_change_has_its_form(house: House) -> None:
    await house.member.api.patch(at(await say(house.member, "Hello")), json={"title": 7})


@happy(f"DELETE {_C}", 204)
async def a_conversation_is_deleted(house: House) -> None:
    person = await house.person()
    reply = await say(person, "Hello zanzibar")
    assert (await person.api.get("/api/conversations?q=zanzibar")).json()["total"] == 1
    assert (await person.api.delete(at(reply))).status_code == 204
    assert (await person.api.get(at(reply))).status_code == 404
    assert (await person.api.get("/api/conversations?q=zanzibar")).json()["total"] == 0
    await person.api.delete(at(await say(person, "Another")))


@denied(f"DELETE {_C}", 404)
async def anothers_conversation_is_not_deleted(house: House) -> None:
    await house.other.api.delete(at(await say(house.member, "Hello")))


@invalid(f"DELETE {_C}", 404)
async def an_unknown_conversation_is_not_deleted(house: House) -> None:
    await house.member.api.delete(f"/api/conversations/{uuid4()}")


@happy(f"GET {_C}/messages")
async def messages_are_listed(house: House) -> None:
    first = await say(house.member, "One")
    await say(house.member, "Two", first["conversation_id"])
    page = (await house.member.api.get(at(first, "/messages"))).json()
    assert [(one["role"], one["status"]) for one in page["items"]] == [("user", "done"), ("assistant", "done")] * 2
    assert page["items"][1]["id"] == first["message_id"]
    assert page["items"][2]["parent_id"] == first["message_id"]
    window = (await house.member.api.get(at(first, "/messages?offset=1&limit=2"))).json()
    assert window["items"] == page["items"][1:3]
    assert window["total"] == 4


@denied(f"GET {_C}/messages", 404)
async def anothers_messages_are_not_listed(house: House) -> None:
    await house.other.api.get(at(await say(house.member, "One"), "/messages"))


@invalid(f"GET {_C}/messages")
async def a_leaf_is_an_id(house: House) -> None:
    reply = await say(house.member, "One")
    assert (await house.member.api.get(at(reply, f"/messages?leaf={uuid4()}"))).status_code == 404
    await house.member.api.get(at(reply, "/messages?leaf=first"))


@happy(f"POST {_M}/branch")
async def a_message_is_worded_anew(house: House) -> None:
    first = await say(house.member, "One")
    second = await say(house.member, "Two", first["conversation_id"])
    path = at_message(second, "branch", "user_message_id")
    other = (await house.member.api.post(path, json={"message": "Zwei", "assistant": "conversation"})).json()
    shown = (await house.member.api.get(at(first, "/messages"))).json()["items"]
    assert [one["content"] for one in shown if one["role"] == "user"] == ["One", "Zwei"]
    assert shown[2]["versions"] == [second["user_message_id"], other["user_message_id"]]
    old = (await house.member.api.get(at(first, f"/messages?leaf={second['user_message_id']}"))).json()["items"]
    assert [one["content"] for one in old if one["role"] == "user"] == ["One", "Two"]
    await house.member.api.patch(at(first), json={"head": second["user_message_id"]})
    assert (await house.member.api.get(at(first, "/messages"))).json()["items"] == old


@denied(f"POST {_M}/branch", 404)
async def anothers_message_is_not_worded_anew(house: House) -> None:
    first = await say(house.member, "One")
    await house.other.api.post(at_message(first, "branch", "user_message_id"), json={"message": "Uno"})


@invalid(f"POST {_M}/branch", 409)
async def an_answer_is_not_worded_anew(house: House) -> None:
    first = await say(house.member, "One")
    assert (await house.member.api.post(at_message(first, "branch"), json={"message": ""})).status_code == 400
    await house.member.api.post(at_message(first, "branch"), json={"message": "Uno"})


@happy(f"POST {_M}/regenerate")
async def an_answer_is_written_anew(house: House) -> None:
    first = await say(house.member, "One")
    with house.saying("Another answer"):
        path = at_message(first, "regenerate")
        second = (await house.member.api.post(path, json={"assistant": "conversation"})).json()
    assert (second["message"], second["user_message_id"]) == ("Another answer", first["user_message_id"])
    shown = (await house.member.api.get(at(first, "/messages"))).json()["items"]
    assert shown[1]["versions"] == [first["message_id"], second["message_id"]]
    assert shown[1]["content"] == "Another answer"


@denied(f"POST {_M}/regenerate", 404)
async def anothers_answer_is_not_written_anew(house: House) -> None:
    await house.other.api.post(at_message(await say(house.member, "One"), "regenerate"), json={})


@invalid(f"POST {_M}/regenerate", 409)
async def a_question_is_not_written_anew(house: House) -> None:
    first = await say(house.member, "One")
    missing = at(first, f"/messages/{uuid4()}/regenerate")
    assert (await house.member.api.post(missing, json={})).status_code == 404
    await house.member.api.post(at_message(first, "regenerate", "user_message_id"), json={})


@happy(f"PUT {_M}/feedback")
async def an_answer_is_rated(house: House) -> None:
    first = await say(house.member, "One")
    path = at_message(first, "feedback")
    await house.member.api.put(path, json={"rating": "up"})
    rated = (await house.member.api.put(path, json={"rating": "down", "reason": "Too long"})).json()
    assert rated["feedback"] == {"rating": "down", "reason": "Too long"}
    assert (await house.member.api.put(path, json={"rating": None})).json()["feedback"] is None


@denied(f"PUT {_M}/feedback", 404)
async def anothers_answer_is_not_rated(house: House) -> None:
    await house.other.api.put(at_message(await say(house.member, "One"), "feedback"), json={"rating": "up"})


@invalid(f"PUT {_M}/feedback")
async def a_rating_is_up_or_down(house: House) -> None:
    first = await say(house.member, "One")
    question = at_message(first, "feedback", "user_message_id")
    assert (await house.member.api.put(question, json={"rating": "up"})).status_code == 409
    await house.member.api.put(at_message(first, "feedback"), json={"rating": "sideways"})


@happy(f"PUT {_C}/share")
async def a_conversation_is_shared(house: House) -> None:
    owner, reader = await house.person(), await house.person()
    reply = await say(owner, "Look")
    shared = (await owner.api.put(at(reply, "/share"), json={"readers": [{"user": reader.id}]})).json()
    assert [one["name"] for one in shared["readers"]] == [reader.name]
    seen = (await reader.api.get(at(reply))).json()
    assert (seen["right"], seen["owner"], seen["readers"]) == ("reader", owner.name, [])
    assert (await reader.api.get("/api/conversations?shared=true")).json()["total"] == 1
    assert len((await reader.api.get(at(reply, "/messages"))).json()["items"]) == 2
    writing = {"conversation_id": reply["conversation_id"], "message": "Me too"}
    assert (await reader.api.post("/api/chat", json=writing)).status_code == 403
    assert (await reader.api.delete(at(reply))).status_code == 403
    await owner.api.put(at(reply, "/share"), json={"readers": []})
    assert (await reader.api.get(at(reply))).status_code == 404
    await owner.api.put(at(reply, "/share"), json={"readers": []})


@denied(f"PUT {_C}/share", 404)
async def anothers_conversation_is_not_shared(house: House) -> None:
    await house.other.api.put(at(await say(house.member, "Look"), "/share"), json={"readers": []})


@invalid(f"PUT {_C}/share")
async def readers_are_people_or_groups(house: House) -> None:
    reply = await say(house.member, "Look")
    assert (
        await house.member.api.put(at(reply, "/share"), json={"readers": [{"user": str(uuid4())}]})
    ).status_code == 400
    await house.member.api.put(at(reply, "/share"), json={"readers": [{}]})


@happy(f"POST {_C}/attachments")
async def a_document_is_attached(house: House) -> None:
    reply = await say(house.member, "Look")
    document = await house.add(house.member, "The ferry to Groix leaves at half past seven.")
    body = {"file_id": document["file_id"]}
    await house.member.api.post(at(reply, "/attachments"), json=body)
    shown = (await house.member.api.post(at(reply, "/attachments"), json=body)).json()
    assert [one["file_id"] for one in shown["attachments"]] == [document["file_id"]]
    with house.saying("At half past seven [1]."):
        answer = await say(house.member, "When does the ferry to Groix leave?", reply["conversation_id"])
    assert [one["file_id"] for one in answer["sources"]] == [document["file_id"]]
    assert answer["grounded"][0]["supported"]


@happy(f"GET {_C}/export")
async def an_export_names_the_documents_its_reader_may_read(house: House) -> None:
    reply = await say(house.member, "Look")
    document = await house.add(house.member, "The ferry to Groix leaves at half past seven.")
    await house.member.api.post(at(reply, "/attachments"), json={"file_id": document["file_id"]})
    await house.member.api.put(at(reply, "/share"), json={"readers": [{"user": str(house.other.id)}]})
    assert document["filename"].replace("_", "\\_") in (await house.member.api.get(at(reply, "/export"))).text
    assert "Documents" not in (await house.other.api.get(at(reply, "/export"))).text


@denied(f"POST {_C}/attachments", 404)
async def anothers_document_is_not_attached(house: House) -> None:
    document = await house.add(house.member)
    reply = await say(house.other, "Look")
    await house.other.api.post(at(reply, "/attachments"), json={"file_id": document["file_id"]})


@invalid(f"POST {_C}/attachments")
async def an_attachment_is_a_document(house: House) -> None:
    reply = await say(house.member, "Look")
    assert (await house.member.api.post(at(reply, "/attachments"), json={"file_id": str(uuid4())})).status_code == 404
    await house.member.api.post(at(reply, "/attachments"), json={"file_id": "none"})


@happy(f"DELETE {_C}/attachments/{{file_id:uuid}}", 204)
async def a_document_is_taken_out(house: House) -> None:
    reply = await say(house.member, "Look")
    document = await house.add(house.member)
    await house.member.api.post(at(reply, "/attachments"), json={"file_id": document["file_id"]})
    await house.member.api.delete(at(reply, f"/attachments/{document['file_id']}"))
    assert (await house.member.api.get(at(reply))).json()["attachments"] == []


@denied(f"DELETE {_C}/attachments/{{file_id:uuid}}", 404)
async def nothing_is_taken_out_of_anothers(house: House) -> None:
    await house.other.api.delete(at(await say(house.member, "Look"), f"/attachments/{uuid4()}"))


@invalid(f"DELETE {_C}/attachments/{{file_id:uuid}}", 404)
async def nothing_is_taken_out_of_what_is_not_there(house: House) -> None:
    await house.member.api.delete(f"/api/conversations/{uuid4()}/attachments/{uuid4()}")


@happy("GET /api/folders")
async def folders_are_listed(house: House) -> None:
    person = await house.person()
    for folder in ("Talks", "Budget", "Talks"):
        await person.api.post("/api/conversations", json={"folder": folder})
    found = (await person.api.get("/api/folders")).json()
    assert found["items"] == [{"name": "Budget", "conversations": 1}, {"name": "Talks", "conversations": 2}]


@denied("GET /api/folders", 401)
async def nobody_lists_folders(house: House) -> None:
    await house.nobody.get("/api/folders")


@invalid("GET /api/folders", 405)
async def folders_are_not_put(house: House) -> None:
    await house.member.api.put("/api/folders", json={})


@happy("PATCH /api/folders")
async def a_folder_is_renamed(house: House) -> None:
    person = await house.person()
    await person.api.post("/api/conversations", json={"folder": "Talks"})
    renamed = (await person.api.patch("/api/folders", json={"name": "Talks", "to": "Chats"})).json()
    assert renamed["items"] == [{"name": "Chats", "conversations": 1}]
    assert (await person.api.patch("/api/folders", json={"name": "Chats", "to": None})).json()["items"] == []


@denied("PATCH /api/folders", 401)
async def nobody_renames_folders(house: House) -> None:
    await house.nobody.patch("/api/folders", json={"name": "a", "to": "b"})


@invalid("PATCH /api/folders")
async def a_folder_has_a_name(house: House) -> None:
    await house.member.api.patch("/api/folders", json={"name": "", "to": "b"})


@happy(f"GET {_C}/export")
async def a_conversation_is_written_to_a_file(house: House) -> None:
    reply = await say(house.member, "Écrivez un mot")
    for form, mark in (("docx", b"PK"), ("json", b"{"), ("md", b"#")):
        answer = await house.member.api.get(at(reply, f"/export?format={form}"))
        assert answer.content.startswith(mark)
        assert answer.headers["content-disposition"].endswith(f".{form}")


@denied(f"GET {_C}/export", 404)
async def anothers_conversation_is_not_exported(house: House) -> None:
    await house.other.api.get(at(await say(house.member, "Hello"), "/export"))


@invalid(f"GET {_C}/export")
async def an_export_has_a_known_form(house: House) -> None:
    await house.member.api.get(at(await say(house.member, "Hello"), "/export?format=pdf"))
