"""What an engine says of itself, remembered for a moment."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_Value = TypeVar("_Value")
_KEPT_SECONDS = 1.0


class Briefly(Generic[_Value]):
    """Hundreds who ask at once are one call, and its answer serves whoever asks in the next moment.

    A failure is told to everybody who waited for it and kept for nobody.
    """

    def __init__(
        self,
        ask: Callable[[], Coroutine[Any, Any, _Value]],
        *,
        seconds: float = _KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask` makes the call; its answer is given out for so many seconds."""
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._call: asyncio.Task[_Value] | None = None
        self._until = 0.0

    async def get(self, *, fresh: bool = False) -> _Value:
        """Give the answer; `fresh`: one that was asked for just now. Raises what the call raises."""
        call = self._call
        if call is None or (call.done() and (fresh or self._clock() >= self._until or _has_failed(call))):
            call = self._call = asyncio.ensure_future(self._ask())
            call.add_done_callback(_has_failed)  # asyncio complains of a failure that nobody waited for
            self._until = self._clock() + self._seconds
        return await asyncio.shield(call)

    def forget(self) -> None:
        """Ask anew the next time: what it said has turned out wrong."""
        if self._call is not None and self._call.done():
            self._call = None


def _has_failed(call: "asyncio.Task[Any]") -> bool:
    return call.cancelled() or call.exception() is not None
