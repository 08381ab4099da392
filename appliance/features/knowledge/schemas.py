"""What goes over the wire about documents, passages and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.core.errors import Problem
from appliance.ports.parser import Locator

DocumentStatus = Literal["uploaded", "queued", "parsing", "embedding", "indexed", "failed", "deleting"]
Right = Literal["owner", "editor", "reader", "manage"]
Mode = Literal["llm", "extractive"]
CollectionName = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
ChunkCharacters = Annotated[int, Meta(ge=200, le=4000)]
ChunkOverlap = Annotated[int, Meta(ge=0, le=1000)]
LanguageCode = Annotated[str, Meta(pattern="^[a-z]{2}$")]
Tag = Annotated[str, Meta(min_length=1, max_length=60)]

DEFAULT_CHUNK_CHARACTERS = 1200
DEFAULT_CHUNK_OVERLAP = 150
"""research/retrieval.md: 1200/150 beat 500/50 nearly everywhere."""


class In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends: an unknown field is an error, not a surprise."""


class CollectionIn(In):
    """A new collection. `language`: ISO 639-1; without it each document's own is detected."""

    name: CollectionName
    language: LanguageCode | None = None
    chunk_characters: ChunkCharacters = DEFAULT_CHUNK_CHARACTERS
    chunk_overlap: ChunkOverlap = DEFAULT_CHUNK_OVERLAP


class CollectionPatch(In):
    """What changes. Other sizes or another language cut and index every document anew, searched throughout."""

    name: CollectionName | UnsetType = UNSET
    language: LanguageCode | UnsetType | None = UNSET
    chunk_characters: ChunkCharacters | UnsetType = UNSET
    chunk_overlap: ChunkOverlap | UnsetType = UNSET


class Grantee(In):
    """A person or a group."""

    user: UUID | None = None
    group: UUID | None = None


class PermissionsIn(In):
    """Who may read and who may edit; this replaces what was."""

    readers: Annotated[list[Grantee], Meta(max_length=1000)] = []
    editors: Annotated[list[Grantee], Meta(max_length=1000)] = []


class Collection(msgspec.Struct, kw_only=True):
    """A collection with its counts and what the caller may do with it."""

    id: UUID
    name: str
    owner_id: UUID
    owner: str
    private: bool
    language: str | None
    chunk_characters: int
    chunk_overlap: int
    documents: int
    chunks: int
    right: Right
    readers: list[Grantee]
    editors: list[Grantee]
    created_at: datetime


class Uploaded(msgspec.Struct, kw_only=True):
    """A file that is kept; indexing starts by itself."""

    file_id: UUID
    filename: str
    size: int
    status: DocumentStatus
    collection: UUID


class IndexIn(In):
    """Which document to wait for."""

    file_id: UUID


class Indexed(msgspec.Struct, kw_only=True):
    """A document that can be asked about."""

    file_id: UUID
    chunks: int
    embeddings: int
    status: DocumentStatus


class QueuedJob(msgspec.Struct, kw_only=True):
    """Work that goes on in the background."""

    file_id: UUID
    job_id: UUID | None
    status: DocumentStatus


class Progress(msgspec.Struct, kw_only=True):
    """How far a document is: `done` of `total` passages embedded; seconds of each stage that ended."""

    stage: DocumentStatus
    done: int
    total: int
    seconds: dict[str, float]


class Document(msgspec.Struct, kw_only=True):
    """A document as it stands."""

    file_id: UUID
    filename: str
    size: int
    pages: int | None
    chunks: int
    status: DocumentStatus
    error: Problem | None
    tags: list[str]
    agent_owner: str | None
    uploaded_at: datetime
    collection: UUID
    collection_name: str
    media_type: str | None
    title: str | None
    language: str | None
    unread_pages: int
    uploaded_by: str
    indexed_at: datetime | None
    searchable: bool
    progress: Progress
    right: Right


class DocumentPage(msgspec.Struct, kw_only=True):
    """One page of the list of documents."""

    documents: list[Document]
    total: int
    limit: int
    offset: int


class RetryIn(In):
    """Try again, with the password of an encrypted file."""

    password: Annotated[str, Meta(max_length=1000)] | None = None


class TagIn(In):
    """Tag every document that contains one of the words, in all of the caller's collections or one."""

    keywords: Annotated[
        dict[Tag, Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=100)]],
        Meta(max_length=100),
    ]
    collection: UUID | None = None


class Tagged(msgspec.Struct, kw_only=True):
    """How many documents carry each tag now because of this."""

    tagged: dict[str, int]


