"""Cases of the routes that show what was read, find, answer and measure."""

from uuid import uuid4

from tests.api.cases import denied, happy, invalid
from tests.api.house import House

_DOCUMENT = "/api/rag/documents/{file_id:uuid}"
_TWO_PAGES = "Kites fly over the harbour.\fLanterns hang in the tower."


@happy(f"GET {_DOCUMENT}/content")
async def the_bytes_come_back(house: House) -> None:
    body = f"Lanterns. {uuid4()}".encode()
    sent = await house.member.api.post("/api/rag/upload", files={"file": ("é “a”.html", body)})
    content = await house.member.api.get(f"/api/rag/documents/{sent.json()['file_id']}/content")
    assert content.content == body
    assert content.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%C3%A9")
    assert "sandbox" in content.headers["content-security-policy"]
    assert content.headers["x-content-type-options"] == "nosniff"


@denied(f"GET {_DOCUMENT}/content", 404)
async def anothers_bytes_are_not_there(house: House) -> None:
    await house.other.api.get(f"/api/rag/documents/{(await house.upload(house.member))['file_id']}/content")


@invalid(f"GET {_DOCUMENT}/content", 404)
async def unknown_bytes_are_not_there(house: House) -> None:
    await house.member.api.get(f"/api/rag/documents/{uuid4()}/content")


@happy(f"GET {_DOCUMENT}/pages/{{number:int}}")
async def a_page_is_a_picture_with_its_mark(house: House) -> None:
    document = await house.add(house.member, _TWO_PAGES)
    passage = (await house.find(house.member, "lanterns tower", filters={"documents": [document["file_id"]]}))[0]
    assert passage["page"] == 2
    path = f"/api/rag/documents/{document['file_id']}/pages/2"
    plain = await house.member.api.get(path)
    assert plain.content.startswith(b"\x89PNG")
    marked = await house.member.api.get(path, params={"chunk": passage["chunk_id"]})
    assert marked.content != plain.content
    assert float(marked.headers["x-mark-top"]) >= 0


@denied(f"GET {_DOCUMENT}/pages/{{number:int}}", 404)
async def anothers_page_is_not_there(house: House) -> None:
    document = await house.add(house.member, _TWO_PAGES)
    await house.other.api.get(f"/api/rag/documents/{document['file_id']}/pages/1")


@invalid(f"GET {_DOCUMENT}/pages/{{number:int}}", 404)
async def pages_count_from_one_to_the_last(house: House) -> None:
    document = await house.add(house.member, _TWO_PAGES)
    assert (await house.member.api.get(f"/api/rag/documents/{document['file_id']}/pages/0")).status_code == 404
    await house.member.api.get(f"/api/rag/documents/{document['file_id']}/pages/3")


@happy(f"GET {_DOCUMENT}/text")
async def the_text_is_shown(house: House) -> None:
    document = await house.add(house.member, _TWO_PAGES)
    text = (await house.member.api.get(f"/api/rag/documents/{document['file_id']}/text?offset=1")).json()
    assert (text["total"], text["offset"], text["sections"][0]["page"]) == (2, 1, 2)
    assert text["sections"][0]["text"].startswith("Lanterns")


@denied(f"GET {_DOCUMENT}/text", 404)
async def anothers_text_is_not_there(house: House) -> None:
    await house.other.api.get(f"/api/rag/documents/{(await house.add(house.member))['file_id']}/text")


@invalid(f"GET {_DOCUMENT}/text")
async def a_page_of_text_has_a_size(house: House) -> None:
    await house.member.api.get(f"/api/rag/documents/{(await house.add(house.member))['file_id']}/text?limit=1000")


@happy(f"GET {_DOCUMENT}/passages/{{chunk_id:uuid}}")
async def a_passage_is_shown_in_its_place(house: House) -> None:
    document = await house.add(house.member, _TWO_PAGES)
    found = (await house.find(house.member, "kites harbour", filters={"documents": [document["file_id"]]}))[0]
    path = f"/api/rag/documents/{document['file_id']}/passages/{found['chunk_id']}"
    shown = (await house.member.api.get(path)).json()
    assert (shown["text"], shown["before"]) == ("Kites fly over the harbour.", "")
    assert "Lanterns" in shown["after"]


@denied(f"GET {_DOCUMENT}/passages/{{chunk_id:uuid}}", 404)
async def anothers_passage_is_not_there(house: House) -> None:
    document = await house.add(house.member, _TWO_PAGES)
    found = (await house.find(house.member, "kites harbour", filters={"documents": [document["file_id"]]}))[0]
    await house.other.api.get(f"/api/rag/documents/{document['file_id']}/passages/{found['chunk_id']}")


