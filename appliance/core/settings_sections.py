"""What can be set: one frozen struct per table of `appliance.toml`.

Each field's meaning stands in the reference page `docs/reference/settings.md`, which a test holds to this file.
"""

from typing import Annotated, Literal

import msgspec

_SECRET = msgspec.Meta(extra={"secret": True})
Secret = Annotated[str, _SECRET]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of `appliance.toml`."""


class Server(Section, frozen=True):
    """Where the browser and the REST clients find the appliance."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    public_url: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    allowed_hosts: tuple[str, ...] = ()


class Database(Section, frozen=True):
    """Where state and jobs live. Empty: SQLite in the data directory."""

    url: Secret = ""


class LanguageModel(Section, frozen=True):
    """Who writes answers. `auto`: Ollama when one answers on loopback, otherwise none."""

    kind: Literal["auto", "none", "ollama", "openai"] = "auto"
    url: str = "http://127.0.0.1:11434"
    model: str = ""
    fallbacks: tuple[str, ...] = ()
    context_length: Annotated[int, msgspec.Meta(ge=128)] = 8192
    api_key: Secret = ""
    connect_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 2.0
    first_token_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    idle_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    parallel: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 4
    queue_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    translation_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 4.0


class Embedder(Section, frozen=True):
    """What turns text into vectors. `model` of minilm is a folder, empty for the one converted at the first start."""

    kind: Literal["minilm", "ollama"] = "minilm"
    url: str = "http://127.0.0.1:11434"
    model: str = ""
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0


class Reranker(Section, frozen=True):
    """What orders the best candidates once more."""

    kind: Literal["late_interaction", "none"] = "late_interaction"


class VectorStore(Section, frozen=True):
    """Where vectors live."""

    kind: Literal["qdrant_edge", "qdrant"] = "qdrant_edge"
    url: str = "http://127.0.0.1:6333"
    collection_prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,64}$")] = "appliance"
    api_key: Secret = ""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0


class ObjectStore(Section, frozen=True):
    """Where the bytes of documents live."""

    kind: Literal["filesystem", "s3"] = "filesystem"
    endpoint: str = "http://127.0.0.1:9000"
    bucket: str = "appliance"
    region: str = "us-east-1"
    access_key: Secret = ""
    secret_key: Secret = ""


class EventBus(Section, frozen=True):
    """What carries progress to live screens; several processes need redis or postgresql."""

    kind: Literal["memory", "redis", "postgresql"] = "memory"
    url: Secret = ""


class Assistants(Section, frozen=True):
    """Who answers a message, and how long a model may think about that."""

    routing_model: str = ""
    routing_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 2.0


class Worker(Section, frozen=True):
    """How durable work is done."""

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4
    lease_seconds: Annotated[float, msgspec.Meta(ge=1)] = 30.0


class Limits(Section, frozen=True):
    """What one person may ask of the box."""

    upload_bytes: Annotated[int, msgspec.Meta(ge=1)] = 200 * 1024 * 1024
    request_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 2 * 1024 * 1024
    model_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 128 * 1024 * 1024 * 1024
    question_characters: Annotated[int, msgspec.Meta(ge=1)] = 8_000
    message_characters: Annotated[int, msgspec.Meta(ge=1)] = 32_000
    messages_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 10
    answer_tokens: Annotated[int, msgspec.Meta(ge=1)] = 1_024
    waiting_generations: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    waiting_generations_of_one: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
    messages_per_day: Annotated[int, msgspec.Meta(ge=0)] = 0
    tokens_per_day: Annotated[int, msgspec.Meta(ge=0)] = 0
    parse_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    ocr_page_seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    parse_memory_bytes: Annotated[int, msgspec.Meta(ge=256 * 1024 * 1024)] = 1536 * 1024 * 1024
    document_pages: Annotated[int, msgspec.Meta(ge=1)] = 20_000
    document_characters: Annotated[int, msgspec.Meta(ge=1)] = 60_000_000
    free_disk_bytes: Annotated[int, msgspec.Meta(ge=0)] = 256 * 1024 * 1024


class Security(Section, frozen=True):
    """How long a sign-in lasts, when guessing ends, and the key that several machines must share."""

    master_key: Secret = ""
    session_idle_hours: Annotated[float, msgspec.Meta(gt=0)] = 12.0
    session_days: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    login_link_hours: Annotated[float, msgspec.Meta(gt=0)] = 24.0
    key_days: Annotated[float, msgspec.Meta(gt=0)] = 90.0
    login_attempts: Annotated[int, msgspec.Meta(ge=1)] = 5
    lockout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0


class Egress(Section, frozen=True):
    """What may leave the box: nothing, unless it is said here."""

    allow_model_downloads: bool = False


class Logging(Section, frozen=True):
    """Facts on stderr. `auto`: for people on a terminal, JSON otherwise."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Testing(Section, frozen=True):
    """For tests that kill the process at a named step; never set on a box."""

    failpoint: str = ""


class Settings(Section, frozen=True):
    """All of it."""

    server: Server = Server()
    database: Database = Database()
    language_model: LanguageModel = LanguageModel()
    embedder: Embedder = Embedder()
    reranker: Reranker = Reranker()
    vector_store: VectorStore = VectorStore()
    object_store: ObjectStore = ObjectStore()
    event_bus: EventBus = EventBus()
    assistants: Assistants = Assistants()
    worker: Worker = Worker()
    limits: Limits = Limits()
    security: Security = Security()
    egress: Egress = Egress()
    logging: Logging = Logging()
    testing: Testing = Testing()


def is_secret(field: msgspec.structs.FieldInfo) -> bool:
    """Tell whether a field holds a secret: masked when shown, and readable from `FIELD_file`."""
    return _SECRET in getattr(field.type, "__metadata__", ())
