"""PDF: rows of tables stay together, columns of prose stay apart, boxes lie where the words are."""

import io

import pypdf
import pytest

from appliance.engines.reading.pdf import read_pdf
from appliance.engines.reading.source import Limits, Reading, Source
from appliance.ports.parser import Section
from tests import made_files as made
from tests.made_files import Placed


def read(content: bytes) -> tuple[Reading, list[Section]]:
    reading = read_pdf(
        Source(content, filename="a.pdf", limits=Limits()), lambda _source: pytest.fail("no attachments")
    )
    return reading, list(reading.sections)


def read_page(placed: list[Placed]) -> str:
    return read(made.pdf([placed]))[1][0].text


def prose(left: float, top: float, *lines: str, leading: float = 12) -> list[Placed]:
    return [(left, top - leading * number, line) for number, line in enumerate(lines)]


STATEMENT: list[Placed] = [
    (420, 700, "2015"),
    (500, 700, "2016"),
    (40, 680, "Net product sales"),
    (400, 680, "$"),
    (420, 680, "79,268"),
    (480, 680, "$"),
    (500, 680, "94,665"),
    (40, 660, "Interest expense"),
    (420, 660, "(459)"),
    (500, 660, "(484)"),
    (40, 640, "Rate"),
    (420, 640, "6.1"),
    (438, 640, "%"),
    (500, 640, "6.8"),
    (518, 640, "%"),
]


@pytest.mark.parametrize("order", [1, -1], ids=["row by row", "backwards"])
def test_a_row_of_a_table_is_a_line_whatever_the_order_in_the_file(order: int) -> None:
    assert read_page(STATEMENT[::order]).split("\n") == [
        "2015\t2016",
        "Net product sales\t$ 79,268\t$ 94,665",
        "Interest expense\t(459)\t(484)",
        "Rate\t6.1%\t6.8%",
    ]


def test_a_table_written_column_by_column_is_still_read_by_rows() -> None:
    by_column = sorted(STATEMENT, key=lambda placed: (placed[0] > 50, placed[0] > 450, -placed[1], placed[0]))
    assert "Interest expense\t(459)\t(484)" in read_page(by_column).split("\n")


def test_signs_after_the_amount_go_with_the_amount() -> None:
    row: list[Placed] = [(40, 600, "Ventes"), (300, 600, "12,5"), (330, 600, "€"), (400, 600, "14,0"), (430, 600, "€")]
    assert read_page(row) == "Ventes\t12,5 €\t14,0 €"


LEFT = (
    "The first column begins here and goes on",
    "for several lines of ordinary prose that",
    "fill its width as justified text does, so",
    "that nobody could take it for a table of",
    "figures, and then it ends.",
)
RIGHT = (
    "The second column has its own sentences",
    "which must not be torn apart by reading",
    "across the page, line after line, as if",
    "both columns were one table with two very",
    "long cells in each row.",
)


@pytest.mark.parametrize("interleaved", [False, True])
def test_columns_of_prose_are_read_one_after_the_other(*, interleaved: bool) -> None:
    left, right = prose(60, 600, *LEFT), prose(320, 600, *RIGHT)
    body = [one for pair in zip(left, right, strict=True) for one in pair] if interleaved else left + right
    heading: list[Placed] = [(150, 660, "A heading that runs across both of the columns of this page")]
    foot: list[Placed] = [(290, 60, "12")]
    text = " ".join(read_page(heading + body + foot).split())
    assert text.startswith("A heading that runs")
    assert " ".join(LEFT) in text
    assert " ".join(RIGHT) in text
    assert text.index("and then it ends") < text.index("The second column")


def test_wrapped_lines_flow_and_paragraphs_stay_apart() -> None:
    text = read_page(
        prose(
            60,
            700,
            "This paragraph is wrapped where the line is full, and so its second",
            "line goes on with the same sentence until it ends here.",
            "A short one.",
        )
        + prose(60, 640, "After a gap a new paragraph begins, and it is not joined to the other")
    )
    assert "full, and so its second line goes on" in text
    assert "\n\nAfter a gap" in text
    assert "\nA short one." in text


