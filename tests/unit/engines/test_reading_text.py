"""Text, Markdown, tables, pages and mail: what a person would read, where they would look for it."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from appliance.engines.reading.eml import read_eml
from appliance.engines.reading.html import read_html
from appliance.engines.reading.plain import read_delimited, read_markdown, read_text
from appliance.engines.reading.rtf import read_rtf
from appliance.engines.reading.source import Limits, Reading, Source
from appliance.engines.reading.tasks import read_any
from appliance.ports.parser import Section
from tests import made_files as made


def read(
    reader: Callable[[Source], Reading], content: bytes | str, filename: str = "a"
) -> tuple[Reading, list[Section]]:
    data = content.encode() if isinstance(content, str) else content
    reading = reader(Source(data, filename=filename, limits=Limits()))
    return reading, list(reading.sections)


def shape(sections: list[Section]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(section.kind, section.text, section.headings) for section in sections]


def places(sections: list[Section]) -> list[str]:
    return [section.locator.value for section in sections if section.locator]


def test_long_text_is_cut_at_empty_lines_and_says_which_lines() -> None:
    paragraph = "\n".join(["word " * 20] * 10)
    _reading, sections = read(read_text, "\n\n".join([paragraph] * 8))
    assert len(sections) > 1
    spans = [tuple(map(int, place.split("-"))) for place in places(sections)]
    assert spans[0][0] == 1
    assert spans[-1][1] == 87
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert all(section.text.count("\n") == last - first for section, (first, last) in zip(sections, spans, strict=True))


def test_markdown_headings_tables_and_code() -> None:
    reading, sections = read(
        read_markdown,
        "---\ntitle: Guide du poste\n---\n# Guide\n\nIntro **forte**.\n\n## Prix\n\n| Nom | Prix |\n|---|---:|\n| Clé | 4 |\n\n"
        "```\n# not a heading\n```\n\nSuite\n-----\n\nfin\n",
    )
    assert reading.title == "Guide du poste"
    assert shape(sections) == [
        ("prose", "Guide\n\nIntro **forte**.", ("Guide",)),
        ("prose", "Prix", ("Guide", "Prix")),
        ("table", "Nom: Clé; Prix: 4", ("Guide", "Prix")),
        ("prose", "```\n# not a heading\n```", ("Guide", "Prix")),
        ("prose", "Suite\n\nfin", ("Guide", "Suite")),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimited_rows_carry_their_names(delimiter: str) -> None:
    lines = [["Nom", "Note", "Ville"], ["Ana", '"a\nb"', "Lyon"], ["Bo", "9", "Metz"]]
    _reading, (section,) = read(read_delimited, "\n".join(delimiter.join(line) for line in lines))
    assert section.text == "Nom: Ana; Note: a b; Ville: Lyon\nNom: Bo; Note: 9; Ville: Metz"
    assert places([section]) == ["2-4"]


def test_a_page_is_read_as_it_is_seen() -> None:
    reading, sections = read(
        read_html,
        "<!doctype html><html><head><title>Page &eacute;crite</title><style>p{}</style></head><body><nav>menu</nav>"
        "<h1>Titre</h1><p>Un <b>mot</b>\n gras.<br>Suite</p><p style='display: none'>caché</p><p hidden>caché</p>"
        "<script>x()</script><ul><li>un</li><li>deux</li></ul><table><tr><th>An</th><th>CA</th></tr>"
        "<tr><td>2023</td><td>10</td></tr></table><h2>Sous</h2>fin<img src='http://example.org/x.png'></body></html>",
    )
    assert reading.title == "Page écrite"
    assert shape(sections) == [
        ("prose", "Titre\n\nUn mot gras.\nSuite\n\n• un\n\n• deux", ("Titre",)),
        ("table", "An: 2023; CA: 10", ("Titre",)),
        ("prose", "Sous\n\nfin", ("Titre", "Sous")),
    ]


def test_a_page_in_an_old_alphabet_says_so_itself() -> None:
    content = '<html><meta charset="iso-8859-2"><p>Łódź</p></html>'.encode("iso-8859-2")
    assert read(read_html, content)[1][0].text == "Łódź"


def test_rtf_accents_and_title() -> None:
    content = rb"{\rtf1\ansi\ansicpg1252{\info{\title Rapport d'\'e9t\'e9}}\pard Bonjour \b le monde\b0 , \'e9t\'e9.\par Fin\u233 ?\par}"
    reading, sections = read(read_rtf, content)
    assert reading.title == "Rapport d'été"
    assert sections[0].text == "Bonjour le monde, été.\n\nFiné"


def read_mail(source: Source) -> Reading:
    return read_eml(source, read_any)


def test_mail_has_headers_body_and_attachments() -> None:
    content = made.mail(
        attachments=[
            ("note.txt", "pièce jointe".encode()),
            ("plan.pdf", made.pdf([[(72, 700, "Plan secret")]])),
            ("virus.exe", b"MZ\x00\x01" * 90),
            ("autre.eml", made.mail(attachments=[("fond.txt", b"au fond")])),
        ]
    )
    reading, sections = read(read_mail, content)
    text = "\n".join(section.text for section in sections)
    assert reading.title == "Réunion de jeudi"
    assert "From: Élodie Martin <elodie@example.org>" in text
    assert "Date: 2024-06-13 09:30+02:00" in text
    assert "Attachments: note.txt, plan.pdf, virus.exe, autre.eml" in text
    assert "la réunion est déplacée à 15 h" in text
    assert [
        (section.text, section.page, place) for section, place in zip(sections[2:4], places(sections)[2:4], strict=True)
    ] == [
        ("pièce jointe", None, "note.txt, 1"),
        ("Plan secret", None, "plan.pdf, p. 1"),
    ]
    assert sections[-1].text == "au fond"
    assert sections[-1].headings == ("autre.eml", "fond.txt")


def test_attachments_of_attachments_end_somewhere() -> None:
    content = made.mail()
    for _depth in range(8):
        content = made.mail(attachments=[("inner.eml", content)])
    deepest = max(len(section.headings) for section in read(read_mail, content)[1])
    assert deepest == Limits().attachment_depth


def test_mail_whose_plain_body_says_nothing_is_read_from_its_page() -> None:
    page = "<h1>Offre</h1><p>" + "Une offre détaillée. " * 400 + "</p>"
    sections = read(read_mail, made.mail(html=page))[1]
    assert any(section.headings == ("Offre",) for section in sections)


@pytest.mark.parametrize(
    "content",
    [
        b"From: x\n",
        b"Subject: only\nDate: never\n\n",
        b"From: a\nTo: b\nContent-Type: text/plain; charset=no-such\n\n\xe9",
    ],
)
def test_odd_mail_is_read_all_the_same(content: bytes) -> None:
    assert read(read_mail, content)[1]
