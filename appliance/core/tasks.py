"""Background tasks that belong to somebody: their failures are logged, and they end with their owner."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

import structlog

log = structlog.get_logger(__name__)
_AGAIN_SECONDS = 5.0


class Tasks:
    """A set of running tasks. `close` cancels what still runs and waits for it."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Any], *, name: str, is_watched: bool = False) -> asyncio.Task[Any]:
        """Run a coroutine in the background. `is_watched`: whoever starts it looks at its failure, which is not logged."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard if is_watched else self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background_task_failed", task=task.get_name(), exc_info=error)

    async def close(self) -> None:
        """End every task; one that does not hear the first time is told again."""
        running = set(self._running)
        while running:
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=_AGAIN_SECONDS)
            if running:
                log.warning("tasks_still_running", tasks=sorted(task.get_name() for task in running))

    async def __aenter__(self) -> Self:
        """Use as a context."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """End every task."""
        await self.close()


async def watch_loop(tell: Callable[[float], object]) -> None:
    """Measure how late the event loop runs, every second: a call that blocks it shows here."""
    pause = 1.0
    while True:
        started = asyncio.get_running_loop().time()
        await asyncio.sleep(pause)
        tell(max(0.0, asyncio.get_running_loop().time() - started - pause))
