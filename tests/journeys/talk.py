"""What was said to somebody in a conversation: kept by the test, outside of what dies, and held against what is there after.

Acknowledged is what an `accepted` event named; what a follower read must be kept but for the journal's last moment.
"""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

JOURNAL_SECONDS = 0.25
_DISK_SECONDS = 0.75
"""What a write may take beside the journal's quarter second, on a machine that does other things too."""
_ANSWERED_WITHIN = 15.0


@dataclass
class Said:
    """One message, and what its sender read of the answer. `died_at`: when the connection broke, `time.monotonic()`."""

    message: str
    accepted: dict[str, Any] = field(default_factory=dict)
    tokens: list[tuple[float, str]] = field(default_factory=list)
    done: dict[str, Any] | None = None
    died_at: float = 0.0

    @property
    def seen(self) -> str:
        """All that was read."""
        return "".join(text for _, text in self.tokens)

    @property
    def promised(self) -> str:
        """What was read long enough before the death that the state must have it."""
        until = self.died_at - JOURNAL_SECONDS - _DISK_SECONDS
        return "".join(text for at, text in self.tokens if at < until)


class Talk:
    """Conversations of one person; `text` is what the engine answers everything with."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.said: dict[str, list[Said]] = {}
        self.deleted: set[str] = set()
        self.uncertain: set[str] = set()

    async def send(self, http: httpx.AsyncClient, key: str = "", *, message: str = "", **more: Any) -> Said:
        """Send a message and read its answer to the end, or to the server's."""
        said = Said(message or f"Question {uuid4().hex}")
        key = key or uuid4().hex
        self.said.setdefault(key, []).append(said)
        body = {"conversation_id": key, "message": said.message, "assistant": "conversation", "stream": True, **more}
        return await self._read(http, "/api/chat", body, said)

    async def again(self, http: httpx.AsyncClient, key: str, path: str, **body: Any) -> Said:
        """Have the last message of a conversation answered once more (`regenerate`), or one worded anew (`branch`)."""
        last = self.said[key][-1]
        message_id = last.accepted["message_id" if path == "regenerate" else "user_message_id"]
        said = Said(str(body.get("message", last.message)))
        self.said[key].append(said)
        address = f"/api/conversations/{key}/messages/{message_id}/{path}"
        return await self._read(http, address, {"assistant": "conversation", "stream": True, **body}, said)

    async def _read(self, http: httpx.AsyncClient, path: str, body: Any, said: Said) -> Said:
        try:
            async with http.stream("POST", path, json=body) as answer, aclosing(events(answer)) as coming:
                assert answer.status_code == 200, await answer.aread()
                async for name, data in coming:
                    if name == "accepted":
                        said.accepted = data
                    elif name == "token":
                        said.tokens.append((time.monotonic(), data["text"]))
                    elif name == "done":
                        said.done = data
        except httpx.TransportError:
            said.died_at = time.monotonic()
        return said

    async def delete(self, http: httpx.AsyncClient, key: str) -> None:
        """Delete a conversation; it is gone for good once the answer is here."""
        self.uncertain.add(key)
        answer = await http.delete(f"/api/conversations/{key}")
        assert answer.status_code == 204, answer.text
        self.uncertain.remove(key)
        self.deleted.add(key)

    async def check(self, http: httpx.AsyncClient) -> None:
        """Hold all that was promised against what is there, and prove that the stores agree."""
        proof = (await http.post("/api/fsck")).json()
        assert (proof["ok"], proof["discrepancies"]) == (True, [])
        for key, said in self.said.items():
            if key in self.deleted:
                assert (await http.get(f"/api/conversations/{key}")).status_code == 404
            else:
                await self._check_one(http, key, said)

    async def _check_one(self, http: httpx.AsyncClient, key: str, said: list[Said]) -> None:
        shown = await http.get(f"/api/conversations/{key}")
        if shown.status_code == 404 and (key in self.uncertain or not any(one.accepted for one in said)):
            self.deleted.add(key)
            return
        assert shown.status_code == 200, (key, shown.text)
        for one in said:
            leaf = {"leaf": one.accepted["message_id"]} if one.accepted else {}
            answer = await http.get(f"/api/conversations/{key}/messages", params={"limit": 100, **leaf})
            there = {message["id"]: message for message in answer.json()["items"]}
            assert not [message for message in there.values() if message["status"] == "writing"]
            if one.accepted:
                assert there[one.accepted["user_message_id"]]["content"] == one.message
                self._check_answer(one, there[one.accepted["message_id"]])

    def _check_answer(self, said: Said, kept: dict[str, Any]) -> None:
        if said.done is not None:
            assert (kept["status"], kept["content"]) == ("done", said.done["message"])
        elif kept["status"] == "done":
            assert kept["content"] == self.text, "the whole answer was kept before its end could be told"
        else:
            assert kept["status"] == "interrupted"
            assert kept["error"]["type"] == "urn:appliance:run_interrupted"
            is_said = self.text.startswith(kept["content"]) or said.seen.startswith(kept["content"])
            assert is_said, "nothing is added to what was said"
            assert kept["content"].startswith(said.promised), "words that were read are lost"

    async def go_on(self, http: httpx.AsyncClient, keys: list[str]) -> None:
        """Each conversation goes on with its next message."""
        for key in keys:
            began = time.monotonic()
            said = await self.send(http, key)
            assert said.done is not None, said
            assert said.done["message"] == self.text
            assert time.monotonic() - began < _ANSWERED_WITHIN


async def events(answer: httpx.Response) -> AsyncGenerator[tuple[str, Any]]:
    """The server-sent events of an answer as they come."""
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
