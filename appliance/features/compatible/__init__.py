"""Clients that others wrote: OpenAI's API under `/v1`, Ollama's under `/ollama`, with the appliance's own rules."""

from appliance.features.compatible.assistants import ASSISTANT_PREFIX, AssistantAnswers, ChatAssistants, Sources
from appliance.features.compatible.catalogue import (
    Embedding,
    EngineModels,
    LoadedModel,
    ModelCatalogue,
    ShownModel,
)
from appliance.features.compatible.service import CompatibleService

__all__ = [
    "ASSISTANT_PREFIX",
    "AssistantAnswers",
    "ChatAssistants",
    "CompatibleService",
    "Embedding",
    "EngineModels",
    "LoadedModel",
    "ModelCatalogue",
    "ShownModel",
    "Sources",
]
