import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.knowledge.filenames import clean_filename


@pytest.mark.parametrize(
    "sent,label",
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("C:\\Users\\x\\a.docx", "a.docx"),
        ("CON", "CON"),
        ("a\x00b\x1f.txt", "ab.txt"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("👩‍💻 notes.md", "👩‍💻 notes.md"),
        ("Re\u0301sume\u0301.pdf", "Résumé.pdf"),
        ("  spaced   out .txt ", "spaced out .txt"),
        ("", "unnamed"),
        ("...", "unnamed"),
        ("/", "unnamed"),
        ("تقرير.pdf", "تقرير.pdf"),
    ],
)
def test_a_sent_name_becomes_a_label(sent: str, label: str) -> None:
    assert clean_filename(sent) == label


def test_a_long_name_keeps_its_ending() -> None:
    label = clean_filename("x" * 300 + ".pdf")
    assert len(label) <= 255
    assert label.endswith("….pdf")


@given(st.text(max_size=400))
def test_a_label_is_never_a_path_and_never_empty(sent: str) -> None:
    label = clean_filename(sent)
    assert label
    assert len(label) <= 255
    assert not set(label) & set("/\\\x00\n\r\u202e")
    assert label not in {".", ".."}
