import pytest

from appliance.features.chat.saved_prompts import variables_of


@pytest.mark.parametrize(
    "text,variables",
    [
        ("Écris à {{ client }} au sujet de {{sujet}}, cher {{client}}.", ["client", "sujet"]),
        ("{{ nom du client }} / {{prénom}} / {{ date-limite }} / {{l’objet}}", ["nom du client", "prénom", "date-limite", "l’objet"]),
        ("Nothing { here } at {{}} all {{ }} {{!x}} {% for a in b %} {{ a|upper }} {{ 7 * 7 }}", []),
        ("{{{{x}}}}", ["x"]),
        ("{{ a\n\n }}", ["a"]),
    ],
)  # fmt: skip
def test_variables_are_named_in_order_and_nothing_is_evaluated(text: str, variables: list[str]) -> None:
    assert variables_of(text) == variables


@pytest.mark.parametrize("text", ["{{ " * 6_000, "{{a" + " " * 20_000, "{" * 20_000])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    assert variables_of(text) == []
