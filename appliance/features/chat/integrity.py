"""The chat room's promises: who writes, what a conversation shows, what is found, what was counted. Proved by `fsck`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from appliance.core.database import Database, Transaction
from appliance.core.integrity import Discrepancy, Invariant
from appliance.core.text import Text
from appliance.features.chat.records import TurnRecords, begin_turn
from appliance.features.chat.repository import ConversationRepository, MessageRepository
from appliance.features.chat.repository.proofs import Place, ProofRepository
from appliance.features.chat.tables import ConversationRow, MessageRow
from appliance.features.chat.words import searchable

_ANSWERS = Text(
    "Every answer that is being written has a run that goes on.",
    "Chaque réponse en cours d’écriture a une exécution qui se poursuit.",
)
_TREES = Text(
    "Every conversation shows one of its own messages, counts them all, and each follows another of them.",
    "Chaque conversation montre l’un de ses messages, les compte tous, et chacun d’eux en suit un autre.",
)
_WORDS = Text(
    "Every message with words is found by exactly these words, and no other is.",
    "Chaque message qui contient des mots est trouvé par ces mots exactement, et aucun autre ne l’est.",
)
_TURNS = Text(
    "Every answer has one turn that says the same of it; a turn whose answer is gone has ended.",
    "Chaque réponse a un seul tour qui en dit la même chose ; un tour dont la réponse n’existe plus est terminé.",
)
_ESCALATIONS = Text(
    "Every message that waits for a person is one of its conversation.",
    "Chaque message qui attend une personne fait partie de sa conversation.",
)


class ChatIntegrity:
    """Proves and mends; what a crash left is mended by `ChatService.recover` before anybody looks."""

    def __init__(self, database: Database, *, records: TurnRecords) -> None:
        """`records` know which answers are still being written."""
        self._database = database
        self._records = records
        self._conversations = ConversationRepository()
        self._messages = MessageRepository()
        self._repository = ProofRepository()

    @property
    def invariants(self) -> list[Invariant]:
        """What `fsck` proves of this room."""
        return [
            Invariant("chat.answers", _ANSWERS, self._prove_answers, self._interrupt),
            Invariant("chat.trees", _TREES, self._prove_trees, self._mend_tree),
            Invariant("chat.words", _WORDS, self._prove_words, self._mend_words),
            Invariant("chat.turns", _TURNS, self._prove_turns, self._mend_turn),
            Invariant("chat.escalations", _ESCALATIONS, self._prove_escalations, self._mend_escalation),
        ]

    async def _prove_answers(self) -> list[Discrepancy]:
        return [Discrepancy("nobody_writes", str(message_id)) for message_id in await self._records.abandoned()]

    async def _interrupt(self, discrepancy: Discrepancy) -> bool:
        return await self._records.interrupt(UUID(discrepancy.subject))

    async def _batches(self) -> AsyncIterator[tuple[Transaction, list[ConversationRow]]]:
        after: UUID | None = None
        while True:
            async with self._database.read() as transaction:
                rows = await self._repository.batch_after(transaction, after)
                if not rows:
                    return
                yield transaction, rows
            after = rows[-1].id

    async def _prove_trees(self) -> list[Discrepancy]:
        found: list[Discrepancy] = []
        async for transaction, rows in self._batches():
            trees: dict[UUID, dict[UUID, Place]] = {row.id: {} for row in rows}
            for place in await self._repository.places(transaction, list(trees)):
                trees[place.conversation_id][place.id] = place
            for row in rows:
                found += _look_at_tree(row, trees[row.id])
        return found

    async def _mend_tree(self, discrepancy: Discrepancy) -> bool:
        subject = UUID(discrepancy.subject)
        async with self._database.begin() as transaction:
            if discrepancy.kind in {"parent_missing", "parent_circular"}:
                await self._repository.detach(transaction, subject)
                return True
            row = await self._conversations.lock_id(transaction, subject)
            if row is None:
                return True
            places = await self._repository.places(transaction, [row.id])
            match discrepancy.kind:
                case "head_missing":
                    row.head_id = places[-1].id if places else None
                case "count_differs":
                    row.messages = len(places)
                case _:
                    row.summary, row.summary_id = "", None
        return True

    async def _prove_words(self) -> list[Discrepancy]:
        found: list[Discrepancy] = []
        async for transaction, rows in self._batches():
            for entry in await self._repository.indexed(transaction, [row.id for row in rows]):
                expected = searchable(entry.content) if entry.content else None
                if expected != entry.words or (entry.words is not None and not entry.is_placed):
                    found.append(Discrepancy(_wrong_words(expected, entry.words), str(entry.id)))
                await asyncio.sleep(0)
        async with self._database.begin() as transaction:
            is_whole = await self._repository.is_index_whole(transaction)
        return found if is_whole else [*found, Discrepancy("index_differs", "message_index")]

    async def _mend_words(self, discrepancy: Discrepancy) -> bool:
        async with self._database.begin() as transaction:
            if discrepancy.kind == "index_differs":
                await self._repository.rebuild_index(transaction)
                return True
            known = await self._repository.find(transaction, UUID(discrepancy.subject))
            if known is None:
                return True
            message, conversation = known
            await self._repository.unindex(transaction, message.id)
            if message.content:
                self._messages.index(transaction, message, conversation.owner_id)
        return True

    async def _prove_turns(self) -> list[Discrepancy]:
        looks: Sequence[tuple[str, Callable[[Transaction], Awaitable[list[UUID]]]]] = (
            ("turn_missing", self._repository.without_turn),
            ("turn_differs", self._repository.differing_turns),
            ("turn_unfinished", self._repository.unfinished_turns),
        )
        async with self._database.read() as transaction:
            return [Discrepancy(kind, str(turn_id)) for kind, look in looks for turn_id in await look(transaction)]

    async def _mend_turn(self, discrepancy: Discrepancy) -> bool:
        turn_id = UUID(discrepancy.subject)
        async with self._database.begin() as transaction:
            known = await self._repository.find(transaction, turn_id)
            turn = await self._repository.turn(transaction, turn_id)
            if known is None:
                if turn is not None:
                    turn.status = "interrupted"
                return True
            message, conversation = known
            if turn is None:
                turn = begin_turn(message, conversation)
                transaction.add(turn)
            turn.owner_id, turn.conversation_key = conversation.owner_id, conversation.key
            turn.status, turn.rating = message.status, message.rating
            if discrepancy.kind == "turn_missing":
                turn.agent, turn.model, turn.mode = message.agent, message.model, message.mode
                turn.prompt_tokens, turn.completion_tokens = _usage(message)
        return True

    async def _prove_escalations(self) -> list[Discrepancy]:
        async with self._database.read() as transaction:
            lost = await self._repository.lost_escalations(transaction)
        return [Discrepancy("message_missing", str(escalation_id)) for escalation_id in lost]

    async def _mend_escalation(self, discrepancy: Discrepancy) -> bool:
        async with self._database.begin() as transaction:
            await self._repository.place_escalation(transaction, UUID(discrepancy.subject))
        return True


def _look_at_tree(row: ConversationRow, tree: dict[UUID, Place]) -> list[Discrepancy]:
    found: list[Discrepancy] = []
    if row.head_id not in tree if tree else row.head_id is not None:
        found.append(Discrepancy("head_missing", str(row.id)))
    if row.messages != len(tree):
        found.append(Discrepancy("count_differs", str(row.id)))
    if row.summary_id is not None and row.summary_id not in tree:
        found.append(Discrepancy("summary_of_nothing", str(row.id)))
    missing = [place.id for place in tree.values() if place.parent_id is not None and place.parent_id not in tree]
    found += [Discrepancy("parent_missing", str(message_id)) for message_id in missing]
    return found + [Discrepancy("parent_circular", str(message_id)) for message_id in _circles(tree)]


def _circles(tree: dict[UUID, Place]) -> list[UUID]:
    """Name one message of every circle of messages that follow each other: the oldest."""
    ends: set[UUID] = set()
    found: list[UUID] = []
    for start in tree:
        path: list[UUID] = []
        message: UUID | None = start
        while message is not None and message in tree and message not in ends:
            ends.add(message)
            path.append(message)
            message = tree[message].parent_id
        if message is not None and message in path:
            circle = path[path.index(message) :]
            found.append(min(circle, key=lambda one: (tree[one].created_at, one)))
    return found


def _wrong_words(expected: str | None, words: str | None) -> str:
    if words is None:
        return "words_missing"
    return "words_of_nothing" if expected is None else "words_differ"


def _usage(message: MessageRow) -> tuple[int, int]:
    usage: dict[str, Any] = message.details.get("usage") or {}
    return int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
