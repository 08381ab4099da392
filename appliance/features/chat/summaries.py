"""What was said long ago, in short: written after an answer, when the next one might not find room for it."""

from collections.abc import Sequence
from contextlib import aclosing
from importlib.resources import files
from uuid import UUID

import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.errors import ApplianceError
from appliance.core.failpoints import Failpoints
from appliance.core.settings_sections import Settings
from appliance.core.tasks import Tasks
from appliance.features.chat.repository import ConversationRepository, Earlier, MessageRepository
from appliance.features.chat.tables import ConversationRow
from appliance.features.generation import Generation, GenerationService
from appliance.features.knowledge import Answer
from appliance.ports.chat import ChatRequest, Delta, Message

log = structlog.get_logger(__name__)
_SHARE = 0.5
"""Of the room for what was said: beyond it the oldest turns are summarised."""
_KEPT = 4
_SUMMARY_TOKENS = 400


class Summaries:
    """Summarises in the background, in the class of batches; one at a time for a conversation."""

    def __init__(
        self, database: Database, *, generation: GenerationService, settings: Settings, failpoints: Failpoints
    ) -> None:
        """`settings.language_model.context_length` says how much room there is."""
        self._database = database
        self._generation = generation
        self._settings = settings
        self._failpoints = failpoints
        self._conversations = ConversationRepository()
        self._messages = MessageRepository()
        self._busy: set[UUID] = set()
        self._tasks = Tasks()

    def consider(self, caller: Caller, conversation_id: UUID, message_id: UUID, answer: Answer) -> None:
        """Look whether the branch that ends with an answer has grown too long, and shorten it if so."""
        model = answer.model
        if model is None or conversation_id in self._busy or 0 < answer.tokens <= self._room:
            return
        self._busy.add(conversation_id)
        self._tasks.start(self._perform(caller, conversation_id, message_id, model), name="conversation_summary")

    async def close(self) -> None:
        """Leave what is being summarised; it is considered again after the next answer."""
        await self._tasks.close()

    async def _perform(self, caller: Caller, conversation_id: UUID, message_id: UUID, model: str) -> None:
        try:
            async with self._database.read() as transaction:
                row = await self._conversations.get(transaction, conversation_id)
                if row is None:
                    return
                path, is_covered = await self._messages.after(transaction, message_id, row.summary_id)
            old = path[:-_KEPT]
            if self._is_short(path, model) or not old:
                return
            summary = await self._write(caller, row if is_covered else None, old, model)
            if summary:
                await self._keep(conversation_id, old[-1].id, summary)
        except ApplianceError as error:
            log.warning("conversation_not_summarised", code=error.code)
        finally:
            self._busy.discard(conversation_id)

    def _is_short(self, path: Sequence[Earlier], model: str) -> bool:
        return sum(self._generation.tokens.count(row.content, model) for row in path) <= self._room

    @property
    def _room(self) -> float:
        """How many tokens may have been said; the prompt and its answer hold all of them."""
        return _SHARE * (self._settings.language_model.context_length - self._settings.limits.answer_tokens)

    async def _write(self, caller: Caller, before: ConversationRow | None, old: Sequence[Earlier], model: str) -> str:
        rules = (files("appliance.features.chat") / "prompts" / f"summary.{caller.language}.md").read_text("utf-8")
        said = [f"{row.role}: {row.content}" for row in old]
        if before is not None:
            said.insert(0, before.summary)
        room = int(self._settings.language_model.context_length * 2)
        request = ChatRequest(
            messages=[Message("system", rules.strip()), Message("user", "\n\n".join(said)[-room:])],
            model=model,
            max_tokens=_SUMMARY_TOKENS,
            temperature=0.0,
            think=False,
        )
        text = ""
        stream = self._generation.stream(Generation(request=request, owner=caller.user_id, lane="batch"))
        async with aclosing(stream) as steps:
            async for step in steps:
                text += step.text if isinstance(step, Delta) else ""
        return text.strip()

    async def _keep(self, conversation_id: UUID, message_id: UUID, summary: str) -> None:
        async with self._database.begin() as transaction:
            row = await self._conversations.lock_id(transaction, conversation_id)
            if row is not None:
                row.summary, row.summary_id = summary, message_id
        self._failpoints.reach("chat.summarised")
