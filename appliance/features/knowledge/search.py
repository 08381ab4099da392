"""Finding passages: three views at once in the engine, fused, ordered anew by late interaction, judged, read, merged."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.core.errors import ApplianceError, EngineFailed
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import Limits
from appliance.core.text import Language, Text
from appliance.features.knowledge.abbreviations import EXPANSION_WEIGHT, expand
from appliance.features.knowledge.errors import CollectionNotFound, EmptyQuestion, QuestionTooLong
from appliance.features.knowledge.indexes import IndexService
from appliance.features.knowledge.merging import FoundPassage, merge_neighbours
from appliance.features.knowledge.ranking import (
    RERANKED,
    SUPPORTED,
    Candidate,
    Evidence,
    Weights,
    blend_queries,
    choose_weights,
    fuse,
    judge,
    rerank,
)
from appliance.features.knowledge.repository import ChunkRepository, CollectionRepository, FoundChunk
from appliance.features.knowledge.schemas import Passage, SearchFilters, SearchIn, SearchOut
from appliance.features.knowledge.translation import Translator
from appliance.ports.analyzer import Analyzer, LexicalVectors
from appliance.ports.embedder import Embedder, QueryVectors
from appliance.ports.vector_store import VectorStore, Where

log = structlog.get_logger(__name__)
_VIEW_LIMIT = 60
"""How many passages each view returns at least; twice as many changed no figure."""
_JUDGED = 5
_WORTH_TRANSLATING = 2
"""Content words: a greeting is not worth a model's time."""
_EMBEDDER_AWAY = Text(
    "The embedder did not answer: found by words alone.",
    "Le modèle de plongement n’a pas répondu : recherche par les mots seuls.",
)
_LATE_INTERACTION_AWAY = Text(
    "The best passages could not be ordered anew.", "Les meilleurs passages n’ont pas pu être réordonnés."
)


class Found(msgspec.Struct, kw_only=True):
    """What a question found, best first. `support`: how likely the documents speak of it, 0..1."""

    passages: list[FoundPassage]
    nothing_found: bool
    support: float
    language: str
    answer_language: Language
    degraded: Text | None = None


