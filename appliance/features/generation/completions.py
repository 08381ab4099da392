"""One prompt, one response, as a run: it can be followed again, and stopped."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.settings_sections import Limits
from appliance.features.audit import AuditService
from appliance.features.generation.schemas import Generated, GenerateIn, Generation, Step, Waiting, Writing
from appliance.features.generation.service import GenerationService
from appliance.features.runs import LiveRun, RunService
from appliance.ports.chat import ChatRequest, Message

RUN_KIND = "generate"


class CompletionService:
    """Completes prompts, with no documents and no conversation."""

    def __init__(
        self,
        database: Database,
        *,
        generation: GenerationService,
        runs: RunService,
        audit: AuditService,
        limits: Limits,
    ) -> None:
        """`limits.answer_tokens` bounds what is written."""
        self._database = database
        self._generation = generation
        self._runs = runs
        self._audit = audit
        self._limits = limits

    async def start(self, caller: Caller, data: GenerateIn) -> LiveRun:
        """Begin to write. Raises ModelNotFound at once for a named model that is not there."""
        caller.require_scope("models")
        if data.model:
            await self._generation.resolve(data.model)

        async def work(run: LiveRun) -> None:
            await self._complete(caller, data, run)

        return await self._runs.start(caller, RUN_KIND, work)

    async def wait(self, run: LiveRun) -> Generated:
        """Wait for all of it. Raises what it failed with."""
        return await run.outcome()

    async def _complete(self, caller: Caller, data: GenerateIn, run: LiveRun) -> None:
        limit = self._limits.answer_tokens
        request = ChatRequest(
            messages=[Message("user", data.prompt)],
            model=data.model,
            max_tokens=min(data.max_tokens or limit, limit),
            shape=data.format,
        )
        done = Generated(response="", model="", tokens=0, duration_ms=0)
        started = time.perf_counter()
        try:
            async with aclosing(self._generation.stream(Generation(request=request, owner=caller.user_id))) as steps:
                await _gather(steps, done, run)
        except asyncio.CancelledError:
            if not run.stopping:
                raise
            done.stopped = True
        done.duration_ms = int((time.perf_counter() - started) * 1000)
        run.emit("done", done)
        await asyncio.shield(self._record(caller, run, done))

    async def _record(self, caller: Caller, run: LiveRun, done: Generated) -> None:
        async with self._database.begin() as transaction:
            await self._audit.record(
                transaction,
                caller,
                "text.generated",
                object_kind="run",
                object_id=run.id,
                model=done.model,
                tokens=done.tokens,
            )


async def _gather(steps: AsyncIterator[Step], done: Generated, run: LiveRun) -> None:
    """Put the response together and say each step to whoever follows."""
    async for step in steps:
        match step:
            case Waiting(place=place):
                run.emit("queue", {"place": place})
            case Writing(model=model):
                done.model = model
            case _:
                if text := step.text.replace("\x00", ""):
                    done.response += text
                    run.emit("token", {"text": text})
                if step.usage:
                    done.tokens = step.usage.prompt_tokens + step.usage.completion_tokens
