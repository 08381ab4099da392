"""Rows as what goes over the wire, and what a caller sees of them."""

from typing import cast

import msgspec

from appliance.core.caller import Caller
from appliance.features.assistants.repository import ListedAssistant
from appliance.features.assistants.schemas import Assistant, AssistantIn, AssistantLanguage, Profile, Retrieval
from appliance.features.assistants.tables import AssistantRow
from appliance.features.assistants.training import Specialist


def to_input(row: AssistantRow) -> AssistantIn:
    """Give a row as whoever made it sent it."""
    return AssistantIn(
        name=row.name,
        title=row.title,
        persona=row.persona,
        language=_language(row),
        routing_description=row.routing_description,
        examples=list(row.examples),
        model=row.model,
        fallbacks=list(row.fallbacks),
        temperature=row.temperature,
        knowledge_owners=list(row.knowledge_owners),
        tags=list(row.tags),
        retrieval=_retrieval(row),
        tools=list(row.tools),
        is_enabled=row.is_enabled,
    )


def to_assistant(listed: ListedAssistant, caller: Caller) -> Assistant:
    """Show an assistant: to an admin all of it, to others what they need to choose it."""
    row = listed.row
    shown = Assistant(
        name=row.name,
        title=row.title,
        picture=f"/api/assistants/{row.name}/picture?v={listed.picture[:12]}" if listed.picture else None,
        language=_language(row),
        routing_description=row.routing_description,
        examples=list(row.examples),
        is_enabled=row.is_enabled,
    )
    if not caller.is_admin:
        return shown
    return msgspec.structs.replace(
        shown,
        persona=row.persona,
        model=row.model,
        fallbacks=list(row.fallbacks),
        temperature=row.temperature,
        knowledge_owners=list(row.knowledge_owners),
        tags=list(row.tags),
        retrieval=_retrieval(row),
        tools=list(row.tools),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def to_profile(row: AssistantRow) -> Profile:
    """Give all that answering needs."""
    return Profile(
        name=row.name,
        title=row.title,
        persona=row.persona,
        language=_language(row),
        model=row.model,
        fallbacks=tuple(row.fallbacks),
        temperature=row.temperature,
        knowledge_owners=tuple(row.knowledge_owners),
        tags=tuple(row.tags),
        retrieval=_retrieval(row),
        tools=tuple(row.tools),
    )


def to_specialist(row: AssistantRow) -> Specialist:
    """Give what routing knows of it; the persona is none of that."""
    return Specialist(row.name, row.title, row.routing_description, tuple(row.examples))


def _language(row: AssistantRow) -> AssistantLanguage:
    return cast("AssistantLanguage", row.language)


def _retrieval(row: AssistantRow) -> Retrieval:
    return msgspec.convert(row.retrieval, Retrieval)
