"""Documents in, cited answers out."""

from appliance.features.knowledge.answers import AnswerService
from appliance.features.knowledge.collections import CollectionService
from appliance.features.knowledge.evaluations import EvaluationService
from appliance.features.knowledge.extractive import Extractor
from appliance.features.knowledge.indexes import IndexService
from appliance.features.knowledge.integrity import KnowledgeIntegrity
from appliance.features.knowledge.jobs import DeleteDocument, DropIndex, IndexDocument, ReembedIndex, UpdatePlace
from appliance.features.knowledge.live import KnowledgeLive
from appliance.features.knowledge.merging import FoundPassage
from appliance.features.knowledge.pipeline import IndexingPipeline
from appliance.features.knowledge.reading import ReadingService
from appliance.features.knowledge.schemas import (
    Answer,
    CollectionIn,
    Grantee,
    GroundedSentence,
    PermissionsIn,
    SearchFilters,
    Source,
    Usage,
)
from appliance.features.knowledge.search import SearchService
from appliance.features.knowledge.service import DocumentService
from appliance.features.knowledge.translation import Translator
from appliance.features.knowledge.writing import AnswerWriter, Place, Plan, Written

__all__ = [
    "Answer",
    "AnswerService",
    "AnswerWriter",
    "CollectionIn",
    "CollectionService",
    "DeleteDocument",
    "DocumentService",
    "DropIndex",
    "EvaluationService",
    "Extractor",
    "FoundPassage",
    "Grantee",
    "GroundedSentence",
    "IndexDocument",
    "IndexService",
    "IndexingPipeline",
    "KnowledgeIntegrity",
    "KnowledgeLive",
    "PermissionsIn",
    "Place",
    "Plan",
    "ReadingService",
    "ReembedIndex",
    "SearchFilters",
    "SearchService",
    "Source",
    "Translator",
    "UpdatePlace",
    "Usage",
    "Written",
]
