"""Conversations, turns and escalations written into the state by hand: what side services are tested on."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.database import Transaction, now
from appliance.core.ids import new_id
from appliance.features.chat.records import begin_turn
from appliance.features.chat.repository import MessageRepository
from appliance.features.chat.tables import ConversationRow, MessageRow, TurnRow
from tests.api.house import House, Person


def message_row(
    conversation_id: UUID, content: str, *, parent_id: UUID | None = None, role: str = "user"
) -> MessageRow:
    return MessageRow(
        id=new_id(),
        conversation_id=conversation_id,
        parent_id=parent_id,
        role=role,
        content=content,
        status="done",
        run_id=None,
        agent=None,
        model=None,
        mode=None,
        details={},
        problem=None,
        rating=None,
        reason=None,
        created_at=now(),
    )


def conversation_row(person: Person) -> ConversationRow:
    conversation_id, moment = new_id(), now()
    return ConversationRow(
        id=conversation_id,
        key=str(conversation_id),
        owner_id=UUID(person.id),
        title="The parcel",
        is_titled=True,
        folder=None,
        assistant=None,
        head_id=None,
        is_archived=False,
        messages=0,
        summary="",
        summary_id=None,
        created_at=moment,
        updated_at=moment,
    )


async def make_conversation(house: House, person: Person, *words: str) -> tuple[ConversationRow, list[MessageRow]]:
    """Write a conversation of one branch: the person and the assistant by turns."""
    conversation, messages = conversation_row(person), list[MessageRow]()
    for number, content in enumerate(words):
        parent = messages[-1].id if messages else None
        role = "assistant" if number % 2 else "user"
        messages.append(message_row(conversation.id, content, parent_id=parent, role=role))
    conversation.head_id = messages[-1].id if messages else None
    conversation.messages = len(messages)
    async with house.appliance.database.begin() as transaction:
        transaction.add(conversation)
        await transaction.flush()
        for message in messages:
            _add(transaction, conversation, message)
    return conversation, messages


def _add(transaction: Transaction, conversation: ConversationRow, message: MessageRow) -> None:
    """Write a message with all that belongs to it: `fsck` is run beside."""
    transaction.add(message)
    MessageRepository().index(transaction, message, conversation.owner_id)
    if message.role == "assistant":
        turn = begin_turn(message, conversation)
        turn.status = message.status
        transaction.add(turn)


async def escalate(house: House, person: Person) -> tuple[str, ConversationRow, list[MessageRow]]:
    """Write a conversation whose second message waits for a person; the first has a version beside the branch."""
    conversation, messages = await make_conversation(house, person, "Where is my parcel?", "A person will answer.")
    caller = Caller(user_id=UUID(person.id), username=person.name, role="member")
    async with house.appliance.database.begin() as transaction:
        _add(transaction, conversation, message_row(conversation.id, "Something else"))
        (await transaction.get_one(ConversationRow, conversation.id)).messages += 1
        escalation_id = await house.appliance.escalations.open(
            transaction, caller, conversation, message_id=messages[1].id, reason="asks for a person"
        )
    return str(escalation_id), conversation, messages


async def add_turns(house: House, person: Person, *turns: dict[str, Any], days_ago: int = 0) -> None:
    """Write what answers took."""
    rows = [
        TurnRow(
            **{
                "id": new_id(),
                "at": now() - timedelta(days=days_ago),
                "owner_id": UUID(person.id),
                "conversation_key": "made",
                "status": "done",
                "agent": "audrey",
                "decided_by": "model",
                "confidence": 0.5,
                "model": "memory",
                "mode": "llm",
                "attempts": 1,
                "queue_ms": 0,
                "first_token_ms": 100,
                "total_ms": 1000,
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "rating": None,
                **turn,
            }
        )
        for turn in turns
    ]
    async with house.appliance.database.begin() as transaction:
        transaction.add_all(rows)
