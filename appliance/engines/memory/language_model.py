"""A language model that says what it was given to say: for tests, and for trying a room without an engine."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Self

from appliance.core.health import Health
from appliance.engines.model_errors import ModelNotFound
from appliance.ports.chat import ChatRequest, Delta, Usage

Answer = str | Callable[[ChatRequest], str]


class MemoryLanguageModel:
    """LanguageModel whose words come from `answer`. `requests` is what it was asked, `unfinished` what was stopped."""

    kind = "memory"

    def __init__(
        self, answer: Answer = "", *, models: Sequence[str] = ("memory",), seconds_per_token: float = 0.0
    ) -> None:
        """`answer`: the words, or a function of the request that gives them or raises an engine's error."""
        self.answer = answer
        self.requests: list[ChatRequest] = []
        self.unfinished = 0
        self._models = tuple(models)
        self._seconds_per_token = seconds_per_token

    async def resolve(self, model: str | None) -> str | None:
        """Name the model that would answer."""
        if model is not None and model not in self._models:
            raise ModelNotFound(model=model[:100])
        return model or next(iter(self._models), None)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Write the answer word by word."""
        await self.resolve(request.model)
        self.requests.append(request)
        words = self.answer if isinstance(self.answer, str) else self.answer(request)
        tokens = re.findall(r"\s*\S+|\s+$", words)
        prompt_tokens = sum(len(message.content.split()) for message in request.messages)
        self.unfinished += 1
        for token in tokens[: request.max_tokens]:
            await asyncio.sleep(self._seconds_per_token)
            yield Delta(text=token)
        self.unfinished -= 1
        written = min(len(tokens), request.max_tokens)
        yield Delta(usage=Usage(prompt_tokens, written), reason="stop" if written == len(tokens) else "length")

    async def check(self) -> Health:
        """It is there as long as the process is."""
        return Health(self.kind, ok=True, detail=str(len(self._models)))

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nothing to close."""
