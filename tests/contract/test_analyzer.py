"""What every Analyzer promises: people find a word, a number or a name however it was written."""

import unicodedata

import numpy as np
import pytest

from appliance.engines.snowball import SnowballAnalyzer
from appliance.ports.analyzer import Analyzer, SparseVector


@pytest.fixture(params=["snowball"])
def analyzer(request: pytest.FixtureRequest) -> Analyzer:
    assert request.param == "snowball"
    return SnowballAnalyzer()


def passage(analyzer: Analyzer, text: str, language: str) -> SparseVector:
    return analyzer.encode_passages([text], language=language, characters=1200)[0].words


def finds(analyzer: Analyzer, question: str, text: str, language: str) -> bool:
    """Whether every word of a question stands in a text."""
    asked = analyzer.encode_query(question, language=language).words.indices
    assert len(asked), "a question must ask for something"
    return bool(np.isin(asked, passage(analyzer, text, language).indices).all())


def stems(analyzer: Analyzer, text: str, language: str) -> list[str]:
    return [term.stem for term in analyzer.terms(text, language=language)]


@pytest.mark.parametrize(
    "question,text,language",
    [
        ("année", "Pendant l’année en cours", "fr"),
        ("annee", "L'ANNÉE suivante", "fr"),
        ("exploitant", "qu’exploitants", "fr"),
        ("congé payé", "Les congés payés sont dus.", "fr"),
        ("œuvre", "une OEUVRE", "fr"),
        ("coeur", "le cœur du métier", "fr"),
        ("report", "the reported figures", "en"),
        ("employee's", "employees", "en"),
        ("naïve", "naive", "en"),
        ("prufung", "Prüfungen", "de"),
        ("1234", "1 234 euros", "fr"),
        ("1 234", "1,234", "fr"),
        ("1,234", "a total of 1234", "en"),
        ("1 234 567,5", "1.234.567,5", "fr"),
        ("1,234.50", "1234.50", "en"),
        ("3,14", "3.14", "fr"),
        ("12,5 %", "12.5", "fr"),
        ("2022", "results of FY2022", "en"),
        ("FY2022", "FY2022", "en"),
        ("R&D", "the R&D budget", "en"),
        ("AT&T", "shares of AT&T and of H&M", "en"),
        ("son", "Fox&Sons", "en"),
        ("umowach", "informacje o UMOWACH", "pl"),
        ("договор", "договоры", "ru"),
    ],
)
def test_what_is_asked_is_found(analyzer: Analyzer, question: str, text: str, language: str) -> None:
    assert finds(analyzer, question, text, language)


@pytest.mark.parametrize(
    "question,text,language",
    [
        ("3,14", "314", "fr"),
        ("1234", "1 234", "en"),  # two columns of a table
        ("12", "1,2", "fr"),
        ("house", "the horse", "en"),
        ("année", "un âne", "fr"),
    ],
)
def test_what_is_another_word_is_not(analyzer: Analyzer, question: str, text: str, language: str) -> None:
    assert not finds(analyzer, question, text, language)


@pytest.mark.parametrize(
    "question,bare,language",
    [
        ("Quelle est la durée du préavis ?", "durée préavis", "fr"),
        ("Combien de jours de congés, et pourquoi ?", "jours congés", "fr"),
        ("What is the notice period?", "notice period", "en"),
        ("How many days does it take?", "days take", "en"),
    ],
)
def test_words_that_ask_are_left_out_of_a_question(analyzer: Analyzer, question: str, bare: str, language: str) -> None:
    asked = analyzer.encode_query(question, language=language)
    expected = analyzer.encode_query(bare, language=language)
    np.testing.assert_array_equal(asked.words.indices, expected.words.indices)
    np.testing.assert_array_equal(asked.characters.indices, expected.characters.indices)


@pytest.mark.parametrize("question,language", [("Who? When?", "en"), ("Comment ?", "fr"), ("Why", "en")])
def test_a_question_of_asking_words_alone_keeps_them(analyzer: Analyzer, question: str, language: str) -> None:
    assert len(analyzer.encode_query(question, language=language).words.indices)


def test_words_that_ask_count_in_a_passage(analyzer: Analyzer) -> None:
    assert finds(analyzer, "Who", "The Who", "en")


@pytest.mark.parametrize("text,language", [("the of and in", "en"), ("le la les de", "fr"), ("", "en"), (" .,;", "fr")])
def test_little_words_weigh_nothing(analyzer: Analyzer, text: str, language: str) -> None:
    question = analyzer.encode_query(text, language=language)
    held = analyzer.encode_passages([text], language=language, characters=1200)[0]
    for vector in (question.words, question.characters, held.words, held.characters):
        assert len(vector.indices) == len(vector.values) == 0
    assert analyzer.terms(text, language=language) == []


