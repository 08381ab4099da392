"""What assistants did: volume, time, tokens, confidence, fallbacks, escalations, what people thought of it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.errors import InvalidRequest
from appliance.core.text import Text
from appliance.features.chat.extras_schemas import AgentFigures, Analytics
from appliance.features.chat.repository.figures import Cell, FigureRepository

DEFAULT_DAYS = 30
MOST_DAYS = 366


class AnalyticsService:
    """For admins, from a table that holds no word of any conversation."""

    def __init__(self, database: Database) -> None:
        """Turns are counted in the database, and put together on a thread of their own."""
        self._database = database
        self._repository = FigureRepository()

    async def agents(self, caller: Caller, *, since: date | None, until: date | None) -> Analytics:
        """Count between two days (UTC, both included); without them the last thirty.

        Raises InvalidRequest where they are the wrong way round or more than a year apart.
        """
        caller.require_admin()
        first, last = period(since, until, today=now().date())
        start = datetime.combine(first, time.min, UTC)
        end = datetime.combine(last, time.min, UTC) + timedelta(days=1)
        async with self._database.read() as transaction:
            cells = await self._repository.cells(transaction, since=start, until=end)
        return await asyncio.to_thread(_figures, cells, first, last)


def period(since: date | None, until: date | None, *, today: date) -> tuple[date, date]:
    """Fill in the days that were not given. Raises InvalidRequest."""
    try:
        last = until or (max(today, since) if since else today)
        first = since or last - timedelta(days=DEFAULT_DAYS - 1)
        _ = last + timedelta(days=1)
    except OverflowError:
        raise InvalidRequest(
            reason=Text("`from` and `to` are days of this age.", "`from` et `to` sont des jours de notre époque.")
        ) from None
    if first > last:
        raise InvalidRequest(reason=Text("`from` comes after `to`.", "`from` vient après `to`."))
    if (last - first).days >= MOST_DAYS:
        raise InvalidRequest(
            reason=Text("`from` and `to` are more than a year apart.", "Plus d’un an sépare `from` de `to`.")
        )
    return first, last


def _figures(cells: list[Cell], first: date, last: date) -> Analytics:
    days = {entry.name: entry for entry in figures_by(cells, lambda cell: cell.day)}
    every = ((first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1))
    return Analytics(
        since=first,
        until=last,
        total=figures_of("", cells),
        agents=_most_first(figures_by(cells, lambda cell: cell.agent)),
        models=_most_first(figures_by(cells, lambda cell: cell.model)),
        days=[days.get(day) or figures_of(day, []) for day in every],
    )


def figures_by(cells: Iterable[Cell], name: Callable[[Cell], str]) -> list[AgentFigures]:
    """Put together the cells of each name; it is empty where no agent, or no model, answered."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(name(cell), []).append(cell)
    return [figures_of(each, group) for each, group in groups.items()]


def figures_of(name: str, cells: Sequence[Cell]) -> AgentFigures:
    """Put cells together: sums, the mean of what confidence was measured, nearest-rank percentiles of all times."""
    first_token = sorted(_numbers(cell.first_token_ms for cell in cells))
    latency = sorted(_numbers(cell.total_ms for cell in cells))
    confident = sum(cell.confident for cell in cells)
    return AgentFigures(
        name=name,
        messages=sum(cell.messages for cell in cells),
        first_token_p50=nearest_rank(first_token, 50),
        first_token_p95=nearest_rank(first_token, 95),
        latency_p50=nearest_rank(latency, 50),
        latency_p95=nearest_rank(latency, 95),
        prompt_tokens=sum(int(cell.prompt_tokens) for cell in cells),
        completion_tokens=sum(int(cell.completion_tokens) for cell in cells),
        confidence=round(sum(cell.confidence for cell in cells) / confident, 4) if confident else None,
        fallbacks=sum(cell.fallbacks for cell in cells),
        extractive=sum(cell.extractive for cell in cells),
        failures=sum(cell.failures for cell in cells),
        escalations=sum(cell.escalations for cell in cells),
        up=sum(cell.up for cell in cells),
        down=sum(cell.down for cell in cells),
    )


def _numbers(lists: Iterable[str]) -> Iterator[int]:
    for listed in lists:
        if listed:
            yield from map(int, listed.split(","))


def nearest_rank(ascending: Sequence[int], percent: int) -> int | None:
    """Give the smallest value that so many percent do not exceed; None where nothing was measured."""
    return ascending[max(0, -(-len(ascending) * percent // 100) - 1)] if ascending else None


def _most_first(figures: Iterable[AgentFigures]) -> list[AgentFigures]:
    return sorted(figures, key=lambda entry: (-entry.messages, entry.name))
