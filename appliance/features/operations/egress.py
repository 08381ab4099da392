"""The ledger of every outbound connection and refusal, kept for the admin to show."""

import asyncio
from datetime import datetime, timedelta
from typing import cast

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.egress import Egress, Verdict
from appliance.features.operations.repository import OperationsRepository
from appliance.features.operations.schemas import EgressEntry, EgressPage

_SAVE_SECONDS = 5.0
_KEPT = timedelta(days=90)
BEGAN = "began_at"


class EgressLedger:
    """Writes down what the tripwire saw."""

    def __init__(self, database: Database, egress: Egress) -> None:
        """`egress` hands its attempts over."""
        self._database = database
        self._egress = egress
        self._repository = OperationsRepository()

    async def keep(self) -> None:
        """Save what was seen since the last call."""
        attempts = self._egress.take_unsaved()
        if attempts:
            async with self._database.begin() as transaction:
                await self._repository.add_attempts(transaction, attempts)

    async def keep_regularly(self) -> None:
        """Save every few seconds, for as long as the process runs."""
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            await self.keep()

    async def page(self, caller: Caller, *, verdict: Verdict | None, limit: int, offset: int) -> EgressPage:
        """Show the ledger to an admin."""
        caller.require_admin()
        await self.keep()
        async with self._database.read() as transaction:
            rows, total = await self._repository.page(transaction, verdict=verdict, limit=limit, offset=offset)
            refused, _ = await self._repository.refusals(transaction)
        items = [
            EgressEntry(
                id=row.id,
                at=row.at,
                verdict=cast("Verdict", row.verdict),
                host=row.host,
                port=row.port,
                purpose=row.purpose,
            )
            for row in rows
        ]
        return EgressPage(
            items=items,
            total=total,
            limit=limit,
            offset=offset,
            refused=refused,
            quiet_since=await self.quiet_since(),
            watching=self._egress.watching,
        )

    async def quiet_since(self) -> datetime:
        """Since when nothing tried to leave: the last refusal, or the installation's beginning."""
        async with self._database.read() as transaction:
            _, last = await self._repository.refusals(transaction)
            began = await self._repository.fact(transaction, BEGAN)
        return last or (datetime.fromisoformat(began) if began else now())

    async def forget_old(self) -> None:
        """Drop allowed connections of long ago."""
        async with self._database.begin() as transaction:
            await self._repository.forget_allowed(transaction, now() - _KEPT)
