"""What a pull says, told to whoever follows: whole bytes over all layers, and not every line of thousands."""

import time

from appliance.features.runs import LiveRun
from appliance.ports.model_host import PullProgress

_PAUSE_SECONDS = 0.5
_STEPS = 1000


class Progress:
    """Emits `progress` where the words change, or the bytes moved by a thousandth and half a second has passed."""

    def __init__(self, live: LiveRun) -> None:
        """Nothing is said yet."""
        self._live = live
        self._layers: dict[str, tuple[int, int]] = {}
        self._said: tuple[str, int, int] = ("", -1, -1)
        self._said_at = 0.0

    def take(self, step: PullProgress) -> None:
        """Take a step of a pull."""
        if step.total:
            self._layers[step.digest] = (step.completed, step.total)
        status = "pulling" if step.total else step.status
        self.say(status, *(sum(numbers) for numbers in zip(*self._layers.values(), strict=True)))

    def say(self, status: str, completed: int = 0, total: int = 0) -> None:
        """Say how far it is."""
        share = completed * _STEPS // total if total else 0
        said_status, said_completed, said_share = self._said
        is_new = status != said_status or (completed == total and completed != said_completed)
        is_due = share != said_share and time.monotonic() - self._said_at >= _PAUSE_SECONDS
        if is_new or is_due:
            self._said, self._said_at = (status, completed, share), time.monotonic()
            self._live.emit("progress", {"status": status, "completed": completed, "total": total})
