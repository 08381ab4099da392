"""What a model is given of a conversation: rules, what is known of the person, what was said, the passages, the message.

The system message and the turns come in the same order with the same words each time, so that the engine's cache keeps them;
what changes with every message (passages) stands at the end.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from appliance.core.text import Language, Text
from appliance.features.knowledge import FoundPassage
from appliance.ports.chat import Message

_KEPT_FOR_ENGINE = 64
"""Tokens that the model's own template takes, beside what is counted."""
_MEMORIES = Text("What the person has asked you to remember:", "Ce que la personne vous a demandé de retenir :")
_SUMMARY = Text("What was said before, in short:", "Ce qui a été dit auparavant, en bref :")
_PASSAGES = Text("Passages:", "Passages :")
_MESSAGE = Text("Message:", "Message :")


class Said(msgspec.Struct, frozen=True):
    """An earlier turn."""

    role: str
    content: str


class Context(msgspec.Struct, kw_only=True):
    """What a prompt is made of. `persona` is plain text; `said` oldest first, what the summary covers left out."""

    persona: str = ""
    memories: Sequence[str] = ()
    summary: str = ""
    said: Sequence[Said] = ()


@cache
def read_prompt(name: str, language: Language) -> str:
    """Read a text of rules."""
    return (files("appliance.features.chat") / "prompts" / f"{name}.{language}.md").read_text(encoding="utf-8").strip()


def compose(
    context: Context,
    passages: Sequence[FoundPassage],
    message: str,
    *,
    language: Language,
    budget: int,
    count: Callable[[str], int],
) -> list[Message]:
    """Put it together within `budget` tokens. Of what was said the newest stays; the message and the passages always do."""
    system = _system(context, language)
    last = _with_passages(passages, message, language)
    room = budget - count(system) - count(last) - _KEPT_FOR_ENGINE
    kept: list[Message] = []
    for turn in reversed(context.said):
        room -= count(turn.content) + 8
        if room < 0:
            break
        kept.append(Message("assistant" if turn.role == "assistant" else "user", turn.content))
    # A model that is told an answer first takes it for its own rules.
    while kept and kept[-1].role == "assistant":
        kept.pop()
    return [Message("system", system), *reversed(kept), Message("user", last)]


def _system(context: Context, language: Language) -> str:
    parts = [context.persona.strip() or read_prompt("conversation", language), read_prompt("passages", language)]
    if context.memories:
        parts.append("\n".join([_MEMORIES.say(language), *(f"- {memory}" for memory in context.memories)]))
    if context.summary:
        parts.append(f"{_SUMMARY.say(language)}\n{context.summary}")
    return "\n\n".join(parts)


def _with_passages(passages: Sequence[FoundPassage], message: str, language: Language) -> str:
    if not passages:
        return message
    shown = "\n\n".join(
        f"[{number}] {passage.header}\n<<<\n{passage.text}\n>>>" for number, passage in enumerate(passages, 1)
    )
    return f"{_PASSAGES.say(language)}\n\n{shown}\n\n{_MESSAGE.say(language)} {message}"
