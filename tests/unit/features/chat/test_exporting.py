from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from appliance.core.text import Language
from appliance.engines.memory import MemoryDocumentWriter
from appliance.features.chat.exporting import ExportFormat, ExportService, filename_of, say_moment
from appliance.features.chat.schemas import Attachment, Conversation, ConversationMessage
from appliance.features.knowledge import Source

AT = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)


def conversation(title: str = "Le préavis", documents: tuple[str, ...] = ()) -> Conversation:
    return Conversation(
        id=uuid4(),
        conversation_id="c-1",
        title=title,
        folder=None,
        archived=False,
        assistant=None,
        messages=2,
        head=None,
        right="owner",
        owner="ada",
        running=None,
        created_at=AT,
        updated_at=AT,
        attachments=[Attachment(file_id=uuid4(), filename=name, status="indexed") for name in documents],
    )


def message(content: str, role: str = "assistant", **more: Any) -> ConversationMessage:
    facts: dict[str, Any] = {
        "id": uuid4(), "parent_id": None, "role": role, "content": content, "status": "done", "created_at": AT,
        "versions": [], **more,
    }  # fmt: skip
    return ConversationMessage(**facts)


def source(**more: Any) -> Source:
    facts: dict[str, Any] = {
        "number": 1, "document": "contrat_*.pdf", "file_id": UUID(int=1), "page": 3, "score": 0.5,
        "quote": "trois\n mois ![x](http://a.test)", "chunk_id": UUID(int=2), "locator": None, "headings": [], "start": 0,
        "end": 4, "collection": UUID(int=3), "scores": dict.fromkeys(("dense", "lexical", "fused", "reranked"), 0.5), **more,
    }  # fmt: skip
    return msgspec.convert(facts, Source)


async def exported(
    messages: list[ConversationMessage],
    wanted: ExportFormat = "md",
    language: Language = "fr",
    title: str = "Le préavis",
    documents: tuple[str, ...] = (),
) -> str:
    service = ExportService(MemoryDocumentWriter())
    made = await service.export(conversation(title, documents), messages, wanted, language)
    return made.content.decode()


async def test_markdown_holds_who_said_what_and_when() -> None:
    text = await exported(
        [
            message("Combien de temps ?", "user"),
            message("**Trois mois** [1].", agent="audrey", mode="llm", sources=[source()]),
            message("Bien vu.", agent="escalate", mode="person"),
            message("Oui.", agent="escalate", mode="person", answered_by="camille"),
            message("Je", agent="conversation", status="interrupted"),
        ]
    )
    assert text.startswith("# Le préavis\n\nConversation de ada, exportée le ")
    assert "**ada** · 1er mars 2026 à 9 h 05 (UTC)\n\nCombien de temps ?\n" in text
    assert "**Audrey** · " in text
    assert "**Trois mois** [1]." in text
    assert "Sources citées :\n\n1. **contrat\\_\\*.pdf**, p. 3 — « trois mois !\\[x\\](http://a.test) »\n" in text
    assert "**Une personne de l’équipe** · " in text
    assert "**camille** · " in text
    assert "**L’assistant** · " in text
    assert "_Cette réponse a été interrompue._\n\nJe\n" in text


async def test_english_is_said_in_english() -> None:
    text = await exported([message("Three [1].", sources=[source(page=None, quote="three")])], language="en")
    assert "Conversation of ada, exported on " in text
    assert "**Assistant** · 1 March 2026, 09:05 (UTC)" in text
    assert "Sources:\n\n1. **contrat\\_\\*.pdf** — “three”" in text


async def test_what_is_hidden_stays_hidden() -> None:
    hidden = message("secret", hidden=True, sources=[source(quote="secret")])
    for wanted in ("md", "docx"):
        text = await exported([hidden], wanted)
        assert "secret" not in text
        assert "que vous ne pouvez pas lire" in text


async def test_json_is_what_the_api_gives() -> None:
    held = msgspec.json.decode(await exported([message("Oui\x00\x1b", sources=[source()])], "json"))
    assert (held["format"], held["version"]) == ("appliance-conversation", 1)
    assert held["conversation"]["title"] == "Le préavis"
    assert held["messages"][0]["content"] == "Oui\x00\x1b"
    assert held["messages"][0]["sources"][0]["page"] == 3


async def test_a_document_holds_the_same() -> None:
    text = await exported([message("# Bref\n\n- trois\n\n```\nx\n```", agent="audrey", sources=[source()])], "docx")
    lines = text.split("\n")
    assert lines[0] == "Le préavis"
    assert lines[2:] == [
        "---", "# Audrey", "1er mars 2026 à 9 h 05 (UTC)", "## Bref", "- trois", "x", "## Sources citées",
        "1. contrat_*.pdf, p. 3 — « trois mois ![x](http://a.test) »",
    ]  # fmt: skip


async def test_documents_of_the_conversation_are_listed() -> None:
    documents = ("bail_2026.pdf", "deux\nlignes.txt")
    text = await exported([message("Oui")], documents=documents)
    assert "\n\nDocuments de la conversation :\n\n- bail\\_2026.pdf\n- deux lignes.txt\n\n---\n" in text
    text = await exported([message("Yes")], "docx", "en", documents=documents)
    assert "\n## Documents of the conversation\n- bail_2026.pdf\n- deux lignes.txt\n---\n" in text
    assert "Documents de la conversation" not in await exported([message("Oui")])


async def test_one_message_does_not_spoil_the_next() -> None:
    text = await exported([message("```\nopen"), message("<script>x</script>\ufffe")], title="# <b>\n```")
    assert text.startswith("# \\# \\<b\\> \\`\\`\\`\n")
    assert "```\nopen\n```\n\n---\n" in text
    assert "\\<script>x\\</script>\n" in text


@pytest.mark.parametrize(
    "title,name",
    [
        ("Le préavis : l’été à Noël ?", "le-preavis-l-ete-a-noel"),
        ("../../etc/passwd", "etc-passwd"),
        ('a"b\r\nX: y', "a-b-x-y"),
        ("CON", "conversation-con"),
        ("日本", "conversation"),
        ("", "conversation"),
        ("x" * 500, "x" * 60),
    ],
)
def test_a_filename_is_safe(title: str, name: str) -> None:
    assert filename_of(title) == name


def test_moments_are_said_in_utc() -> None:
    moment = datetime(2026, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-1)))
    assert say_moment(moment, "fr") == "1er janvier 2027 à 0 h 30 (UTC)"
    assert say_moment(moment, "en") == "1 January 2027, 00:30 (UTC)"
