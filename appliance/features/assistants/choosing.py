"""Asking a language model who answers: a JSON schema it must keep to, a time limit, and no word of its own believed.

Only the agent is taken, and only one that is there. How sure the model was is read from the probabilities of the tokens it
wrote, where the engine gives them; the confidence it claims and its reasoning are not looked at.
"""

import asyncio
import math
import re
from collections.abc import Sequence
from contextlib import aclosing
from importlib.resources import files
from typing import Any, Literal

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.errors import ApplianceError
from appliance.core.settings_sections import Assistants
from appliance.core.text import Language
from appliance.features.assistants.classifier import CONVERSATION, ESCALATE
from appliance.features.assistants.training import Specialist
from appliance.features.generation import Generation, GenerationService, Writing
from appliance.ports.chat import ChatRequest, Delta, Message, TokenChoice

log = structlog.get_logger(__name__)
_AGENT = re.compile(r'"agent"\s*:\s*"([^"\\]*)"')
_ANSWER_TOKENS = 120
_DESCRIPTION_CHARACTERS = 600
_MESSAGE_CHARACTERS = 2000
_PREVIOUS, _PREVIOUS_CHARACTERS = 3, 300
Silence = Literal["unasked", "absent", "late", "nonsense"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is asked: the message, what was said before it (oldest first), and who answered last."""

    message: str
    previous: Sequence[str]
    current: str | None
    language: Language


class Choice(msgspec.Struct, frozen=True):
    """The agent a model chose, the model, and how probable its tokens were; None where the engine does not tell."""

    agent: str
    model: str
    probability: float | None


class ModelRouter:
    """Asks the model of the settings, in its turn among all who write."""

    def __init__(self, generation: GenerationService, settings: Assistants) -> None:
        """`settings.routing_timeout_seconds` bounds the whole of it, the queue included."""
        self._generation = generation
        self._settings = settings

    async def choose(self, caller: Caller, specialists: Sequence[Specialist], question: Question) -> Choice | Silence:
        """Ask. Says why where nothing usable came in time; never raises for an engine's failure.

        Where there is no specialist nobody is asked: talk need not wait for a model to say that it is talk.
        """
        if not specialists:
            return "unasked"
        names = [*(specialist.name for specialist in specialists), CONVERSATION, ESCALATE]
        silence: Silence = "absent"
        try:
            async with asyncio.timeout(self._settings.routing_timeout_seconds):
                model = await self._generation.resolve(
                    self._generation.router() or self._settings.routing_model or None
                )
                if model is None:
                    return silence
                request = build_request(model, specialists, question, names=names)
                choice = await self._ask(caller, request, names)
                silence = "nonsense"
        except TimeoutError:
            choice, silence = None, "late"
        except ApplianceError as error:
            log.warning("routing_model_failed", code=error.code)
            return "absent"
        if choice is None:
            log.info("routing_model_unusable", reason=silence)
        return choice or silence

    async def _ask(self, caller: Caller, request: ChatRequest, names: Sequence[str]) -> Choice | None:
        """Read until the agent stands there; closing the stream then stops the engine."""
        text, tokens, model = "", list[TokenChoice](), request.model or ""
        generation = Generation(request=request, owner=caller.user_id, lane="chat", fallbacks=())
        async with aclosing(self._generation.stream(generation)) as steps:
            async for step in steps:
                if isinstance(step, Writing):
                    model = step.model
                elif isinstance(step, Delta):
                    text += step.text
                    tokens += step.logprobs
                    if found := _AGENT.search(text):
                        return _choice(found, text, tokens, model) if found.group(1) in names else None
        return None


def _choice(found: re.Match[str], text: str, tokens: Sequence[TokenChoice], model: str) -> Choice:
    return Choice(found.group(1), model, probability_of(text, tokens, found.start(1), found.end(1)))


def probability_of(text: str, tokens: Sequence[TokenChoice], start: int, end: int) -> float | None:
    """Multiply the probabilities of the tokens that wrote a stretch; None where the tokens are not those of the text."""
    if not tokens or not text.startswith(written := "".join(choice.token for choice in tokens)) or len(written) < end:
        return None
    position, total = 0, 0.0
    for choice in tokens:
        following = position + len(choice.token)
        if position < end and following > start:
            total += min(0.0, choice.logprob)
        position = following
    return math.exp(total)


def build_request(
    model: str, specialists: Sequence[Specialist], question: Question, *, names: Sequence[str]
) -> ChatRequest:
    """Put the specialists into the system message, so that the engine's cache keeps it, and the message after it."""
    prompt = (files("appliance.features.assistants") / "prompts" / f"route.{question.language}.md").read_text(
        encoding="utf-8"
    )
    agents = "\n".join(
        f"- {specialist.name}: {specialist.title}. {_one_line(specialist.routing_description)[:_DESCRIPTION_CHARACTERS]}"
        for specialist in specialists
    )
    return ChatRequest(
        messages=[
            Message("system", prompt.replace("{agents}", agents)),
            Message("user", _show(question)),
        ],
        model=model,
        max_tokens=_ANSWER_TOKENS,
        temperature=0.0,
        shape=schema_of(names),
        logprobs=0,
        think=False,
    )


def schema_of(names: Sequence[str]) -> dict[str, Any]:
    """Describe the only answers there are."""
    return {
        "type": "object",
        "properties": {
            "agent": {"type": "string", "enum": list(names)},
            "confidence": {"type": "number"},
            "reasoning": {"type": "string"},
        },
        "required": ["agent", "confidence", "reasoning"],
        "additionalProperties": False,
    }


def _show(question: Question) -> str:
    """Fence everything a person wrote; the fence itself cannot be written in it."""
    parts: list[str] = []
    if question.current:
        parts.append(f"agent: {question.current}")
    parts += [_fenced(said[:_PREVIOUS_CHARACTERS]) for said in question.previous[-_PREVIOUS:]]
    return "\n\n".join([*parts, _fenced(question.message[:_MESSAGE_CHARACTERS])])


def _fenced(text: str) -> str:
    return f"<<<\n{text.replace('<<<', '« ').replace('>>>', ' »')}\n>>>"


def _one_line(text: str) -> str:
    return " ".join(text.split())
