"""Specialists as rows, and the orchestrator that says which of them answers a message."""

from appliance.features.assistants.errors import AssistantNotFound
from appliance.features.assistants.evaluation import RoutingEvaluationService
from appliance.features.assistants.installing import ExampleService
from appliance.features.assistants.routing import RoutingService
from appliance.features.assistants.schemas import Profile, Retrieval, Route
from appliance.features.assistants.service import AssistantService

__all__ = [
    "AssistantNotFound",
    "AssistantService",
    "ExampleService",
    "Profile",
    "Retrieval",
    "Route",
    "RoutingEvaluationService",
    "RoutingService",
]
