"""Answers and vectors for clients that others wrote: the appliance's identity, limits, queue and audit."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Literal, Self

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.errors import ApplianceError, Unexpected
from appliance.core.settings_sections import Settings
from appliance.core.tasks import Tasks
from appliance.features.audit import AuditService
from appliance.features.chat import UsageService
from appliance.features.compatible.assistants import ASSISTANT_PREFIX, AssistantAnswers, Sources
from appliance.features.compatible.catalogue import (
    Embedding,
    LoadedModel,
    ModelCatalogue,
    ShownModel,
)
from appliance.features.compatible.errors import EmbedderNotFound, EmbedsOnly, ListedModelNotFound, PromptTooLong
from appliance.features.compatible.live import LiveAnswer
from appliance.features.generation import Generation, GenerationService, Step, Waiting, Writing
from appliance.ports.chat import ChatRequest, Usage
from appliance.ports.embedder import Vector
from appliance.ports.model_host import HostedModel

log = structlog.get_logger(__name__)
Api = Literal["openai", "ollama"]
_CHARACTERS_PER_TOKEN = 8
"""No text has more on the average: English has about four. Beyond, the context cannot hold it."""
_RESOLVED_SECONDS = 10.0
"""A name stays known; where its model has gone since, the engine says so."""
_BATCH = 32
"""Texts embedded at once; between two batches whoever left is noticed, and searches get their turn."""


class CompatibleService:
    """What `/v1` and `/ollama` have in common."""

    def __init__(
        self,
        database: Database,
        *,
        generation: GenerationService,
        embedding: Embedding,
        assistants: AssistantAnswers,
        catalogue: ModelCatalogue,
        usage: UsageService,
        audit: AuditService,
        settings: Settings,
    ) -> None:
        """Nothing is asked before a request comes. `usage` holds people to their quotas."""
        self._database = database
        self._generation = generation
        self._embedding = embedding
        self._audit = audit
        self._settings = settings
        self._tasks = Tasks()
        self._resolved: dict[str, tuple[str | None, float]] = {}
        self._embedding_turn = asyncio.Semaphore(1)
        self._usage = usage
        self.assistants = assistants
        self.catalogue = catalogue

    async def __aenter__(self) -> Self:
        """Nothing is opened."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Stop every answer that is being written."""
        await self._tasks.close()

    @property
    def answer_tokens(self) -> int:
        """How long an answer may become."""
        return self._settings.limits.answer_tokens

    async def begin(self, caller: Caller, request: ChatRequest, *, api: Api) -> LiveAnswer:
        """Begin to write, and wait for the first piece. Raises whatever failed before it."""
        asked = request.model or ""
        caller.require_scope("chat" if asked.startswith(ASSISTANT_PREFIX) else "models")
        self._refuse_too_long(request)
        async with self._database.read() as transaction:
            await self._usage.check(transaction, caller)
        if not asked.startswith(ASSISTANT_PREFIX):
            if self._embedding.is_named(asked):
                raise EmbedsOnly(model=asked[:100], param="model")
            request = msgspec.structs.replace(request, model=await self._resolve(asked), whole=True)
        answer = LiveAnswer(asked)
        answer.task = self._tasks.start(self._perform(caller, request, answer, api), name=f"answer_{api}")
        await answer.begin()
        return answer

    async def _resolve(self, asked: str) -> str | None:
        """Find a model by its name; one that was there a moment ago is not looked for again. Raises ModelNotFound."""
        model, until = self._resolved.get(asked, (None, 0.0))
        if time.monotonic() < until:
            return model
        self._resolved.pop(asked, None)
        model = await self._generation.resolve(asked)
        if model is not None:
            self._resolved[asked] = (model, time.monotonic() + _RESOLVED_SECONDS)
        return model

    def _refuse_too_long(self, request: ChatRequest) -> None:
        tokens = self._settings.language_model.context_length
        characters = sum(len(message.content) for message in request.messages)
        limit = tokens * _CHARACTERS_PER_TOKEN
        if characters > limit:
            raise PromptTooLong(characters=characters, tokens=tokens, limit=limit, param="messages")

    async def _perform(self, caller: Caller, request: ChatRequest, answer: LiveAnswer, api: Api) -> None:
        tally = _Tally()
        try:
            await self._write(caller, request, answer, tally)
        except asyncio.CancelledError:
            tally.outcome = "stopped"
        except ApplianceError as error:
            tally.outcome, tally.failure = "failed", error
        except Exception:  # the outermost frame of a background task: the client must hear of any failure
            log.exception("answer_failed", api=api)
            tally.outcome, tally.failure = "failed", Unexpected()
        try:
            await asyncio.shield(self._record(caller, answer, tally, api))
        except Exception:  # an answer that the audit does not know of is none
            log.exception("answer_not_recorded", api=api)
            tally.failure = tally.failure or Unexpected()
        finally:
            answer.end(tally.failure)

    async def _write(self, caller: Caller, request: ChatRequest, answer: LiveAnswer, tally: "_Tally") -> None:
        async with aclosing(self._steps(caller, request, answer.model)) as steps:
            async for step in steps:
                match step:
                    case Waiting():
                        pass
                    case Writing(model=model):
                        tally.model = model
                        if not answer.model.startswith(ASSISTANT_PREFIX):
                            answer.model = model
                    case Sources(agent=agent):
                        tally.agent = agent or None
                        answer.put(step)
                    case _:
                        if step.usage:
                            tally.usage = step.usage
                        answer.put(step)

    def _steps(self, caller: Caller, request: ChatRequest, asked: str) -> AsyncGenerator[Step | Sources]:
        if asked.startswith(ASSISTANT_PREFIX):
            name = asked.removeprefix(ASSISTANT_PREFIX).removesuffix(":latest")
            return self.assistants.answer(caller, name, msgspec.structs.replace(request, model=None))
        return self._generation.stream(Generation(request=request, owner=caller.user_id))

    async def _record(self, caller: Caller, answer: LiveAnswer, tally: "_Tally", api: Api) -> None:
        async with self._database.begin() as transaction:
            await self._usage.note(
                transaction,
                caller,
                source=api,
                status=tally.outcome,
                model=tally.model[:200] or None,
                agent=tally.agent,
                usage=tally.usage,
                milliseconds=int((time.perf_counter() - answer.started) * 1000),
                first_token_ms=int((answer.first_at - answer.started) * 1000) if answer.first_at else None,
            )
            await self._audit.record(
                transaction,
                caller,
                "completion.written",
                object_kind="model",
                object_id=answer.model[:200],
                outcome=tally.outcome,
                api=api,
                model=tally.model[:200],
                tokens=tally.usage.prompt_tokens + tally.usage.completion_tokens,
            )

    async def models(self, caller: Caller) -> list[HostedModel]:
        """List what the caller may name: models by the scope `models`, assistants by the scope `chat`."""
        may_chat = caller.scopes is None or "chat" in caller.scopes
        if not may_chat:
            caller.require_scope("models")
        may_write = caller.scopes is None or "models" in caller.scopes
        found = await self.catalogue.list() if may_write else []
        names = await self.assistants.names(caller) if may_chat else []
        return [*found, *(HostedModel(name=f"{ASSISTANT_PREFIX}{name}", family="assistant") for name in names)]

    async def show(self, caller: Caller, name: str) -> ShownModel:
        """Show one of them. Raises NotFound."""
        if not name.startswith(ASSISTANT_PREFIX):
            caller.require_scope("models")
            return await self.catalogue.show(name)
        caller.require_scope("chat")
        plain = name.removesuffix(":latest")
        for listed in await self.models(caller):
            if listed.name == plain:
                return ShownModel(listed=listed, capabilities=("completion",))
        raise ListedModelNotFound(model=name[:100], param="model")

    async def running(self, caller: Caller) -> list[LoadedModel]:
        """List the models in memory."""
        caller.require_scope("models")
        return await self.catalogue.running()

    async def embed(self, caller: Caller, model: str, texts: Sequence[str], *, api: Api) -> list[Vector]:
        """Embed texts with the appliance's own embedder."""
        caller.require_scope("models")
        if not self._embedding.is_named(model):
            raise EmbedderNotFound(embedder=self._embedding.name, model=model[:100], param="model")
        vectors: list[Vector] = []
        for start in range(0, len(texts), _BATCH):
            async with self._embedding_turn:
                passages = await self._embedding.embedder.embed_passages(texts[start : start + _BATCH])
            vectors += [passage.dense for passage in passages]
        async with self._database.begin() as transaction:
            await self._audit.record(
                transaction,
                caller,
                "text.embedded",
                object_kind="model",
                object_id=self._embedding.name[:200],
                api=api,
                texts=len(texts),
            )
        return vectors

    @property
    def dimensions(self) -> int:
        """How long a vector is."""
        return self._embedding.embedder.dimensions


class _Tally(msgspec.Struct):
    """What the audit says of an answer."""

    outcome: str = "done"
    model: str = ""
    agent: str | None = None
    usage: Usage = Usage(0, 0)
    failure: ApplianceError | None = None
