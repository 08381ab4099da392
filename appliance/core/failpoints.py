"""Named steps at which a test can kill the process, to prove that nothing acknowledged is lost there."""

import os
import signal


class Failpoints:
    """Dies by SIGKILL at the step named in `[testing] failpoint` (`name`, or `name:N` for its Nth passage)."""

    def __init__(self, armed: str = "") -> None:
        """Empty: no step does anything."""
        self.arm(armed)

    def arm(self, armed: str) -> None:
        """Choose the step to die at, counting from now on."""
        self._name, _, nth = armed.partition(":")
        self._remaining = int(nth or "1")

    def reach(self, name: str) -> None:
        """Pass a step; the names are literals, so that a test can list them all."""
        if name != self._name:
            return
        self._remaining -= 1
        if self._remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)
