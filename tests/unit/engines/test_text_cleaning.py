"""Characters come out as a person would type them, and nothing else changes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.reading.text_cleaning import clean, squeeze


@pytest.mark.parametrize(
    "raw, expected",
    [
        ("ﬁnance ﬂeuve eﬀet", "finance fleuve effet"),
        ("co\xadopé\xadrer", "coopérer"),
        ("1\u202f234,5\xa0€", "1 234,5 €"),
        ("e\u0301te\u0301", "été"),
        ("10² m³ ½ ①", "10² m³ ½ ①"),
        ("\ufeffa\u200bb\x00c\x07", "abc"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\uf0b7 point \uf0fc", "• point ✓"),
        ("Ａ１", "A1"),
        ("\u202eabc\u202c", "abc"),
        ("tab\tkept", "tab\tkept"),
        ("\ud835\udc65", "x"),
    ],
)
def test_cleaning(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_squeezing_makes_one_line() -> None:
    assert squeeze("  a \n\t b\xa0 c ") == "a b c"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(st.text(alphabet=st.characters(categories=["L", "N"], max_codepoint=0x24F)))
def test_letters_and_digits_of_european_languages_survive(text: str) -> None:
    kept = [c for c in unicodedata.normalize("NFC", text) if c not in "ĲĳǄǅǆǇǈǉǊǋǌ"]
    assert [c for c in clean(text) if c in kept] == kept or any(c in text for c in "ĲĳǄǅǆǇǈǉǊǋǌ")
