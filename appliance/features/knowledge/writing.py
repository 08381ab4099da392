"""Writing one answer from what was found: a plan goes in, events into a run, the answer comes out."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from uuid import UUID

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.errors import ApplianceError
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import Settings
from appliance.core.text import Language, Text
from appliance.features.generation import Generation, GenerationBusy, GenerationService, Lane, Step, Waiting, Writing
from appliance.features.knowledge.citations import CitationFilter, remove_unknown_citations
from appliance.features.knowledge.extractive import Extractor
from appliance.features.knowledge.grounding import CitedPassage, Grounder
from appliance.features.knowledge.merging import FoundPassage
from appliance.features.knowledge.prompting import fit_passages
from appliance.features.knowledge.ranking import RERANKED
from appliance.features.knowledge.schemas import Answer, GroundedSentence, Mode, SearchFilters, Source, Usage
from appliance.features.knowledge.search import Found, SearchService
from appliance.features.knowledge.sources import quoted_sources, to_source
from appliance.features.runs import LiveRun
from appliance.ports.analyzer import Analyzer
from appliance.ports.chat import ChatRequest, Delta, Message

log = structlog.get_logger(__name__)
PASSAGES = 8
_SOUGHT_CHARACTERS = 8_000
_NOTHING_FOUND = Text(
    "Nothing relevant was found in the documents you can read.",
    "Rien de pertinent n’a été trouvé dans les documents que vous pouvez lire.",
)
_MODEL_AWAY = Text(
    "The language model did not answer, so the best supported sentences are quoted instead.",
    "Le modèle de langage n’a pas répondu ; les phrases les mieux étayées sont citées à la place.",
)
_MODEL_BROKE = Text(
    "The language model stopped in the middle of its answer, so the best supported sentences are quoted instead.",
    "Le modèle de langage s’est interrompu au milieu de sa réponse ; les phrases les mieux étayées sont citées à la place.",
)
_CUT_SHORT = Text(
    "The language model stopped in the middle of its answer; what it had written is kept.",
    "Le modèle de langage s’est interrompu au milieu de sa réponse ; ce qu’il avait écrit est conservé.",
)
_STOPPED = Text("Stopped before the end.", "Arrêté avant la fin.")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look: a collection (None: all the caller may read), and what narrows it down."""

    collection: UUID | None = None
    filters: SearchFilters | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a question is to be answered. `model` None: nobody writes, the passages are quoted.

    `also_sought` is searched for where the question alone finds nothing; no `places`: nothing is searched.
    `compose` puts the passages that fit into messages. `needs_passages`: without any, nothing is written.
    """

    question: str
    compose: Callable[[Sequence[FoundPassage], Language], Sequence[Message]]
    also_sought: str | None = None
    places: tuple[Place, ...] = (Place(),)
    kept: int = PASSAGES
    reranked: int = RERANKED
    floor: float = 0.0
    model: str | None = None
    fallbacks: tuple[str, ...] | None = None
    temperature: float = 0.2
    max_tokens: int | None = None
    lane: Lane = "chat"
    needs_passages: bool = True
    is_away: bool = False
    conversation_id: str | None = None


class Written(msgspec.Struct, kw_only=True):
    """An answer and what it took, in milliseconds from its start; `attempts` counts the models and tries."""

    answer: Answer
    attempts: int = 0
    queue_ms: int | None = None
    first_token_ms: int | None = None


class AnswerWriter:
    """Retrieves, writes or quotes, and holds every answer against its passages."""

    def __init__(
        self,
        *,
        search: SearchService,
        generation: GenerationService,
        extractor: Extractor,
        analyzer: Analyzer,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        """`extractor` answers whenever no model does."""
        self._search = search
        self._generation = generation
        self._extractor = extractor
        self._analyzer = analyzer
        self._metrics = metrics
        self._settings = settings

    async def resolve_model(self, *models: str | None) -> str | None:
        """Name the first of some models that answers (None: the usual one); None where the engine is away or has none."""
        for model in models or (None,):
            try:
                if name := await self._generation.resolve(model):
                    return name
            except ApplianceError as error:
                log.warning("language_model_not_used", code=error.code)
        return None

    async def find(self, caller: Caller, plan: Plan) -> Found:
        """Retrieve what an answer may rest on, from every place; what an earlier place gave comes first."""
        if not plan.places:
            return await self._search.nothing(caller, plan.question)
        with self._metrics.stage("answering", "retrieve"):
            found = await self._find(caller, plan, plan.question)
            if found.nothing_found and plan.also_sought:
                found = await self._find(caller, plan, plan.also_sought, translates=False)
        return found

    async def answer_language(self, caller: Caller, text: str) -> Language:
        """Tell in which language a text is answered."""
        return (await self._search.nothing(caller, text)).answer_language

    async def _find(self, caller: Caller, plan: Plan, sought: str, *, translates: bool = True) -> Found:
        searches = [
            self._search.find(
                caller,
                sought[:_SOUGHT_CHARACTERS],
                collection=place.collection,
                filters=place.filters,
                limit=plan.kept,
                reranked=plan.reranked,
                translates=translates,
            )
            for place in plan.places
        ]
        return _merge(await asyncio.gather(*searches), plan)

    async def write(self, caller: Caller, plan: Plan, found: Found, run: LiveRun, *, started: float) -> Written:
        """Write or quote. `started`: `time.perf_counter()` when the question came.

        Raises GenerationBusy; an engine's error where nothing was written and there is nothing to quote.
        """
        answering = _Answering(self, caller, plan, found, run, started=started)
        written = await answering.perform()
        if found.degraded and written.answer.notice is None:
            written.answer.notice = found.degraded.say(found.answer_language)
        written.answer.milliseconds = _milliseconds_since(started)
        self._metrics.answers.labels(written.answer.mode).inc()
        return written

    def stream(
        self, caller: Caller, plan: Plan, found: Found, passages: Sequence[FoundPassage]
    ) -> AsyncGenerator[Step]:
        """Have the model write."""
        request = ChatRequest(
            messages=plan.compose(passages, found.answer_language),
            model=plan.model,
            max_tokens=self.answer_tokens(plan.max_tokens),
            temperature=plan.temperature,
        )
        generation = Generation(request=request, owner=caller.user_id, lane=plan.lane, fallbacks=plan.fallbacks)
        return self._generation.stream(generation)

    def answer_tokens(self, wanted: int | None) -> int:
        """How long an answer may be."""
        limit = self._settings.limits.answer_tokens
        return min(wanted or limit, limit)

    def passages_for_model(self, plan: Plan, found: Found) -> list[FoundPassage]:
        """The passages that fit the model's context."""
        if found.nothing_found:
            return []
        fitting = fit_passages(
            found.passages,
            question=plan.question,
            context_tokens=self._settings.language_model.context_length,
            answer_tokens=self.answer_tokens(plan.max_tokens),
        )
        return fitting or list(found.passages[:1])

    @property
    def extractor(self) -> Extractor:
        """Who quotes."""
        return self._extractor

    def ground(
        self, text: str, passages: Sequence[FoundPassage], language: str
    ) -> tuple[Grounder, list[GroundedSentence]]:
        """Hold an answer against its passages."""
        cited = [
            CitedPassage(number, passage.text, passage.header, passage.language or language)
            for number, passage in enumerate(passages, 1)
        ]
        grounder = Grounder(self._analyzer, cited)
        return grounder, grounder.ground(text, language=language)


