"""Rows as they go over the wire."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from appliance.core.errors import ApplianceError, StoredProblem
from appliance.core.text import Language
from appliance.features.chat.repository import KnownConversation
from appliance.features.chat.repository.conversations import Reader
from appliance.features.chat.schemas import Conversation, ConversationMessage, Feedback, SharedWith
from appliance.features.chat.tables import MessageRow
from appliance.features.knowledge import GroundedSentence, Source, Usage

_EXCERPT = 160


class Details(msgspec.Struct, kw_only=True):
    """What a row keeps of an answer beside its words."""

    sources: list[Source] = []
    grounded: list[GroundedSentence] = []
    usage: Usage | None = None
    confidence: float | None = None
    reasoning: str | None = None
    decided_by: str | None = None
    notice: str | None = None
    partial: str | None = None
    nothing_found: bool = False
    language: str | None = None
    milliseconds: int | None = None
    first_token_ms: int | None = None
    answered_by: str | None = None


def to_conversation(
    known: KnownConversation,
    *,
    running: UUID | None = None,
    excerpt: str | None = None,
    readers: Sequence[Reader] = (),
) -> Conversation:
    """Show a conversation."""
    row = known.row
    is_owner = known.right == "owner"
    return Conversation(
        id=row.id,
        conversation_id=row.key,
        title=row.title,
        folder=row.folder if is_owner else None,
        archived=row.is_archived and is_owner,
        assistant=row.assistant,
        messages=row.messages,
        head=row.head_id,
        right="owner" if is_owner else "reader",
        owner=known.owner,
        running=running,
        created_at=row.created_at,
        updated_at=row.updated_at,
        excerpt=excerpt,
        readers=[SharedWith(user=one.user_id, group=one.group_id, name=one.name) for one in readers],
    )


def to_message(row: MessageRow, versions: Sequence[UUID], language: Language) -> ConversationMessage:
    """Show a message."""
    details = msgspec.convert(row.details, Details)
    problem = ApplianceError.restore(msgspec.convert(row.problem, StoredProblem)) if row.problem else None
    message = msgspec.convert(
        {
            "id": row.id,
            "parent_id": row.parent_id,
            "role": row.role,
            "content": row.content,
            "status": row.status,
            "created_at": row.created_at,
            "versions": list(versions) or [row.id],
            "agent": row.agent,
            "model": row.model,
            "mode": row.mode,
            "run_id": row.run_id,
            "decided_by": details.decided_by,
        },
        ConversationMessage,
    )
    for name in ("sources", "grounded", "usage", "confidence", "reasoning", "notice", "partial", "nothing_found"):
        setattr(message, name, getattr(details, name))
    message.language, message.milliseconds = details.language, details.milliseconds
    message.first_token_ms, message.answered_by = details.first_token_ms, details.answered_by
    message.error = problem.to_problem(language) if problem else None
    if row.rating in {"up", "down"}:
        message.feedback = Feedback(rating="up" if row.rating == "up" else "down", reason=row.reason)
    return message


def hide(message: ConversationMessage) -> ConversationMessage:
    """Leave nothing of an answer but the fact that there is one."""
    return ConversationMessage(
        id=message.id,
        parent_id=message.parent_id,
        role=message.role,
        content="",
        status=message.status,
        created_at=message.created_at,
        versions=message.versions,
        hidden=True,
    )


def excerpt_of(content: str | None, folded: str, words: Sequence[str]) -> str | None:
    """Cut the stretch around the first of some words out of a message. `folded` is the message as search sees it."""
    if content is None:
        return None
    places = [folded.find(word) for word in words]
    found = min((place for place in places if place >= 0), default=0)
    # Folding may change lengths a little (œ, accents): near enough for an excerpt.
    start = max(0, found - _EXCERPT // 3)
    cut = content[start : start + _EXCERPT].strip()
    return ("… " if start else "") + " ".join(cut.split()) + (" …" if start + _EXCERPT < len(content) else "")


def title_of(message: str) -> str:
    """Make a title of a message: its first line, at most sixty characters, cut between words."""
    line = next((" ".join(line.split()) for line in message.splitlines() if line.strip()), "")
    if len(line) <= 60:
        return line
    cut = line[:60].rpartition(" ")[0] or line[:60]
    return cut.rstrip(",;:.!? ") + " …"
