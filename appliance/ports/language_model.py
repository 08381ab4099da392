"""A model that writes."""

from collections.abc import AsyncGenerator
from typing import Protocol, Self

from appliance.core.health import Health
from appliance.ports.chat import ChatRequest, Delta


class LanguageModel(Protocol):
    """An engine that streams answers. Closing the iterator closes the engine's connection: it stops computing."""

    kind: str

    async def resolve(self, model: str | None) -> str | None:
        """Name the model that would answer: the asked one, the configured one, or the newest there; None if none answers.

        Raises ModelNotFound where a model is named that is not there.
        """
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Write. Raises EngineUnavailable, EngineFailed or EngineTimedOut, also after some deltas."""
        ...

    async def check(self) -> Health:
        """Say whether the engine answers, and its version."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exception: object) -> None: ...
