"""Which changes of documents a person's screen may show."""

import time
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.database import Database
from appliance.features.knowledge.repository import CollectionRepository
from appliance.features.knowledge.service import DOCUMENTS_TOPIC
from appliance.ports.event_bus import Event
from appliance.ports.live import LiveTopic

_REMEMBERED_SECONDS = 2.0


class KnowledgeLive:
    """Looks up who may read what, and remembers it for two seconds: progress comes many times a second."""

    def __init__(self, database: Database) -> None:
        """Nothing is remembered yet."""
        self._database = database
        self._repository = CollectionRepository()
        self._readable: dict[UUID, tuple[float, frozenset[UUID]]] = {}

    @property
    def topics(self) -> list[LiveTopic]:
        """What this room offers to live screens."""
        return [LiveTopic(DOCUMENTS_TOPIC, "document", self._may_see)]

    async def _may_see(self, caller: Caller, event: Event) -> bool:
        if caller.scopes is not None and "knowledge" not in caller.scopes:
            return False
        at, readable = self._readable.get(caller.user_id, (0.0, frozenset[UUID]()))
        if time.monotonic() - at > _REMEMBERED_SECONDS:
            async with self._database.read() as transaction:
                readable = frozenset(await self._repository.readable_ids(transaction, caller))
            self._readable[caller.user_id] = (time.monotonic(), readable)
        return UUID(event["collection_id"]) in readable
