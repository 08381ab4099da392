"""Models that are nowhere: for tests, and for trying the room without an engine."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

import msgspec

from appliance.core.database import now
from appliance.engines.model_errors import ModelNotFound, PullFailed
from appliance.ports.model_host import HostedModel, Measured, ModelDetails, PullProgress, RunningModel

_SIZE = 1_185_376
_MINUTES = 300.0
_STEPS = 10


class MemoryModelHost:
    """ModelHost whose models are names. `seconds_per_step` slows pulls down; `unfinished` counts those left early."""

    kind = "memory"
    manages = True

    def __init__(self, models: Sequence[str] = ("memory:latest",), *, seconds_per_step: float = 0.0) -> None:
        """A name with `embed` in it is a model that only embeds; a name with `missing` cannot be pulled."""
        self.models = {_full(name): _describe(_full(name)) for name in models}
        self.loaded: dict[str, RunningModel] = {}
        self.blobs: set[str] = set()
        self.made: dict[str, str] = {}
        self.seconds_per_step = seconds_per_step
        self.unfinished = 0

    def _find(self, name: str) -> HostedModel:
        if (found := self.models.get(_full(name))) is None:
            raise ModelNotFound(model=name[:100])
        return found

    async def require(self) -> None:
        """It is there as long as the process is."""

    async def version(self) -> str:
        """Name a version."""
        return "0"

    async def list(self) -> "list[HostedModel]":
        """List what is there, by name."""
        return [self.models[name] for name in sorted(self.models)]

    async def show(self, name: str) -> ModelDetails:
        """Tell a model that embeds from one that writes."""
        embeds = self._find(name).embeds
        return ModelDetails(capabilities=("embedding",) if embeds else ("completion",), context_length=8192)

    async def running(self) -> "list[RunningModel]":
        """List what was loaded and not unloaded, once for each file of weights."""
        return [msgspec.structs.replace(one, also=self._also(one.name)) for one in self.loaded.values()]

    def _also(self, name: str) -> tuple[str, ...]:
        made = self.made.get(name)
        return tuple(one for one, other in self.made.items() if one != name and other == made)

    async def load(self, name: str, *, context_length: int, keep_alive_seconds: float | None) -> None:
        """Note it."""
        found = self._find(name)
        seconds = _MINUTES if keep_alive_seconds is None else keep_alive_seconds
        ends = None if seconds < 0 else now() + timedelta(seconds=seconds)
        weights = self.made.get(found.name, found.name)
        first = self.loaded[weights].name if weights in self.loaded else found.name
        self.loaded[weights] = RunningModel(
            name=first, size=found.size, size_vram=0, expires_at=ends, context_length=context_length
        )

    async def unload(self, name: str) -> None:
        """Forget that it was loaded."""
        found = self._find(name).name
        self.loaded.pop(self.made.get(found, found), None)

    async def remove(self, name: str) -> None:
        """Forget it."""
        await self.unload(name)
        del self.models[_full(name)]
        self.made.pop(_full(name), None)

    async def pull(self, name: str, *, insecure: bool) -> AsyncIterator[PullProgress]:
        """Count to a hundred."""
        yield PullProgress("pulling manifest")
        if "missing" in name:
            raise PullFailed(engine="Ollama", reason="pull model manifest: file does not exist")
        self.unfinished += 1
        digest = hashlib.sha256(name.encode()).hexdigest()
        for step in range(_STEPS + 1):
            await asyncio.sleep(self.seconds_per_step)
            yield PullProgress("pulling", _SIZE * step // _STEPS, _SIZE, digest)
        self.unfinished -= 1
        self.models[_full(name)] = _describe(_full(name))
        yield PullProgress("success")

    async def has_blob(self, digest: str) -> bool:
        """Tell whether it was uploaded."""
        return digest in self.blobs

    async def upload_blob(self, digest: str, path: Path) -> AsyncIterator[int]:
        """Keep its digest."""
        yield (await asyncio.to_thread(path.stat)).st_size
        self.blobs.add(digest)

    async def create(
        self, name: str, digest: str, *, template: str = "", settings: dict[str, float] | None = None
    ) -> AsyncIterator[str]:
        """Make a name of a digest."""
        if digest not in self.blobs:
            raise ModelNotFound(model=digest)
        self.models[_full(name)] = _describe(_full(name))
        self.made[_full(name)] = digest
        yield "success"

    async def measure(
        self, name: str, *, prompt: str, max_tokens: int, context_length: int
    ) -> AsyncIterator[int | Measured]:
        """Count as fast as nobody does: 1000 tokens read and 100 written a second."""
        tokens = 0 if self._find(name).embeds else max_tokens
        for token in range(1, tokens + 1):
            await asyncio.sleep(self.seconds_per_step)
            yield token
        read = len(prompt.split())
        yield Measured(0.0, read, read / 1000, tokens, tokens / 100)

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


def _describe(name: str) -> HostedModel:
    embeds = "embed" in name
    return HostedModel(
        name=name,
        size=_SIZE,
        digest=hashlib.sha256(name.encode()).hexdigest(),
        family="bert" if embeds else "llama",
        parameters="1M",
        quantization="F16",
        modified_at=now(),
        embeds=embeds,
    )


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
