import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.chat.words import LONGEST_SEARCHABLE, searchable


@pytest.mark.parametrize(
    "text,words",
    [
        ("L’Été à Noël", "l ete a noel"),
        ("CŒUR de bœuf, Lætitia", "coeur de boeuf, laetitia"),
        ("l'œuvre d`art", "l oeuvre d art"),
        ("Straße", "strasse"),
        ("ﬁn\u00ad\u200bale", "finale"),
        ("un\tdeux\n\ntrois\x00quatre", "un deux  trois quatre"),
        ("İstanbul", "istanbul"),
        ("日本語 テスト", "日本語 テスト"),
        ("", ""),
    ],
)
def test_words_lose_case_accents_and_apostrophes(text: str, words: str) -> None:
    assert searchable(text) == words
    assert searchable(unicodedata.normalize("NFD", text)) == words


@given(st.text(max_size=300))
def test_it_is_stable(text: str) -> None:
    once = searchable(text)
    assert searchable(once) == once
    assert "\0" not in once
    once.encode()


def test_it_is_bounded() -> None:
    assert len(searchable("ﷺ" * 200_000)) <= LONGEST_SEARCHABLE
    assert len(searchable("a" * 2_000_000)) == LONGEST_SEARCHABLE