def test_vectors_are_what_an_engine_takes(analyzer: Analyzer) -> None:
    text = "Les 12 contrats : le contrat de 2024, les contrats de FY2025 et l’avenant n° 1 234."
    for vectors in (
        *analyzer.encode_passages([text, "contrat"], language="fr", characters=1200),
        analyzer.encode_query(text, language="fr"),
    ):
        for vector in (vectors.words, vectors.characters):
            assert vector.indices.dtype == np.uint32
            assert vector.values.dtype == np.float32
            assert len(vector.indices) == len(vector.values) > 0
            assert (np.diff(vector.indices.astype(np.int64)) > 0).all(), "ascending, each once"
            assert (vector.values > 0).all()


def test_a_passage_weighs_the_same_alone_or_among_others(analyzer: Analyzer) -> None:
    texts = ["Le préavis dure trois mois.", "Les congés payés", ""]
    together = analyzer.encode_passages(texts, language="fr", characters=1200)
    for text, vectors in zip(texts, together, strict=True):
        alone = SnowballAnalyzer().encode_passages([text], language="fr", characters=1200)[0]
        np.testing.assert_array_equal(vectors.words.indices, alone.words.indices)
        np.testing.assert_array_equal(vectors.words.values, alone.words.values)
        np.testing.assert_array_equal(vectors.characters.values, alone.characters.values)


def test_a_word_weighs_more_where_it_stands_often_and_less_in_a_long_passage(analyzer: Analyzer) -> None:
    once, twice = passage(analyzer, "contract", "en"), passage(analyzer, "contract contract", "en")
    long = passage(analyzer, "contract " + " ".join(f"word{letter}" for letter in "abcdefghij" * 30), "en")
    weight = {name: float(vector.values[vector.indices == once.indices[0]][0]) for name, vector in
              (("once", once), ("twice", twice), ("long", long))}  # fmt: skip
    assert weight["long"] < weight["once"] < weight["twice"]


@pytest.mark.parametrize(
    "text,language",
    [
        ("L’année 2024 : qu’exploite-t-on à 1 234,5 € ? L'œuvre d’ÉTÉ.", "fr"),
        ("FY2022's net sales were $1,234.50 — e\u0301lan, R&D.", "en"),
        ("𝒜 mathematical 😀 résumé of Über-Größe", "en"),
    ],
)
def test_terms_stand_where_they_say(analyzer: Analyzer, text: str, language: str) -> None:
    found = analyzer.terms(text, language=language)
    assert found
    assert analyzer.stems(text, language=language) == {term.stem for term in found}
    assert [term.start for term in found] == sorted(term.start for term in found)
    for term in found:
        piece = text[term.start : term.end]
        assert piece[0].isalnum()
        assert piece[-1].isalnum() or unicodedata.combining(piece[-1])
        assert term.stem in {again.stem for again in analyzer.terms(piece, language=language)}


def test_terms_of_a_sentence(analyzer: Analyzer) -> None:
    text = "L’indemnité est de 1 234,5 euros."
    places = [(text[term.start : term.end], term.is_number) for term in analyzer.terms(text, language="fr")]
    assert places == [("indemnité", False), ("1 234,5", True), ("euros", False)]
    assert stems(analyzer, "FY2022", "en") == ["fy2022", "fy", "2022"]


def test_typing_errors_share_most_of_their_characters(analyzer: Analyzer) -> None:
    right = analyzer.encode_query("indemnisation", language="fr").characters.indices
    wrong = analyzer.encode_query("indemnisaton", language="fr").characters.indices
    other = analyzer.encode_query("bibliothèque", language="fr").characters.indices
    assert len(np.intersect1d(right, wrong)) >= len(right) / 2
    assert not len(np.intersect1d(right, other))


@pytest.mark.parametrize("language", ["pl", "zh", "xx", ""])
def test_a_language_without_a_stemmer_is_searched_by_whole_words(analyzer: Analyzer, language: str) -> None:
    assert stems(analyzer, "Contracts and CONTRACTS", language) == ["contracts", "and", "contracts"]
    assert finds(analyzer, "contracts", "Contracts", language)


@pytest.mark.parametrize(
    "text,language",
    [
        ("Quelle est la durée du préavis ?", "fr"),
        ("l’indemnité de licenciement", "fr"),
        ("What is the notice period of the contract?", "en"),
        ("Die Prüfung der Unterlagen ist nicht abgeschlossen.", "de"),
        ("El contrato no puede ser modificado por las partes.", "es"),
        ("Срок действия договора", "ru"),
        ("契約の期間", "ja"),
        ("合同的期限", "zh"),
        ("مدة العقد", "ar"),
        ("12345", "en"),
        ("", "en"),
    ],
)
async def test_languages_are_told_apart(analyzer: Analyzer, text: str, language: str) -> None:
    assert await analyzer.detect_language(text) == language


def test_its_identity_is_stable(analyzer: Analyzer) -> None:
    assert analyzer.identity == type(analyzer)().identity
    assert analyzer.identity
