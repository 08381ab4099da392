"""Every generation of the appliance comes through here: it waits its turn, is tried again, and on the next model."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.errors import ApplianceError, EngineFailed, EngineUnavailable, NotFound
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import Settings
from appliance.core.tasks import Tasks
from appliance.core.text import Text
from appliance.features.generation.queue import FairQueue, Ticket
from appliance.features.generation.schemas import Generation, QueueState, Step, Waiting, Writing
from appliance.features.generation.tokens import TokenMeter
from appliance.ports.chat import ChatRequest, Usage
from appliance.ports.language_model import LanguageModel

log = structlog.get_logger(__name__)
_NAME = Text("a language model", "un modèle de langage")
_RETRY_SECONDS = (0.1, 0.4)
"""Between these a second try waits, by chance, so that all those who failed together do not come back together."""
_TRIES = 2


class GenerationService:
    """Queues, retries, falls back. A model that has begun to write is never exchanged: its reader keeps what came."""

    def __init__(self, *, language_model: LanguageModel, metrics: Metrics, settings: Settings) -> None:
        """`settings.language_model.parallel`: how many the engine writes at once."""
        self._model = language_model
        self._metrics = metrics
        self._settings = settings
        self._queue = FairQueue(
            slots=settings.language_model.parallel,
            longest=settings.limits.waiting_generations,
            longest_of_one=settings.limits.waiting_generations_of_one,
        )
        self.preferred: Callable[[], str | None] = lambda: None
        self.router: Callable[[], str | None] = lambda: None
        self.tokens = TokenMeter()
        self._ahead = Tasks()

    async def resolve(self, model: str | None) -> str | None:
        """Name the model that would answer; None where none does. Raises ModelNotFound for one that is not there."""
        if model or not (preferred := self.preferred()):
            return await self._model.resolve(model or None)
        try:
            return await self._model.resolve(preferred)
        except NotFound as error:  # it was removed, here or in the engine: the settings say who serves instead
            log.warning("preferred_model_gone", code=error.code)
            return await self._model.resolve(None)

    def look_ahead(self, model: str | None) -> None:
        """Ask already who would answer: whoever resolves in the next moment need not wait for the engine."""
        self._ahead.start(self._resolve_quietly(model), name="look_ahead")

    async def _resolve_quietly(self, model: str | None) -> None:
        with suppress(ApplianceError):  # whoever resolves in earnest is told
            await self.resolve(model)

    async def close(self) -> None:
        """Leave what was asked ahead."""
        await self._ahead.close()

    async def stream(self, generation: Generation) -> AsyncGenerator[Step]:
        """Wait, then write. Closing the iterator leaves the queue or stops the engine.

        Raises GenerationBusy at once or after `queue_timeout_seconds`; EngineUnavailable, EngineFailed, EngineTimedOut or
        ModelNotFound of the last model where none of the chain wrote; an engine's failure after some deltas as it is.
        """
        async with self._queue.enter(generation.owner, generation.lane) as ticket:
            with self._metrics.stage("generation", f"wait_{generation.lane}"):
                async with aclosing(self._wait(ticket)) as waiting:
                    async for step in waiting:
                        yield step
            with self._metrics.stage("generation", f"write_{generation.lane}"):
                async with aclosing(self._write(generation)) as steps:
                    async for step in steps:
                        yield step

    async def _wait(self, ticket: Ticket) -> AsyncGenerator[Waiting]:
        deadline = asyncio.get_running_loop().time() + self._settings.language_model.queue_timeout_seconds
        async with aclosing(ticket.places()) as places:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        place = await anext(places, None)
                except TimeoutError:
                    raise self._queue.busy() from None
                if place is None:
                    return
                yield Waiting(place)

    async def _write(self, generation: Generation) -> AsyncGenerator[Step]:
        failure: ApplianceError = EngineUnavailable(engine=_NAME)
        attempt = 0
        for model in await self._chain(generation):
            for _ in range(_TRIES):
                attempt += 1
                yield Writing(model, attempt)
                begun = False
                stream = self._model.stream(msgspec.structs.replace(generation.request, model=model))
                try:
                    async with aclosing(stream) as deltas:
                        async for delta in deltas:
                            begun = True
                            if delta.usage:
                                self._learn(generation.request, model, delta.usage)
                            yield delta
                except ApplianceError as error:
                    if begun:
                        raise
                    failure = error
                else:
                    return
                log.warning("generation_failed", code=failure.code, attempt=attempt)
                if not _is_worth_another_try(failure):
                    break
                await asyncio.sleep(random.uniform(*_RETRY_SECONDS))  # noqa: S311 - spreads tries, keeps no secret
        raise failure

    def _learn(self, request: ChatRequest, model: str, usage: Usage) -> None:
        characters = sum(len(message.content) for message in request.messages)
        self.tokens.learn(model, characters=characters, tokens=usage.prompt_tokens)

    async def _chain(self, generation: Generation) -> list[str]:
        """Name the models to try, in order. Empty where no model is there at all."""
        first = generation.request.model
        failure: ApplianceError | None = None
        if first is None:
            try:
                first = await self.resolve(None)
            except ApplianceError as error:
                failure = error
        others = self._settings.language_model.fallbacks if generation.fallbacks is None else generation.fallbacks
        chain = list(dict.fromkeys(model for model in (first, *others) if model))
        if not chain and failure is not None:
            raise failure
        return chain

    def state(self, caller: Caller) -> QueueState:
        """Say how busy the models are."""
        return QueueState(
            places=self._queue.slots,
            writing=self._queue.writing,
            waiting=self._queue.waiting(),
            mine=self._queue.of(caller.user_id),
        )


def _is_worth_another_try(error: ApplianceError) -> bool:
    """Tell a failure that may pass. An engine that was slow is slow again, and one that refused refuses again."""
    return isinstance(error, EngineUnavailable) or (isinstance(error, EngineFailed) and error.may_pass)
