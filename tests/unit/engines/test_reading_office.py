"""Office and OpenDocument files: headings, lists, tables and notes come out as people see them."""

import datetime as dt
import io

import openpyxl
import pytest

from appliance.engines.reading.archives import Archive
from appliance.engines.reading.docx import read_docx
from appliance.engines.reading.errors import EncryptedOfficeFile
from appliance.engines.reading.odf import read_odf
from appliance.engines.reading.pptx import read_pptx
from appliance.engines.reading.source import Limits, Reading, Source
from appliance.engines.reading.xlsx import read_xlsx
from appliance.ports.parser import Section
from tests import made_files as made

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
READERS = {"docx": read_docx, "odf": read_odf, "xlsx": read_xlsx, "pptx": read_pptx}


def read(kind: str, content: bytes) -> tuple[Reading, list[Section]]:
    source = Source(content, filename=f"a.{kind}", limits=Limits())
    reading = READERS[kind](source, Archive(source))
    return reading, list(reading.sections)


def shape(sections: list[Section]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(section.kind, section.text, section.headings) for section in sections]


def place(section: Section) -> tuple[str, str]:
    assert section.locator is not None
    return section.locator.kind, section.locator.value


def test_word_keeps_headings_lists_and_tables() -> None:
    reading, sections = read("docx", made.word_document())
    assert reading.title == "Rapport annuel 2024"
    assert shape(sections) == [
        ("prose", "Résultats\n\nLe chiffre d’affaires progresse de 12 %.", ("Résultats",)),
        ("prose", "Par région", ("Résultats", "Par région")),
        ("table", "Région: Nord; 2023: 10; 2024: 12\nRégion: Sud; 2023: 7; 2024: 9", ("Résultats", "Par région")),
        ("prose", "• Un point", ("Résultats", "Par région")),
        ("prose", "Perspectives\n\nLa croissance continue.", ("Perspectives",)),
    ]
    assert place(sections[2]) == ("section", "Par région")


