"""The embedded default: all-MiniLM-L6-v2 on CTranslate2, weights from the package index, hash-checked (ADR 0004)."""

from appliance.engines.minilm.embedder import MiniLM

__all__ = ["MiniLM"]
