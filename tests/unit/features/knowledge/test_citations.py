import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.features.knowledge.citations import (
    CitationFilter,
    cited_numbers,
    remove_unknown_citations,
    without_citations,
)


@pytest.mark.parametrize(
    "text,known,shown",
    [
        ("It rose. [1]", 2, "It rose. [1]"),
        ("It rose.[9]", 2, "It rose."),
        ("It rose [1, 9].", 2, "It rose [1]."),
        ("It rose [1; 2].", 2, "It rose [1][2]."),
        ("It rose [0].", 2, "It rose."),
        ("see [note] and [12a]", 2, "see [note] and [12a]"),
        ("a [3]\nb", 2, "a\nb"),
        ("It rose [9[9]].", 2, "It rose."),
        ("It rose [9, [9]1].", 2, "It rose [1]."),
    ],
)
def test_a_citation_that_does_not_exist_is_never_shown(text: str, known: int, shown: str) -> None:
    assert remove_unknown_citations(text, known) == shown


@example(["[", "1", "1", "[42]", "]"])
@example(["[9, ", "[42]", "[", "42", "]", "1]"])
@given(
    st.lists(st.sampled_from(["a", " ", "[", "]", "1", "9", ",", "word", "\n", "[1]", "[42]", "[1, 7]"]), max_size=30)
)
def test_a_stream_shows_what_the_whole_text_would(pieces: list[str]) -> None:
    shown = CitationFilter(3)
    streamed = "".join(shown.push(piece) for piece in pieces) + shown.end()
    assert all(1 <= number <= 3 for number in cited_numbers(streamed))
    assert without_spaces(streamed) == without_spaces(remove_unknown_citations("".join(pieces), 3))


def without_spaces(text: str) -> str:
    return "".join(text.split())


def test_text_comes_through_at_once() -> None:
    shown = CitationFilter(2)
    assert shown.push("It ") == "It "
    assert shown.push("rose [") == "rose"
    assert shown.push("1") == ""
    assert shown.push("] fast") == " [1] fast"


def test_a_bracket_that_never_closes_is_let_through() -> None:
    shown = CitationFilter(2)
    text = "".join(shown.push(piece) for piece in ["[", *["1 "] * 200])
    assert text.startswith("[1 1")


def test_offsets_stay_when_citations_are_blanked() -> None:
    text = "Up [1][2] down"
    assert without_citations(text) == "Up        down"
    assert len(without_citations(text)) == len(text)
