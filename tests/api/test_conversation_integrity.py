"""What `fsck` promises of conversations: broken by hand, each break is said, mended, and said no more."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import delete, text, update

from appliance.bootstrap import appliance as housekeeping
from appliance.core.caller import Caller
from appliance.core.database import Transaction, now
from appliance.core.ids import new_id
from appliance.features.chat.schemas import Reply
from appliance.features.chat.tables import ConversationRow, EscalationRow, MessageRow, MessageWordsRow, TurnRow
from appliance.features.operations import service as operations
from appliance.features.runs.tables import RunBatchRow, RunRow
from tests.api.conversations_made import escalate
from tests.api.house import House
from tests.api.routes_chat import at, say

pytestmark = pytest.mark.asyncio(loop_scope="module")
_LONG_AGO = UUID("01000000-0000-7000-8000-000000000001")
"""A run's id from long before: nobody is about to write it down."""


@pytest.fixture(scope="module", autouse=True)
def unattended() -> Iterator[None]:
    """Nobody mends in the background what a test breaks, and a second look comes at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(housekeeping, "_RUN_LOOK_SECONDS", 3600.0)
        patch.setattr(operations, "_LOOK_AGAIN_SECONDS", 0.0)
        yield


class Talk(NamedTuple):
    """A conversation of two turns, as its owner knows it."""

    house: House
    reply: dict[str, Any]
    before: dict[str, Any]

    @property
    def conversation(self) -> UUID:
        return UUID(self.reply["conversation_id"])

    @property
    def answer(self) -> UUID:
        return UUID(self.reply["message_id"])

    @property
    def question(self) -> UUID:
        return UUID(self.reply["user_message_id"])

    async def messages(self) -> list[dict[str, Any]]:
        return (await self.house.member.api.get(at(self.reply, "/messages"))).json()["items"]


Break = Callable[[Transaction, Talk], Awaitable[object]]


def _conversation(**values: Any) -> Break:
    async def perform(transaction: Transaction, talk: Talk) -> object:
        known = ConversationRow.key == str(talk.conversation)
        return await transaction.execute(update(ConversationRow).where(known).values(**values))

    return perform


def _answer(**values: Any) -> Break:
    async def perform(transaction: Transaction, talk: Talk) -> object:
        return await transaction.execute(update(MessageRow).where(MessageRow.id == talk.answer).values(**values))

    return perform


def _turn(**values: Any) -> Break:
    async def perform(transaction: Transaction, talk: Talk) -> object:
        return await transaction.execute(update(TurnRow).where(TurnRow.id == talk.answer).values(**values))

    return perform


def _words(**values: Any) -> Break:
    async def perform(transaction: Transaction, talk: Talk) -> object:
        known = MessageWordsRow.message_id == talk.answer
        return await transaction.execute(update(MessageWordsRow).where(known).values(**values))

    return perform


async def _lose_turn(transaction: Transaction, talk: Talk) -> object:
    return await transaction.execute(delete(TurnRow).where(TurnRow.id == talk.answer))


async def _lose_words(transaction: Transaction, talk: Talk) -> object:
    return await transaction.execute(delete(MessageWordsRow).where(MessageWordsRow.message_id == talk.answer))


async def _make_circle(transaction: Transaction, talk: Talk) -> object:
    first = update(MessageRow).where(MessageRow.id == UUID(talk.before["user_message_id"]))
    return await transaction.execute(first.values(parent_id=talk.answer))


async def _interrupt(transaction: Transaction, talk: Talk) -> object:
    """Leave it as a process does that dies while it writes."""
    moment = now()
    run = RunRow(
        id=new_id(),
        kind="chat",
        owner_id=UUID(talk.house.member.id),
        status="interrupted",
        process="gone",
        seen_at=moment,
        created_at=moment,
        finished_at=moment,
    )
    transaction.add(run)
    await transaction.flush()
    said = [["accepted", {}], ["token", {"text": "Half of "}], ["token", {"text": "it"}]]
    transaction.add(RunBatchRow(run_id=run.id, first=1, events=said))
    await _turn(status="writing")(transaction, talk)
    await _lose_words(transaction, talk)
    return await _answer(status="writing", run_id=run.id, content="")(transaction, talk)


async def _begin_and_die(transaction: Transaction, talk: Talk) -> object:
    """Leave it as a process does that dies before it has written down its run."""
    await _turn(status="writing")(transaction, talk)
    await _lose_words(transaction, talk)
    return await _answer(status="writing", run_id=_LONG_AGO, content="")(transaction, talk)


@pytest_asyncio.fixture(loop_scope="module")
async def talk(house: House) -> Talk:
    with house.saying("The ferry leaves at nine."):
        before = await say(house.member, "When does the ferry leave?")
        reply = await say(house.member, "And back?", before["conversation_id"])
    assert await fsck(house) == set()
    return Talk(house, reply, before)


async def fsck(house: House, *, repair: bool = False) -> set[tuple[str, str]]:
    """What disagrees, as an admin reads it; with `repair` all of it was mended."""
    answer = await house.admin.api.post("/api/fsck", params={"repair": str(repair).lower()})
    assert answer.status_code == 200, answer.text
    proof = answer.json()
    assert proof["ok"] == (repair or not proof["discrepancies"]), proof
    assert all(one["repaired"] == repair for one in proof["discrepancies"]), proof
    return {(one["invariant"], one["kind"]) for one in proof["discrepancies"]}


@pytest.mark.parametrize(
    "break_it, expected",
    [
        pytest.param(_interrupt, ("chat.answers", "nobody_writes"), id="a dead process's answer"),
        pytest.param(_begin_and_die, ("chat.answers", "nobody_writes"), id="an answer nobody began"),
        pytest.param(_conversation(head_id=uuid4()), ("chat.trees", "head_missing"), id="another's head"),
        pytest.param(_conversation(head_id=None), ("chat.trees", "head_missing"), id="no head"),
        pytest.param(_conversation(messages=7), ("chat.trees", "count_differs"), id="miscounted"),
        pytest.param(
            _conversation(summary="Ferries.", summary_id=uuid4()), ("chat.trees", "summary_of_nothing"), id="summary"
        ),
        pytest.param(_answer(parent_id=uuid4()), ("chat.trees", "parent_missing"), id="an orphan"),
        pytest.param(_make_circle, ("chat.trees", "parent_circular"), id="a circle"),
        pytest.param(_lose_words, ("chat.words", "words_missing"), id="not findable"),
        pytest.param(_words(words="something else"), ("chat.words", "words_differ"), id="other words"),
        pytest.param(_words(owner_id=uuid4()), ("chat.words", "words_differ"), id="found by somebody else"),
        pytest.param(_answer(content=""), ("chat.words", "words_of_nothing"), id="words of nothing"),
        pytest.param(_lose_turn, ("chat.turns", "turn_missing"), id="not counted"),
        pytest.param(_turn(status="failed"), ("chat.turns", "turn_differs"), id="counted as failed"),
        pytest.param(_turn(rating="down"), ("chat.turns", "turn_differs"), id="rated by nobody"),
        pytest.param(_turn(owner_id=uuid4()), ("chat.turns", "turn_differs"), id="somebody else's turn"),
    ],
)
async def test_what_is_broken_is_said_and_mended(
    house: House, talk: Talk, break_it: Break, expected: tuple[str, str]
) -> None:
    async with house.appliance.database.begin() as transaction:
        await break_it(transaction, talk)
    assert await fsck(house) == {expected}
    assert await fsck(house, repair=True) == {expected}
    assert await fsck(house) == set()
    with house.saying("On we go."):
        assert (await say(house.member, "And then?", talk.reply["conversation_id"]))["message"] == "On we go."
    assert await fsck(house) == set()


async def test_what_was_said_before_a_death_is_kept_by_the_repair(house: House, talk: Talk) -> None:
    async with house.appliance.database.begin() as transaction:
        await _interrupt(transaction, talk)
    await fsck(house, repair=True)
    last = (await talk.messages())[-1]
    assert (last["status"], last["content"]) == ("interrupted", "Half of it")
    assert last["error"]["type"] == "urn:appliance:run_interrupted"
    found = (await house.member.api.get("/api/conversations?q=half")).json()["items"]
    assert str(talk.conversation) in {one["conversation_id"] for one in found}


async def test_a_mended_tree_shows_all_that_was_said(house: House, talk: Talk) -> None:
    async with house.appliance.database.begin() as transaction:
        await _conversation(head_id=None, messages=0)(transaction, talk)
    assert await talk.messages() == []
    await fsck(house, repair=True)
    assert [one["role"] for one in await talk.messages()] == ["user", "assistant", "user", "assistant"]
    shown = (await house.member.api.get(at(talk.reply))).json()
    assert shown["messages"] == 4


async def test_a_turn_whose_answer_is_gone_has_ended(house: House, talk: Talk) -> None:
    assert (await house.member.api.delete(at(talk.reply))).status_code == 204
    assert await fsck(house) == set(), "a turn outlives its conversation"
    async with house.appliance.database.begin() as transaction:
        await _turn(status="writing")(transaction, talk)
    expected = {("chat.turns", "turn_unfinished")}
    assert await fsck(house) == expected
    assert await fsck(house, repair=True) == expected
    assert await fsck(house) == set()


async def test_an_escalation_of_nothing_is_placed_again(house: House) -> None:
    escalation_id, conversation, _ = await escalate(house, house.member)
    await fsck(house, repair=True)  # what is written by hand has no words and no turns
    async with house.appliance.database.begin() as transaction:
        row = await transaction.get(EscalationRow, UUID(escalation_id))
        assert row is not None
        row.message_id = uuid4()
    expected = {("chat.escalations", "message_missing")}
    assert await fsck(house) == expected
    assert await fsck(house, repair=True) == expected
    shown = (await house.admin.api.get(f"/api/escalations/{escalation_id}")).json()
    assert [one["content"] for one in shown["messages"]] == ["Where is my parcel?", "A person will answer."]
    assert shown["conversation"] == str(conversation.id)


async def test_a_damaged_index_is_made_anew(house: House, talk: Talk) -> None:
    if not house.appliance.database.is_sqlite:
        pytest.skip("PostgreSQL keeps its index with each row")
    async with house.appliance.database.begin() as transaction:
        await transaction.execute(text("insert into message_index(message_index) values ('delete-all')"))
    query = "/api/conversations?q=nine"
    assert (await house.member.api.get(query)).json()["total"] == 0
    expected = {("chat.words", "index_differs")}
    assert await fsck(house) == expected
    assert await fsck(house, repair=True) == expected
    assert await fsck(house) == set()
    found = (await house.member.api.get(query)).json()["items"]
    assert str(talk.conversation) in {one["conversation_id"] for one in found}


async def _lose_run(house: House) -> RunRow:
    """Write down a run of a process that has not been heard of for long."""
    row = RunRow(
        id=new_id(),
        kind="generate",
        owner_id=UUID(house.member.id),
        status="running",
        process="gone",
        seen_at=now().replace(year=2020),
        created_at=now(),
        finished_at=None,
    )
    async with house.appliance.database.begin() as transaction:
        transaction.add(row)
    return row


async def test_a_run_whose_process_is_gone_is_said_and_mended(house: House) -> None:
    await _lose_run(house)
    expected = {("runs.alive", "process_gone")}
    assert await fsck(house) == expected
    assert await fsck(house, repair=True) == expected
    assert await fsck(house) == set()


async def test_a_process_is_given_up_after_two_looks(house: House) -> None:
    """After the first the state itself may have been away; whoever lives is heard before the second."""
    row = await _lose_run(house)
    assert await house.appliance.runs.interrupt_lost() == 0
    assert await house.appliance.runs.interrupt_lost() == 1
    assert (await house.member.api.get(f"/api/runs/{row.id}")).json()["status"] == "interrupted"


async def test_an_answer_that_is_about_to_begin_elsewhere_is_left_alone(house: House, talk: Talk) -> None:
    """Its run is written down a moment after it: only where nobody else can be writing is it lost."""
    async with house.appliance.database.begin() as transaction:
        await _turn(status="writing")(transaction, talk)
        await _answer(status="writing", run_id=new_id())(transaction, talk)
    assert await house.appliance.chat.recover() == 0
    assert await fsck(house) == set()
    assert await house.appliance.chat.recover(alone=True) == 1
    assert (await talk.messages())[-1]["status"] == "interrupted"
    await fsck(house, repair=True)


async def test_an_answer_that_was_kept_meanwhile_is_not_interrupted(house: House, talk: Talk) -> None:
    before = await talk.messages()
    assert not await house.appliance.chat._records.interrupt(talk.answer)
    assert await talk.messages() == before


async def test_a_stop_that_comes_too_late_loses_no_word(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop is pressed at the moment in which the whole answer is written down."""
    records = house.appliance.chat._records
    finish = records.finish

    async def stop_and_finish(caller: Caller, conversation_id: UUID, reply: Reply, **more: Any) -> None:
        house.appliance.runs._journal.live[reply.run_id].stop()
        await asyncio.sleep(0.01)
        await finish(caller, conversation_id, reply, **more)

    monkeypatch.setattr(records, "finish", stop_and_finish)
    with house.saying("All of it was said."):
        reply = await say(house.member, "Say it all")
    assert reply["message"] == "All of it was said."
    kept = (await house.member.api.get(at(reply, "/messages"))).json()["items"][-1]
    assert (kept["status"], kept["content"]) == ("done", "All of it was said.")
    assert await fsck(house) == set()
