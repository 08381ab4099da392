"""Memories, saved prompts, escalations, figures and quotas over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from appliance.core.caller import Caller
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.features.chat.analytics import AnalyticsService
from appliance.features.chat.escalations import EscalationService
from appliance.features.chat.extras_schemas import (
    Analytics,
    Escalation,
    EscalationAnswerIn,
    EscalationStatus,
    Memory,
    MemoryIn,
    MemoryPatch,
    PersonUsage,
    Prompt,
    PromptIn,
    PromptPatch,
)
from appliance.features.chat.memories import MemoryService
from appliance.features.chat.saved_prompts import PromptService
from appliance.features.chat.usage import UsageService


class MemoryController(Controller):
    """What assistants know of the caller because the caller said so."""

    path = "/api/memories"
    tags = ("Assistants",)

    @get(operation_id="ListMemories", summary="What assistants remember of the caller, newest first")
    async def list_memories(
        self, caller: Caller, memories: MemoryService, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> Page[Memory]:
        """One's own, and nobody else's."""
        return await memories.page(caller, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddMemory", summary="Have assistants remember something")
    async def add(self, caller: Caller, data: MemoryIn, memories: MemoryService) -> Memory:
        """At most 200 are kept."""
        return await memories.add(caller, data)

    @patch("/{memory_id:uuid}", operation_id="ChangeMemory", summary="Reword a memory, or let it rest")
    async def change(self, caller: Caller, memory_id: UUID, data: MemoryPatch, memories: MemoryService) -> Memory:
        """One that is not enabled goes into no prompt."""
        return await memories.change(caller, memory_id, data)

    @delete("/{memory_id:uuid}", operation_id="RemoveMemory", summary="Have assistants forget something")
    async def remove(self, caller: Caller, memory_id: UUID, memories: MemoryService) -> None:
        """From the next message on."""
        await memories.remove(caller, memory_id)


class PromptController(Controller):
    """Saved prompts, called by `/name`."""

    path = "/api/prompts"
    tags = ("Assistants",)

    @get(operation_id="ListPrompts", summary="One's own and shared prompts, by name")
    async def list_prompts(
        self,
        caller: Caller,
        prompts: PromptService,
        sought: Annotated[str, QueryParameter(name="q", max_length=200)] = "",
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[Prompt]:
        """`q` stands in the name or the title."""
        return await prompts.page(caller, sought=sought, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddPrompt", summary="Save a prompt")
    async def add(self, caller: Caller, data: PromptIn, prompts: PromptService) -> Prompt:
        """Its name is the caller's only one."""
        return await prompts.add(caller, data)

    @get("/{prompt_id:uuid}", operation_id="GetPrompt", summary="One prompt")
    async def get_prompt(self, caller: Caller, prompt_id: UUID, prompts: PromptService) -> Prompt:
        """With the variables it asks for."""
        return await prompts.get(caller, prompt_id)

    @patch("/{prompt_id:uuid}", operation_id="ChangePrompt", summary="Change one's own prompt, or share it")
    async def change(self, caller: Caller, prompt_id: UUID, data: PromptPatch, prompts: PromptService) -> Prompt:
        """Shared ones are others' to use, not to change."""
        return await prompts.change(caller, prompt_id, data)

    @delete("/{prompt_id:uuid}", operation_id="RemovePrompt", summary="Remove a prompt")
    async def remove(self, caller: Caller, prompt_id: UUID, prompts: PromptService) -> None:
        """One's own; an admin removes shared ones too."""
        await prompts.remove(caller, prompt_id)


class EscalationController(Controller):
    """Messages that wait for a person."""

    path = "/api/escalations"
    tags = ("Assistants",)

    @get(operation_id="ListEscalations", summary="Messages that wait, or waited, for a person; newest first")
    async def list_escalations(
        self,
        caller: Caller,
        escalations: EscalationService,
        status: EscalationStatus | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[Escalation]:
        """For admins."""
        return await escalations.page(caller, status=status, limit=limit, offset=offset)

    @get("/{escalation_id:uuid}", operation_id="GetEscalation", summary="One, with the messages that led to it")
    async def get_escalation(self, caller: Caller, escalation_id: UUID, escalations: EscalationService) -> Escalation:
        """For admins; that it was read is audited."""
        return await escalations.get(caller, escalation_id)

    @post(
        "/{escalation_id:uuid}/answer",
        status_code=HTTP_200_OK,
        operation_id="AnswerEscalation",
        summary="Answer in the conversation",
    )
    async def answer(
        self, caller: Caller, escalation_id: UUID, data: EscalationAnswerIn, escalations: EscalationService
    ) -> Escalation:
        """Once: whoever comes second is told."""
        return await escalations.answer(caller, escalation_id, data)

    @post(
        "/{escalation_id:uuid}/close",
        status_code=HTTP_200_OK,
        operation_id="CloseEscalation",
        summary="Settle it without an answer",
    )
    async def close(self, caller: Caller, escalation_id: UUID, escalations: EscalationService) -> Escalation:
        """The conversation stays as it is."""
        return await escalations.close(caller, escalation_id)


class FigureController(Controller):
    """What assistants did, and what people used."""

    tags = ("Assistants",)

    @get("/api/analytics/agents", operation_id="GetAnalytics", summary="What assistants did, by agent, model and day")
    async def agents(
        self,
        caller: Caller,
        analytics: AnalyticsService,
        since: Annotated[date | None, QueryParameter(name="from")] = None,
        until: Annotated[date | None, QueryParameter(name="to")] = None,
    ) -> Analytics:
        """For admins. Days are in UTC and both included; without them the last thirty."""
        return await analytics.agents(caller, since=since, until=until)

    @get("/api/usage", operation_id="GetUsage", summary="Messages and tokens since midnight UTC, and their limits")
    async def used(
        self,
        caller: Caller,
        usage: UsageService,
        everybody: bool = False,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[PersonUsage]:
        """One's own row; with `everybody=true`, for an admin, everybody's."""
        return await usage.page(caller, everybody=everybody, limit=limit, offset=offset)
