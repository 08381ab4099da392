import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.knowledge.sentences import find_sentences


def split(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_sentences(text)]


@pytest.mark.parametrize(
    "text,sentences",
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mr. Smith paid $3.5 million. He left.", ["Mr. Smith paid $3.5 million.", "He left."]),
        ("M. Dupont est là. Mme Durand aussi.", ["M. Dupont est là.", "Mme Durand aussi."]),
        ("C’est vrai ! « Oui. » Non ?", ["C’est vrai !", "« Oui. »", "Non ?"]),
        ("It rose 3 %. [1][2] It fell.", ["It rose 3 %. [1][2]", "It fell."]),
        ("Label\t1\t2\nOther\t3", ["Label\t1\t2", "Other\t3"]),
        ("see e.g. the annex. Next", ["see e.g. the annex.", "Next"]),
        ("art. 12 of the law. Done", ["art. 12 of the law.", "Done"]),
        ("1. First item\n2. Second item", ["1. First item", "2. Second item"]),
        ("", []),
        ("   \n  ", []),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@given(st.text(alphabet='aB é.!?\n\t[1]»"0', max_size=200))
def test_nothing_but_white_space_lies_between_sentences(text: str) -> None:
    spans = find_sentences(text)
    position = 0
    for span in spans:
        assert text[position : span.start].strip() == ""
        assert span.start < span.end
        position = span.end
    assert text[position:].strip() == ""
