"""Ollama's slots: how many it writes at once with a model. It may lose one when a reader leaves; this gets it back.

What passes the words on waits for whoever sends them; once the client is gone nobody sends, and it waits for good, with
its slot (github.com/ollama/ollama/issues/17131, open; server/routes.go of 0.17.4). A model has one slot unless
OLLAMA_NUM_PARALLEL says more: then nobody is answered until it is loaded anew. It was seen after 4 of 1 000 hang-ups.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from appliance.core.database import now
from appliance.core.errors import ApplianceError, EngineFailed, EngineTimedOut
from appliance.engines.http_engine import HttpEngine
from appliance.ports.model_host import RunningModel

log = structlog.get_logger(__name__)
_ASK_SECONDS = 5.0
_LEAVE_SECONDS, _LOOK_SECONDS = 5.0, 0.05
_USUAL_SECONDS = 300.0
"""How long Ollama keeps a model after its last use, unless told otherwise."""
_KNOWS_TRUNCATE = (0, 13)


class Holder(Protocol):
    """What holds the models."""

    async def version(self) -> str:
        """Name its version."""
        ...

    async def running(self) -> Sequence[RunningModel]:
        """List what is in memory."""
        ...

    async def load(self, name: str, *, context_length: int, keep_alive_seconds: float | None) -> None:
        """Bring a model into memory, or say anew for how long it stays."""
        ...

    async def unload(self, name: str) -> None:
        """Have it leave once nobody uses it."""
        ...


async def free_slot(holder: Holder, engine: HttpEngine, name: str, *, context_length: int) -> bool:
    """Ask a model in memory whether it has a slot; one that has none, and that nobody uses, is taken out of memory.

    True where it was. What it was to stay for is kept. Raises as `HttpEngine.call`.
    """
    loaded = await find_loaded(holder, name)
    if loaded is None or await _has_slot(holder, engine, name, context_length):
        return False
    left = None if loaded.expires_at is None else (loaded.expires_at - now()).total_seconds()
    await holder.unload(loaded.name)
    is_gone = await _leaves(holder, name)
    if is_gone:
        log.warning("model_slot_lost", model=name)
    # Somebody else's answer may hold the slot in earnest: Ollama waits for its end, and would then unload it after all.
    if not is_gone or left is None or left > _USUAL_SECONDS:
        stays = -1.0 if left is None else max(_USUAL_SECONDS, left)
        await holder.load(name, context_length=context_length, keep_alive_seconds=stays)
    return is_gone


async def find_loaded(holder: Holder, name: str) -> RunningModel | None:
    """Find a model in memory by any of its names, with or without `:latest`."""
    return next((one for one in await holder.running() if {name, f"{name}:latest"} & set(one.names)), None)


async def _has_slot(holder: Holder, engine: HttpEngine, name: str, context_length: int) -> bool:
    """Ask with a prompt that does not fit: it is refused as soon as there is a slot, and costs no computing.

    What the model remembers of earlier prompts stays, which one that fits would drive out.
    """
    if _numbers(await holder.version()) < _KNOWS_TRUNCATE:
        return True  # it would cut the prompt and compute it all
    body = {
        "model": name,
        "prompt": "a " * (2 * context_length),
        "raw": True,
        "truncate": False,
        "stream": False,
        "options": {"num_ctx": context_length, "num_predict": 1},
    }
    try:
        await engine.call("POST", "/api/generate", body, seconds=_ASK_SECONDS, kind=None)
    except EngineTimedOut:
        return False
    except EngineFailed:
        return True  # refused, as it should be, or broken, as the next stream will be told
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """Read `0.17.4`. One built by hand says 0.0.0, and is taken for a new one."""
    numbers = tuple(int(part) for part in version.split("-", maxsplit=1)[0].split(".") if part.isdigit())
    return numbers if any(numbers) else _KNOWS_TRUNCATE


async def _leaves(holder: Holder, name: str) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _LEAVE_SECONDS
    while await find_loaded(holder, name) is not None:
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True


class _Model:
    """What is known of a model's slots. Moments are the loop's."""

    def __init__(self) -> None:
        self.gate = asyncio.Lock()
        self.readers = 0
        self.calm = asyncio.Event()
        """Set while nobody reads, and where somebody got a line while others waited in vain."""
        self.calm.set()
        self.unsure_since: float | None = None
        """When the last reader left while words flowed; None: nobody did since the model was known to have a slot."""
        self.is_silent = False
        """Whether a reader waited in vain, and no other got a line since the model is unsure."""
        self.heard_at = 0.0
        self.freed = 0

    def is_silent_since(self, turn: "Turn") -> bool:
        """Whether nobody got a line for some time, nor since the last reader left; a model that is slow is heard."""
        since = turn.began if self.unsure_since is None else self.unsure_since
        waited = asyncio.get_running_loop().time() - max(self.heard_at, turn.began)
        return self.heard_at <= since and waited >= _ASK_SECONDS


class Turn:
    """One stream of a model, as its reader sees it."""

    def __init__(self, model: _Model) -> None:
        """It begins."""
        self._model = model
        self.began = asyncio.get_running_loop().time()
        self.leaves_doubt = False
        """Whether leaving now may lose a slot: words flow. Before the first, a model that is being loaded leaves memory."""
        self.has_left = False

    def hear(self) -> None:
        """A line has come: a model that answers whoever was let in after a reader left has a slot."""
        self.leaves_doubt = True
        model = self._model
        model.heard_at = asyncio.get_running_loop().time()
        if model.unsure_since is not None and model.unsure_since < self.began:
            model.unsure_since = None
        if model.is_silent:
            model.is_silent = False
            model.calm.set()

    def finish(self) -> None:
        """The engine has said all."""
        self.leaves_doubt = False


class Slots:
    """Lets streams of a model begin; asks first whether it has a slot where one may have been lost."""

    def __init__(self, engine: str, free: Callable[[str], Awaitable[bool]], *, patience_seconds: float) -> None:
        """`free(model)` is `free_slot`; `patience_seconds` bounds the wait for others who are being found out about."""
        self._engine = engine
        self._free = free
        self._patience_seconds = patience_seconds
        self._models: dict[str, _Model] = {}

    @asynccontextmanager
    async def turn(self, name: str, *, may_repeat: bool) -> AsyncGenerator[Turn]:
        """Read one stream in it. A timeout that a lost slot explains is swallowed where it `may_repeat`: ask again.

        Raises EngineTimedOut where others kept everybody waiting.
        """
        model = self._models.setdefault(name, _Model())
        async with self._settled(model, name):
            turn = self._enter(model)
        freed = model.freed
        try:
            yield turn
        except EngineTimedOut:
            is_silent = model.is_silent_since(turn)
            turn.leaves_doubt = True
            self._leave(model, turn)
            model.is_silent = model.is_silent or is_silent
            if not (is_silent and may_repeat):
                raise
            async with self._settled(model, name):
                if model.freed == freed:
                    raise
        finally:
            self._leave(model, turn)

    @asynccontextmanager
    async def _settled(self, model: _Model, name: str) -> AsyncGenerator[None]:
        """Hold the gate, with the model's slots looked after where that is possible now."""
        await self._patiently(model.gate.acquire())
        try:
            if model.unsure_since is not None:
                await self._look_after(model, name)
            yield
        finally:
            model.gate.release()

    async def _patiently(self, happening: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await happening
        except TimeoutError:
            raise EngineTimedOut(engine=self._engine, seconds=int(self._patience_seconds)) from None

    async def _look_after(self, model: _Model, name: str) -> None:
        if model.is_silent:
            await self._patiently(model.calm.wait())
        if model.readers:
            return  # whether they or a lost slot would keep a question waiting cannot be told
        try:
            is_freed = await self._free(name)
        except ApplianceError as error:  # the stream that comes next is told by the engine itself
            log.info("model_slot_unknown", model=name, code=error.code)
            return
        model.freed += is_freed
        model.unsure_since, model.is_silent = None, False

    def _enter(self, model: _Model) -> Turn:
        model.readers += 1
        model.calm.clear()
        return Turn(model)

    def _leave(self, model: _Model, turn: Turn) -> None:
        if turn.has_left:
            return
        turn.has_left = True
        model.readers -= 1
        if turn.leaves_doubt:
            model.unsure_since = asyncio.get_running_loop().time()
        if not model.readers:
            model.calm.set()