@pytest.mark.parametrize(
    "first, second, expected",
    [
        (
            "a long line that ends in a word cut by the infor-",
            "mation that follows on the next line of it all",
            "information",
        ),
        (
            "it is peut-être so, and a long line ends in peut-",
            "être again and goes on for a good while longer",
            "peut-être again",
        ),
        (
            "the wholly owned firm is mentioned; now a wholly-",
            "owned firm again and on it goes for a long time",
            "wholly-owned firm",
        ),
    ],
)
def test_words_cut_at_the_end_of_a_line_are_whole_again(first: str, second: str, expected: str) -> None:
    assert expected in read_page(prose(60, 700, first, second, "and a last line to give the paragraph its width here"))


def test_bullets_and_numbers_go_with_their_lines() -> None:
    text = read_page([(60, 700, "•"), (90, 700, "first point"), (60, 680, "2."), (90, 680, "second point")])
    assert text.split("\n") == ["• first point", "2. second point"]


@pytest.mark.parametrize("turns", [0, 90, 180, 270])
def test_boxes_lie_where_the_words_are_shown(turns: int) -> None:
    content = made.pdf([[(72, 720, "Marked words")]]).replace(
        b"/MediaBox[0 0 612 792]", b"/MediaBox[0 0 612 792]/Rotate %d" % turns
    )
    (line,) = read(content)[1][0].lines
    left, top = 72 / 612, 1 - 730 / 792
    right, bottom = 140 / 612, 1 - 716 / 792
    expected = {
        0: (left, top, right, bottom),
        90: (1 - bottom, left, 1 - top, right),
        180: (1 - right, 1 - bottom, 1 - left, 1 - top),
        270: (top, 1 - right, bottom, 1 - left),
    }[turns]
    assert (line.left, line.top, line.right, line.bottom) == pytest.approx(expected, abs=0.02)


def test_boxes_count_from_the_visible_part_of_the_page() -> None:
    content = made.pdf([[(306, 396, "Middle")]]).replace(
        b"/MediaBox[0 0 612 792]", b"/MediaBox[0 0 612 792]/CropBox[206 296 406 496]"
    )
    (line,) = read(content)[1][0].lines
    assert line.left == pytest.approx(0.5, abs=0.01)
    assert line.top < 0.5 < line.bottom + 0.02


def test_a_page_written_sideways_is_read_and_marked() -> None:
    content = made.pdf_with_content(
        b"BT /F1 10 Tf 0 1 -1 0 100 100 Tm (Sideways words) Tj ET\n"
        b"BT /F1 10 Tf 0 1 -1 0 115 100 Tm (of a second line) Tj ET",
        filters=b"[]",
    )
    section = read(content)[1][0]
    assert section.text == "Sideways words\nof a second line"
    first, second = section.lines
    assert first.right <= second.left + 0.01
    assert first.bottom == pytest.approx(1 - 100 / 792, abs=0.02)


def test_running_heads_and_page_numbers_go_but_for_the_first() -> None:
    pages = [
        [(60, 760, "Annual report of the company"), (60, 600, f"Page of matter {word}"), (300, 30, str(number + 7))]
        for number, word in enumerate(("one", "two", "three", "four", "five", "six"))
    ]
    sections = read(made.pdf(pages))[1]
    assert sections[0].text == "Annual report of the company\n\nPage of matter one"
    assert [section.text for section in sections[1:]] == [
        f"Page of matter {w}" for w in ("two", "three", "four", "five", "six")
    ]
    for section in sections:
        assert section.lines[-1].end == len(section.text)


def test_figures_at_the_foot_of_pages_are_no_page_numbers() -> None:
    pages = [[(60, 600, f"Matter {number}"), (300, 30, str(number * number * 37))] for number in range(8)]
    assert [section.text.split("\n")[-1] for section in read(made.pdf(pages))[1]] == [str(n * n * 37) for n in range(8)]


