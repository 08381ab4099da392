"""What a person has used since midnight (UTC), and where a day ends."""

import math
from datetime import datetime, timedelta

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, now
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.core.settings_sections import Limits
from appliance.features.chat.extras_errors import DailyMessagesUsed, DailyTokensUsed
from appliance.features.chat.extras_schemas import PersonUsage
from appliance.features.chat.repository.figures import FigureRepository, PersonDay
from appliance.features.chat.tables import TurnRow
from appliance.ports.chat import Usage


class UsageService:
    """Quotas of a person: counted from the table of turns, so that deleting a conversation gives nothing back."""

    def __init__(self, database: Database, *, limits: Limits) -> None:
        """A limit of 0 is none."""
        self._database = database
        self._limits = limits
        self._repository = FigureRepository()

    async def check(self, transaction: Transaction, caller: Caller) -> None:
        """Refuse another message to whoever has used up the day, in the transaction that would write its turn.

        Raises DailyMessagesUsed, DailyTokensUsed.
        """
        limits = self._limits
        if not limits.messages_per_day and not limits.tokens_per_day:
            return
        moment = now()
        messages, tokens = await self._repository.used(
            transaction, caller.user_id, since=_midnight(moment), locked=True
        )
        wait = seconds_to_midnight(moment)
        if limits.messages_per_day and messages >= limits.messages_per_day:
            raise DailyMessagesUsed(limit=limits.messages_per_day, seconds=wait, retry_after_seconds=wait)
        if limits.tokens_per_day and tokens >= limits.tokens_per_day:
            raise DailyTokensUsed(limit=limits.tokens_per_day, seconds=wait, retry_after_seconds=wait)

    async def note(
        self,
        transaction: Transaction,
        caller: Caller,
        *,
        source: str,
        status: str,
        model: str | None,
        agent: str | None,
        usage: Usage,
        milliseconds: int,
        first_token_ms: int | None,
    ) -> None:
        """Count what was written outside conversations (`source`: for which API), as a turn without one."""
        turn = TurnRow(
            id=new_id(),
            at=now(),
            owner_id=caller.user_id,
            conversation_key=f"/{source}",
            status=status,
            agent=agent,
            decided_by=None,
            confidence=None,
            model=model,
            mode="llm",
            attempts=1,
            queue_ms=None,
            first_token_ms=first_token_ms,
            total_ms=milliseconds,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            rating=None,
        )
        transaction.add(turn)

    async def page(self, caller: Caller, *, everybody: bool, limit: int, offset: int) -> Page[PersonUsage]:
        """List what was used: one's own row, or for an admin everybody's, whoever used most first."""
        caller.require_scope("chat")
        if everybody:
            caller.require_admin()
        since = _midnight(now())
        async with self._database.read() as transaction:
            if everybody:
                days, total = await self._repository.everybody(transaction, since=since, limit=limit, offset=offset)
            else:
                used = await self._repository.used(transaction, caller.user_id, since=since, locked=False)
                days, total = [PersonDay(caller.user_id, caller.username, *used)][offset:], 1
        return Page(items=[self._usage(day) for day in days], total=total, limit=limit, offset=offset)

    def _usage(self, day: PersonDay) -> PersonUsage:
        return PersonUsage(
            user=day.user_id,
            username=day.username,
            messages=day.messages,
            messages_limit=self._limits.messages_per_day,
            tokens=day.tokens,
            tokens_limit=self._limits.tokens_per_day,
        )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def seconds_to_midnight(moment: datetime) -> int:
    """Say how long a day still lasts, at least a second."""
    return max(1, math.ceil((_midnight(moment) + timedelta(days=1) - moment).total_seconds()))
