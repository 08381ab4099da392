"""What every DocumentWriter promises: the words stand in the file in order, and the file opens whatever they are."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - lxml ships no stubs

from appliance.engines.docx_document import DocxWriter
from appliance.engines.memory import MemoryDocumentWriter
from appliance.ports.document_writer import (
    Block,
    Code,
    DocumentWriter,
    Grid,
    Heading,
    Item,
    Paragraph,
    Quote,
    Rule,
    Span,
    WrittenDocument,
)

BLOCKS: list[Block] = [
    Heading(1, [Span("Réponse")]),
    Paragraph([Span("il y a "), Span("trois", bold=True), Span(" mois", italic=True)]),
    Item([Span("premier")], number=7),
    Item([Span("dedans")], level=3),
    Quote([Span("une citation")]),
    Code("if x:\n\tprint(1)"),
    Grid([[[Span("a")], [Span("b")]], [[Span("c")]]]),
    Rule(),
    Paragraph([Span("le 3 mars")], quiet=True),
]
HOSTILE = ["\x00\x08\x1f", "\ufffe\uffff", "\ud800", "\u202e", "]]>&<b>", "😀", "\r\n\x0b\x0c", ""]


@pytest.fixture(params=["memory", "docx"])
def writer(request: pytest.FixtureRequest) -> DocumentWriter:
    return {"memory": MemoryDocumentWriter, "docx": DocxWriter}[request.param]()


def document(blocks: list[Block], title: str = "Titre") -> WrittenDocument:
    return WrittenDocument(
        title=title, author="ada", language="fr", created_at=datetime(2026, 3, 1, tzinfo=UTC), blocks=blocks
    )


def words(writer: DocumentWriter, content: bytes) -> str:
    """Read a file back as text."""
    if writer.suffix == ".txt":
        return content.decode()
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(archive.read(name))
    body: Any = Document(BytesIO(content)).element.body
    return "\n".join(paragraph.text for paragraph in body.iter("{*}p"))


def test_every_block_stands_in_order(writer: DocumentWriter) -> None:
    text = words(writer, writer.write(document(BLOCKS)))
    places = [
        text.index(piece)
        for piece in ("Titre", "Réponse", "trois", "7.", "premier", "dedans", "une citation", "if x:", "le 3 mars")
    ]
    assert places == sorted(places)
    assert writer.suffix.startswith(".")
    assert "/" in writer.media_type


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_words_break_nothing(writer: DocumentWriter, piece: str) -> None:
    spans = [Span(f"before{piece}after")]
    blocks: list[Block] = [
        Heading(0, spans),
        Heading(99, spans),
        Paragraph(spans),
        Item(spans, level=500, number=10**12),
        Item(spans, level=-1),
        Quote(spans),
        Code(f"before{piece}after"),
        Grid([[spans]]),
        Grid([]),
        Grid([[], [spans]]),
    ]
    text = words(writer, writer.write(document(blocks, title=f"{piece}{'t' * 500}")))
    assert text.count("before") == text.count("after") == 9


def test_a_document_may_be_huge(writer: DocumentWriter) -> None:
    blocks: list[Block] = [
        Paragraph([Span("word " * 200_000)]),
        Grid([[[Span(f"cell{number}")] for number in range(100)]]),
        *(Paragraph([Span("line")]) for _ in range(1_000)),
    ]
    text = words(writer, writer.write(document(blocks)))
    assert text.count("word") == 200_000
    assert "cell0" in text
    assert "cell99" in text


def test_docx_keeps_looks_and_facts() -> None:
    made: Any = Document(BytesIO(DocxWriter().write(document(BLOCKS))))
    assert (made.core_properties.title, made.core_properties.author) == ("Titre", "ada")
    assert made.core_properties.language == "fr-FR"
    runs = {run.text: run for paragraph in made.paragraphs for run in paragraph.runs}
    assert runs["trois"].bold
    assert runs[" mois"].italic
    assert runs["if x:\n\tprint(1)"].font.name == "Consolas"
    assert [paragraph.style.name for paragraph in made.paragraphs][:2] == ["Title", "Heading 1"]
    assert [cell.text for row in made.tables[0].rows for cell in row.cells] == ["a", "b", "c", ""]
