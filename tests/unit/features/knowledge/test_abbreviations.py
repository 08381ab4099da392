"""What abbreviations stand for is added; nothing else is."""

import pytest

from appliance.features.knowledge.abbreviations import expand


@pytest.mark.parametrize(
    "question,language,meant",
    [
        ("What was COGS in 2022?", "en", "cost of sales"),
        ("How much PP&E does the company hold?", "en", "property, plant and equipment"),
        ("Quel est le CA de 2022 ?", "fr", "chiffre d'affaires"),
        ("Évolution du BFR", "fr", "besoin en fonds de roulement"),
    ],
)
def test_an_abbreviation_is_written_out(question: str, language: str, meant: str) -> None:
    assert meant in expand(question, language=language)


@pytest.mark.parametrize(
    "question,language",
    [
        ("What was said about the accident?", "en"),
        ("Escape capability of cells", "en"),
        ("Le CAnal et la RAgoût", "fr"),
        ("What was COGS?", "de"),
    ],
)
def test_words_that_merely_hold_the_letters_are_left_alone(question: str, language: str) -> None:
    assert not expand(question, language=language)
