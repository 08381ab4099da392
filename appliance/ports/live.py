"""What rooms offer to live screens: a topic of the event bus, and who may see which of its events."""

from collections.abc import Awaitable, Callable

import msgspec

from appliance.core.caller import Caller
from appliance.ports.event_bus import Event


class LiveTopic(msgspec.Struct, frozen=True):
    """Events of `topic` go to the browser under `name`, if `may_see` says so for that caller."""

    topic: str
    name: str
    may_see: Callable[[Caller, Event], Awaitable[bool]]
