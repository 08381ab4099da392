"""All SQL of the knowledge room. Every read for a caller starts from what that caller may read."""

from appliance.features.knowledge.repository.chunks import ChunkRepository, FoundChunk
from appliance.features.knowledge.repository.collections import CollectionRepository
from appliance.features.knowledge.repository.documents import DocumentFilter, DocumentRepository, ListedDocument
from appliance.features.knowledge.repository.evaluations import EvaluationRepository
from appliance.features.knowledge.repository.indexes import IndexRepository

__all__ = [
    "ChunkRepository",
    "CollectionRepository",
    "DocumentFilter",
    "DocumentRepository",
    "EvaluationRepository",
    "FoundChunk",
    "IndexRepository",
    "ListedDocument",
]
