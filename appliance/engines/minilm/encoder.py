"""The model itself: word pieces, forward passes, pooling. Synchronous; safe from several threads."""

from collections.abc import Sequence
from pathlib import Path

import ctranslate2
import numpy as np
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from appliance.engines.minilm.tokens import Pieces, TokenVectors, load_projection
from appliance.ports.embedder import PassageVectors, QueryVectors, Vector

DIMENSIONS = 384
LONGEST_PIECES = 256
"""The model was trained on 128 and reads 512; 256 found best, 384 was worse (research/retrieval.md)."""


class Encoder:
    """MiniLM on CTranslate2. A worker runs a batch on one thread: two beside each other beat one on two threads by half."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        """Read 23 MB; about 60 ms."""
        # For the whole process: OpenBLAS's own threads spin between small products, and take the cores from the model (ADR 15).
        threadpool_limits(1, user_api="blas")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST_PIECES)
        # "default" is the int8 of the file, or what a processor without it has.
        self._model = ctranslate2.Encoder(
            str(folder), device="cpu", compute_type="default", inter_threads=workers, intra_threads=1
        )
        size = self._tokenizer.get_vocab_size()
        self._tokens = TokenVectors(self._tokenizer.token_to_id, size, load_projection())

    def split(self, texts: Sequence[str]) -> list[list[int]]:
        """Cut texts into word pieces, at most 256 each; half a surrogate pair is read as unknown."""
        readable = [text.encode("utf-8", "replace").decode() for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(readable)]

    def encode_passages(self, batch: Sequence[Pieces]) -> list[PassageVectors]:
        """Embed one batch, in its order."""
        return [
            PassageVectors(_pool(states), self._tokens.of_passage(pieces, states))
            for pieces, states in zip(batch, self._forward(batch), strict=True)
        ]

    def encode_query(self, text: str) -> QueryVectors:
        """Embed a question."""
        pieces = self.split([text])[0]
        states = self._forward([pieces])[0]
        tokens, mass = self._tokens.of_query(pieces, states)
        return QueryVectors(_pool(states), tokens, mass)

    def states(self, batch: Sequence[Pieces]) -> list[Vector]:
        """Give the last layer's states, (pieces, 384) each: what the projection is made from."""
        return self._forward(batch)

    def piece_id(self, piece: str) -> int | None:
        """Look a word piece up."""
        return self._tokenizer.token_to_id(piece)

    def _forward(self, batch: Sequence[Pieces]) -> list[Vector]:
        output = np.array(self._model.forward_batch([list(pieces) for pieces in batch]).last_hidden_state)
        return [row[: len(pieces)] for row, pieces in zip(output, batch, strict=True)]


def _pool(states: Vector) -> Vector:
    mean = states.mean(axis=0)
    return mean / np.linalg.norm(mean)
