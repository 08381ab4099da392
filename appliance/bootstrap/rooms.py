"""Every service, built over the engines `engine_choice` names, lowest shelf first."""

import os
import socket
from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

from appliance.core.database import Database
from appliance.core.egress import Egress, engine_addresses
from appliance.core.failpoints import Failpoints
from appliance.core.ids import new_id
from appliance.core.metrics import Metrics
from appliance.core.security import Passwords, open_vault
from appliance.core.settings import LoadedSettings
from appliance.core.tasks import Tasks
from appliance.engine_choice import (
    EmbedderFactory,
    Engines,
    choose_analyzer,
    choose_bus,
    choose_document_writer,
    choose_language_model,
    choose_model_host,
    choose_objects,
    choose_parser,
    choose_vectors,
    choose_weights,
    holds_models_here,
)
from appliance.engines.sql_queue import SqlQueue
from appliance.features.assistants import AssistantService, ExampleService, RoutingEvaluationService, RoutingService
from appliance.features.audit import AuditService
from appliance.features.chat import (
    AnalyticsService,
    ChatService,
    ConversationService,
    EscalationService,
    ExportService,
    ImpromptuService,
    MemoryService,
    PromptService,
    UsageService,
)
from appliance.features.compatible import ChatAssistants, CompatibleService, Embedding, EngineModels
from appliance.features.files import FilesService
from appliance.features.generation import CompletionService, GenerationService
from appliance.features.identity import AccessService, KeyService, PeopleService
from appliance.features.knowledge import (
    AnswerService,
    AnswerWriter,
    CollectionService,
    DeleteDocument,
    DocumentService,
    DropIndex,
    EvaluationService,
    Extractor,
    IndexDocument,
    IndexingPipeline,
    IndexService,
    KnowledgeIntegrity,
    KnowledgeLive,
    ReadingService,
    ReembedIndex,
    SearchService,
    Translator,
    UpdatePlace,
)
from appliance.features.model_registry import ModelCatalog, ModelRoles, ModelService
from appliance.features.operations import EgressLedger, InstallationChecks, JobService, LiveService, OperationsService
from appliance.features.runs import RunService
from appliance.worker import Worker

Part = Literal["all", "serve", "work"]
_INDEX_SECONDS = 6 * 3600.0


