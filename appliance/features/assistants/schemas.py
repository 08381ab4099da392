"""What goes over the wire about assistants and routing."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

AssistantLanguage = Literal["fr", "en", "auto"]
By = Literal["model", "classifier", "sticky", "chosen"]
AssistantName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Persona = Annotated[str, Meta(max_length=20_000)]
Description = Annotated[str, Meta(max_length=4_000)]
Examples = Annotated[list[Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]], Meta(max_length=200)]
ModelName = Annotated[str, Meta(max_length=200)]
Fallbacks = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=10)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Owners = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]], Meta(max_length=50)]
Tags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=60)]], Meta(max_length=50)]
Tools = Annotated[list[Annotated[str, Meta(min_length=1, max_length=60)]], Meta(max_length=50)]

TOOLS: tuple[str, ...] = ("search_documents",)
"""What an assistant may be given to use."""
SHARED_OWNER = "shared"


class In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends: an unknown field is an error, not a surprise."""


class Retrieval(In):
    """How passages are found: `candidates` above `floor` (0 to 1), the best `kept` of them go into the prompt."""

    candidates: Annotated[int, Meta(ge=1, le=100)] = 20
    floor: Annotated[float, Meta(ge=0, le=1)] = 0.0
    kept: Annotated[int, Meta(ge=1, le=20)] = 3


class AssistantIn(In):
    """A new assistant. Without `knowledge_owners` it searches its own and the shared documents; [] means all of them.

    An empty `model` is the appliance's own choice. The persona is plain text: braces in it mean nothing.
    """

    name: AssistantName
    title: Title
    persona: Persona = ""
    language: AssistantLanguage = "auto"
    routing_description: Description = ""
    examples: Examples = []
    model: ModelName = ""
    fallbacks: Fallbacks = []
    temperature: Temperature = 0.3
    knowledge_owners: Owners | None = None
    tags: Tags = []
    retrieval: Retrieval = msgspec.field(default_factory=Retrieval)
    tools: Tools = []
    is_enabled: bool = True


class AssistantPatch(In):
    """What changes. The name stays: documents and conversations know the assistant by it."""

    title: Title | UnsetType = UNSET
    persona: Persona | UnsetType = UNSET
    language: AssistantLanguage | UnsetType = UNSET
    routing_description: Description | UnsetType = UNSET
    examples: Examples | UnsetType = UNSET
    model: ModelName | UnsetType = UNSET
    fallbacks: Fallbacks | UnsetType = UNSET
    temperature: Temperature | UnsetType = UNSET
    knowledge_owners: Owners | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    retrieval: Retrieval | UnsetType = UNSET
    tools: Tools | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class Assistant(msgspec.Struct, kw_only=True):
    """An assistant. What an admin alone sees is None for everybody else. `picture`: where its bytes are."""

    name: str
    title: str
    picture: str | None
    language: AssistantLanguage
    routing_description: str
    examples: list[str]
    is_enabled: bool
    persona: str | None = None
    model: str | None = None
    fallbacks: list[str] | None = None
    temperature: float | None = None
    knowledge_owners: list[str] | None = None
    tags: list[str] | None = None
    retrieval: Retrieval | None = None
    tools: list[str] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the room that answers needs of an enabled assistant; never sent to anybody."""

    name: str
    title: str
    persona: str
    language: AssistantLanguage
    model: str
    fallbacks: tuple[str, ...]
    temperature: float
    knowledge_owners: tuple[str, ...]
    tags: tuple[str, ...]
    retrieval: Retrieval
    tools: tuple[str, ...]


class Picture(msgspec.Struct, frozen=True):
    """The bytes of a picture and what they are."""

    media_type: str
    content: bytes
    digest: str


class TomlIn(In):
    """An exported assistant. `replace`: change the one of that name, if there is one."""

    toml: Annotated[str, Meta(min_length=1, max_length=600_000)]
    replace: bool = False


class Installed(msgspec.Struct, kw_only=True):
    """What installing the examples added; what was there already stayed as it was."""

    assistants: list[str]
    documents: list[str]
    collection: str


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers: an assistant's name, `conversation` or `escalate`. `by`: what decided. Confidence from 0 to 1."""

    agent: str
    confidence: float
    reasoning: str
    by: By


class RouteIn(In):
    """A message to try routing with; `current` is who answered last, `previous` what was said before, oldest first."""

    message: Annotated[str, Meta(min_length=1, max_length=100_000, pattern=r"\S")]
    current: Annotated[str, Meta(max_length=63)] | None = None
    previous: Annotated[list[Annotated[str, Meta(max_length=20_000)]], Meta(max_length=20)] = []


class TriedRoute(msgspec.Struct, kw_only=True):
    """A route, with how probable each was to the classifier and how long deciding took."""

    agent: str
    confidence: float
    reasoning: str
    by: By
    probabilities: dict[str, float]
    milliseconds: float


class LabelledMessage(In):
    """A message and who should answer it."""

    text: Annotated[str, Meta(min_length=1, max_length=20_000)]
    label: Annotated[str, Meta(min_length=1, max_length=63)]
    current: Annotated[str, Meta(max_length=63)] | None = None


class RoutingEvaluationIn(In):
    """A labelled set. `folds`: the messages are cut into so many parts, each judged by what the others taught."""

    messages: Annotated[list[LabelledMessage], Meta(min_length=1, max_length=2000)]
    folds: Annotated[int, Meta(ge=2, le=20)] = 5


class Judged(msgspec.Struct, kw_only=True):
    """One message: whom the classifier chose, as shipped and with the other folds learnt."""

    shipped: str
    shipped_confidence: float
    learnt: str
    learnt_confidence: float


class RoutingEvaluation(msgspec.Struct, kw_only=True):
    """Each message as the classifier alone judged it, in order, and how long one took."""

    judged: list[Judged]
    milliseconds: float
    embedder: str | None