class _Asked(msgspec.Struct, kw_only=True):
    """A question made ready; `meant` has its abbreviations written out."""

    text: str
    meant: str
    language: str
    lexical: LexicalVectors
    index: str = ""
    embedder: Embedder | None = None
    vectors: QueryVectors | None = None
    degraded: Text | None = None

    @property
    def weights(self) -> Weights:
        known = self.embedder.languages if self.embedder else None
        has_tokens = self.vectors is not None and self.vectors.tokens is not None
        return choose_weights(self.language, known, has_tokens=has_tokens)

    @property
    def knows_language(self) -> bool:
        return self.embedder is None or self.embedder.languages is None or self.language in self.embedder.languages


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look, how many passages to show, and how many candidates to order anew."""

    where: Where
    limit: int
    reranked: int


class SearchService:
    """Search with the caller's permission inside the engine's query, and once more in the state's."""

    def __init__(
        self,
        database: Database,
        *,
        vectors: VectorStore,
        analyzer: Analyzer,
        indexes: IndexService,
        metrics: Metrics,
        limits: Limits,
        reranks: bool,
        translator: Translator | None = None,
    ) -> None:
        """`reranks`: whether late interaction orders the best candidates anew. `translator`: who translates questions."""
        self._database = database
        self._vectors = vectors
        self._analyzer = analyzer
        self._indexes = indexes
        self._metrics = metrics
        self._limits = limits
        self._reranks = reranks
        self._translator = translator
        self._chunks = ChunkRepository()
        self._collections = CollectionRepository()

    async def search(self, caller: Caller, request: SearchIn) -> SearchOut:
        """Find passages, with every stage's score."""
        caller.require_scope("knowledge")
        self.check_question(request.query)
        await self.require_collection(caller, request.collection)
        with self._metrics.stage("search", "all"):
            found = await self.find(
                caller, request.query, collection=request.collection, filters=request.filters, limit=request.limit
            )
        return SearchOut(
            results=[_shown(passage) for passage in found.passages],
            nothing_found=found.nothing_found,
            support=round(found.support, 4),
            language=found.language,
            degraded=found.degraded.say(caller.language) if found.degraded else None,
        )

    def check_question(self, question: str) -> None:
        """Raise EmptyQuestion or QuestionTooLong."""
        if not question.strip():
            raise EmptyQuestion
        if len(question) > self._limits.question_characters:
            raise QuestionTooLong(characters=len(question), limit=self._limits.question_characters)

    async def require_collection(self, caller: Caller, collection_id: UUID | None) -> None:
        """Raise CollectionNotFound unless the caller may read it."""
        if collection_id is None:
            return
        async with self._database.read() as transaction:
            readable = await self._collections.readable_ids(transaction, caller)
        if collection_id not in readable:
            raise CollectionNotFound

    async def find(
        self,
        caller: Caller,
        question: str,
        *,
        collection: UUID | None = None,
        filters: SearchFilters | None = None,
        limit: int,
        reranked: int = RERANKED,
        translates: bool = True,
    ) -> Found:
        """Find at most `limit` passages among what the caller may read. `reranked`: how many candidates are ordered anew.

        `translates`: a question that finds nothing is asked once more in the documents' other language.
        """
        asked, readable = await self._ask(caller, question)
        allowed = [one for one in readable if collection is None or one == collection]
        found = Found(
            passages=[],
            nothing_found=True,
            support=0.0,
            language=asked.language,
            answer_language=_answer_language(asked.language, caller.language),
            degraded=asked.degraded,
        )
        if not allowed:
            return found
        look = _Look(where=_where(allowed, filters), limit=limit, reranked=reranked)
        await self._look(caller, asked, look, found)
        if found.nothing_found and translates:
            await self._look_translated(caller, asked, look, found)
        return found

    async def _look(self, caller: Caller, asked: _Asked, look: _Look, found: Found) -> None:
        """Fill in what a question finds."""
        with self._metrics.stage("search", "retrieve"):
            try:
                candidates = await self._retrieve(asked, look)
            except EngineFailed:  # where another embedder has taken over since, that index is gone
                gone, (asked, _) = asked.index, await self._ask(caller, asked.text)
                if asked.index == gone:
                    raise
                candidates = await self._retrieve(asked, look)
        with self._metrics.stage("search", "read"):
            kept, texts = await self._read(caller, candidates, look.limit)
        found.passages = merge_neighbours([(one, texts[one.id]) for one in kept], look.limit)
        found.support = self._judge(asked, candidates, [texts[one.id] for one in kept[:_JUDGED]])
        found.nothing_found = not found.passages or found.support < SUPPORTED
        found.degraded = asked.degraded

    async def _look_translated(self, caller: Caller, asked: _Asked, look: _Look, found: Found) -> None:
        """Search once more in the documents' other language, where the embedder does not bridge the two."""
        known = asked.embedder.languages if asked.embedder else None
        if self._translator is None or known is None:
            return
        if len(self._analyzer.stems(asked.text, language=asked.language)) < _WORTH_TRANSLATING:
            return
        async with self._database.read() as transaction:
            spoken = await self._collections.languages(transaction, look.where.collections or ())
        targets = [language for language in ("en", "fr") if language in spoken and language != asked.language]
        for target in targets:
            with self._metrics.stage("search", "translate"):
                text = await self._translator.translate(caller, asked.text, target)
            if text is None:
                return
            other, _ = await self._ask(caller, text)
            seen = msgspec.structs.replace(found)
            await self._look(caller, other, look, seen)
            if not seen.nothing_found:
                found.passages, found.support, found.nothing_found = seen.passages, seen.support, False
                return

    async def nothing(self, caller: Caller, question: str) -> Found:
        """Say that nothing was looked for, and which language the question is in."""
        language = await self._analyzer.detect_language(question)
        return Found(
            passages=[],
            nothing_found=True,
            support=0.0,
            language=language,
            answer_language=_answer_language(language, caller.language),
        )

    async def _ask(self, caller: Caller, question: str) -> tuple[_Asked, list[UUID]]:
        """Make a question ready and list what may be searched. It is embedded while the state is read."""
        asked = await self._prepare(question)
        expected = self._indexes.embedder
        embedding = asyncio.ensure_future(self._embed(asked.meant, expected))
        try:
            async with self._database.read() as transaction:
                readable = await self._collections.readable_ids(transaction, caller)
                asked.index, asked.embedder = await self._indexes.active(transaction)
        except BaseException:
            embedding.cancel()
            raise
        if asked.embedder is not expected:  # the settings' embedder has an index that is being built still
            embedding.cancel()
            embedding = asyncio.ensure_future(self._embed(asked.meant, asked.embedder))
        asked.vectors, asked.degraded = await embedding
        return asked, list(readable)

    async def _prepare(self, question: str) -> _Asked:
        language = await self._analyzer.detect_language(question)
        meant = expand(question, language=language)
        lexical = self._analyzer.encode_query(question, language=language)
        if meant:
            added = self._analyzer.encode_query(meant, language=language)
            lexical = blend_queries(lexical, [(added, EXPANSION_WEIGHT)])
        return _Asked(
            text=question,
            meant=f"{question} {meant}" if meant else question,
            language=language,
            lexical=lexical,
        )

    async def _embed(self, meant: str, embedder: Embedder | None) -> tuple[QueryVectors | None, Text | None]:
        """Embed a question, or say why it is searched by words alone."""
        if embedder is None:
            return None, _EMBEDDER_AWAY
        try:
            with self._metrics.stage("search", "embed"):
                return await embedder.embed_query(meant), None
        except ApplianceError as error:
            log.warning("question_not_embedded", code=error.code)
            return None, _EMBEDDER_AWAY

    async def _retrieve(self, asked: _Asked, look: _Look) -> list[Candidate]:
        """Search all views and fuse; then late interaction over the best, where the index has token vectors."""
        depth = max(_VIEW_LIMIT, look.limit)
        retrieval = await self._vectors.search(
            asked.index, vectors=asked.vectors, lexical=asked.lexical, where=look.where, limit=depth
        )
        candidates = fuse(retrieval, asked.weights, limit=depth)
        vectors = asked.vectors
        if not self._reranks or not candidates or vectors is None or vectors.tokens is None:
            return candidates
        first = [one.id for one in candidates[: max(look.reranked, look.limit)]]
        try:
            with self._metrics.stage("search", "late_interaction"):
                hits = await self._vectors.rescore(asked.index, first, vectors)
        except ApplianceError as error:
            log.warning("not_reranked", code=error.code)
            asked.degraded = _LATE_INTERACTION_AWAY
            return candidates
        return rerank(candidates, hits, asked.weights, mass=vectors.token_mass)

    async def _read(
        self, caller: Caller, candidates: Sequence[Candidate], limit: int
    ) -> tuple[list[Candidate], dict[UUID, FoundChunk]]:
        """Read what may be shown: twice the limit, for neighbours that become one."""
        wanted = [one.id for one in candidates[: max(2 * limit, _JUDGED)]]
        if not wanted:
            return [], {}
        async with self._database.read() as transaction:
            texts = await self._chunks.readable(transaction, caller, wanted)
        return [one for one in candidates if one.id in texts], texts

    def _judge(self, asked: _Asked, candidates: Sequence[Candidate], best: Sequence[FoundChunk]) -> float:
        if not best:
            return 0.0
        evidence = Evidence(
            tokens=max((one.tokens for one in candidates if one.tokens is not None), default=None),
            dense=max((one.dense for one in candidates if one.dense is not None), default=None),
            coverage=self._coverage(asked, best),
        )
        return judge(evidence, known_language=asked.knows_language)

    def _coverage(self, asked: _Asked, best: Sequence[FoundChunk]) -> float:
        """The largest share of the question's content words that one of the best passages holds."""
        wanted = self._analyzer.stems(asked.text, language=asked.language)
        if not wanted:
            return 0.0
        return max(len(wanted & self._stems(asked, found)) for found in best) / len(wanted)

    def _stems(self, asked: _Asked, found: FoundChunk) -> set[str]:
        text = f"{found.title or ''} {found.filename} {' '.join(found.headings)}\n{found.text}"
        return self._analyzer.stems(text, language=asked.language)


