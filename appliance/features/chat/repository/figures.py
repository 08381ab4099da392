"""SQL over what answers took: by day, agent and model, and a person's day; the same on both databases."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, case, cast, func, select, text

from appliance.core.database import Transaction
from appliance.features.chat.repository.extras import lock_person
from appliance.features.chat.tables import TurnRow
from appliance.features.identity import UserRow

_COUNTED = (
    "agent",
    "attempts",
    "completion_tokens",
    "confidence",
    "first_token_ms",
    "mode",
    "prompt_tokens",
    "rating",
    "status",
    "total_ms",
)


class Cell(NamedTuple):
    """What one agent did with one model on one day. The milliseconds measured come as text, comma by comma."""

    day: str
    agent: str
    model: str
    messages: int
    prompt_tokens: int
    completion_tokens: int
    confidence: float
    """The sum of what was measured."""
    confident: int
    """How often it was."""
    fallbacks: int
    extractive: int
    failures: int
    escalations: int
    up: int
    down: int
    first_token_ms: str
    total_ms: str


class PersonDay(NamedTuple):
    """What a person has used."""

    user_id: UUID
    username: str
    messages: int
    tokens: int


class FigureRepository:
    """Figures from the table of turns; no word of a conversation is in it."""

    async def cells(self, transaction: Transaction, *, since: datetime, until: datetime) -> list[Cell]:
        """Count a time, in one pass over its turns: the database does the work, on its own thread."""
        turn = TurnRow
        named = (
            select(
                _day(transaction).label("day"),
                func.coalesce(turn.agent, "").label("named_agent"),
                func.coalesce(turn.model, "").label("named_model"),
                *(turn.__table__.c[name] for name in _COUNTED),
            )
            .where(turn.at >= since, turn.at < until)
            .subquery()
        )
        column = named.c
        parts = (column.day, column.named_agent, column.named_model)
        statement = select(
            *parts,
            func.count(),
            func.sum(column.prompt_tokens),
            func.sum(column.completion_tokens),
            func.coalesce(func.sum(column.confidence), 0.0),
            func.count(column.confidence),
            _how_many(column.attempts > 1),
            _how_many(column.mode == "extractive"),
            _how_many(column.status.in_(("failed", "interrupted"))),
            _how_many(column.agent == "escalate"),
            _how_many(column.rating == "up"),
            _how_many(column.rating == "down"),
            _listed(column.first_token_ms),
            _listed(column.total_ms),
        ).group_by(*parts)
        return [Cell(*row) for row in await transaction.execute(statement)]

    async def used(self, transaction: Transaction, user_id: UUID, *, since: datetime, locked: bool) -> tuple[int, int]:
        """Count a person's messages and tokens; `locked`: nobody adds to them before this transaction ends."""
        if locked:
            await lock_person(transaction, user_id)
        statement = select(func.count(), _tokens()).where(TurnRow.owner_id == user_id, TurnRow.at >= since)
        messages, tokens = (await transaction.execute(statement)).one()
        return int(messages), int(tokens)

    async def everybody(
        self, transaction: Transaction, *, since: datetime, limit: int, offset: int
    ) -> tuple[list[PersonDay], int]:
        """Count for everybody there is, whoever used most first."""
        total = await transaction.scalar(select(func.count()).select_from(UserRow))
        tokens, messages = _tokens(), func.count(TurnRow.id)
        statement = (
            select(UserRow.id, UserRow.username, messages, tokens)
            .join(TurnRow, and_(TurnRow.owner_id == UserRow.id, TurnRow.at >= since), isouter=True)
            .group_by(UserRow.id, UserRow.username)
            .order_by(tokens.desc(), messages.desc(), UserRow.username)
            .limit(limit)
            .offset(offset)
        )
        rows = await transaction.execute(statement)
        return [PersonDay(row[0], row[1], int(row[2]), int(row[3])) for row in rows], total or 0


def _tokens() -> ColumnElement[int]:
    return func.coalesce(func.sum(TurnRow.prompt_tokens + TurnRow.completion_tokens), 0)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _listed(measure: ColumnElement[Any]) -> ColumnElement[str]:
    return func.coalesce(func.aggregate_strings(cast(measure, String()), ","), "")


def _day(transaction: Transaction) -> ColumnElement[str]:
    """Name the day of a turn in UTC: SQLite keeps moments as text in UTC."""
    if transaction.get_bind().dialect.name == "sqlite":
        return func.substr(TurnRow.at, 1, 10, type_=String())
    return func.to_char(func.timezone(text("'UTC'"), TurnRow.at), text("'YYYY-MM-DD'"), type_=String())
