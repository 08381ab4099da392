"""How a message is to be answered: whose persona, which model, which documents, how much of what was said."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from appliance.core.settings_sections import Settings
from appliance.core.text import Language
from appliance.features.assistants import Profile
from appliance.features.chat.history import Context, Said, compose
from appliance.features.generation import GenerationService
from appliance.features.knowledge import AnswerWriter, FoundPassage, Place, Plan, SearchFilters
from appliance.ports.chat import Message

_KEPT, _CANDIDATES, _TEMPERATURE = 3, 20, 0.3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A message with all that an answer may know. `said` oldest first; `model`: the one that was asked for."""

    message: str
    said: Sequence[Said] = ()
    summary: str = ""
    memories: Sequence[str] = ()
    attachments: Sequence[UUID] = ()
    key: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    @property
    def before(self) -> list[str]:
        """What the person said before, oldest first."""
        return [turn.content for turn in self.said if turn.role == "user"]


class Planner:
    """Makes plans for `AnswerWriter`."""

    def __init__(self, *, writer: AnswerWriter, generation: GenerationService, settings: Settings) -> None:
        """`generation` counts tokens, `settings` say how many there are."""
        self._writer = writer
        self._generation = generation
        self._settings = settings

    async def model(self, asked: Asked, profile: Profile | None) -> str | None:
        """Name who writes: the model asked for, the assistant's own or its next ones, or the usual one."""
        if asked.model:
            return asked.model
        wanted: list[str | None] = [profile.model, *profile.fallbacks] if profile and profile.model else []
        return await self._writer.resolve_model(*wanted, None)

    def plan(self, asked: Asked, profile: Profile | None, model: str | None) -> Plan:
        """Plan the answer. Without a model everything the person may read is searched, to quote from."""
        retrieval = profile.retrieval if profile else None
        temperature = profile.temperature if profile else _TEMPERATURE
        return Plan(
            question=asked.message,
            also_sought=f"{asked.before[-1]} {asked.message}" if asked.before else None,
            compose=self._composer(asked, profile, model),
            places=_places(asked, profile, is_written=model is not None),
            kept=retrieval.kept if retrieval else _KEPT,
            reranked=retrieval.candidates if retrieval else _CANDIDATES,
            floor=retrieval.floor if retrieval else 0.0,
            model=model,
            fallbacks=tuple(profile.fallbacks) if profile and profile.fallbacks else None,
            temperature=temperature if asked.temperature is None else asked.temperature,
            max_tokens=asked.max_tokens,
            needs_passages=False,
            conversation_id=asked.key,
        )

    def _composer(
        self, asked: Asked, profile: Profile | None, model: str | None
    ) -> Callable[[Sequence[FoundPassage], Language], list[Message]]:
        context = Context(
            persona=profile.persona if profile else "",
            memories=asked.memories,
            summary=asked.summary,
            said=asked.said,
        )
        budget = self._settings.language_model.context_length - self._settings.limits.answer_tokens
        meter = self._generation.tokens

        def composed(passages: Sequence[FoundPassage], language: Language) -> list[Message]:
            spoken = profile.language if profile and profile.language != "auto" else language
            return compose(
                context,
                passages,
                asked.message,
                language=spoken,
                budget=budget,
                count=lambda text: meter.count(text, model),
            )

        return composed


def _places(asked: Asked, profile: Profile | None, *, is_written: bool) -> tuple[Place, ...]:
    """Where to look: the conversation's own documents, then the assistant's; without a model everything there is."""
    places: list[Place] = []
    if asked.attachments:
        places.append(Place(filters=SearchFilters(documents=list(asked.attachments))))
    if profile is not None:
        owners = list(profile.knowledge_owners) or None
        tags = list(profile.tags) or None
        places.append(Place(filters=SearchFilters(agent_owners=owners, tags=tags)))
    elif not is_written:
        places.append(Place())
    return tuple(places)