def _where(collections: Sequence[UUID], filters: SearchFilters | None) -> Where:
    if filters is None:
        return Where(collections=tuple(collections))
    return Where(
        collections=tuple(collections),
        documents=tuple(filters.documents) if filters.documents is not None else None,
        tags=tuple(filters.tags) if filters.tags is not None else None,
        languages=tuple(filters.languages) if filters.languages is not None else None,
        agent_owners=_owners(filters),
    )


def _owners(filters: SearchFilters) -> tuple[str, ...] | None:
    if filters.agent_owner is not None:
        return (filters.agent_owner,)
    return tuple(filters.agent_owners) if filters.agent_owners is not None else None


def _answer_language(asked: str, spoken: Language) -> Language:
    """Answer in the question's language; in the interface's where we do not write that one."""
    if asked == "en":
        return "en"
    return "fr" if asked == "fr" else spoken


def _shown(passage: FoundPassage) -> Passage:
    return Passage(
        document=passage.document,
        file_id=passage.file_id,
        page=passage.page,
        score=passage.score,
        text=passage.text,
        chunk_id=passage.chunk_id,
        scores=passage.scores,
        locator=passage.locator,
        headings=list(passage.headings),
        start=passage.start,
        end=passage.end,
        collection=passage.collection_id,
        language=passage.language,
    )
