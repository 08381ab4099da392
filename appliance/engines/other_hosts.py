"""Where models are not ours to manage: an OpenAI-compatible server lists them, `none` has none."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from appliance.core.errors import ApplianceError
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.engines.http_engine import HttpEngine
from appliance.engines.model_errors import ModelNotFound, ModelsElsewhere, NoModelEngine
from appliance.ports.model_host import HostedModel, Measured, ModelDetails, PullProgress, RunningModel

_SECONDS = 5.0


class NoHost:
    """ModelHost where the settings name no engine: nothing is there, and whoever asks for more hears why."""

    kind = "none"
    manages = False
    refusal: type[ApplianceError] = NoModelEngine

    async def require(self) -> None:
        """Not here."""
        raise self.refusal

    async def version(self) -> str:
        """There is none."""
        raise self.refusal

    async def list(self) -> "list[HostedModel]":
        """Nothing."""
        return []

    async def show(self, name: str) -> ModelDetails:
        """Nothing more is known of a model that is there."""
        if all(name != model.name for model in await self.list()):
            raise ModelNotFound(model=name[:100])
        return ModelDetails()

    async def running(self) -> "list[RunningModel]":
        """Nothing is known of its memory."""
        return []

    async def load(self, name: str, *, context_length: int, keep_alive_seconds: float | None) -> None:
        """Not here."""
        raise self.refusal

    async def unload(self, name: str) -> None:
        """Not here."""
        raise self.refusal

    async def remove(self, name: str) -> None:
        """Not here."""
        raise self.refusal

    async def pull(self, name: str, *, insecure: bool) -> AsyncIterator[PullProgress]:
        """Not here."""
        raise self.refusal
        yield PullProgress()

    async def has_blob(self, digest: str) -> bool:
        """Not here."""
        raise self.refusal

    async def upload_blob(self, digest: str, path: Path) -> AsyncIterator[int]:
        """Not here."""
        raise self.refusal
        yield 0

    async def create(
        self, name: str, digest: str, *, template: str = "", settings: dict[str, float] | None = None
    ) -> AsyncIterator[str]:
        """Not here."""
        raise self.refusal
        yield ""

    async def measure(
        self, name: str, *, prompt: str, max_tokens: int, context_length: int
    ) -> AsyncIterator[int | Measured]:
        """Not here."""
        raise self.refusal
        yield 0

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""


class OpenAiHost(NoHost):
    """ModelHost over `/v1/models`, which lists and does nothing else."""

    kind = "openai"
    refusal = ModelsElsewhere

    def __init__(self, settings: LanguageModelSettings) -> None:
        """`settings.url` with or without `/v1`."""
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else None
        self._engine = HttpEngine(
            "the model server",
            settings.url.rstrip("/").removesuffix("/v1") + "/v1",
            connect_seconds=settings.connect_timeout_seconds,
            read_seconds=_SECONDS,
            headers=headers,
        )

    async def version(self) -> str:
        """That API tells none: an answer is all there is."""
        await self.list()
        return ""

    async def list(self) -> "list[HostedModel]":
        """List names; that API says no more."""
        answer: Any = await self._engine.call("GET", "/models")
        entries: Any = answer.get("data") if isinstance(answer, dict) else None
        entries = entries if isinstance(entries, list) else []
        names = {str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry}
        return [HostedModel(name=name) for name in sorted(names)]

    async def __aexit__(self, *exception: object) -> None:
        """Close every connection."""
        await self._engine.close()
