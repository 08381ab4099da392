"""The words a language model is given: rules, numbered passages, the question. Filled in by name, never parsed."""

from collections.abc import Sequence
from importlib.resources import files

from appliance.core.text import Language
from appliance.features.knowledge.merging import FoundPassage
from appliance.ports.chat import Message

_CHARACTERS_PER_TOKEN = 3.2
"""English averages 4 and French 3.5 characters a token in common vocabularies; figures and tables take more."""
_RULES_TOKENS = 400


def read_prompt(language: Language) -> str:
    """Read the rules in one language."""
    return (files("appliance.features.knowledge") / "prompts" / f"answer.{language}.md").read_text(encoding="utf-8")


def fit_passages(
    passages: Sequence[FoundPassage], *, question: str, context_tokens: int, answer_tokens: int
) -> list[FoundPassage]:
    """Keep the best passages that fit the model's context beside the rules, the question and the answer."""
    room = context_tokens - answer_tokens - _RULES_TOKENS - _tokens(question)
    kept: list[FoundPassage] = []
    for passage in passages:
        room -= _tokens(passage.text) + _tokens(passage.header) + 10
        if room < 0:
            break
        kept.append(passage)
    return kept


def build_messages(prompt: str, passages: Sequence[FoundPassage], question: str) -> list[Message]:
    """Put the passages into the system message, so that the engine's cache keeps it for a second question."""
    shown = "\n\n".join(
        f"[{number}] {passage.header}\n<<<\n{passage.text}\n>>>" for number, passage in enumerate(passages, 1)
    )
    return [Message("system", prompt.replace("{passages}", shown)), Message("user", question)]


def _tokens(text: str) -> int:
    return int(len(text) / _CHARACTERS_PER_TOKEN) + 1
