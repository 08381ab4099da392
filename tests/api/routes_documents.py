"""Cases of the routes about collections and documents."""

import asyncio
from uuid import uuid4

from tests.api.cases import denied, happy, invalid
from tests.api.house import House

_COLLECTION = "/api/collections/{collection_id:uuid}"
_DOCUMENT = "/api/rag/documents/{file_id:uuid}"


@happy("GET /api/collections")
async def ones_own_collection_comes_first(house: House) -> None:
    made = await house.collection(house.member)
    found = (await house.member.api.get("/api/collections?limit=100")).json()
    assert found["items"][0]["private"]
    assert made["id"] in {one["id"] for one in found["items"]}


@denied("GET /api/collections", 403)
async def collections_need_the_scope(house: House) -> None:
    await (await house.key(house.member, "metrics")).get("/api/collections")


@invalid("GET /api/collections")
async def a_page_of_collections_has_a_size(house: House) -> None:
    await house.member.api.get("/api/collections?limit=0")


@happy("POST /api/collections", 201)
async def a_collection_is_made(house: House) -> None:
    made = await house.collection(house.member, name=" Papiers ", language="fr", chunk_characters=400)
    assert (made["name"], made["language"], made["right"], made["private"]) == ("Papiers", "fr", "owner", False)
    assert made["chunk_overlap"] <= 200


@denied("POST /api/collections", 401)
async def nobody_makes_a_collection(house: House) -> None:
    await house.nobody.post("/api/collections", json={"name": "x"})


@invalid("POST /api/collections")
async def chunks_have_a_size(house: House) -> None:
    await house.member.api.post("/api/collections", json={"name": "x", "chunk_characters": 3})


@happy(f"GET {_COLLECTION}")
async def a_collection_is_shown(house: House) -> None:
    made = await house.collection(house.member)
    assert (await house.member.api.get(f"/api/collections/{made['id']}")).json() == made


@denied(f"GET {_COLLECTION}", 404)
async def anothers_collection_is_not_there(house: House) -> None:
    await house.other.api.get(f"/api/collections/{(await house.collection(house.member))['id']}")


@invalid(f"GET {_COLLECTION}", 404)
async def an_unknown_collection_is_not_there(house: House) -> None:
    await house.member.api.get(f"/api/collections/{uuid4()}")


@happy(f"PATCH {_COLLECTION}")
async def other_sizes_cut_anew(house: House) -> None:
    made = await house.collection(house.member)
    document = await house.add(house.member, "Lanterns hang in the tower. " * 60, collection=made["id"])
    changed = await house.member.api.patch(f"/api/collections/{made['id']}", json={"chunk_characters": 200})
    assert changed.json()["chunk_characters"] == 200
    again = await house.wait_for(house.member, document["file_id"], "indexed")
    while again["chunks"] == document["chunks"]:
        await asyncio.sleep(0.02)
        again = await house.wait_for(house.member, document["file_id"], "indexed")
    assert again["chunks"] > document["chunks"]


@denied(f"PATCH {_COLLECTION}", 403)
async def a_reader_does_not_rename(house: House) -> None:
    made = await house.collection(house.member)
    readers = {"readers": [{"user": house.other.id}]}
    assert (await house.member.api.put(f"/api/collections/{made['id']}/permissions", json=readers)).status_code == 200
    await house.other.api.patch(f"/api/collections/{made['id']}", json={"name": "mine"})


@invalid(f"PATCH {_COLLECTION}")
async def a_collection_has_no_color(house: House) -> None:
    made = await house.collection(house.member)
    await house.member.api.patch(f"/api/collections/{made['id']}", json={"color": "red"})


@happy(f"PUT {_COLLECTION}/permissions")
async def a_collection_is_shared(house: House) -> None:
    made = await house.collection(house.member)
    rights = {"readers": [{"user": house.admin.id}], "editors": [{"user": house.other.id}]}
    await house.member.api.put(f"/api/collections/{made['id']}/permissions", json=rights)
    assert (await house.other.api.get(f"/api/collections/{made['id']}")).json()["right"] == "editor"


@denied(f"PUT {_COLLECTION}/permissions", 404)
async def anothers_collection_is_not_shared(house: House) -> None:
    made = await house.collection(house.member)
    rights = {"editors": [{"user": house.other.id}]}
    await house.other.api.put(f"/api/collections/{made['id']}/permissions", json=rights)


@invalid(f"PUT {_COLLECTION}/permissions")
async def an_entry_names_a_person_or_a_group(house: House) -> None:
    made = await house.collection(house.member)
    await house.member.api.put(f"/api/collections/{made['id']}/permissions", json={"readers": [{}]})