def words(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_word_shows_what_was_inserted_and_not_what_was_deleted_or_coded() -> None:
    body = (
        "<w:p><w:r><w:t>kept </w:t></w:r><w:del><w:r><w:delText>gone </w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>added</w:t></w:r></w:ins><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:tab/></w:r>"
        "<w:r><w:t>after</w:t><w:br/><w:t>next</w:t></w:r></w:p>"
        f"<w:sdt><w:sdtContent>{words('in a control')}</w:sdtContent></w:sdt>"
    )
    assert read("docx", made.bare_docx(body))[1][0].text == "kept added\tafter\nnext\n\nin a control"


def test_word_numbers_are_worked_out() -> None:
    numbering = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="0">'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="Article %1"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )

    def item(level: int, text: str) -> str:
        numbered = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="5"/></w:numPr>'
        return f"<w:p><w:pPr>{numbered}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"

    body = item(0, "Objet") + item(1, "premier") + item(1, "second") + item(0, "Durée") + item(1, "encore")
    content = made.archive(
        {
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "word/numbering.xml": numbering,
        }
    )
    assert read("docx", content)[1][0].text.split("\n\n") == [
        "Article 1 Objet",
        "1.a) premier",
        "1.b) second",
        "Article 2 Durée",
        "2.a) encore",
    ]


def test_word_notes_stand_after_their_paragraph_and_headers_stand_once() -> None:
    notes = f'<w:footnotes {W}><w:footnote w:id="2">{words("voir annexe")}</w:footnote></w:footnotes>'
    body = '<w:p><w:r><w:t>Texte</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>' + words("Suite")
    header = f"<w:hdr {W}>{words('Confidentiel')}</w:hdr>"
    content = made.archive(
        {
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "word/footnotes.xml": notes,
            "word/header1.xml": header,
            "word/header2.xml": header,
        }
    )
    assert [section.text for section in read("docx", content)[1]] == ["Texte\n\n(voir annexe)\n\nSuite", "Confidentiel"]


def test_word_tables_with_merged_cells_keep_their_labels() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{words(text) if text else '<w:p/>'}</w:tc>"

    rows = (
        [cell("Zone"), cell("Ville"), cell("Total")],
        [cell("Nord", '<w:vMerge w:val="restart"/>'), cell("Lille"), cell("3")],
        [cell("", "<w:vMerge/>"), cell("Arras"), cell("4")],
    )
    body = "<w:tbl>" + "".join(f"<w:tr>{''.join(row)}</w:tr>" for row in rows) + "</w:tbl>"
    assert read("docx", made.bare_docx(body))[1][0].text.split("\n") == [
        "Zone: Nord; Ville: Lille; Total: 3",
        "Zone: Nord; Ville: Arras; Total: 4",
    ]


def test_word_text_boxes_are_read_once() -> None:
    box = f"<w:txbxContent>{words('in the box')}</w:txbxContent>"
    alternatives = f'<mc:AlternateContent xmlns:mc="m"><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>'
    body = f"<w:p><w:r><w:t>Beside</w:t></w:r><w:r>{alternatives}</w:r></w:p>"
    assert read("docx", made.bare_docx(body))[1][0].text == "Beside\n\nin the box"


CHART = (
    '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:plotArea><c:barChart>'
    "<c:ser><c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>Clients</c:v></c:pt></c:strCache></c:strRef></c:tx>"
    "<c:cat><c:strRef><c:strCache><c:pt idx='0'><c:v>2023</c:v></c:pt><c:pt idx='1'><c:v>2024</c:v></c:pt></c:strCache>"
    "</c:strRef></c:cat><c:val><c:numRef><c:numCache><c:pt idx='0'><c:v>10</c:v></c:pt><c:pt idx='1'>"
    "<c:v>12.50000000001</c:v></c:pt></c:numCache></c:numRef></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"
)


def test_the_figures_behind_a_chart_are_a_table() -> None:
    body = f"<w:document {W}><w:body>{words('Voir le graphique')}</w:body></w:document>"
    content = made.archive({"word/document.xml": body, "word/charts/chart1.xml": CHART})
    assert read("docx", content)[1][1].text == "2023; Clients: 10\n2024; Clients: 12.5"


def test_excel_rows_carry_their_names_and_say_where_they_stand() -> None:
    _reading, sections = read("xlsx", made.workbook())
    assert sections[0].text.split("\n") == [
        "Ventes par trimestre",
        "Trimestre: T1; Date: 2024-03-28; Montant: 1000.5; Part: 10%",
        "Trimestre: T2; Date: 2024-06-28; Montant: 2001; Part: 20%",
        "Trimestre: T3; Date: 2024-09-28; Montant: 3001.5; Part: 30%",
        "Trimestre: T4; Date: 2024-12-28; Montant: 4002; Part: 40%",
    ]
    assert [place(section) for section in sections] == [("sheet", "Ventes, 1-7"), ("sheet", "Notes, 1")]


def workbook(*rows: list[object], formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "S"
    for row in rows:
        sheet.append(row)
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def test_excel_values_are_shown_as_people_see_them() -> None:
    content = workbook(
        ["Jour", "Heure", "Moment", "Part", "Somme", "Vrai", "Gros"],
        [dt.date(2024, 2, 29), dt.time(14, 30), dt.datetime(2024, 2, 29, 14, 30), 0.1534, 0.1 + 0.2, True, 12345678901],  # noqa: DTZ001
        formats={"D2": "0.0%"},
    )
    assert read("xlsx", content)[1][0].text == (
        "Jour: 2024-02-29; Heure: 14:30; Moment: 2024-02-29 14:30; Part: 15.3%; "
        "Somme: 0.3; Vrai: TRUE; Gros: 12345678901"
    )


def test_excel_names_in_two_rows_are_joined() -> None:
    content = workbook(
        ["", "2023", None, "2024", None],
        ["Produit", "T1", "T2", "T1", "T2"],
        ["Pommes", 1, 2, 3, 4],
        ["Poires", 5, 6, 7, 8],
    )
    assert "Produit: Poires; 2023 T1: 5; 2023 T2: 6; 2024 T1: 7; 2024 T2: 8" in read("xlsx", content)[1][0].text


def test_long_sheets_are_cut_into_parts_that_name_their_rows() -> None:
    _reading, sections = read("xlsx", workbook(["Nom", "Valeur"], *[[f"ligne {row}", row] for row in range(2, 400)]))
    first, second = (place(section)[1] for section in sections[:2])
    end = int(first.split("-")[1])
    assert first.startswith("S, 2-")
    assert second.startswith(f"S, {end + 1}-")
    assert all(line.startswith("Nom: ligne ") for section in sections for line in section.text.split("\n"))


def test_slides_have_titles_tables_and_notes() -> None:
    _reading, sections = read("pptx", made.presentation())
    assert [(section.kind, section.text, section.headings, place(section)) for section in sections] == [
        ("prose", "Stratégie\nGrandir en Europe\n(Parler lentement)", ("Stratégie",), ("slide", "1")),
        ("prose", "Chiffres", ("Chiffres",), ("slide", "2")),
        ("table", "Pays: France; Clients: 120", ("Chiffres",), ("slide", "2")),
    ]


def test_open_text_is_read_like_word() -> None:
    body = (
        '<text:h text:outline-level="1">Chapitre</text:h>'
        '<text:p>Deux<text:s text:c="2"/>mots<text:tab/>et<text:line-break/>ligne'
        "<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>au pied</text:p></text:note-body></text:note></text:p>"
        "<text:list><text:list-item><text:p>un point</text:p></text:list-item></text:list>"
        "<text:tracked-changes><text:p>supprimé</text:p></text:tracked-changes>"
    )
    _reading, sections = read("odf", made.open_document(body))
    assert shape(sections) == [("prose", "Chapitre\n\nDeux  mots\tet\nligne\n\n(au pied)\n\n• un point", ("Chapitre",))]


def test_open_sheets_repeat_cells_and_stop_at_the_end() -> None:
    def cell(text: str, repeated: int = 1) -> str:
        inner = f"<text:p>{text}</text:p>" if text else ""
        return f'<table:table-cell table:number-columns-repeated="{repeated}">{inner}</table:table-cell>'

    rows = (
        f"<table:table-row>{cell('An')}{cell('CA')}{cell('', 1022)}</table:table-row>"
        f'<table:table-row table:number-rows-repeated="2">{cell("2023")}{cell("12,5")}{cell("", 1022)}</table:table-row>'
        f'<table:table-row table:number-rows-repeated="1048573">{cell("", 1024)}</table:table-row>'
    )
    content = made.open_document(f'<table:table table:name="Feuille1">{rows}</table:table>', kind="spreadsheet")
    _reading, (section,) = read("odf", content)
    assert section.text == "An: 2023; CA: 12,5\nAn: 2023; CA: 12,5"
    assert place(section) == ("sheet", "Feuille1, 2-3")


def test_an_encrypted_open_document_says_so() -> None:
    manifest = '<m:manifest xmlns:m="m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    content = made.archive({"content.xml": b"\x00\x01", "META-INF/manifest.xml": manifest})
    with pytest.raises(EncryptedOfficeFile):
        read("odf", content)
