"""The converted embedding weights, made once a session: setting `[embedder] model` to them spares each test the conversion."""

from pathlib import Path

import pytest

from appliance.engines.minilm.folder import make


@pytest.fixture(scope="session")
def minilm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `[embedder] model` may name; not to be written to."""
    folder = tmp_path_factory.mktemp("weights") / "all-minilm-l6-v2"
    make(folder)
    return folder