@happy(f"DELETE {_COLLECTION}", 204)
async def a_collection_goes_with_its_documents(house: House) -> None:
    made = await house.collection(house.member)
    document = await house.add(house.member, collection=made["id"])
    await house.member.api.delete(f"/api/collections/{made['id']}")
    assert (await house.member.api.get(f"/api/rag/documents/{document['file_id']}")).status_code == 404


@denied(f"DELETE {_COLLECTION}", 404)
async def anothers_collection_is_not_deleted(house: House) -> None:
    await house.other.api.delete(f"/api/collections/{(await house.collection(house.member))['id']}")


@invalid(f"DELETE {_COLLECTION}", 409)
async def ones_own_collection_stays(house: House) -> None:
    own = (await house.member.api.get("/api/collections")).json()["items"][0]
    await house.member.api.delete(f"/api/collections/{own['id']}")


@happy("POST /api/rag/upload", 201)
async def a_file_is_taken_in(house: House) -> None:
    uploaded = await house.upload(house.member, tags=["a", "b"], agent_owner="audrey")
    assert (uploaded["filename"], uploaded["status"]) == ("note.txt", "uploaded")
    document = (await house.member.api.get(f"/api/rag/documents/{uploaded['file_id']}")).json()
    assert (document["tags"], document["agent_owner"]) == (["a", "b"], "audrey")


@denied("POST /api/rag/upload", 404)
async def nothing_is_added_to_anothers_collection(house: House) -> None:
    made = await house.collection(house.member)
    files = {"file": ("a.txt", b"a")}
    await house.other.api.post("/api/rag/upload", files=files, data={"collection": made["id"]})
    report = (await house.admin.api.post("/api/fsck")).json()
    assert not [one for one in report["discrepancies"] if one["kind"] == "blob_unheld"], (
        "what was refused is kept nowhere"
    )
    await house.other.api.post("/api/rag/upload", files=files, data={"collection": made["id"]})


@invalid("POST /api/rag/upload")
async def an_upload_is_a_form_with_a_file(house: House) -> None:
    await house.member.api.post("/api/rag/upload", files={"other": ("a.txt", b"a")})


@happy("POST /api/rag/index")
async def indexing_is_waited_for(house: House) -> None:
    uploaded = await house.upload(house.member)
    indexed = (await house.member.api.post("/api/rag/index", json={"file_id": uploaded["file_id"]})).json()
    assert indexed == {"file_id": uploaded["file_id"], "chunks": 1, "embeddings": 1, "status": "indexed"}


@denied("POST /api/rag/index", 404)
async def anothers_document_is_not_indexed(house: House) -> None:
    await house.other.api.post("/api/rag/index", json={"file_id": (await house.upload(house.member))["file_id"]})


@invalid("POST /api/rag/index")
async def a_file_is_named_by_its_id(house: House) -> None:
    await house.member.api.post("/api/rag/index", json={"file_id": "../../etc/passwd"})


@happy("GET /api/rag/documents")
async def documents_are_listed(house: House) -> None:
    person = await house.person()
    second = await house.add(person, "two", name="second.txt")
    first = await house.add(person, "one", name="First.txt")
    found = (await person.api.get("/api/rag/documents?sort=name&order=asc&status=indexed")).json()
    assert [one["file_id"] for one in found["documents"]] == [first["file_id"], second["file_id"]]
    assert (found["total"], found["limit"], found["offset"]) == (2, 20, 0)
    assert (await person.api.get("/api/rag/documents", params={"q": "FIRST"})).json()["total"] == 1


@denied("GET /api/rag/documents", 403)
async def documents_need_the_scope(house: House) -> None:
    await (await house.key(house.member, "metrics")).get("/api/rag/documents")


@invalid("GET /api/rag/documents")
async def documents_are_sorted_by_what_is_shown(house: House) -> None:
    await house.member.api.get("/api/rag/documents?sort=sha256")


@happy("POST /api/rag/documents/tag")
async def documents_are_tagged_by_their_words(house: House) -> None:
    person = await house.person()
    document = await house.add(person, "The harvest of saffron was poor.")
    tagged = await person.api.post(
        "/api/rag/documents/tag", json={"keywords": {"spice": ["SAFFRON"], "none": ["xyzzy"]}}
    )
    assert tagged.json() == {"tagged": {"spice": 1, "none": 0}}
    assert (await person.api.get("/api/rag/documents?tag=spice")).json()["documents"][0]["file_id"] == document[
        "file_id"
    ]


@denied("POST /api/rag/documents/tag", 404)
async def anothers_collection_is_not_tagged(house: House) -> None:
    made = await house.collection(house.member)
    body = {"keywords": {"a": ["b"]}, "collection": made["id"]}
    await house.other.api.post("/api/rag/documents/tag", json=body)


