"""How `projection.npy` was made: `python -m appliance.engines.minilm.projection FOLDER`.

Principal axes, without centring, of the kept token vectors of a word salad: 3000 texts of 40 words drawn from the model's own
vocabulary by rank. No corpus had a part in it, and on SciFact, FQuAD and the reports it did as well as axes taken from samples of those.
"""

import json
import sys
from pathlib import Path

import numpy as np

from appliance.engines.minilm.encoder import DIMENSIONS, Encoder
from appliance.engines.minilm.tokens import PROJECTION, TOKEN_DIMENSIONS, find_kept
from appliance.ports.embedder import Vector

_TEXTS, _WORDS = 3000, 40
_RARITY_OFFSET = 30.0
"""Zipf's law with Mandelbrot's offset: the commonest words would fill the salad without it."""
_BATCH = 16
_LONGER_THAN = 2


def make_projection(encoder: Encoder, vocabulary: list[str], *, texts: int = _TEXTS) -> Vector:
    """Give (384, 64) orthonormal columns; their signs are arbitrary and cancel out in MaxSim."""
    kept = find_kept(encoder.piece_id, len(vocabulary))
    total = np.zeros((DIMENSIONS, DIMENSIONS))
    salad = _mix(vocabulary, texts)
    for start in range(0, len(salad), _BATCH):
        batch = encoder.split(salad[start : start + _BATCH])
        for pieces, states in zip(batch, encoder.states(batch), strict=True):
            counted = states[kept[np.asarray(pieces)]]
            unit = counted / np.linalg.norm(counted, axis=1, keepdims=True)
            total += unit.T @ unit
    _, axes = np.linalg.eigh(total)
    return axes[:, ::-1][:, :TOKEN_DIMENSIONS].astype(np.float32)


def _mix(vocabulary: list[str], texts: int) -> list[str]:
    random = np.random.default_rng(1)
    words = [word for word in vocabulary[1996:28000] if word.isascii() and word.isalpha() and len(word) > _LONGER_THAN]
    shares = 1 / (np.arange(len(words)) + _RARITY_OFFSET)
    return [" ".join(random.choice(words, _WORDS, p=shares / shares.sum())) for _ in range(texts)]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    np.save(PROJECTION, make_projection(Encoder(folder, workers=1), vocabulary).astype(np.float16))
