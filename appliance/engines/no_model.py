"""`language_model.kind = "none"`: nobody writes, answers are quoted."""

from collections.abc import AsyncGenerator
from typing import Self

from appliance.core.errors import EngineUnavailable
from appliance.core.health import Health
from appliance.core.text import Text
from appliance.engines.model_errors import ModelNotFound
from appliance.ports.chat import ChatRequest, Delta


class NoModel:
    """LanguageModel where there is none."""

    kind = "none"

    async def resolve(self, model: str | None) -> str | None:
        """Name nobody; a model somebody names is not there."""
        if model:
            raise ModelNotFound(model=model[:100])
        return None

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Never asked, since `resolve` names nobody. Raises EngineUnavailable."""
        raise EngineUnavailable(engine=Text("a language model", "un modèle de langage"))
        yield Delta()

    async def check(self) -> Health:
        """It is meant to be so."""
        return Health(self.kind, ok=True, detail=Text("answers are quoted", "les réponses sont des citations"))

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""
