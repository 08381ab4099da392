"""Every sentence a person may read stands in French and in English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.layout import DOCS, PACKAGE, WEB, modules, place

SAME_IN_BOTH = {"page", "questions", "licence", "{reason}", "{advice}"}
MADE_OF_PARTS = {
    "appliance/core/text.py": "a size, said with each language's own units",
    "appliance/core/errors.py": "a stored fact, which is such a pair already",
    "appliance/engines/reading/archives.py": "a reason filled in, in each language",
    "appliance/cli/models.py": "a table's header, written as a list of pairs",
    "appliance/features/knowledge/evaluation.py": "one error, given its two sentences",
}
_FACT = re.compile(r"\{(\w*)[^}]*\}")
_CODE = re.compile(r"`[^`]*`")
_STRAIGHT = re.compile(r"\w'\w")
_CROWDED = re.compile(r"[^\s\u00a0\u202f\d/][;:?!»](?=\s|$)|«\S")


class Pair(NamedTuple):
    place: str
    en: str
    fr: str


def _pairs() -> Iterator[Pair | tuple[str, ast.Call]]:
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
                words = [_words(argument) for argument in node.args]
                if len(words) == 2 and None not in words:
                    yield Pair(place(path, node), words[0] or "", words[1] or "")
                else:
                    yield path, node


def _words(expression: ast.expr) -> str | None:
    """Read a literal, the places of facts kept as `{}`."""
    match expression:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}" for part in parts
            )
        case _:
            return None


PAIRS = [pair for pair in _pairs() if isinstance(pair, Pair)]


def test_sentences_are_literals() -> None:
    assert {found[0] for found in _pairs() if not isinstance(found, Pair)} == set(MADE_OF_PARTS)
    assert len(PAIRS) > 300


def test_neither_language_is_left_out() -> None:
    assert not [pair.place for pair in PAIRS if bool(pair.en.strip()) != bool(pair.fr.strip())]


def test_the_languages_differ() -> None:
    assert not [pair for pair in PAIRS if pair.en == pair.fr and pair.en and pair.en not in SAME_IN_BOTH]


def test_both_languages_name_the_same_facts() -> None:
    assert not [pair for pair in PAIRS if set(_FACT.findall(pair.en)) != set(_FACT.findall(pair.fr))]


def test_both_languages_name_the_same_commands_and_settings() -> None:
    def names(sentence: str) -> set[str]:
        return {code for code in _CODE.findall(sentence) if re.fullmatch(r"`[a-z_]+\.[a-z_]+`", code)}

    assert not [pair for pair in PAIRS if names(pair.en) != names(pair.fr)]


def test_french_is_set_as_french() -> None:
    """A curly apostrophe, and a space before high punctuation."""
    bare = [(pair, re.sub(r"\{[^}]*\}", "x", _CODE.sub("x", pair.fr))) for pair in PAIRS]
    assert not [pair for pair, words in bare if _STRAIGHT.search(words) or _CROWDED.search(words)]


@pytest.mark.parametrize("name", sorted(path.name for path in (WEB / "src" / "i18n" / "en").glob("*.ts")))
def test_the_interface_is_translated(name: str) -> None:
    """That the keys are the same TypeScript proves; here, that no sentence was left in English."""
    english, french = (_sentences(WEB / "src" / "i18n" / language / name) for language in ("en", "fr"))
    assert not english & french


def _sentences(path: Path) -> set[str]:
    literals: list[str] = re.findall(r"\"((?:[^\"\\\n]|\\.)*)\"", path.read_text(encoding="utf-8"))
    return {words for words in literals if len(words.split()) > 2}


def test_guides_stand_in_both_languages() -> None:
    guides = {path.name.removesuffix(".md").removesuffix(".fr") for path in (DOCS / "guides").glob("*.md")}
    assert guides
    for guide in guides:
        assert (DOCS / "guides" / f"{guide}.md").exists()
        assert (DOCS / "guides" / f"{guide}.fr.md").exists()


def test_prompts_stand_in_both_languages() -> None:
    prompts = list(PACKAGE.glob("features/*/prompts/*.md"))
    assert prompts
    for path in prompts:
        stem, language, _ = path.name.split(".")
        assert path.with_name(f"{stem}.{'fr' if language == 'en' else 'en'}.md").exists()
