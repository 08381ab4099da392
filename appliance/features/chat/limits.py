"""So many messages a minute in one conversation: a sliding window over what the state holds, so a restart changes nothing."""

from datetime import timedelta
from math import ceil

from appliance.core.database import Transaction, now
from appliance.features.chat.errors import RateLimited
from appliance.features.chat.repository import TurnRepository
from appliance.features.chat.schemas import RateLimit

WINDOW = timedelta(seconds=60)


class MessageWindow:
    """Counts the turns of a conversation; regenerating counts too."""

    def __init__(self, limit: int) -> None:
        """`limit`: messages in any 60 seconds."""
        self._limit = limit
        self._turns = TurnRepository()

    async def look(self, transaction: Transaction, key: str) -> RateLimit:
        """Say what may still be sent."""
        moment = now()
        began = await self._turns.since(transaction, key, moment - WINDOW, at_most=self._limit)
        remaining = self._limit - len(began)
        retry_after = None
        if remaining <= 0:
            retry_after = max(1, ceil((began[-1] + WINDOW - moment).total_seconds()))
        return RateLimit(
            allowed=remaining > 0,
            remaining=max(0, remaining),
            limit=self._limit,
            window=int(WINDOW.total_seconds()),
            retry_after=retry_after,
        )

    async def take(self, transaction: Transaction, key: str) -> int:
        """Take one place in the window, and say how many are left. The conversation is locked. Raises RateLimited."""
        state = await self.look(transaction, key)
        if not state.allowed:
            seconds = state.retry_after or 1
            raise RateLimited(retry_after_seconds=seconds, limit=state.limit, window=state.window, seconds=seconds)
        return state.remaining - 1
