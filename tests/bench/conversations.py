"""10 000 conversations of one person: listed, opened and searched over HTTP."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select

from appliance.core.database import Database
from appliance.core.database import now as moment
from appliance.core.ids import new_id
from appliance.features.chat.tables import ConversationRow, MessageRow, MessageWordsRow
from appliance.features.chat.words import searchable
from appliance.features.identity import UserRow
from tests.bench.figures import Figure, at_most
from tests.bench.made_up import text
from tests.bench.server import Running, now, percentile, running

_CONVERSATIONS = 10_000
_TURNS = 3
_CALLS = 150


async def measure(directory: Path) -> list[Figure]:
    """Make them through the tables, since ten thousand answers take long; read them as people do."""
    place = directory / "conversations"
    async with running(place) as server:
        await server.client.http.get("/api/me")
    keys = await _fill(place)
    async with running(place) as server:
        return [await _time(server, what, call) for what, call in _calls(keys)]


async def _fill(place: Path) -> list[str]:
    random = Random(5)
    async with Database(f"sqlite+aiosqlite:///{place / 'appliance.db'}") as database:
        async with database.read() as transaction:
            owner = (await transaction.scalars(select(UserRow.id))).first()
            known = list(await transaction.scalars(select(ConversationRow.key)))
        if len(known) >= _CONVERSATIONS:
            return known
        assert owner is not None
        keys: list[str] = []
        for begin in range(0, _CONVERSATIONS, 500):
            conversations, messages, words = _batch(random, owner, begin)
            keys += [row["key"] for row in conversations]
            async with database.begin() as transaction:
                await transaction.execute(insert(ConversationRow), conversations)
                await transaction.execute(insert(MessageRow), messages)
                await transaction.execute(insert(MessageWordsRow), words)
    return keys


def _batch(
    random: Random, owner: UUID, begin: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    conversations: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for number in range(begin, begin + 500):
        made, at = new_id(), moment() - timedelta(minutes=_CONVERSATIONS - number)
        parent: UUID | None = None
        for turn in range(2 * _TURNS):
            message = {
                "id": new_id(),
                "conversation_id": made,
                "parent_id": parent,
                "role": "assistant" if turn % 2 else "user",
                "content": text(random, 60 if turn % 2 else 15),
                "status": "done",
                "details": {},
                "created_at": at + timedelta(seconds=turn),
            }
            messages.append(message)
            parent = message["id"]
        conversations.append(
            {
                "id": made,
                "key": str(made),
                "owner_id": owner,
                "title": text(random, 6),
                "is_titled": True,
                "is_archived": False,
                "head_id": parent,
                "messages": 2 * _TURNS,
                "summary": "",
                "created_at": at,
                "updated_at": at,
            }
        )
    words = [
        {
            "message_id": one["id"],
            "conversation_id": one["conversation_id"],
            "owner_id": owner,
            "words": searchable(one["content"]),
        }
        for one in messages
    ]
    return conversations, messages, words


_Call = Callable[[Running, Random], Awaitable[Any]]


def _calls(keys: list[str]) -> list[tuple[str, _Call]]:
    async def listed(server: Running, random: Random) -> Any:
        return await server.client.http.get(
            f"/api/conversations?limit=50&offset={random.choice([0, 0, 50, 500, 5000])}"
        )

    async def opened(server: Running, random: Random) -> Any:
        key = random.choice(keys)
        (await server.client.http.get(f"/api/conversations/{key}")).raise_for_status()
        return await server.client.http.get(f"/api/conversations/{key}/messages?limit=50")

    async def searched(server: Running, random: Random) -> Any:
        return await server.client.http.get("/api/conversations", params={"q": text(random, random.choice([1, 2]))})

    return [("listed", listed), ("opened, with its messages", opened), ("searched", searched)]


async def _time(server: Running, what: str, call: _Call) -> Figure:
    random = Random(9)
    delays: list[float] = []
    found: list[int] = []
    for _ in range(_CALLS):
        began = now()
        answer = await call(server, random)
        delays.append((now() - began) * 1000)
        answer.raise_for_status()
        found.append(msgspec.json.decode(answer.content)["total"])
    note = f"p50 {median(delays):.1f} ms; {median(found):.0f} found in the middle"
    return at_most(f"10 000 conversations: {what}, p95", percentile(delays, 0.95), 100, 50, " ms", note=note)
