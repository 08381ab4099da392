"""What the classifier learns from: the built-in examples of both languages, and the assistants' own words."""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

import msgspec

from appliance.core.text import LANGUAGES
from appliance.features.assistants.classifier import CONVERSATION, ESCALATE, FOLLOW_UP, Example

_PHRASE_END = re.compile(r"[:,.;\n]+")
_MOST_PHRASES = 200


class Specialist(msgspec.Struct, frozen=True):
    """What routing knows of an assistant."""

    name: str
    title: str
    routing_description: str
    examples: tuple[str, ...]


def built_in_examples() -> list[Example]:
    """Read what people say when they only talk, want a person, or go on."""
    folder = files("appliance.features.assistants") / "training"
    return [
        Example(line.strip(), label)
        for label in (CONVERSATION, ESCALATE, FOLLOW_UP)
        for language in LANGUAGES
        for line in (folder / f"{label}.{language}.txt").read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def examples_of(specialist: Specialist) -> list[Example]:
    """Take an assistant's example questions whole, and its title and description phrase by phrase."""
    phrases = [phrase.strip() for phrase in _PHRASE_END.split(specialist.routing_description)]
    phrases = [phrase for phrase in phrases if phrase][:_MOST_PHRASES]
    questions = [question.strip() for question in specialist.examples if question.strip()]
    return [
        *(Example(question, specialist.name) for question in questions),
        *(Example(phrase, specialist.name, is_phrase=True) for phrase in (specialist.title, *phrases)),
    ]


def digest_of(specialists: Sequence[Specialist]) -> str:
    """Name everything the classifier learns from the rows."""
    return sha256(msgspec.json.encode(specialists)).hexdigest()
