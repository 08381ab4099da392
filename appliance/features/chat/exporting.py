"""A conversation as a file: Markdown, JSON, or a document for a word processor, with what its answers rest on."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec

from appliance.core.database import now
from appliance.core.text import Language, Text
from appliance.features.chat.markdown import blocks_of, clean, tame
from appliance.features.chat.schemas import Conversation, ConversationMessage
from appliance.features.chat.words import searchable
from appliance.features.knowledge import Source
from appliance.ports.document_writer import (
    Block,
    DocumentWriter,
    Heading,
    Item,
    Paragraph,
    Rule,
    Span,
    WrittenDocument,
)

ExportFormat = Literal["md", "json", "docx"]

_ASSISTANT = Text("Assistant", "L’assistant")
_COLLEAGUE = Text("A colleague", "Une personne de l’équipe")
_EXPORTED = Text("Conversation of {owner}, exported on {date}", "Conversation de {owner}, exportée le {date}")
_ATTACHED = Text("Documents of the conversation", "Documents de la conversation")
_SOURCES = Text("Sources", "Sources citées")
_PAGE = Text(", page {page}", ", p. {page}")
_HIDDEN = Text(
    "This answer rests on a document that you may not read.",
    "Cette réponse repose sur un document que vous ne pouvez pas lire.",
)
_NOTES: dict[str, Text] = {
    "writing": Text("This answer was still being written.", "Cette réponse était encore en cours de rédaction."),
    "stopped": Text("This answer was stopped.", "Cette réponse a été arrêtée."),
    "failed": Text("This answer failed.", "Cette réponse a échoué."),
    "interrupted": Text("This answer was interrupted.", "Cette réponse a été interrompue."),
}
_MONTHS = (
    Text("January", "janvier"),
    Text("February", "février"),
    Text("March", "mars"),
    Text("April", "avril"),
    Text("May", "mai"),
    Text("June", "juin"),
    Text("July", "juillet"),
    Text("August", "août"),
    Text("September", "septembre"),
    Text("October", "octobre"),
    Text("November", "novembre"),
    Text("December", "décembre"),
)
_NOT_PEOPLE = frozenset({"conversation", "escalate", "auto"})
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)$")  # names that Windows keeps for itself
_LONGEST_NAME = 60
_MARKDOWN_MARKS = re.compile(r"([\\`*_\[\]<>#|])")


class Exported(msgspec.Struct, frozen=True):
    """A file; its name is safe on every system and in a header."""

    content: bytes
    media_type: str
    filename: str


class ConversationFile(msgspec.Struct, kw_only=True):
    """What the JSON export holds."""

    format: Literal["appliance-conversation"] = "appliance-conversation"
    version: int = 1
    exported_at: datetime
    conversation: Conversation
    messages: list[ConversationMessage]


class ExportService:
    """Writes what it is given; who may read it was asked before."""

    def __init__(self, writer: DocumentWriter) -> None:
        """`writer` makes the document for word processors."""
        self._writer = writer

    async def export(
        self,
        conversation: Conversation,
        messages: list[ConversationMessage],
        format: ExportFormat,  # noqa: A002 - as the query parameter is called
        language: Language,
    ) -> Exported:
        """Write the messages of a branch, first to last, away from the event loop."""
        return await asyncio.to_thread(self._export, conversation, messages, format, language)

    def _export(
        self,
        conversation: Conversation,
        messages: list[ConversationMessage],
        wanted: ExportFormat,
        language: Language,
    ) -> Exported:
        moment = now()
        match wanted:
            case "json":
                held = ConversationFile(exported_at=moment, conversation=conversation, messages=messages)
                content = msgspec.json.format(msgspec.json.encode(held), indent=2)
                media_type, suffix = "application/json", ".json"
            case "md":
                content = _markdown(conversation, messages, language, moment).encode()
                media_type, suffix = "text/markdown; charset=utf-8", ".md"
            case "docx":
                content = self._writer.write(_document(conversation, messages, language, moment))
                media_type, suffix = self._writer.media_type, self._writer.suffix
        return Exported(content, media_type, filename_of(conversation.title) + suffix)


def filename_of(title: str) -> str:
    """Make a name that every file system and every header takes."""
    name = _NOT_IN_NAMES.sub("-", searchable(title)).strip("-")[:_LONGEST_NAME].strip("-")
    return f"conversation-{name}".strip("-") if not name or _RESERVED.match(name) else name


def say_moment(moment: datetime, language: Language) -> str:
    """Say a moment in UTC the way people write it."""
    at = moment.astimezone(UTC)
    month = _MONTHS[at.month - 1].say(language)
    if language == "fr":
        day = "1er" if at.day == 1 else str(at.day)
        return f"{day} {month} {at.year} à {at.hour} h {at.minute:02} (UTC)"
    return f"{at.day} {month} {at.year}, {at.hour:02}:{at.minute:02} (UTC)"


def _speaker(conversation: Conversation, message: ConversationMessage, language: Language) -> str:
    if message.role == "user":
        return conversation.owner
    if message.mode == "person":
        return message.answered_by or _COLLEAGUE.say(language)
    if message.agent and message.agent not in _NOT_PEOPLE:
        return message.agent.capitalize()
    return _ASSISTANT.say(language)


def _head(conversation: Conversation, language: Language, moment: datetime) -> str:
    return _EXPORTED.say(language, owner=clean(conversation.owner), date=say_moment(moment, language))


def _notes(message: ConversationMessage, language: Language) -> Iterator[str]:
    if message.hidden:
        yield _HIDDEN.say(language)
    if message.status in _NOTES:
        yield _NOTES[message.status].say(language)
    if message.notice:
        yield _one_line(message.notice)


def _source(source: Source, language: Language) -> tuple[str, str, str]:
    """Give a source's document, its page in words, and its quote."""
    page = "" if source.page is None else _PAGE.say(language, page=source.page)
    quote = _one_line(source.quote)
    return _one_line(source.document), page, f"« {quote} »" if language == "fr" else f"“{quote}”"


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _markdown(
    conversation: Conversation, messages: list[ConversationMessage], language: Language, moment: datetime
) -> str:
    lines = [f"# {_plain(conversation.title)}", "", _plain(_head(conversation, language, moment)), ""]
    if conversation.attachments:
        lines += [_said(_ATTACHED, language), ""]
        lines += [f"- {_plain(one.filename)}" for one in conversation.attachments] + [""]
    for message in messages:
        speaker = _plain(_speaker(conversation, message, language))
        lines += ["---", "", f"**{speaker}** · {say_moment(message.created_at, language)}", ""]
        for note in _notes(message, language):
            lines += [f"_{_plain(note)}_", ""]
        if message.hidden:
            continue
        lines += [tame(message.content).strip("\n"), ""]
        if message.sources:
            lines += [_said(_SOURCES, language), ""]
            for source in message.sources:
                document, page, quote = _source(source, language)
                lines.append(f"{source.number}. **{_plain(document)}**{page} — {_plain(quote)}")
            lines.append("")
    return "\n".join(lines)


