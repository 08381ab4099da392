"""Token vectors for late interaction: which word pieces count, how much, and the 64 of 384 dimensions that matter.

BERT's vocabulary is ordered by frequency from `the` (1996) on, so a piece's rank stands for its rarity: log(rank + 1) weighs
a question's pieces as well as idf counted over the collection did (nDCG@10 .757, .853, .826 on SciFact, FQuAD and the
reports, see research/retrieval.md), and passages need no counting. Little words, punctuation and [CLS] are not kept: a third fewer vectors.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.ports.embedder import Vector

TOKEN_DIMENSIONS = 64
CLS, SEP = 101, 102
_FIRST_WORD = 1996
_DIGITS = range(1014, 1024)
_DIGIT_WEIGHT = 0.5
PROJECTION = Path(__file__).with_name("projection.npy")
"""(384, 64), float16, orthonormal columns."""
# Not the analyzer's list: a change here changes every stored vector.
_LITTLE = """a an the and or but if then else of in on at by for with about against between into through during before after above
below to from up down out over under again further once here there all any both each few more most other some such no nor not
only own same so than too very can will just don should now is am are was were be been being have has had having do does did doing
would could ought i me my we our you your he him his she her it its they them their what which who whom whose this that these those
as until while because how when where why many much may might must shall also us s t"""
Pieces = Sequence[int]
Mask = NDArray[np.bool_]


class TokenVectors:
    """Keeps, projects and weighs the token vectors of one vocabulary."""

    def __init__(self, vocabulary: Callable[[str], int | None], size: int, projection: Vector) -> None:
        """`vocabulary` gives the id of a piece; `size` counts the pieces."""
        self._kept = find_kept(vocabulary, size)
        ranks = np.arange(size, dtype=np.float32) - (_FIRST_WORD - 1)
        self._weights = np.where(ranks > 0, np.log(np.maximum(ranks, 1) + 1), _DIGIT_WEIGHT).astype(np.float32)
        self._projection = projection

    def of_passage(self, pieces: Pieces, states: Vector) -> Vector:
        """Project the last layer's states (pieces, 384) of the kept pieces: (kept, 64), unit length."""
        return self._project(states[self._select(np.asarray(pieces))])

    def of_query(self, pieces: Pieces, states: Vector) -> tuple[Vector, float]:
        """Give the vectors, each as long as its weight, and the sum of the weights."""
        ids = np.asarray(pieces)
        selected = self._select(ids)
        weights = np.where(self._kept[ids], self._weights[ids], 1.0)[selected].astype(np.float32)
        return self._project(states[selected]) * weights[:, None], float(weights.sum())

    def _select(self, ids: NDArray[np.int64]) -> Mask:
        """Of a text without any word that counts, everything; of an empty one, its borders."""
        for mask in (self._kept[ids], (ids != CLS) & (ids != SEP)):
            if mask.any():
                return mask
        return np.ones(len(ids), dtype=np.bool_)

    def _project(self, states: Vector) -> Vector:
        projected = states @ self._projection
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return projected / np.maximum(lengths, np.float32(1e-6))


def find_kept(vocabulary: Callable[[str], int | None], size: int) -> Mask:
    """Mark the pieces that count: words, their parts and digits, no little words."""
    kept = np.zeros(size, dtype=np.bool_)
    kept[_FIRST_WORD:] = True
    kept[_DIGITS] = True
    for word in _LITTLE.split():
        if (known := vocabulary(word)) is not None:
            kept[known] = False
    return kept


def load_projection() -> Vector:
    """Read the projection that is shipped."""
    return np.load(PROJECTION).astype(np.float32)


def describe_tokens() -> str:
    """Name everything the token vectors depend on beside the weights."""
    recipe = PROJECTION.read_bytes() + _LITTLE.encode()
    return f"tokens{TOKEN_DIMENSIONS}-{hashlib.sha256(recipe).hexdigest()[:8]}"
