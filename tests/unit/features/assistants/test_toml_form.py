"""An assistant written as TOML comes back exactly."""

import tomllib
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.assistants.errors import TomlUnreadable
from appliance.features.assistants.schemas import TOOLS, AssistantIn, Picture, Retrieval
from appliance.features.assistants.toml_form import read_toml, write_toml

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
_AWKWARD = st.text(st.sampled_from('"\\\n\r\t{} é'), max_size=30)
_ANY = _TEXT | _AWKWARD
_FILLED = _ANY.map(lambda text: f"x{text}")


@st.composite
def assistants(draw: st.DrawFn) -> AssistantIn:
    return AssistantIn(
        name=draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)),
        title=draw(_FILLED),
        persona=draw(_ANY),
        language=draw(st.sampled_from(["fr", "en", "auto"])),
        routing_description=draw(_ANY),
        examples=draw(st.lists(_FILLED, max_size=3)),
        model=draw(_TEXT),
        fallbacks=draw(st.lists(_FILLED, max_size=2)),
        temperature=draw(st.floats(0, 2)),
        knowledge_owners=draw(st.none() | st.lists(_FILLED, max_size=2)),
        tags=draw(st.lists(_FILLED.map(lambda text: text[:60]), max_size=2)),
        retrieval=Retrieval(
            candidates=draw(st.integers(1, 100)), floor=draw(st.floats(0, 1)), kept=draw(st.integers(1, 20))
        ),
        tools=draw(st.lists(st.sampled_from(TOOLS), max_size=1)),
        is_enabled=draw(st.booleans()),
    )


@given(assistants(), st.none() | st.binary(max_size=50))
def test_what_is_written_is_read_again(assistant: AssistantIn, content: bytes | None) -> None:
    picture = None if content is None else Picture("image/png", content, "")
    text = write_toml(assistant, picture)
    read = read_toml(text)
    assert read.assistant == assistant
    assert read.picture == content
    assert write_toml(read.assistant, picture) == text


def test_what_means_something_in_templates_stays() -> None:
    persona = 'You are {{ name }}, {0.__class__}, ${HOME}, %s.\nSay """hello""" and \\n.\r\n"'
    assert read_toml(write_toml(AssistantIn(name="a", title="A", persona=persona))).assistant.persona == persona


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name = 'a'",
        "name = 'a'\ntitle = 3",
        "name = 'a'\ntitle = 'A'\nunknown = 1",
        "name = 'a'\ntitle = 'A'\n[retrieval]\nkept = 0",
        "name = 'a'\ntitle = 'A'\n[picture]\nmedia_type = 'image/png'",
        "name = 'a'\ntitle = 'A'\npersona = \"\\u0000\"",
        "a = " + "[" * 5000,
    ],
)
def test_what_is_no_assistant_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(TomlUnreadable) as raised:
        read_toml(text)
    assert raised.value.words.fr


@pytest.mark.parametrize("name", ["audrey", "carole"])
def test_the_shipped_examples_are_whole(name: str) -> None:
    text = (files("appliance.features.assistants") / "examples" / f"{name}.toml").read_text(encoding="utf-8")
    assistant = read_toml(text).assistant
    assert assistant.name == name
    assert assistant.language == "fr"
    assert assistant.knowledge_owners == [name, "shared"]
    assert len(assistant.examples) >= 20
    assert msgspec.to_builtins(assistant.retrieval) == tomllib.loads(text)["retrieval"]
