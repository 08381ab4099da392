import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.chat.remembering import LONGEST_MEMORY, LONGEST_MESSAGE, asked_to_remember


@pytest.mark.parametrize(
    "message,kept",
    [
        ("Retiens que je suis allergique aux noix. Propose-moi un menu.", "Je suis allergique aux noix"),
        ("retiens qu’il faut vouvoyer nos clients", "Il faut vouvoyer nos clients"),
        ("Souviens-toi que M. Dupont est mon chef.", "M. Dupont est mon chef"),
        ("souvenez-vous que j'habite à Lyon svp", "J'habite à Lyon"),
        ("Merci. Souviens toi que je suis gaucher !", "Je suis gaucher"),
        ("N’oublie pas que la TVA est de 20 %, s’il te plaît.", "La TVA est de 20 %"),
        ("n'oubliez jamais que nos prix sont hors taxes", "Nos prix sont hors taxes"),
        ("Peux-tu retenir que je préfère le tutoiement ?", "Je préfère le tutoiement"),
        ("Pourriez-vous vous souvenir que je travaille le mardi ?", "Je travaille le mardi"),
        ("Merci de retenir que je suis en congé lundi.", "Je suis en congé lundi"),
        ("Bonjour Audrey, retiens que mon entreprise s'appelle Kite.", "Mon entreprise s'appelle Kite"),
        ("S'il vous plaît, mémorisez que l'adresse a changé", "L'adresse a changé"),
        ("Notez que nous fermons à 18 h.", "Nous fermons à 18 h"),
        ("Remember that I prefer short answers.", "I prefer short answers"),
        ("Please remember that my office is closed on Friday, thanks!", "My office is closed on Friday"),
        ("Can you remember that I live in Lyon?", "I live in Lyon"),
        ("Note that I am the CFO", "I am the CFO"),
        ("Please note down that our budget is small", "Our budget is small"),
        ("don’t forget that our budget is 3.5 million euros. Ok?", "Our budget is 3.5 million euros"),
        ("Remember: invoices go to Paul", "Invoices go to Paul"),
        ("Remember my name is Paul", "My name is Paul"),
        ("Keep in mind that we write to clients in French", "We write to clients in French"),
    ],
)
def test_what_is_asked_to_be_remembered_is_kept(message: str, kept: str) -> None:
    assert asked_to_remember(message) == kept
    assert asked_to_remember(message.upper()) is not None
    assert asked_to_remember(unicodedata.normalize("NFD", message)) == kept


@pytest.mark.parametrize(
    "message",
    [
        "",
        "retiens que ",
        "remember when we met?",
        "Remember when we worked on the budget",
        "Remember that time we met in Paris.",
        "Remember that we talked about it?",
        "Do you remember that I live in Lyon?",
        "Est-ce que tu te souviens que je suis à Lyon ?",
        "Tu te souviens que je suis à Lyon",
        "n'oublie pas de répondre",
        "don't forget to answer",
        "Do not remember that I said so",
        "ne retiens pas que je suis petit",
        "Note that invoices are due",
        "Note que le soleil brille",
        "Traduis : retiens que je t'aime",
        "Traduis en anglais :\nRetiens que je t’aime",
        "> Remember that I prefer short answers.",
        "What does “remember that I was here” mean?",
        "Remember that I prefer short answers." + " x" * LONGEST_MESSAGE,
        "retiens que … !!!",
    ],
)
def test_what_is_something_else_is_not(message: str) -> None:
    assert asked_to_remember(message) is None


def test_what_is_kept_is_bounded_and_one_line() -> None:
    kept = asked_to_remember("Retiens que " + "mot " * 400)
    assert kept is not None
    assert len(kept) <= LONGEST_MEMORY
    assert kept.endswith("mot…")
    assert asked_to_remember("Retiens que je\x00 suis\tlà") == "Je suis là"


@given(st.text(max_size=200))
def test_anything_may_be_sent(text: str) -> None:
    kept = asked_to_remember(f"Remember that I {text}")
    assert kept is None or (0 < len(kept) <= LONGEST_MEMORY and "\n" not in kept)
