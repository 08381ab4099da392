"""Asking over HTTP: streamed and not, stopped, followed again, and what happens where the model fails."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from appliance.core.database import Transaction
from appliance.core.errors import EngineFailed, EngineUnavailable
from appliance.ports.chat import ChatRequest
from appliance.ports.embedder import Embedder
from tests.api.house import House, Person
from tests.api.wire import Call, SentEvent, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")
_FACT = "The lighthouse of Kermorvan was lit in 1849 by order of the prefect."
_QUESTION = "When was the lighthouse of Kermorvan lit?"


def ask(house: House, person: Person, **body: Any) -> Any:
    """Stream an answer."""
    headers = {"authorization": f"Bearer {person.key}"}
    return calling(
        house, "POST", "/api/rag/chat", headers=headers, json={"question": _QUESTION, "stream": True, **body}
    )


async def only(house: House, person: Person, text: str = _FACT) -> dict[str, Any]:
    """Add a document and give the filter that lets only it be asked."""
    return {"documents": [(await house.add(person, text))["file_id"]]}


def words_of(events: list[SentEvent]) -> str:
    return "".join(event.data["text"] for event in events if event.name == "token")


async def all_events(call: Call) -> list[SentEvent]:
    return [event async for event in call.events()]


async def test_an_answer_streams_in_its_order(house: House) -> None:
    filters = await only(house, house.member)
    with house.saying("It was lit in 1849 [1]. Whales [9] sing there."):
        async with ask(house, house.member, filters=filters) as call:
            assert call.headers["content-type"].startswith("text/event-stream")
            events = await all_events(call)
    names = [event.name for event in events]
    assert names[:2] == ["route", "source"]
    assert names[-1] == "done"
    assert set(names[2:-1]) == {"token"}
    assert names.count("token") > 3, "as it comes, not at the end"
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    route, source, done = events[0].data, events[1].data, events[-1].data
    assert {"agent", "confidence", "reasoning", "run_id"} <= set(route)
    assert call.headers["x-run-id"] == route["run_id"] == done["run_id"]
    assert (source["number"], source["file_id"]) == (1, filters["documents"][0])
    assert done["answer"] == words_of(events).strip() == "It was lit in 1849 [1]. Whales sing there."
    assert done["sources"][0]["quote"] == _FACT
    assert [part["supported"] for part in done["grounded"]] == [True, False]


async def test_without_a_model_the_answer_quotes_and_says_so(house: House) -> None:
    filters = await only(house, house.member)
    with house.without_model():
        async with ask(house, house.member, filters=filters) as call:
            events = await all_events(call)
    done = events[-1].data
    assert (done["mode"], done["model"], done["tokens"]) == ("extractive", None, 0)
    assert done["answer"] == f"{_FACT} [1]" == words_of(events)
    source = done["sources"][0]
    assert source["quote"] == _FACT
    text = (await house.member.api.get(f"/api/rag/documents/{source['file_id']}/text")).json()["sections"][0]["text"]
    assert text[source["start"] : source["end"]] == _FACT


async def test_what_a_heading_says_is_answered_by_what_stands_below_it(house: House) -> None:
    text = "# Finding the leak\n\nDivide each number by the one before. The leak is where that is lowest.\n"
    filters = {"documents": [(await house.add(house.member, text, name="leak.md"))["file_id"]]}
    asked = {"question": "How do I find the leak?", "filters": filters}
    with house.without_model():
        answer = (await house.member.api.post("/api/rag/chat", json=asked)).json()
    assert answer["sources"][0]["quote"] == "The leak is where that is lowest."


async def test_where_nothing_is_found_nothing_is_cited(house: House) -> None:
    person = await house.person(language="fr")
    filters = await only(house, person)
    body = {"question": "Quel fromage accompagne la pomme de terre ?", "filters": filters}
    answer = (await person.api.post("/api/rag/chat", json=body)).json()
    assert answer["nothing_found"]
    assert (answer["sources"], answer["grounded"], answer["mode"]) == ([], [], "extractive")
    assert answer["answer"].startswith("Rien de pertinent")


async def test_who_has_no_documents_is_answered_too(house: House) -> None:
    person = await house.person()
    answer = (await person.api.post("/api/rag/chat", json={"question": _QUESTION})).json()
    assert (answer["nothing_found"], answer["sources"]) == (True, [])


async def test_stop_reaches_the_model(house: House) -> None:
    filters = await only(house, house.member)
    with house.saying("word " * 500, seconds_per_token=0.02) as model:
        unfinished = model.unfinished
        async with ask(house, house.member, filters=filters) as call, aclosing(call.events()) as events:
            seen = [await anext(events) for _ in range(6)]
            stopped = await house.member.api.post(f"/api/runs/{call.headers['x-run-id']}/stop")
            assert stopped.status_code == 200
            async with asyncio.timeout(5):
                seen += [event async for event in events]
    done = seen[-1]
    assert (done.name, done.data["stopped"]) == ("done", True)
    assert done.data["answer"] == words_of(seen).strip()
    assert 0 < done.data["answer"].count("word") < 400
    assert model.unfinished == unfinished + 1
    async with asyncio.timeout(5):
        while (await house.member.api.get(f"/api/runs/{done.data['run_id']}")).json()["status"] != "stopped":
            await asyncio.sleep(0.02)


async def test_nobody_else_stops_it(house: House) -> None:
    filters = await only(house, house.member)
    with house.saying("word " * 20, seconds_per_token=0.02):
        async with ask(house, house.member, filters=filters) as call:
            for person in (house.other, house.admin):
                path = f"/api/runs/{call.headers['x-run-id']}"
                assert (await person.api.post(f"{path}/stop")).status_code == 404
                assert (await person.api.get(f"{path}/events")).status_code == 404
            events = await all_events(call)
    assert events[-1].data["stopped"] is False


async def test_a_closed_browser_loses_nothing(house: House) -> None:
    filters = await only(house, house.member)
    words = " ".join(f"w{number}" for number in range(60))
    with house.saying(words, seconds_per_token=0.01):
        async with ask(house, house.member, filters=filters) as call, aclosing(call.events()) as events:
            seen = [await anext(events) for _ in range(5)]
        headers = {"authorization": f"Bearer {house.member.key}", "last-event-id": str(seen[-1].number)}
        async with calling(house, "GET", f"/api/runs/{call.headers['x-run-id']}/events", headers=headers) as again:
            seen += await all_events(again)
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    assert words_of(seen).strip() == words == seen[-1].data["answer"]


async def test_two_windows_see_the_same(house: House) -> None:
    filters = await only(house, house.member)
    with house.saying("one two three four five", seconds_per_token=0.02):
        async with ask(house, house.member, filters=filters) as call:
            path, headers = (
                f"/api/runs/{call.headers['x-run-id']}/events",
                {"authorization": f"Bearer {house.member.key}"},
            )
            async with calling(house, "GET", path, headers=headers) as window:
                first, second = await asyncio.gather(all_events(call), all_events(window))
    assert first == second


@pytest.mark.parametrize("written", [0, 2])
async def test_where_the_model_fails_the_answer_is_quoted(house: House, written: int) -> None:
    filters = await only(house, house.member)
    stream = house.model.stream

    async def break_off(request: ChatRequest) -> Any:
        number = 0
        async for delta in stream(request):
            if number == written:
                raise EngineFailed(engine="memory")
            number += 1
            yield delta

    house.model.stream = break_off  # pyright: ignore[reportAttributeAccessIssue]
    try:
        async with ask(house, house.member, filters=filters) as call:
            done = (await all_events(call))[-1]
    finally:
        del house.model.stream
    assert (done.name, done.data["mode"]) == ("done", "extractive")
    assert done.data["answer"] == f"{_FACT} [1]"
    assert done.data["notice"]
    assert (done.data["partial"] is None) == (written == 0)


async def test_a_failure_in_the_stream_is_a_problem(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise EngineUnavailable(engine="Qdrant")

    made = await house.member.api.post("/api/collections", json={"name": "Somewhere to look"})
    assert made.status_code == 201
    monkeypatch.setattr(house.appliance.vectors, "search", away)
    async with ask(house, house.member) as call:
        assert call.status == 200
        events = await all_events(call)
    assert [event.name for event in events] == ["error"]
    assert (events[0].data["type"], events[0].data["status"]) == ("urn:appliance:engine_unavailable", 503)
    plain = await house.member.api.post("/api/rag/chat", json={"question": _QUESTION})
    assert plain.status_code == 503


async def test_what_is_wrong_with_a_question_is_said_before_the_stream(house: House) -> None:
    for body, status, code in [
        ({"question": ""}, 400, "empty_question"),
        ({"question": "q" * 100_000}, 400, "question_too_long"),
        ({"model": "nowhere:70b"}, 404, "model_not_found"),
        ({"collection": "00000000-0000-7000-8000-000000000000"}, 404, "collection_not_found"),
    ]:
        async with ask(house, house.member, **body) as call:
            await call.read()
            assert call.status == status, body
            assert call.headers["content-type"] == "application/problem+json"
        plain = await house.member.api.post("/api/rag/chat", json={"question": _QUESTION, **body})
        assert (plain.status_code, plain.json()["type"]) == (status, f"urn:appliance:{code}")


async def test_the_passages_are_what_the_model_is_given(house: House) -> None:
    filters = await only(house, house.member)
    await house.add(house.other, "The lighthouse of Kermorvan was lit by smugglers. A secret.")
    answered = await house.member.api.post("/api/rag/chat", json={"question": _QUESTION, "filters": filters})
    assert answered.status_code == 200
    given = "\n".join(message.content for message in house.model.requests[-1].messages)
    assert _FACT in given
    assert _QUESTION in given
    assert "smugglers" not in given


async def test_what_is_deleted_is_not_found_again(house: House) -> None:
    person = await house.person()
    kept = await house.add(person, "The bell of Locronan rings at noon.")
    gone = await house.add(person, "The bell of Locronan rings at night, they say.")
    query = "When does the bell of Locronan ring?"
    assert {one["file_id"] for one in await house.find(person, query)} == {kept["file_id"], gone["file_id"]}
    assert (await person.api.delete(f"/api/rag/documents/{gone['file_id']}")).status_code == 204
    assert {one["file_id"] for one in await house.find(person, query)} == {kept["file_id"]}
    answer = (await person.api.post("/api/rag/chat", json={"question": query})).json()
    assert {source["file_id"] for source in answer["sources"]} == {kept["file_id"]}
    proof = (await house.admin.api.post("/api/fsck")).json()
    assert proof["discrepancies"] == []
    assert proof["ok"]


async def test_an_index_that_goes_while_it_is_asked_for_is_no_failure(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await house.add(house.member, "Kites fly over the harbour.")
    active = house.appliance.indexes.active
    asked: list[str] = []

    async def active_before_the_swap(transaction: Transaction) -> tuple[str, Embedder | None]:
        name, embedder = await active(transaction)
        asked.append(name)
        return (name if len(asked) > 1 else "passages-dropped"), embedder

    monkeypatch.setattr(house.appliance.indexes, "active", active_before_the_swap)
    found = await house.find(house.member, "kites over the harbour")
    assert document["file_id"] in {one["file_id"] for one in found}
    assert len(asked) == 2


async def test_filters_narrow_a_search(house: House) -> None:
    person = await house.person()
    english = await house.add(person, "The cider of Fouesnant is dry and cold.", tags=["drink"], agent_owner="audrey")
    french = await house.add(person, "Le cidre de Fouesnant est sec et se boit bien frais.", tags=["boisson"])
    query = "cider cidre Fouesnant"
    for filters, expected in [
        ({"tags": ["drink"]}, {english["file_id"]}),
        ({"languages": ["fr"]}, {french["file_id"]}),
        ({"agent_owner": "audrey"}, {english["file_id"]}),
        ({"documents": [french["file_id"]]}, {french["file_id"]}),
        ({"tags": ["boisson", "drink"]}, {english["file_id"], french["file_id"]}),
        ({"tags": []}, set()),
    ]:
        found = await house.find(person, query, filters=filters)
        assert {one["file_id"] for one in found} == expected, filters


async def test_a_french_question_finds_an_english_document_by_its_translation(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.appliance.indexes.embedder, "languages", frozenset({"en"}))
    person = await house.person()
    text = "The lighthouse keeper stores the spare lamps behind the boathouse, next to the winter sails."
    document = await house.add(person, text)
    question = "Où le gardien range-t-il les ampoules de rechange ?"

    def translate(request: ChatRequest) -> str:
        if request.shape is not None:
            assert request.messages[-1].content == question
            return '{"translation": "Where does the lighthouse keeper store the spare lamps?"}'
        return "Derrière le hangar à bateaux [1]."

    for broken in ("nonsense", '{"translation": 7}'):
        with house.saying(broken):
            searched = await person.api.post("/api/rag/search", json={"query": question})
        assert searched.json()["nothing_found"]
    with house.saying(translate):
        answer = (await person.api.post("/api/rag/chat", json={"question": question})).json()
        searched = (await person.api.post("/api/rag/search", json={"query": question})).json()
    assert [source["file_id"] for source in answer["sources"]] == [document["file_id"]]
    assert (answer["language"], answer["nothing_found"]) == ("fr", False)
    assert searched["results"][0]["file_id"] == document["file_id"]
    with house.without_model():
        nothing = (await person.api.post("/api/rag/chat", json={"question": question})).json()
    assert nothing["nothing_found"]
