"""From where models may be fetched: the private network, unless the settings allow more."""

from collections.abc import Callable, Sequence

from appliance.core.settings import is_public_address
from appliance.features.model_registry.errors import PullRefused, RegistryUnknown

LookUp = Callable[[str], Sequence[str]]
"""Names the addresses of a host. Raises OSError where it has none."""
_DEFAULT_REGISTRY = "registry.ollama.ai"


def check_registry(model: str, *, allow_downloads: bool, look_up: LookUp) -> None:
    """Let a model be pulled from the private network, or anywhere where downloads are allowed.

    Raises PullRefused, RegistryUnknown. A name without a registry is Ollama's own, on the internet.
    """
    if allow_downloads:
        return
    registry, slash, _ = model.removeprefix("http://").removeprefix("https://").partition("/")
    if not slash or not (":" in registry or "." in registry or registry == "localhost"):
        raise PullRefused(model=model, registry=_DEFAULT_REGISTRY)
    host = registry.rpartition(":")[0] if not registry.endswith("]") else registry
    host = (host or registry).strip("[]")
    try:
        addresses = look_up(host)
    except OSError:
        raise RegistryUnknown(registry=host) from None
    if not addresses or any(is_public_address(address) for address in addresses):
        raise PullRefused(model=model, registry=host)
