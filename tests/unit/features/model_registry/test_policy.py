"""From where models may come."""

import pytest

from appliance.features.model_registry.errors import PullRefused, RegistryUnknown
from appliance.features.model_registry.policy import check_registry

_NAMES = {"mirror.lan": ["10.0.0.7"], "both.lan": ["10.0.0.7", "8.8.8.8"], "localhost": ["127.0.0.1", "::1"]}


def look_up(host: str) -> list[str]:
    """What a resolver says; an address is itself."""
    if host in _NAMES:
        return _NAMES[host]
    if host[0].isdigit() or ":" in host:
        return [host]
    raise OSError


@pytest.mark.parametrize(
    "model",
    [
        "llama3",
        "library/llama3",
        "8.8.8.8:5000/library/x",
        "8.8.8.8/library/x",
        "8.8.8.8:80/x",
        "https://8.8.8.8:80/x",
        "both.lan/x",
        "[2001:4860:4860::8888]:5000/x",
    ],
)
def test_registries_outside(model: str) -> None:
    with pytest.raises(PullRefused):
        check_registry(model, allow_downloads=False, look_up=look_up)
    check_registry(model, allow_downloads=True, look_up=look_up)


@pytest.mark.parametrize(
    "model",
    ["10.0.0.7:5000/library/x", "[fd00::1]:5000/x", "[fd00::1]/x", "localhost:5000/x", "localhost/x", "mirror.lan:5/x"],
)
def test_registries_inside(model: str) -> None:
    check_registry(model, allow_downloads=False, look_up=look_up)


def test_a_registry_nobody_knows() -> None:
    with pytest.raises(RegistryUnknown):
        check_registry("nowhere.invalid:5000/x", allow_downloads=False, look_up=look_up)