class DocumentPatch(In):
    """What an editor changes about a document."""

    tags: Annotated[list[Tag], Meta(max_length=50)] | UnsetType = UNSET
    agent_owner: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET


class SearchFilters(In):
    """Narrow a search down; each given list must match, any value of it is enough."""

    documents: Annotated[list[UUID], Meta(max_length=1000)] | None = None
    tags: Annotated[list[str], Meta(max_length=50)] | None = None
    languages: Annotated[list[str], Meta(max_length=20)] | None = None
    agent_owner: str | None = None
    agent_owners: Annotated[list[str], Meta(max_length=50)] | None = None


class SearchIn(In):
    """A search for passages."""

    query: str
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    collection: UUID | None = None
    filters: SearchFilters | None = None


class StageScores(msgspec.Struct, kw_only=True):
    """What each stage gave a passage: the inspector's columns. None where a stage did not see it."""

    dense: float | None
    lexical: float | None
    fused: float
    reranked: float | None
    words: float | None = None
    characters: float | None = None
    late_interaction: float | None = None


class Passage(msgspec.Struct, kw_only=True):
    """A passage that was found. `start` and `end`: its place in the document's text (code points)."""

    document: str
    file_id: UUID
    page: int | None
    score: float
    text: str
    chunk_id: UUID
    scores: StageScores
    locator: Locator | None
    headings: list[str]
    start: int
    end: int
    collection: UUID
    language: str | None


class SearchOut(msgspec.Struct, kw_only=True):
    """What was found, best first. `nothing_found`: the best is below what an answer would rest on."""

    results: list[Passage]
    nothing_found: bool
    support: float
    language: str
    degraded: str | None = None


class ChatIn(In):
    """A question to the documents."""

    question: str
    model: Annotated[str, Meta(max_length=200)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    collection: UUID | None = None
    conversation_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    stream: bool = False
    filters: SearchFilters | None = None


class Source(msgspec.Struct, kw_only=True):
    """What an answer rests on. `[n]` in the answer is the nth; the quote stands in the document at `start`..`end`."""

    number: int
    document: str
    file_id: UUID
    page: int | None
    score: float
    quote: str
    chunk_id: UUID
    locator: Locator | None
    headings: list[str]
    start: int
    end: int
    collection: UUID
    scores: StageScores


class GroundedSentence(msgspec.Struct, kw_only=True):
    """One sentence of the answer (code points) and whether its cited passages bear it."""

    start: int
    end: int
    supported: bool
    sources: list[int]


class Usage(msgspec.Struct, kw_only=True):
    """Tokens by the engine's own count."""

    prompt_tokens: int
    completion_tokens: int


class Answer(msgspec.Struct, kw_only=True):
    """An answer with what it rests on. `nothing_found`: it says so, and cites nothing.

    `notice` says what went otherwise than usual; `partial` is what a model had written before it broke.
    """

    answer: str
    sources: list[Source]
    model: str | None
    tokens: int
    usage: Usage
    mode: Mode
    grounded: list[GroundedSentence]
    nothing_found: bool
    language: str
    run_id: UUID
    conversation_id: str | None = None
    stopped: bool = False
    notice: str | None = None
    partial: str | None = None
    milliseconds: int = 0


class PassageContext(msgspec.Struct, kw_only=True):
    """A passage with the text around it: what a citation opens where there are no pages."""

    file_id: UUID
    document: str
    chunk_id: UUID
    before: str
    text: str
    after: str
    page: int | None
    locator: Locator | None
    headings: list[str]
    start: int
    end: int


class DocumentText(msgspec.Struct, kw_only=True):
    """A stretch of a document's text, section by section: the preview of formats without pages."""

    file_id: UUID
    sections: list["TextSection"]
    total: int
    offset: int


class TextSection(msgspec.Struct, kw_only=True):
    """One section of a document's text."""

    text: str
    start: int
    page: int | None
    headings: list[str]
    locator: Locator | None
    table: bool


EvaluationKind = Literal["retrieval", "routing"]


class EvaluationIn(In):
    """A measured run, sent by `appliance eval`. Measures by name: such as `nDCG@10` and `recall@5`, or `accuracy`."""

    kind: EvaluationKind
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    questions: Annotated[int, Meta(ge=1)]
    measures: Annotated[dict[str, float], Meta(max_length=50)]
    seconds: Annotated[float, Meta(ge=0)]


class Evaluation(msgspec.Struct, kw_only=True):
    """One measured run over a question set."""

    id: UUID
    kind: str
    name: str
    questions: int
    measures: dict[str, Any]
    configuration: dict[str, Any]
    seconds: float
    run_at: datetime
