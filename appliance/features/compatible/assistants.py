"""Assistants as models: what this room asks of the rooms that make them answer."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any, Protocol

import msgspec

from appliance.core.caller import Caller
from appliance.features.chat import Impromptu, ImpromptuService, Said
from appliance.features.generation import Step, Waiting, Writing
from appliance.features.runs import RunEvent
from appliance.ports.chat import ChatRequest, Delta, Usage

ASSISTANT_PREFIX = "assistant/"
_SPOKEN = frozenset({"user", "assistant"})


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer rests on, as `sources` has it elsewhere, and who answered."""

    items: tuple[dict[str, Any], ...] = ()
    agent: str = ""


class AssistantAnswers(Protocol):
    """Answers in an assistant's name: routing where the name is `auto`, its persona, its knowledge."""

    async def names(self, caller: Caller) -> list[str]:
        """Name the assistants the caller may ask, `auto` among them where routing decides."""
        ...

    def answer(self, caller: Caller, name: str, request: ChatRequest) -> AsyncGenerator[Step | Sources]:
        """Answer the last message of `request`, whose `model` is None. Closing the iterator stops the engine.

        Raises NotFound for an assistant that is not there, or not for this caller, and whatever writing raises.
        `Sources` come once, anywhere; `Writing` names the model before its first delta.
        """
        ...


class ChatAssistants:
    """AssistantAnswers of the chat room: each answer is a run, stopped when its reader leaves."""

    def __init__(self, impromptu: ImpromptuService) -> None:
        """`impromptu` answers outside conversations, since these clients keep theirs."""
        self._impromptu = impromptu

    async def names(self, caller: Caller) -> list[str]:
        """Name the assistants the caller may ask; none with a key that may not chat."""
        if caller.scopes is not None and "chat" not in caller.scopes:
            return []
        return await self._impromptu.names(caller)

    async def answer(self, caller: Caller, name: str, request: ChatRequest) -> AsyncGenerator[Step | Sources]:
        """Answer the last message."""
        run = await self._impromptu.start(
            caller,
            name,
            [Said(message.role, message.content) for message in request.messages if message.role in _SPOKEN],
            temperature=request.temperature,
            max_tokens=request.max_tokens,
        )
        try:
            async for event in run.follow():
                for step in _steps(event):
                    yield step
            if run.error is not None:
                raise run.error
        finally:
            run.stop()


def _steps(event: RunEvent) -> Iterator[Step | Sources]:
    """Say an event of a run as the steps of a generation."""
    match event:
        case RunEvent(name="queue", data=data):
            yield Waiting(data["place"])
        case RunEvent(name="token", data=data):
            yield Delta(text=data["text"])
        case RunEvent(name="done", data=Impromptu(answer=answer, route=route)):
            yield Writing(answer.model or answer.mode, 1)
            sources: list[dict[str, Any]] = msgspec.to_builtins(answer.sources)
            yield Sources(items=tuple(sources), agent=route.agent)
            usage = Usage(answer.usage.prompt_tokens, answer.usage.completion_tokens)
            yield Delta(usage=usage, reason="stop")
        case _:
            return