def _said(words: Text, language: Language) -> str:
    return f"{words.say(language)} :" if language == "fr" else f"{words.say(language)}:"


def _plain(text: str) -> str:
    """Words that stay words in Markdown."""
    return _MARKDOWN_MARKS.sub(r"\\\1", _one_line(text))


def _document(
    conversation: Conversation, messages: list[ConversationMessage], language: Language, moment: datetime
) -> WrittenDocument:
    blocks: list[Block] = [Paragraph([Span(_head(conversation, language, moment))], quiet=True)]
    if conversation.attachments:
        blocks.append(Heading(2, [Span(_ATTACHED.say(language))]))
        blocks += [Item([Span(_one_line(one.filename))]) for one in conversation.attachments]
    for message in messages:
        blocks += _message_blocks(conversation, message, language)
    return WrittenDocument(
        title=_one_line(conversation.title),
        author=clean(conversation.owner),
        language=language,
        created_at=moment,
        blocks=blocks,
    )


def _message_blocks(conversation: Conversation, message: ConversationMessage, language: Language) -> Iterator[Block]:
    yield Rule()
    yield Heading(1, [Span(clean(_speaker(conversation, message, language)))])
    yield Paragraph([Span(say_moment(message.created_at, language))], quiet=True)
    for note in _notes(message, language):
        yield Paragraph([Span(note, italic=True)])
    if message.hidden:
        return
    yield from blocks_of(message.content, below=1)
    if message.sources:
        yield Heading(2, [Span(_SOURCES.say(language))])
        for source in message.sources:
            document, page, quote = _source(source, language)
            words = [Span(document, bold=True), Span(f"{page} — "), Span(quote, italic=True)]
            yield Item(words, number=source.number)
