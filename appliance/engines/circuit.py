"""Sparing people the wait for an engine that has just failed again and again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.core.errors import EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.engines.http_engine import EngineRefused

_FAILURES = 5
_PAUSE_SECONDS = 10.0


class _State:
    failures = 0
    next_try_at = 0.0


class Circuit:
    """After five failures in a row refuses at once for ten seconds, then lets one try through."""

    def __init__(self, engine: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`engine` is what errors call it."""
        self._engine = engine
        self._clock = clock
        self._states: dict[str, _State] = {}

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """Try; each `what` (a model) has a count of its own. Raises EngineUnavailable while the pause lasts."""
        state = self._states.setdefault(what, _State())
        if state.failures >= _FAILURES:
            if self._clock() < state.next_try_at:
                raise EngineUnavailable(engine=self._engine)
            state.next_try_at = self._clock() + _PAUSE_SECONDS
        try:
            yield
        except EngineRefused:
            state.failures = 0  # an answer, if not the wanted one
            raise
        except (EngineFailed, EngineTimedOut, EngineUnavailable):
            state.failures += 1
            state.next_try_at = self._clock() + _PAUSE_SECONDS
            raise
        except BaseException:
            state.next_try_at = 0.0  # stopped by its reader, which says nothing about the engine
            raise
        state.failures = 0
