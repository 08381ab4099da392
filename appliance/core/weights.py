"""The weights this version knows, from `models/manifest.toml`: what each file must hash to, where it may come from."""

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

import appliance

_PACKAGE = Path(appliance.__file__).parent
_PLACES = (_PACKAGE / "models" / "manifest.toml", _PACKAGE.parent / "models" / "manifest.toml")
"""In the wheel, and in a working tree."""


class WeightFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as its makers published it; `size` in bytes."""

    path: str
    sha256: str
    size: int


class WeightPackage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Python package that carries the files, in `folder` of `module`."""

    name: str
    version: str
    licence: str
    module: str
    folder: str


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model. Its converted form stands in `models/NAME` of the data directory."""

    name: str
    role: Literal["embedder", "reranker", "language_model", "transcriber", "synthesizer"]
    engine: str
    licence: str
    source: str
    languages: tuple[str, ...]
    parameters: str
    quantization: str
    files: tuple[WeightFile, ...]
    package: WeightPackage | None = None


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    weights: tuple[Weights, ...]


def known_weights() -> tuple[Weights, ...]:
    """Read the manifest."""
    path = next(place for place in _PLACES if place.is_file())
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Manifest).weights


def find_weights(name: str) -> Weights:
    """Look weights up by name. Raises KeyError."""
    for weights in known_weights():
        if weights.name == name:
            return weights
    raise KeyError(name)


def hash_file(path: Path) -> str:
    """Hash a file: sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
