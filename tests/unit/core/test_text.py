import pytest

from appliance.core.text import Text, choose_language, describe_bytes


@pytest.mark.parametrize(
    "header,language",
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,en;q=0.8", "fr"),
        ("en-GB,fr;q=0.9", "en"),
        ("de,fr;q=0.5,en;q=0.4", "fr"),
        ("fr;q=0,en", "en"),
        ("de", "en"),
        ("fr;q=nonsense", "en"),
    ],
)
def test_the_better_of_our_languages_is_chosen(header: str | None, language: str) -> None:
    assert choose_language(header) == language


def test_facts_are_inserted_as_they_are() -> None:
    text = Text("{name} is here", "{name} est là")
    assert text.say("fr", name="{0.__class__} %s ${x}") == "{0.__class__} %s ${x} est là"


def test_a_fact_may_be_said_in_both_languages() -> None:
    text = Text("needs {what}", "demande {what}")
    assert text.say("fr", what=Text("a key", "une clé")) == "demande une clé"


@pytest.mark.parametrize(
    "size,english,french",
    [
        (0, "0 B", "0 octets"),
        (1536, "1.5 kB", "1,5 ko"),
        (200 * 1024**2, "200 MB", "200 Mo"),
        (3 * 1024**3, "3 GB", "3 Go"),
    ],
)
def test_sizes_are_said_the_way_people_do(size: int, english: str, french: str) -> None:
    assert describe_bytes(size) == (english, french)
