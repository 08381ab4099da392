"""The orchestrator: who answers a message. A language model is asked; a classifier judges beside it, or alone."""

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import Assistants
from appliance.core.text import Language, Text, Words, said
from appliance.features.assistants.choosing import Choice, ModelRouter, Question, Silence
from appliance.features.assistants.classifier import CONVERSATION, ESCALATE, Verdict
from appliance.features.assistants.confidence import combine
from appliance.features.assistants.errors import AssistantNotFound
from appliance.features.assistants.learning import Learnt
from appliance.features.assistants.mapping import to_specialist
from appliance.features.assistants.repository import AssistantRepository
from appliance.features.assistants.schemas import Route, RouteIn, TriedRoute
from appliance.features.assistants.training import Specialist
from appliance.features.generation import GenerationService
from appliance.ports.analyzer import Analyzer
from appliance.ports.embedder import Embedder

_READ_CHARACTERS = 2000
"""Of a long message its beginning tells, and its end: what is asked often stands last."""
_EXAMPLE_CHARACTERS = 120
_SURE_TO_STAY = 0.5
_NAMES = {
    CONVERSATION: Text("plain conversation", "simple conversation"),
    ESCALATE: Text("a person", "une personne"),
}
_WHY: dict[Silence, Text] = {
    "unasked": Text("There is no specialist", "Il n’y a pas de spécialiste"),
    "absent": Text("No model answers", "Aucun modèle ne répond"),
    "late": Text("The model was too late", "Le modèle a trop tardé"),
    "nonsense": Text("The model’s choice was unusable", "Le choix du modèle était inutilisable"),
}
_CLASSIFIED = Text("{why}; by words and meaning: {agent}.", "{why} ; d’après les mots et le sens : {agent}.")
_CLASSIFIED_NEAR = Text(
    "{why}; by words and meaning: {agent}, nearest to “{example}”.",
    "{why} ; d’après les mots et le sens : {agent}, au plus près de « {example} ».",
)
_FOLLOWS = Text("A follow-up: it stays with {agent}.", "C’est une suite : elle reste chez {agent}.")
_AGREED = Text(
    "{model} chose {agent}; words and meaning agree.", "{model} a choisi {agent} ; les mots et le sens aussi."
)
_DIFFERED = Text(
    "{model} chose {agent}; words and meaning would rather say: {other}.",
    "{model} a choisi {agent} ; les mots et le sens diraient plutôt : {other}.",
)
_CHOSEN = Text("{agent} was chosen by hand.", "{agent} : choix fait à la main.")


class _Decision(msgspec.Struct, frozen=True):
    route: Route
    verdict: Verdict


