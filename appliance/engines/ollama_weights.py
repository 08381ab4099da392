"""Which names stand for the same weights. Ollama keeps those in memory once, under the name that asked first.

Its `/api/ps` has that one name alone (server/sched.go of 0.17.4 keys what is loaded by the file of the weights), so that
a model made of another's weights, or copied, would never be in memory by what is told there.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import takewhile
from typing import Protocol

import msgspec

from appliance.core.errors import ApplianceError

_KEPT = 1000
Weights = tuple[str, ...]


class Details(msgspec.Struct, frozen=True):
    """What a model of Ollama is, in its own words; the same for the same weights."""

    family: str = ""
    parameter_size: str = ""
    quantization_level: str = ""


class Named(Protocol):
    """A model that is there, or in memory; `digest` is of all it consists of."""

    name: str
    digest: str
    details: Details | None


def weights_of(modelfile: str) -> Weights:
    """Name the files of a model: its `FROM` and `ADAPTER` lines, which stand before all a person wrote.

    Empty where no file is named, as for a model of another machine: what it shares is not known.
    """
    lines = [line.rstrip() for line in modelfile.splitlines() if line.strip() and not line.startswith("#")]
    named = tuple(takewhile(lambda line: line.split()[0] in {"FROM", "ADAPTER"}, lines))
    return () if "FROM" in named else named


class SharedWeights:
    """Remembers the weights of each digest, which cannot change; asks only where two models look alike."""

    def __init__(self, look: Callable[[str], Awaitable[Weights]]) -> None:
        """`look` says the weights of a model by its name."""
        self._look = look
        self._known: dict[str, Weights] = {}

    async def names(self, loaded: Named, there: Iterable[Named]) -> Sequence[str]:
        """Name the others of those that are there that use the weights of one in memory."""
        alike = [one for one in there if one.name != loaded.name and one.details == loaded.details and one.digest]
        return [one.name for one in alike if one.digest == loaded.digest or await self._same(one, loaded)]

    async def _same(self, one: Named, other: Named) -> bool:
        weights = await self._weights(one)
        return bool(weights) and weights == await self._weights(other)

    async def _weights(self, model: Named) -> Weights:
        if (known := self._known.get(model.digest)) is not None:
            return known
        try:
            found = await self._look(model.name)
        except ApplianceError:  # deleted since, or damaged: the rest of the list is true without it
            return ()
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[model.digest] = found
        return found
