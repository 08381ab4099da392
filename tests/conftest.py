"""Stands here so that tests may import their helpers from this folder; the real servers come as fixtures."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("untimed")

pytest_plugins = ("tests.engines.fixtures", "tests.minilm_weights")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that two workers end together.

    Tests in the browser come last: its driver keeps an event loop running in the main thread, where others need theirs.
    """
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, not _takes_long(item.path)))


def _takes_long(path: Path) -> bool:
    return "journeys" in path.parts or path.name in {
        "test_description.py",
        "test_corpus.py",
        "test_hostile_files.py",
        "test_pages.py",
    }
