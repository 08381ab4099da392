"""Who answers a message: whom the person chose, or whom routing finds."""

from collections.abc import Sequence

import structlog

from appliance.core.caller import Caller
from appliance.core.text import Text
from appliance.features.assistants import AssistantNotFound, Route, RoutingService

log = structlog.get_logger(__name__)
AUTO, CONVERSATION, ESCALATE = "auto", "conversation", "escalate"
_PREVIOUS = 3
_CHOSEN = Text("Plain conversation was chosen by hand.", "Simple conversation : choix fait à la main.")


async def decide(
    routing: RoutingService,
    caller: Caller,
    wanted: str,
    message: str,
    *,
    before: Sequence[str],
    current: str | None = None,
) -> Route:
    """Decide. `wanted`: a name, `conversation` or `auto`; `before`: what was asked earlier; `current`: who answered last.

    An assistant that was chosen and is gone since leaves it to routing.
    """
    if wanted == CONVERSATION:
        return Route(agent=CONVERSATION, confidence=1.0, reasoning=_CHOSEN.say(caller.language), by="chosen")
    if wanted != AUTO:
        try:
            return await routing.choose(caller, wanted)
        except AssistantNotFound as error:
            log.warning("assistant_not_used", code=error.code)
    return await routing.route(caller, message, previous=tuple(before[-_PREVIOUS:]), current=current)
