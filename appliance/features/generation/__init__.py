"""The one way to a model that writes: a fair queue, another try, another model."""

from appliance.features.generation.completions import CompletionService
from appliance.features.generation.errors import GenerationBusy
from appliance.features.generation.schemas import LANES, Generation, Lane, Step, Waiting, Writing
from appliance.features.generation.service import GenerationService

__all__ = [
    "LANES",
    "CompletionService",
    "Generation",
    "GenerationBusy",
    "GenerationService",
    "Lane",
    "Step",
    "Waiting",
    "Writing",
]