class _Answering:
    """One question on its way to its answer."""

    def __init__(
        self, writer: AnswerWriter, caller: Caller, plan: Plan, found: Found, run: LiveRun, *, started: float
    ) -> None:
        self._writer = writer
        self._caller = caller
        self._plan = plan
        self._found = found
        self._run = run
        self._started = started
        self._usage = Usage(prompt_tokens=0, completion_tokens=0)
        self._text = ""
        self._model = plan.model
        self._attempts = 0
        self._queue_ms: int | None = None
        self._first_token_ms: int | None = None

    async def perform(self) -> Written:
        """Write where there is a model and something to write from; quote otherwise."""
        found = self._found
        has_passages = bool(found.passages) and not found.nothing_found
        if self._plan.model is not None and (has_passages or not self._plan.needs_passages):
            answer = await self._write()
        elif has_passages:
            answer = await self._quote(notice=_MODEL_AWAY if self._plan.is_away else None)
        else:
            answer = self._nothing()
        return Written(
            answer=answer,
            attempts=self._attempts,
            queue_ms=self._queue_ms,
            first_token_ms=self._first_token_ms,
        )

    def _nothing(self) -> Answer:
        text = _NOTHING_FOUND.say(self._found.answer_language)
        self._say(text)
        return self._answer(text, mode="extractive", nothing_found=True)

    async def _quote(self, *, notice: Text | None) -> Answer:
        found = self._found
        extract = await self._writer.extractor.extract(self._plan.question, found.passages, language=found.language)
        if not extract.sentences:
            return self._nothing()
        passages = [sentence.passage for sentence in extract.sentences]
        sources = [
            to_source(number, sentence.passage, sentence.span) for number, sentence in enumerate(extract.sentences, 1)
        ]
        if not self._text and not self._attempts:
            for source in sources:
                self._run.emit("source", source)
            self._say(extract.text)
        _, grounded = self._writer.ground(extract.text, passages, found.language)
        answer = self._answer(extract.text, mode="extractive", sources=sources, grounded=grounded)
        answer.notice = notice.say(found.answer_language) if notice else None
        answer.partial = self._text or None
        return answer

    async def _write(self) -> Answer:
        passages = self._writer.passages_for_model(self._plan, self._found)
        for number, passage in enumerate(passages, 1):
            self._run.emit("source", to_source(number, passage, None))
        stopped, notice = False, None
        try:
            await self._stream(passages)
        except asyncio.CancelledError:
            if not self._run.stopping:
                raise
            stopped, notice = True, _STOPPED
        except GenerationBusy:
            raise
        except ApplianceError as error:
            log.warning("language_model_failed", code=error.code, written=len(self._text))
            if passages:
                return await self._quote(notice=_MODEL_BROKE if self._text else _MODEL_AWAY)
            if not self._text:
                raise
            notice = _CUT_SHORT
        text = remove_unknown_citations(self._text, len(passages)).strip()
        if not text and not stopped and passages:
            return await self._quote(notice=_MODEL_AWAY)
        return self._finished(text, passages, notice=notice, stopped=stopped)

    def _finished(self, text: str, passages: Sequence[FoundPassage], *, notice: Text | None, stopped: bool) -> Answer:
        language = self._found.answer_language
        answer = self._answer(text, mode="llm")
        if passages:
            grounder, answer.grounded = self._writer.ground(text, passages, language)
            answer.sources = quoted_sources(text, passages, grounder, answer.grounded, language)
        answer.model, answer.stopped = self._model, stopped
        answer.notice = notice.say(language) if notice else None
        return answer

    async def _stream(self, passages: Sequence[FoundPassage]) -> None:
        shown = CitationFilter(len(passages))
        async with aclosing(self._writer.stream(self._caller, self._plan, self._found, passages)) as steps:
            async for step in steps:
                match step:
                    case Waiting(place=place):
                        self._run.emit("queue", {"place": place})
                    case Writing(model=model, attempt=attempt):
                        self._model, self._attempts = model, attempt
                        self._queue_ms = self._queue_ms or _milliseconds_since(self._started)
                    case delta:
                        self._take(delta, shown)
        if rest := shown.end():
            self._say(rest)

    def _take(self, delta: Delta, shown: CitationFilter) -> None:
        text = delta.text.replace("\x00", "")  # no database keeps it, and no screen shows it
        self._text += text
        if ready := shown.push(text):
            self._say(ready)
        if delta.thinking:
            self._run.emit("thinking", {"text": delta.thinking.replace("\x00", "")})
        if delta.usage:
            self._usage = Usage(
                prompt_tokens=delta.usage.prompt_tokens, completion_tokens=delta.usage.completion_tokens
            )

    def _say(self, text: str) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = _milliseconds_since(self._started)
        self._run.emit("token", {"text": text})

    def _answer(
        self,
        text: str,
        *,
        mode: Mode,
        sources: list[Source] | None = None,
        grounded: list[GroundedSentence] | None = None,
        nothing_found: bool = False,
    ) -> Answer:
        return Answer(
            answer=text,
            sources=sources or [],
            model=None,
            tokens=self._usage.prompt_tokens + self._usage.completion_tokens,
            usage=self._usage,
            mode=mode,
            grounded=grounded or [],
            nothing_found=nothing_found,
            language=self._found.answer_language,
            run_id=self._run.id,
            conversation_id=self._plan.conversation_id,
        )


def _merge(results: Sequence[Found], plan: Plan) -> Found:
    """Make one of what several places gave: at most `kept` passages of each, those below the floor left out."""
    first, *others = results
    for other in others:
        known = {passage.chunk_id for passage in first.passages}
        if first.nothing_found:
            first.passages = []
        if not other.nothing_found:
            first.passages += [passage for passage in other.passages if passage.chunk_id not in known]
            first.nothing_found = False
        first.support = max(first.support, other.support)
        first.degraded = first.degraded or other.degraded
    first.passages = [passage for passage in first.passages if passage.score >= plan.floor]
    first.nothing_found = first.nothing_found or not first.passages
    return first


def _milliseconds_since(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)