def test_the_outline_gives_headings_and_cuts_pages_where_parts_begin() -> None:
    pages = [
        [(60, 700, "Chapter One"), (60, 650, "Its matter.")],
        [(60, 700, "Still chapter one."), (60, 500, "1.1 Details"), (60, 450, "More matter.")],
    ]
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(made.pdf(pages))))
    chapter = writer.add_outline_item(title="Chapter One", page_number=0)
    writer.add_outline_item(title="1.1 Details", page_number=1, parent=chapter)
    output = io.BytesIO()
    writer.write(output)
    sections = read(output.getvalue())[1]
    assert [(section.page, section.headings, section.text.split("\n")[0]) for section in sections] == [
        (1, ("Chapter One",), "Chapter One"),
        (2, ("Chapter One",), "Still chapter one."),
        (2, ("Chapter One", "1.1 Details"), "1.1 Details"),
    ]
    assert sections[2].lines[0].start == 0


def test_without_an_outline_what_stands_out_gives_the_headings() -> None:
    body = [
        (60.0, 600.0 - 20 * line, f"An ordinary line of the matter, number {line} of several.") for line in range(6)
    ]
    pages = [
        [(60, 700, "CONSOLIDATED BALANCE SHEET"), *body],
        body,
        [*body, (60, 300, "NOTES TO THE STATEMENTS")],
        body,
    ]
    assert [section.headings for section in read(made.pdf(pages))[1]] == [
        ("CONSOLIDATED BALANCE SHEET",),
        ("CONSOLIDATED BALANCE SHEET",),
        ("NOTES TO THE STATEMENTS",),
        ("NOTES TO THE STATEMENTS",),
    ]


@pytest.mark.parametrize(
    "title, expected",
    [
        ("Rapport annuel", "Rapport annuel"),
        ("Microsoft Word - draft3.docx", None),
        ("0001018724-18-000005", None),
        ("untitled", None),
        ("report_final.pdf", None),
    ],
)
def test_a_title_is_one_a_person_wrote(title: str, expected: str | None) -> None:
    assert read(made.pdf([[(72, 700, "words")]], title=title))[0].title == expected


def test_form_fields_are_read_with_their_labels() -> None:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</Font<</F1 3 0 R>>>>/Annots[6 0 R]>>"
    label = b"BT /F1 10 Tf 60 700 Td (Name:) Tj ET"
    shown = b"BT /F1 10 Tf 2 4 Td (Marie Curie) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        page,
        b"<</Length %d>>stream\n%s\nendstream" % (len(label), label),
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Marie Curie)/Rect[100 696 300 712]/F 4/AP<</N 7 0 R>>>>",
        b"<</Type/XObject/Subtype/Form/BBox[0 0 200 16]/Resources<</Font<</F1 3 0 R>>>>/Length %d>>stream\n%s\nendstream"
        % (len(shown), shown),
    ]
    assert read(made.assemble_pdf(objects))[1][0].text == "Name: Marie Curie"


def test_only_pages_that_are_pictures_are_left_for_text_recognition() -> None:
    writer = pypdf.PdfWriter()
    for content in (
        made.pdf([[(72, 700, "A page of text, enough of it to be one.")]]),
        made.scanned_pdf(made.picture_of_text("x")),
    ):
        writer.append(io.BytesIO(content))
    output = io.BytesIO()
    writer.write(output)
    reading, sections = read(output.getvalue())
    assert reading.unread == [2]
    assert [section.page for section in sections] == [1]


def test_ligatures_soft_hyphens_and_odd_spaces_are_plain() -> None:
    to_unicode = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
        b"4 beginbfchar <41> <FB01> <42> <00AD> <43> <202F> <44> <0065> endbfchar endcmap end"
    )
    content = b"BT /F1 10 Tf 60 700 Td (AD) Tj ET BT /F1 10 Tf 60 680 Td (DBD) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</Font<</F1 3 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Length %d>>stream\n%s\nendstream" % (len(to_unicode), to_unicode),
    ]
    section = read(made.assemble_pdf(objects))[1][0]
    assert section.text.split("\n") == ["fie", "ee"]
    assert [section.text[line.start : line.end] for line in section.lines] == ["fie", "ee"]
