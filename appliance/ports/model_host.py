"""An engine that holds models: what is there, what is in memory, and bringing models in and out."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

import msgspec


class HostedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is there; `size` in bytes, empty words where the engine says nothing."""

    name: str
    size: int = 0
    digest: str = ""
    family: str = ""
    parameters: str = ""
    quantization: str = ""
    modified_at: datetime | None = None
    embeds: bool = False


class ModelDetails(msgspec.Struct, frozen=True, kw_only=True):
    """More of one model; `context_length`: what it was trained for."""

    capabilities: tuple[str, ...] = ()
    context_length: int | None = None
    template: str = ""
    settings: str = ""
    licence: str = ""


class RunningModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory; `expires_at` is None where it stays until it is unloaded.

    `also`: other models that use the same weights, and so are in memory with it.
    """

    name: str
    size: int
    size_vram: int
    expires_at: datetime | None
    context_length: int | None
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every model that is in memory by it."""
        return (self.name, *self.also)


class PullProgress(msgspec.Struct, frozen=True):
    """One step of a pull; `completed` of `total` bytes of the layer `digest` where the step counts them."""

    status: str = ""
    completed: int = 0
    total: int = 0
    digest: str = ""
    error: str | None = None


class Measured(msgspec.Struct, frozen=True):
    """A generation by the engine's own counts: tokens, and the seconds they took."""

    load_seconds: float = 0.0
    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    tokens: int = 0
    seconds: float = 0.0


class ModelHost(Protocol):
    """Names are the engine's own. What is no model there raises ModelNotFound, what cannot be done here ModelsElsewhere."""

    kind: str
    manages: bool
    """Whether models can be loaded, brought and deleted through it; some engines only list."""

    async def require(self) -> None:
        """Raise what keeps models from being managed: the engine is away, there is none, or it lets nobody."""
        ...

    async def version(self) -> str:
        """Name the engine's version."""
        ...

    async def list(self) -> "list[HostedModel]":
        """List what is there, by name."""
        ...

    async def show(self, name: str) -> ModelDetails:
        """Say the rest of one model."""
        ...

    async def running(self) -> "list[RunningModel]":
        """List what is in memory."""
        ...

    async def load(self, name: str, *, context_length: int, keep_alive_seconds: float | None) -> None:
        """Bring it into memory, for so long after its last use: None as the engine does, -1 for good."""
        ...

    async def unload(self, name: str) -> None:
        """Take it out of memory."""
        ...

    async def remove(self, name: str) -> None:
        """Delete it, and take it out of memory."""
        ...

    def pull(self, name: str, *, insecure: bool) -> AsyncIterator[PullProgress]:
        """Have the engine fetch it; closing the iterator stops that. Raises PullFailed."""
        ...

    async def has_blob(self, digest: str) -> bool:
        """Tell whether bytes are there; `digest` is `sha256:…`."""
        ...

    def upload_blob(self, digest: str, path: Path) -> AsyncIterator[int]:
        """Send a file, saying after each piece how many bytes are on their way."""
        ...

    def create(
        self, name: str, digest: str, *, template: str = "", settings: dict[str, float] | None = None
    ) -> AsyncIterator[str]:
        """Make a model of a GGUF that was uploaded, saying what is being done. Raises ModelRefused."""
        ...

    def measure(self, name: str, *, prompt: str, max_tokens: int, context_length: int) -> AsyncIterator[int | Measured]:
        """Write, or embed, and say how many tokens stand; the last item is what the engine counted."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
