"""What each setting means, in plain words; `settings_reference` holds them to the code, key by key."""

MEANINGS: dict[str, str] = {
    "server.host": "Address to listen on. Off loopback the appliance serves HTTPS.",
    "server.port": "Port to listen on; `0` takes a free one.",
    "server.public_url": (
        "The address people open, where it is another than host and port tell: behind a proxy, or a name in your DNS."
    ),
    "server.tls_certificate": "Certificate (PEM file). Empty: off loopback the appliance makes one of its own.",
    "server.tls_key": "The certificate's private key (PEM file).",
    "server.allowed_hosts": (
        "Further names under which the appliance may be opened; a request under an unknown name is refused. "
        "They also stand in a certificate of its own making."
    ),
    "database.url": (
        "`postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE`. Empty: SQLite in the data directory. "
        "`serve` and `work` on several machines need PostgreSQL."
    ),
    "language_model.kind": (
        "`auto`: Ollama where one answers on loopback, looked for again while none is there; `ollama`, `openai`: the server "
        "at `url` (`openai` is any server that speaks that API); `none`: answers quote the documents."
    ),
    "language_model.url": "Where the model's server answers.",
    "language_model.model": "Which model answers. Empty: the newest one there that completes text.",
    "language_model.fallbacks": "Models to try next, in order, when the first fails before it writes; an assistant may name its own.",
    "language_model.context_length": "How much the model reads at once, with the passages and its answer.",
    "language_model.api_key": "Sent to an `openai` server that asks for one.",
    "language_model.connect_timeout_seconds": "How long to wait for a connection.",
    "language_model.first_token_timeout_seconds": "How long to wait for an answer to begin; a model that must be loaded first takes long.",
    "language_model.idle_timeout_seconds": "How long a begun answer may stand still.",
    "language_model.parallel": (
        "How many answers the engine writes at once (Ollama's `OLLAMA_NUM_PARALLEL`); whoever comes then waits in a fair queue. "
        "Each process that serves has a queue of its own."
    ),
    "language_model.translation_timeout_seconds": (
        "How long a search waits for the model to translate a question that found nothing, where the embedder knows one "
        "language and the documents another."
    ),
    "language_model.queue_timeout_seconds": "How long one waits in that queue before the answer is `429`.",
    "embedder.kind": "`minilm`: all-MiniLM-L6-v2 in the appliance itself (English); `ollama`: a model of an Ollama server.",
    "embedder.url": "Where Ollama answers, for `ollama`.",
    "embedder.model": (
        "For `ollama` the model's name (`bge-m3`); for `minilm` a folder with the converted model, empty for the one made at "
        "the first start. Changing the embedder builds a new index beside the old one and swaps."
    ),
    "embedder.threads": "Processor threads for `minilm`; `0`: all.",
    "embedder.timeout_seconds": "How long a batch may take on `ollama`.",
    "reranker.kind": "`late_interaction`: the best passages are compared word by word once more; `none`: they are not.",
    "vector_store.kind": "`qdrant_edge`: in the data directory; `qdrant`: a Qdrant server.",
    "vector_store.url": "Where the Qdrant server answers (HTTP).",
    "vector_store.collection_prefix": "What our collections' names start with there; each appliance on a server needs its own.",
    "vector_store.api_key": "The Qdrant server's key, if it asks for one.",
    "vector_store.timeout_seconds": "How long a call to the Qdrant server may take.",
    "object_store.kind": "`filesystem`: a directory in the data directory; `s3`: any S3 store (MinIO, SeaweedFS, Garage).",
    "object_store.endpoint": "Where the S3 store answers.",
    "object_store.bucket": "The bucket; made if it is not there.",
    "object_store.region": "The region the store calls itself; it is never asked.",
    "object_store.access_key": "Access key of the S3 store.",
    "object_store.secret_key": "Secret key of the S3 store.",
    "event_bus.kind": "What carries progress to open windows: `memory` within one process, `redis` or `postgresql` between several.",
    "event_bus.url": (
        "`redis://HOST:6379/0`, the number the appliance's own, or a PostgreSQL address. Empty: Redis on loopback, or the "
        "database of `[database]`."
    ),
    "assistants.routing_model": "Which model says who answers a message. Empty: the one that answers; a small one is quicker.",
    "assistants.routing_timeout_seconds": (
        "How long it may take, its turn in the queue included; words and embeddings decide after that."
    ),
    "worker.concurrency": "How many documents are worked on at once.",
    "worker.attempts": "How often a job is tried before it is dead; dead ones are listed under Jobs and can be tried again.",
    "worker.lease_seconds": "A worker that is silent for so long counts as dead, and its job goes to another.",
    "limits.upload_bytes": "Largest file. Larger ones are refused (413) before they are read.",
    "limits.model_bytes": "Largest model file that may be brought in.",
    "limits.request_bytes": "Largest request other than an upload.",
    "limits.question_characters": "Longest question.",
    "limits.message_characters": "How long a message to an assistant may be; longer texts are attached as documents.",
    "limits.messages_per_minute": "How many messages a conversation takes in any 60 seconds, over restarts.",
    "limits.answer_tokens": "Longest answer of a model.",
    "limits.waiting_generations": "How many answers may wait for a model, all people together; more are refused with `429`.",
    "limits.waiting_generations_of_one": "The same for one person.",
    "limits.messages_per_day": "How many messages a person may send to assistants between midnight and midnight (UTC); `0`: no limit.",
    "limits.tokens_per_day": "How many tokens a person's answers may take in that time, prompts included; `0`: no limit.",
    "limits.parse_seconds": "How long the reading of one file may take; its process is ended then.",
    "limits.ocr_page_seconds": "How long the recognition of one page's picture may take.",
    "limits.parse_memory_bytes": "How much memory the reading of one file may take; its process is ended then.",
    "limits.document_pages": "Most pages of one document.",
    "limits.document_characters": "Most text of one document.",
    "limits.free_disk_bytes": "Below this much free space nothing more is taken in.",
    "security.master_key": (
        "The secret all others are derived from. Empty: made at the first start, in `secrets/master.key` of the data "
        "directory. Several machines must share one."
    ),
    "security.session_idle_hours": "A sign-in that is not used ends after so long.",
    "security.session_days": "A sign-in ends after so long in any case.",
    "security.login_link_hours": "How long a single-use sign-in link can be used.",
    "security.key_days": "How long an API key lasts unless its maker says otherwise.",
    "security.login_attempts": "Wrong passwords before a name is locked for a while.",
    "security.lockout_seconds": "How long the first lock lasts; each further wrong password doubles it.",
    "egress.allow_model_downloads": "Whether models may be fetched from the internet. Refused unless you say so here.",
    "logging.level": "From which weight on facts are written to stderr.",
    "logging.format": "`auto`: for people on a terminal, JSON otherwise.",
    "testing.failpoint": "For tests alone: the step at which the process kills itself. Never set it on a box.",
}