@invalid("POST /api/rag/documents/tag")
async def a_tag_has_words(house: House) -> None:
    await house.member.api.post("/api/rag/documents/tag", json={"keywords": {"a": "b"}})


@happy(f"GET {_DOCUMENT}")
async def a_document_is_shown(house: House) -> None:
    document = await house.add(house.member)
    assert document["status"] == "indexed"
    assert document["searchable"]
    assert (document["uploaded_by"], document["right"], document["error"]) == (house.member.name, "owner", None)


@denied(f"GET {_DOCUMENT}", 404)
async def anothers_document_is_not_there(house: House) -> None:
    await house.other.api.get(f"/api/rag/documents/{(await house.upload(house.member))['file_id']}")


@invalid(f"GET {_DOCUMENT}", 404)
async def an_unknown_document_is_not_there(house: House) -> None:
    await house.member.api.get(f"/api/rag/documents/{uuid4()}")


@happy(f"PATCH {_DOCUMENT}")
async def tags_are_replaced(house: House) -> None:
    document = await house.add(house.member, tags=["old"])
    path = f"/api/rag/documents/{document['file_id']}"
    changed = (await house.member.api.patch(path, json={"tags": ["new"], "agent_owner": None})).json()
    assert (changed["tags"], changed["agent_owner"]) == (["new"], None)


@denied(f"PATCH {_DOCUMENT}", 404)
async def anothers_document_is_not_changed(house: House) -> None:
    document = await house.upload(house.member)
    await house.other.api.patch(f"/api/rag/documents/{document['file_id']}", json={"tags": []})


@invalid(f"PATCH {_DOCUMENT}")
async def a_tag_is_short(house: House) -> None:
    document = await house.upload(house.member)
    await house.member.api.patch(f"/api/rag/documents/{document['file_id']}", json={"tags": ["a" * 61]})


@happy(f"DELETE {_DOCUMENT}", 204)
async def a_document_is_deleted(house: House) -> None:
    document = await house.add(house.member)
    path = f"/api/rag/documents/{document['file_id']}"
    deleted = await house.member.api.delete(path)
    assert deleted.content == b""
    for gone in (path, f"{path}/content", f"{path}/text"):
        assert (await house.member.api.get(gone)).status_code == 404
    await house.member.api.delete(f"/api/rag/documents/{(await house.add(house.member))['file_id']}")


@denied(f"DELETE {_DOCUMENT}", 404)
async def anothers_document_is_not_deleted(house: House) -> None:
    await house.other.api.delete(f"/api/rag/documents/{(await house.upload(house.member))['file_id']}")


@invalid(f"DELETE {_DOCUMENT}", 404)
async def an_unknown_document_is_not_deleted(house: House) -> None:
    await house.member.api.delete(f"/api/rag/documents/{uuid4()}")


@happy(f"POST {_DOCUMENT}/retry")
async def a_password_opens_a_file(house: House) -> None:
    uploaded = await house.upload(house.member, "password: sésame\nLanterns.")
    failed = await house.wait_for(house.member, uploaded["file_id"], "failed")
    assert failed["error"]["type"] == "urn:appliance:password_needed"
    path = f"/api/rag/documents/{uploaded['file_id']}/retry"
    await house.member.api.post(path, json={"password": "sésame"})
    assert (await house.wait_for(house.member, uploaded["file_id"], "indexed", "failed"))["status"] == "indexed"


@denied(f"POST {_DOCUMENT}/retry", 404)
async def anothers_document_is_not_tried_again(house: House) -> None:
    await house.other.api.post(f"/api/rag/documents/{(await house.upload(house.member))['file_id']}/retry")


@invalid(f"POST {_DOCUMENT}/retry", 409)
async def what_is_being_read_is_not_tried_again(house: House) -> None:
    held = await house.held(house.member)
    await house.member.api.post(f"/api/rag/documents/{held['file_id']}/retry")
    house.parser.released.set()


@happy(f"POST {_DOCUMENT}/cancel")
async def reading_is_stopped(house: House) -> None:
    held = await house.held(house.member)
    stopped = (await house.member.api.post(f"/api/rag/documents/{held['file_id']}/cancel")).json()
    assert (stopped["status"], stopped["error"]["type"]) == ("failed", "urn:appliance:indexing_cancelled")
    house.parser.released.set()


@denied(f"POST {_DOCUMENT}/cancel", 404)
async def anothers_reading_is_not_stopped(house: House) -> None:
    held = await house.held(house.member)
    await house.other.api.post(f"/api/rag/documents/{held['file_id']}/cancel")
    house.parser.released.set()


@invalid(f"POST {_DOCUMENT}/cancel", 409)
async def what_is_done_is_not_stopped(house: House) -> None:
    await house.member.api.post(f"/api/rag/documents/{(await house.add(house.member))['file_id']}/cancel")