class RoutingService:
    """Decides; it answers nothing itself."""

    def __init__(
        self,
        database: Database,
        *,
        generation: GenerationService,
        analyzer: Analyzer,
        embedder: Callable[[], Embedder],
        metrics: Metrics,
        settings: Assistants,
    ) -> None:
        """`embedder` gives the settings' one, once it is open."""
        self._database = database
        self._metrics = metrics
        self._repository = AssistantRepository()
        self._router = ModelRouter(generation, settings)
        self.learnt = Learnt(analyzer, embedder)

    async def route(
        self,
        caller: Caller,
        message: str,
        *,
        previous: tuple[str, ...] = (),
        current: str | None = None,
        language: Language | None = None,
    ) -> Route:
        """Say who answers. `previous`: what the person said before, oldest first; `current`: who answered last."""
        language = language or caller.language
        decision = await self._decide(caller, message, previous=previous, current=current, language=language)
        return decision.route

    async def choose(self, caller: Caller, name: str, *, language: Language | None = None) -> Route:
        """Route to the assistant a person chose. Raises AssistantNotFound where it is not there or not enabled."""
        specialist = next((one for one in await self.specialists() if one.name == name), None)
        if specialist is None:
            raise AssistantNotFound(name=name[:63])
        reasoning = _CHOSEN.say(language or caller.language, agent=specialist.title)
        return Route(agent=name, confidence=1.0, reasoning=reasoning, by="chosen")

    async def try_out(self, caller: Caller, request: RouteIn) -> TriedRoute:
        """Route a message for an admin, with everything that was weighed."""
        caller.require_admin()
        started = time.perf_counter()
        decision = await self._decide(
            caller,
            request.message,
            previous=tuple(request.previous),
            current=request.current,
            language=caller.language,
        )
        route = decision.route
        return TriedRoute(
            agent=route.agent,
            confidence=route.confidence,
            reasoning=route.reasoning,
            by=route.by,
            probabilities={name: round(value, 4) for name, value in decision.verdict.probabilities.items()},
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )

    async def prepare(self) -> None:
        """Learn ahead what the first message would wait for, where there is somebody to choose from."""
        if specialists := await self.specialists():
            await self.learnt.classifier(specialists)

    async def specialists(self) -> list[Specialist]:
        """List the enabled assistants as routing knows them."""
        async with self._database.read() as transaction:
            return [to_specialist(row) for row in await self._repository.enabled(transaction)]

    async def _decide(
        self, caller: Caller, message: str, *, previous: Sequence[str], current: str | None, language: Language
    ) -> _Decision:
        message = shorten(message)
        specialists = await self.specialists()
        known = {specialist.name for specialist in specialists}
        current = current if current in known else None
        question = Question(message=message, previous=previous, current=current, language=language)
        chosen, verdict = await asyncio.gather(
            self._ask(caller, specialists, question), self._classify(specialists, message, current)
        )
        titles: dict[str, Words] = {**_NAMES, **{one.name: one.title for one in specialists}}
        if isinstance(chosen, Choice) and not _stays_all_the_same(chosen, verdict):
            route = _model_route(chosen, verdict, titles, language)
        else:
            why: Words = _WHY[chosen] if not isinstance(chosen, Choice) else ""
            route = _classifier_route(verdict, titles, language, why)
        return _Decision(route, verdict)

    async def _ask(self, caller: Caller, specialists: Sequence[Specialist], question: Question) -> Choice | Silence:
        with self._metrics.stage("routing", "model"):
            return await self._router.choose(caller, specialists, question)

    async def _classify(self, specialists: Sequence[Specialist], message: str, current: str | None) -> Verdict:
        classifier = await self.learnt.classifier(specialists)
        vector = await self.learnt.look(message)
        with self._metrics.stage("routing", "classifier"):
            return classifier.classify(
                message, vector, knows_language=await self.learnt.knows(message), current=current
            )


def shorten(message: str) -> str:
    """Keep the beginning and the end of a message that is longer than routing reads."""
    if len(message) <= _READ_CHARACTERS:
        return message
    half = _READ_CHARACTERS // 2
    return f"{message[:half]}\n{message[-half:]}"


def _stays_all_the_same(choice: Choice, verdict: Verdict) -> bool:
    """A follow-up looks like talk to whoever sees it alone: a model that says so does not move it."""
    return choice.agent == CONVERSATION and verdict.stays and verdict.probability >= _SURE_TO_STAY


def _model_route(choice: Choice, verdict: Verdict, titles: dict[str, Words], language: Language) -> Route:
    sentence = _AGREED if choice.agent == verdict.agent else _DIFFERED
    agent, other = said(titles[choice.agent], language), said(titles[verdict.agent], language)
    return Route(
        agent=choice.agent,
        confidence=round(combine(choice.probability, verdict.probabilities[choice.agent]), 3),
        reasoning=sentence.say(language, model=choice.model, agent=agent, other=other),
        by="model",
    )


def _classifier_route(verdict: Verdict, titles: dict[str, Words], language: Language, why: Words) -> Route:
    agent = said(titles[verdict.agent], language)
    example = " ".join(verdict.nearest.split())[:_EXAMPLE_CHARACTERS]
    sentence = _FOLLOWS if verdict.stays else _CLASSIFIED_NEAR if example else _CLASSIFIED
    return Route(
        agent=verdict.agent,
        confidence=round(verdict.probability, 3),
        reasoning=sentence.say(language, why=said(why, language), agent=agent, example=example),
        by="sticky" if verdict.stays else "classifier",
    )
