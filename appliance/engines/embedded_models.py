"""The weights that run inside the appliance: what of the manifest is on disk, and bringing, making and removing it."""

import importlib.util
import shutil
from pathlib import Path

from appliance.core.weights import Weights, known_weights
from appliance.engines.minilm import folder as minilm
from appliance.engines.minilm.errors import WeightsDamaged, WeightsMissing
from appliance.ports.weight_store import StoredFile, StoredWeights, WeightState


class EmbeddedModels:
    """WeightStore over a data directory, and what `appliance models` does there."""

    def __init__(self, directory: Path) -> None:
        """`directory`: `models` of the data directory."""
        self._directory = directory

    def list(self) -> "list[StoredWeights]":
        """Hold the manifest against the disk, every file read."""
        return [self._look(weights) for weights in known_weights()]

    def _look(self, weights: Weights) -> StoredWeights:
        folder = self._directory / weights.name
        found = minilm.inspect(folder)
        files = tuple(StoredFile(file.name, file.sha256, file.size, file.present, file.verified) for file in found)
        return StoredWeights(weights, self._state(weights, folder, files), _size(folder), files)

    def _state(self, weights: Weights, folder: Path, files: tuple[StoredFile, ...]) -> WeightState:
        try:
            minilm.check_label(folder)
        except WeightsDamaged:
            return "damaged"
        except WeightsMissing:
            has_package = weights.package is not None and importlib.util.find_spec(weights.package.module) is not None
            return "made when needed" if has_package else "missing"
        return "ready" if files and all(file.verified for file in files) else "damaged"

    def find(self, name: str) -> StoredWeights | None:
        """Look one up by its name in the manifest."""
        return next((model for model in self.list() if model.weights.name == name), None)

    def bring(self, source: Path) -> str:
        """Copy a converted folder in and name it. Raises WeightsMissing or WeightsDamaged where it is none."""
        minilm.bring(source, self._directory / minilm.NAME)
        return minilm.NAME

    def make(self, name: str) -> None:
        """Convert from the installed package. Raises as `minilm.folder.make`."""
        minilm.make(self._directory / name)

    def remove(self, name: str) -> None:
        """Delete a folder."""
        shutil.rmtree(self._directory / name)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
