"""Every port in memory, honestly: what the rooms are tested on, and what each contract suite runs over first."""

from appliance.engines.memory.document_writer import MemoryDocumentWriter
from appliance.engines.memory.embedder import MemoryEmbedder
from appliance.engines.memory.language_model import MemoryLanguageModel
from appliance.engines.memory.model_host import MemoryModelHost
from appliance.engines.memory.object_store import MemoryStore
from appliance.engines.memory.parser import MemoryParser
from appliance.engines.memory.vector_store import MemoryVectorStore

__all__ = [
    "MemoryDocumentWriter",
    "MemoryEmbedder",
    "MemoryLanguageModel",
    "MemoryModelHost",
    "MemoryParser",
    "MemoryStore",
    "MemoryVectorStore",
]
