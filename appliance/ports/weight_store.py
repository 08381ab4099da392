"""The weights that run inside the appliance: the manifest held against the disk."""

from typing import Literal, Protocol

import msgspec

from appliance.core.weights import Weights

WeightState = Literal["ready", "made when needed", "missing", "damaged"]


class StoredFile(msgspec.Struct, frozen=True):
    """One file of weights on disk: the hash it must have, and whether it is there and has it."""

    path: str
    sha256: str
    size: int
    present: bool
    verified: bool


class StoredWeights(msgspec.Struct, frozen=True):
    """Weights of the manifest and how they are on disk; `size` in bytes, 0 where nothing is there."""

    weights: Weights
    state: WeightState
    size: int
    files: tuple[StoredFile, ...] = ()


class WeightStore(Protocol):
    """Where they lie. It reads every byte: call it off the event loop."""

    def list(self) -> "list[StoredWeights]":
        """Hold the manifest against the disk."""
        ...