class Rooms:
    """Everything built, ready to open. Services are plain attributes; nothing is looked up by name."""

    def __init__(self, loaded: LoadedSettings, given: Engines, *, part: Part, base_url: str) -> None:
        """Wire the rooms, lowest shelf first. `base_url`: where people open the appliance."""
        settings = loaded.settings
        self.loaded = loaded
        self.part = part
        self.process = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-6:]}"
        self.metrics = Metrics()
        self.vault = open_vault(loaded.data_directory, master_key=settings.security.master_key)
        self.failpoints = Failpoints(settings.testing.failpoint)
        self.egress = Egress(
            engine_addresses(settings), on_attempt=lambda verdict: self.metrics.egress.labels(verdict).inc()
        )
        self._choose_engines(given)
        self.worker = Worker(
            self.queue,
            self.bus,
            settings=settings.worker,
            metrics=self.metrics,
            process=self.process,
            slots=0 if part == "serve" else settings.worker.concurrency,
        )
        self._build_ground_floor(base_url)
        self._build_documents()
        self._build_models()
        self._build_questions()
        self._build_beside_conversations()
        self._build_assistants()
        self._build_chat()
        self._build_indexing()
        self._build_operations()
        self._build_compatible()
        self._tasks = Tasks()
        self._stack = AsyncExitStack()

    def _choose_engines(self, given: Engines) -> None:
        loaded = self.loaded
        self.database = Database(loaded.database_url)
        self.queue = SqlQueue(self.database, lease_seconds=loaded.settings.worker.lease_seconds)
        self.bus = given.bus or choose_bus(loaded)
        self.objects = given.objects or choose_objects(loaded)
        self.vectors = given.vectors or choose_vectors(loaded)
        self.analyzer = given.analyzer or choose_analyzer()
        self.parser = given.parser or choose_parser(loaded)
        self.document_writer = choose_document_writer()
        self.language_model = given.language_model or choose_language_model(loaded.settings)
        self.model_host = given.model_host or choose_model_host(loaded.settings)
        self.embedders = EmbedderFactory(loaded, given.embedder)

    def _build_ground_floor(self, base_url: str) -> None:
        settings = self.loaded.settings
        self.passwords = Passwords()
        self.audit = AuditService(self.database, self.vault)
        self.access = AccessService(
            self.database,
            vault=self.vault,
            passwords=self.passwords,
            audit=self.audit,
            rules=settings.security,
            base_url=base_url,
        )
        self.people = PeopleService(
            self.database, access=self.access, passwords=self.passwords, audit=self.audit, limits=settings.limits
        )
        self.keys = KeyService(self.database, vault=self.vault, audit=self.audit, rules=settings.security)
        self.files = FilesService(
            self.database,
            self.objects,
            incoming=self.loaded.data_directory / "incoming",
            free_disk_bytes=settings.limits.free_disk_bytes,
            is_shared=not self.is_alone,
            failpoints=self.failpoints,
        )
        self.runs = RunService(self.database, self.bus, process=self.process, failpoints=self.failpoints)
        self.model_roles = ModelRoles(self.database, self.model_host, audit=self.audit, settings=settings)
        self.generation = GenerationService(language_model=self.language_model, metrics=self.metrics, settings=settings)
        self.generation.preferred = partial(self.model_roles.model_for, "chat")
        self.generation.router = partial(self.model_roles.model_for, "router")
        self.completions = CompletionService(
            self.database, generation=self.generation, runs=self.runs, audit=self.audit, limits=settings.limits
        )

    def _build_documents(self) -> None:
        settings, database, audit = self.loaded.settings, self.database, self.audit
        self.indexes = IndexService(
            database,
            vectors=self.vectors,
            analyzer=self.analyzer,
            embedders=self.embedders,
            queue=self.queue,
            audit=audit,
            failpoints=self.failpoints,
        )
        self.documents = DocumentService(
            database,
            files=self.files,
            queue=self.queue,
            runner=self.worker,
            bus=self.bus,
            audit=audit,
            vault=self.vault,
            limits=settings.limits,
            failpoints=self.failpoints,
        )
        self.collections = CollectionService(database, people=self.people, documents=self.documents, audit=audit)
        self.reading = ReadingService(database, files=self.files, parser=self.parser, audit=audit, vault=self.vault)

    def _build_models(self) -> None:
        settings, database = self.loaded.settings, self.database
        catalog = ModelCatalog(self.model_host, choose_weights(self.loaded), same_machine=holds_models_here(settings))
        self.models = ModelService(
            database,
            self.model_host,
            catalog=catalog,
            roles=self.model_roles,
            runs=self.runs,
            files=self.files,
            audit=self.audit,
            look_up=partial(self.egress.look_up, purpose="model_registry"),
            settings=settings,
            failpoints=self.failpoints,
        )

    def _build_questions(self) -> None:
        settings, database, audit = self.loaded.settings, self.database, self.audit
        self.search = SearchService(
            database,
            vectors=self.vectors,
            analyzer=self.analyzer,
            indexes=self.indexes,
            metrics=self.metrics,
            limits=settings.limits,
            reranks=settings.reranker.kind == "late_interaction",
            translator=Translator(self.generation, seconds=settings.language_model.translation_timeout_seconds),
        )
        self.writer = AnswerWriter(
            search=self.search,
            generation=self.generation,
            extractor=Extractor(self.analyzer, lambda: self.indexes.embedder),
            analyzer=self.analyzer,
            metrics=self.metrics,
            settings=settings,
        )
        self.answers = AnswerService(
            database=database,
            search=self.search,
            generation=self.generation,
            writer=self.writer,
            runs=self.runs,
            audit=audit,
        )
        self.evaluations = EvaluationService(database, audit, indexes=self.indexes, reranker=settings.reranker.kind)

    def _build_beside_conversations(self) -> None:
        database, audit = self.database, self.audit
        self.memories = MemoryService(database, audit=audit)
        self.prompts = PromptService(database, audit=audit)
        self.escalations = EscalationService(database, audit=audit)
        self.analytics = AnalyticsService(database)
        self.usage = UsageService(database, limits=self.loaded.settings.limits)
        self.exporting = ExportService(self.document_writer)

    def _build_assistants(self) -> None:
        database = self.database
        self.assistants = AssistantService(database, self.audit)
        self.routing = RoutingService(
            database,
            generation=self.generation,
            analyzer=self.analyzer,
            embedder=lambda: self.indexes.embedder,
            metrics=self.metrics,
            settings=self.loaded.settings.assistants,
        )
        self.routing_evaluations = RoutingEvaluationService(self.routing, lambda: self.indexes.embedder)
        self.example_assistants = ExampleService(
            assistants=self.assistants, people=self.people, collections=self.collections, documents=self.documents
        )

    def _build_chat(self) -> None:
        settings, database, audit = self.loaded.settings, self.database, self.audit
        self.conversations = ConversationService(
            database,
            people=self.people,
            documents=self.documents,
            runs=self.runs,
            audit=audit,
            failpoints=self.failpoints,
        )
        self.chat = ChatService(
            database,
            conversations=self.conversations,
            assistants=self.assistants,
            routing=self.routing,
            writer=self.writer,
            generation=self.generation,
            memories=self.memories,
            escalations=self.escalations,
            usage=self.usage,
            runs=self.runs,
            audit=audit,
            settings=settings,
            failpoints=self.failpoints,
        )

    def _build_indexing(self) -> None:
        database = self.database
        pipeline = IndexingPipeline(
            database,
            files=self.files,
            parser=self.parser,
            analyzer=self.analyzer,
            vectors=self.vectors,
            indexes=self.indexes,
            queue=self.queue,
            audit=self.audit,
            vault=self.vault,
            metrics=self.metrics,
            failpoints=self.failpoints,
            announce=self.documents.announce,
        )
        self.integrity = KnowledgeIntegrity(
            database, files=self.files, vectors=self.vectors, indexes=self.indexes, pipeline=pipeline, queue=self.queue
        )
        self.worker.register(
            [
                IndexDocument(
                    database,
                    pipeline=pipeline,
                    queue=self.queue,
                    announce=self.documents.announce,
                    timeout_seconds=_INDEX_SECONDS,
                ),
                DeleteDocument(database, pipeline=pipeline, queue=self.queue),
                UpdatePlace(pipeline),
                ReembedIndex(database, indexes=self.indexes, pipeline=pipeline),
                DropIndex(self.indexes),
            ]
        )

    def _build_operations(self) -> None:
        database = self.database
        self.jobs = JobService(
            database, queue=self.queue, runner=self.worker, audit=self.audit, documents=self.documents
        )
        self.ledger = EgressLedger(database, self.egress)
        self.live = LiveService(self.bus, KnowledgeLive(database).topics)
        self.operations = OperationsService(
            database,
            engines={
                "llm": self.language_model.check,
                "embedder": self.indexes.check_embedder,
                "vector_store": self.vectors.check,
                "object_store": self.objects.check,
                "database": database.check,
                "job_queue": self.queue.check,
                "event_bus": self.bus.check,
                "parser": self.parser.check,
            },
            checks=InstallationChecks(self.loaded, language_model=self.language_model.check).checks,
            invariants=[
                *self.files.invariants,
                *self.integrity.invariants,
                self.runs.invariant,
                *self.chat.invariants,
                self.audit.invariant,
            ],
            vault=self.vault,
        )

    def _build_compatible(self) -> None:
        settings = self.loaded.settings
        embedding = Embedding(lambda: self.indexes.embedder, settings)
        impromptu = ImpromptuService(
            self.database,
            assistants=self.assistants,
            routing=self.routing,
            writer=self.writer,
            generation=self.generation,
            memories=self.memories,
            runs=self.runs,
            audit=self.audit,
            settings=settings,
        )
        self.compatible = CompatibleService(
            self.database,
            generation=self.generation,
            embedding=embedding,
            assistants=ChatAssistants(impromptu),
            catalogue=EngineModels(self.generation, embedding, host=self.model_host, settings=settings),
            usage=self.usage,
            audit=self.audit,
            settings=settings,
        )

    @property
    def is_alone(self) -> bool:
        """With SQLite one process holds the data directory; whatever seems to run there is from before a crash."""
        return self.database.is_sqlite
