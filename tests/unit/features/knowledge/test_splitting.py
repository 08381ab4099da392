import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.knowledge.sentences import find_sentences
from appliance.features.knowledge.splitting import Chunk, header_of, split_document, title_of
from appliance.ports.parser import SECTION_BREAK, Locator, ParsedDocument, Section


def document(*sections: Section, title: str | None = None) -> ParsedDocument:
    """Lay sections one after the other, as readers do."""
    placed: list[Section] = []
    start = 0
    for section in sections:
        placed.append(
            Section(
                text=section.text,
                start=start,
                page=section.page,
                headings=section.headings,
                locator=section.locator,
                kind=section.kind,
            )
        )
        start += len(section.text) + len(SECTION_BREAK)
    return ParsedDocument(media_type="text/plain", title=title, pages=None, sections=tuple(placed))


def prose(text: str, **places: object) -> Section:
    return Section(text=text, start=0, **places)  # pyright: ignore[reportArgumentType]


def whole_text(parsed: ParsedDocument) -> str:
    return SECTION_BREAK.join(section.text for section in parsed.sections)


SENTENCES = " ".join(f"Sentence number {number} tells of something else entirely." for number in range(60))
_pieces = st.text(alphabet="aé0 .!?\n\t«»’'", max_size=400)


@given(st.lists(st.tuples(_pieces, st.booleans(), st.sampled_from([None, 1, 2])), max_size=6))
def test_a_passage_is_the_documents_own_text_at_its_place(parts: list[tuple[str, bool, int | None]]) -> None:
    parsed = document(
        *(Section(text=text, start=0, page=page, kind="table" if table else "prose") for text, table, page in parts)
    )
    text = whole_text(parsed)
    chunks = split_document(parsed, characters=80, overlap=20)
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert len(chunk.text) <= 160
    covered = {index for chunk in chunks for index in range(chunk.start, chunk.end)}
    assert not [letter for index, letter in enumerate(text) if not letter.isspace() and index not in covered]


def test_no_sentence_is_cut_and_the_next_passage_repeats_the_last_ones() -> None:
    chunks = split_document(document(prose(SENTENCES)), characters=300, overlap=80)
    ends = {span.end for span in find_sentences(SENTENCES)}
    starts = {span.start for span in find_sentences(SENTENCES)}
    assert len(chunks) > 5
    assert all(chunk.start in starts and chunk.end in ends for chunk in chunks)
    for before, after in itertools.pairwise(chunks):
        assert 0 < before.end - after.start <= 80


def test_rows_are_whole_and_not_repeated() -> None:
    rows = "\n".join(f"Year: {1980 + number} · Revenue: {number} million" for number in range(40))
    chunks = split_document(document(Section(text=rows, start=0, kind="table")), characters=200, overlap=80)
    assert "\n".join(chunk.text for chunk in chunks) == rows


@pytest.mark.parametrize(
    "first,second",
    [
        ({"page": 1}, {"page": 2}),
        ({"headings": ("One",)}, {"headings": ("Two",)}),
        ({"locator": Locator("slide", "1")}, {"locator": Locator("slide", "2")}),
        ({"locator": Locator("sheet", "A, 1-2")}, {"locator": Locator("sheet", "B, 1-2")}),
    ],
)
def test_a_passage_crosses_no_page_chapter_slide_or_sheet(first: dict[str, object], second: dict[str, object]) -> None:
    chunks = split_document(document(prose("Here.", **first), prose("There.", **second)))
    assert [chunk.text for chunk in chunks] == ["Here.", "There."]


def test_short_neighbours_under_one_chapter_share_a_passage() -> None:
    parts = [prose(f"Step {number}.", page=1, headings=("Manual", f"Part {number}")) for number in range(4)]
    (only,) = split_document(document(*parts))
    assert only.text == "Step 0.\n\nStep 1.\n\nStep 2.\n\nStep 3."
    assert (only.page, only.headings) == (1, ("Manual", "Part 0"))


def test_a_sentence_without_end_is_cut_at_white_space() -> None:
    endless = "word " * 500
    chunks: list[Chunk] = split_document(document(prose(endless)), characters=200, overlap=50)
    assert all(re.fullmatch(r"(word ?)+", chunk.text) and len(chunk.text) <= 200 for chunk in chunks)


@pytest.mark.parametrize(
    "title,filename,headings,header",
    [
        (None, "AnnualReport2022_10K.pdf", (), "Annual Report 2022 10K"),
        ("Annual report 2022", "annual_report-2022.pdf", ("Revenue",), "Annual report 2022 · Revenue"),
        ("Congés", "IMG.png", (), "Congés · IMG"),
        (None, "1.pdf", (), ""),
    ],
)
def test_the_header_names_document_and_heading_once(
    title: str | None, filename: str, headings: tuple[str, ...], header: str
) -> None:
    assert header_of(title, filename, headings) == header


def test_a_document_without_title_is_named_by_a_first_line_that_reads_like_one() -> None:
    assert title_of(document(prose("Rapport annuel\nLe reste."))) == "Rapport annuel"
    assert title_of(document(prose("word " * 60))) == "word " * 19 + "word…"
    assert title_of(document(prose("12 345\nthe rest"))) is None
    assert title_of(document(prose("1234\nwords"))) is None
    assert title_of(document(prose("Body."), title="Its own")) == "Its own"
