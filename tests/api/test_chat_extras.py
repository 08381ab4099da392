"""What lies beside conversations, over HTTP and in the state: bounds, races, figures, quotas."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.core.caller import Caller
from appliance.core.database import now
from appliance.features.chat.extras_errors import DailyMessagesUsed, DailyTokensUsed
from appliance.features.chat.memories import MOST_MEMORIES
from appliance.features.chat.tables import ConversationRow, MessageRow, MessageWordsRow
from appliance.features.chat.usage import UsageService
from tests.api.conversations_made import add_turns, escalate, make_conversation, message_row
from tests.api.house import House, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")


def caller_of(person: Person) -> Caller:
    return Caller(user_id=UUID(person.id), username=person.name, role="member")


async def test_a_prompt_gets_the_memories_in_use_oldest_first(house: House) -> None:
    person, memories = await house.person(), house.appliance.memories
    made = [(await person.api.post("/api/memories", json={"text": text})).json() for text in ("one", "two", "three")]
    await person.api.patch(f"/api/memories/{made[1]['id']}", json={"enabled": False})
    assert await memories.known(caller_of(person)) == ["one", "three"]
    assert await memories.known(caller_of(await house.person())) == []


async def test_memories_have_an_end_also_at_once(house: House) -> None:
    person, memories = await house.person(), house.appliance.memories
    conversation, _ = await make_conversation(house, person)
    caller = caller_of(person)
    for number in range(MOST_MEMORIES - 2):
        async with house.appliance.database.begin() as transaction:
            assert await memories.keep(transaction, caller, f"fact {number}", conversation_id=conversation.id)
    answers = await asyncio.gather(
        *(person.api.post("/api/memories", json={"text": f"more {number}"}) for number in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    async with house.appliance.database.begin() as transaction:
        assert await memories.keep(transaction, caller, "no room", conversation_id=conversation.id) is None
        assert await memories.keep(transaction, caller, "fact 1", conversation_id=conversation.id)
    page = (await person.api.get("/api/memories", params={"limit": 1})).json()
    assert page["total"] == MOST_MEMORIES


async def test_a_name_is_taken_once_also_at_once(house: House) -> None:
    person = await house.person()
    body = {"name": "letter", "title": "x", "text": "x"}
    answers = await asyncio.gather(*(person.api.post("/api/prompts", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_two_admins_answer_at_once_and_one_is_told(house: House) -> None:
    person, second = await house.person(), await house.person(role="admin")
    escalation, conversation, messages = await escalate(house, person)
    path = f"/api/escalations/{escalation}/answer"
    answers = await asyncio.gather(
        *(admin.api.post(path, json={"message": f"À l’entrepôt, dit {admin.name}"}) for admin in (house.admin, second))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with house.appliance.database.read() as transaction:
        written = list(
            await transaction.scalars(
                select(MessageRow).where(MessageRow.conversation_id == conversation.id, MessageRow.mode == "person")
            )
        )
        now_stands = await transaction.get_one(ConversationRow, conversation.id)
        words = await transaction.scalar(select(MessageWordsRow).where(MessageWordsRow.message_id == written[0].id))
    assert len(written) == 1
    assert (written[0].role, written[0].status, written[0].parent_id) == ("assistant", "done", messages[1].id)
    assert (now_stands.head_id, now_stands.messages) == (written[0].id, 4)
    assert words is not None
    assert words.owner_id == UUID(person.id)
    assert words.words.startswith("a l entrepot, dit ")


@pytest.mark.parametrize("went_on", ["same branch", "waiting", "another branch"])
async def test_an_answer_hides_nothing_that_was_said_since(house: House, went_on: str) -> None:
    escalation, conversation, messages = await escalate(house, await house.person())
    parent = None if went_on == "another branch" else messages[1].id
    role = "user" if went_on == "waiting" else "assistant"
    later = message_row(conversation.id, "Said since.", parent_id=parent, role=role)
    async with house.appliance.database.begin() as transaction:
        transaction.add(later)
        (await transaction.get_one(ConversationRow, conversation.id)).head_id = later.id
    await house.admin.api.post(f"/api/escalations/{escalation}/answer", json={"message": "Here."})
    async with house.appliance.database.read() as transaction:
        stands = await transaction.get_one(ConversationRow, conversation.id)
        head = await transaction.get_one(MessageRow, stands.head_id)
    assert head.content == "Here."
    assert head.parent_id == (later.id if went_on == "same branch" else messages[1].id)


async def test_an_escalation_goes_with_its_conversation(house: House) -> None:
    escalation, conversation, _ = await escalate(house, await house.person())
    async with house.appliance.database.begin() as transaction:
        await transaction.delete(await transaction.get_one(ConversationRow, conversation.id))
    assert (await house.admin.api.post(f"/api/escalations/{escalation}/close")).status_code == 404


async def figures(house: House, days_ago: int) -> dict[str, Any]:
    day = (now() - timedelta(days=days_ago)).date().isoformat()
    answer = await house.admin.api.get("/api/analytics/agents", params={"from": day, "to": day})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_figures_are_what_was_measured(house: House) -> None:
    waits = [{"agent": "audrey", "first_token_ms": value, "total_ms": value * 10} for value in range(1, 101)]
    others: list[dict[str, Any]] = [
        {"agent": "carole", "model": "big", "attempts": 2, "rating": "up", "confidence": 1.0},
        {"agent": "carole", "model": None, "mode": "extractive", "first_token_ms": None, "total_ms": None},
        {"agent": "escalate", "model": None, "mode": "rule", "confidence": None, "first_token_ms": None},
        {"agent": None, "status": "failed", "rating": "down", "prompt_tokens": 0, "completion_tokens": 0},
        {"agent": None, "status": "interrupted", "total_ms": None, "first_token_ms": None},
    ]
    await add_turns(house, house.member, *waits, *others, days_ago=200)
    found = await figures(house, 200)
    agents = {agent["name"]: agent for agent in found["agents"]}
    assert [agent["name"] for agent in found["agents"]] == ["audrey", "", "carole", "escalate"]
    audrey, carole = agents["audrey"], agents["carole"]
    assert [audrey[name] for name in ("first_token_p50", "first_token_p95", "latency_p50", "latency_p95")] == [
        50, 95, 500, 950,
    ]  # fmt: skip
    assert (audrey["messages"], audrey["prompt_tokens"], audrey["completion_tokens"]) == (100, 1000, 500)
    assert (carole["confidence"], carole["fallbacks"], carole["extractive"], carole["up"]) == (0.75, 1, 1, 1)
    assert (carole["first_token_p50"], carole["latency_p95"]) == (100, 1000)
    assert agents["escalate"] | {"escalations": 1, "confidence": None, "first_token_p50": None} == agents["escalate"]
    assert (agents[""]["failures"], agents[""]["down"]) == (2, 1)
    total = found["total"]
    assert (total["messages"], total["failures"], total["escalations"], total["extractive"]) == (105, 2, 1, 1)
    assert {model["name"]: model["messages"] for model in found["models"]} == {"memory": 102, "big": 1, "": 2}
    assert [(day["name"], day["messages"]) for day in found["days"]] == [(found["since"], 105)]


async def test_a_day_without_turns_has_no_figures(house: House) -> None:
    found = await figures(house, 300)
    assert found["agents"] == found["models"] == []
    assert (found["total"]["messages"], found["total"]["latency_p50"]) == (0, None)
    assert [day["messages"] for day in found["days"]] == [0]


async def test_a_day_has_its_limits(house: House) -> None:
    person = await house.person()
    limits = type(house.appliance.loaded.settings.limits)
    await add_turns(house, person, {"prompt_tokens": 90, "completion_tokens": 10}, days_ago=1)
    await add_turns(house, person, {"prompt_tokens": 90, "completion_tokens": 10}, {"prompt_tokens": 0})
    cases = [
        (limits(), None),
        (limits(messages_per_day=3, tokens_per_day=106), None),
        (limits(messages_per_day=2), DailyMessagesUsed),
        (limits(tokens_per_day=105), DailyTokensUsed),
    ]
    for allowed, error in cases:
        usage = UsageService(house.appliance.database, limits=allowed)
        async with house.appliance.database.begin() as transaction:
            if error is None:
                await usage.check(transaction, caller_of(person))
                continue
            with pytest.raises(error) as refused:
                await usage.check(transaction, caller_of(person))
        assert 0 < (refused.value.retry_after_seconds or 0) <= 86_400
        assert refused.value.status == 429