@invalid(f"GET {_DOCUMENT}/passages/{{chunk_id:uuid}}", 404)
async def an_unknown_passage_is_not_there(house: House) -> None:
    document = await house.add(house.member)
    await house.member.api.get(f"/api/rag/documents/{document['file_id']}/passages/{uuid4()}")


@happy("POST /api/rag/search")
async def passages_are_found_with_every_score(house: House) -> None:
    document = await house.add(house.member, "The glass blowers of Murano work at night.")
    found = (await house.find(house.member, "When do the glass blowers of Murano work?"))[0]
    assert found["file_id"] == document["file_id"]
    assert {"dense", "lexical", "fused", "reranked"} <= set(found["scores"])
    assert found["scores"]["lexical"] > 0


@denied("POST /api/rag/search", 404)
async def anothers_collection_is_not_searched(house: House) -> None:
    made = await house.collection(house.member)
    await house.other.api.post("/api/rag/search", json={"query": "kites", "collection": made["id"]})


@invalid("POST /api/rag/search")
async def a_search_is_for_something(house: House) -> None:
    await house.member.api.post("/api/rag/search", json={"query": " \n "})


@happy("POST /api/rag/chat")
async def an_answer_has_its_sources(house: House) -> None:
    document = await house.add(house.member, "Kites are made of paper and of bamboo.")
    only = {"documents": [document["file_id"]]}
    answer = (
        await house.member.api.post(
            "/api/rag/chat", json={"question": "What are kites made of?", "filters": only, "conversation_id": "c-1"}
        )
    ).json()
    assert (answer["mode"], answer["model"], answer["conversation_id"]) == ("llm", "memory", "c-1")
    assert answer["answer"] == "Kites are made of paper [1]."
    assert [source["file_id"] for source in answer["sources"]] == [document["file_id"]]
    assert answer["tokens"] == sum(answer["usage"].values()) > 0
    assert [(part["supported"], part["sources"]) for part in answer["grounded"]] == [(True, [1])]


@denied("POST /api/rag/chat", 403)
async def asking_needs_the_scope(house: House) -> None:
    await (await house.key(house.member, "metrics")).post("/api/rag/chat", json={"question": "Why?"})


@invalid("POST /api/rag/chat", 404)
async def a_model_that_is_not_there_does_not_answer(house: House) -> None:
    await house.member.api.post("/api/rag/chat", json={"question": "Why?", "model": "nowhere:70b"})


_MEASURED = {"kind": "retrieval", "name": "made up", "questions": 2, "measures": {"nDCG@10": 0.5}, "seconds": 1.5}


@happy("POST /api/evaluations", 201)
async def a_measured_run_is_kept(house: House) -> None:
    kept = (await house.admin.api.post("/api/evaluations", json=_MEASURED)).json()
    assert kept["measures"] == {"nDCG@10": 0.5}
    assert kept["configuration"]["reranker"] == "late_interaction"


@denied("POST /api/evaluations", 403)
async def a_member_keeps_no_run(house: House) -> None:
    await house.member.api.post("/api/evaluations", json=_MEASURED)


@invalid("POST /api/evaluations")
async def a_run_has_questions(house: House) -> None:
    await house.admin.api.post("/api/evaluations", json={**_MEASURED, "questions": 0})


@happy("GET /api/evaluations")
async def runs_are_listed(house: House) -> None:
    kept = (await house.admin.api.post("/api/evaluations", json=_MEASURED)).json()
    assert (await house.admin.api.get("/api/evaluations?limit=1")).json()["items"] == [kept]
    routed = (await house.admin.api.post("/api/evaluations", json={**_MEASURED, "kind": "routing"})).json()
    assert (await house.admin.api.get("/api/evaluations?kind=routing")).json()["items"][0] == routed
    assert (await house.admin.api.get("/api/evaluations?kind=retrieval")).json()["items"][0] == kept


@denied("GET /api/evaluations", 403)
async def runs_are_listed_for_admins(house: House) -> None:
    await house.member.api.get("/api/evaluations")


@invalid("GET /api/evaluations")
async def a_page_of_runs_has_a_size(house: House) -> None:
    assert (await house.admin.api.get("/api/evaluations?kind=taste")).status_code == 400
    await house.admin.api.get("/api/evaluations?limit=-5")
