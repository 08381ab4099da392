"""Our answers on OpenAI's wire."""

import base64
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from msgspec import UNSET

from appliance.core.error_shapes import openai_error
from appliance.core.errors import ApplianceError
from appliance.core.ids import new_id
from appliance.core.text import Language
from appliance.features.compatible.assistants import Sources
from appliance.features.compatible.live import Piece, Whole
from appliance.features.compatible.schemas import (
    Finish,
    OpenAICallOut,
    OpenAIChat,
    OpenAIChoice,
    OpenAIChosen,
    OpenAIChunk,
    OpenAIChunkChoice,
    OpenAICompletion,
    OpenAIEmbedding,
    OpenAIEmbeddings,
    OpenAIEmbeddingsUsage,
    OpenAIFunctionCall,
    OpenAILikely,
    OpenAILogprobs,
    OpenAIMessageOut,
    OpenAIModel,
    OpenAITextChoice,
    OpenAIUsage,
)
from appliance.ports.chat import TokenChoice, ToolCall, Usage
from appliance.ports.embedder import Vector
from appliance.ports.model_host import HostedModel

_DONE = b"data: [DONE]\n\n"
_FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "tools": "tool_calls"}
_CHARACTERS_PER_TOKEN = 4


class ChatWriting:
    """`/v1/chat/completions`: chunks, or the whole."""

    def __init__(self, model: str, *, counts: bool = False) -> None:
        """`counts`: the stream ends with a chunk of its usage."""
        self._model = model
        self._counts = counts
        self._id = f"chatcmpl-{new_id().hex}"
        self._created = int(time.time())
        self._so_far = Whole()
        self._begun = False

    def take(self, piece: Piece) -> Iterator[bytes]:
        """Write a piece as a chunk; where it says nothing, nothing."""
        index = len(self._so_far.tool_calls)
        self._so_far.add(piece)
        if isinstance(piece, Sources) or not (piece.text or piece.thinking or piece.tool_calls or piece.logprobs):
            return
        delta = OpenAIMessageOut(
            content=piece.text,
            reasoning=piece.thinking or UNSET,
            tool_calls=[_call(call, index + place) for place, call in enumerate(piece.tool_calls)] or UNSET,
        )
        if not self._begun:
            delta.role, self._begun = "assistant", True
        yield self._chunk([OpenAIChunkChoice(delta=delta, logprobs=_logprobs(piece.logprobs))])

    def end(self) -> Iterator[bytes]:
        """Write why it ended, the sources, the usage, and the end."""
        delta = OpenAIMessageOut()
        _add_sources(delta, self._so_far.sources)
        yield self._chunk([OpenAIChunkChoice(delta=delta, finish_reason=_FINISHES[self._so_far.reason])])
        if self._counts:
            yield self._chunk([], usage=_usage(self._so_far.usage))
        yield _DONE

    def fail(self, error: ApplianceError, language: Language) -> bytes:
        """Write a failure as OpenAI does in the middle of a stream."""
        return _event(openai_error(error, language, None))

    def _chunk(self, choices: list[OpenAIChunkChoice], usage: OpenAIUsage | None = None) -> bytes:
        chunk = OpenAIChunk(id=self._id, created=self._created, model=self._model, choices=choices)
        if self._counts:
            chunk.usage = usage
        return _event(chunk)

    def whole(self, whole: Whole) -> OpenAIChat:
        """Write all of it."""
        message = OpenAIMessageOut(
            role="assistant",
            content=None if whole.tool_calls and not whole.text else whole.text,
            reasoning=whole.thinking or UNSET,
            tool_calls=[_call(call) for call in whole.tool_calls] or UNSET,
        )
        _add_sources(message, whole.sources)
        choice = OpenAIChoice(
            message=message, logprobs=_logprobs(whole.logprobs), finish_reason=_FINISHES[whole.reason]
        )
        return OpenAIChat(
            id=self._id, created=self._created, model=self._model, choices=[choice], usage=_usage(whole.usage)
        )


class CompletionWriting:
    """`/v1/completions`: pieces, or the whole."""

    def __init__(self, model: str, *, counts: bool = False) -> None:
        """`counts`: the stream ends with a piece of its usage."""
        self._model = model
        self._counts = counts
        self._id = f"cmpl-{new_id().hex}"
        self._created = int(time.time())
        self._so_far = Whole()

    def take(self, piece: Piece) -> Iterator[bytes]:
        """Write a piece."""
        self._so_far.add(piece)
        if not isinstance(piece, Sources) and piece.text:
            yield _event(self._completion([OpenAITextChoice(text=piece.text, finish_reason=None)]))

    def end(self) -> Iterator[bytes]:
        """Write why it ended, the usage, and the end."""
        last = OpenAITextChoice(text="", finish_reason=_FINISHES[self._so_far.reason])
        yield _event(self._completion([last]))
        if self._counts:
            counted = self._completion([])
            counted.usage = _usage(self._so_far.usage)
            yield _event(counted)
        yield _DONE

    def fail(self, error: ApplianceError, language: Language) -> bytes:
        """Write a failure in the middle."""
        return _event(openai_error(error, language, None))

    def whole(self, whole: Whole) -> OpenAICompletion:
        """Write all of it."""
        done = self._completion([OpenAITextChoice(text=whole.text, finish_reason=_FINISHES[whole.reason])])
        done.usage = _usage(whole.usage)
        return done

    def _completion(self, choices: list[OpenAITextChoice]) -> OpenAICompletion:
        return OpenAICompletion(id=self._id, created=self._created, model=self._model, choices=choices)


def write_embeddings(model: str, texts: Sequence[str], vectors: Sequence[Vector], *, packed: bool) -> OpenAIEmbeddings:
    """Write vectors; `packed`: as base64."""
    data = [
        OpenAIEmbedding(index=index, embedding=pack(vector) if packed else vector.tolist())
        for index, vector in enumerate(vectors)
    ]
    tokens = estimate_tokens(texts)
    return OpenAIEmbeddings(data=data, model=model, usage=OpenAIEmbeddingsUsage(tokens, tokens))


def pack(vector: Vector) -> str:
    """Write a vector as base64 of little-endian float32."""
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()


def estimate_tokens(texts: Sequence[str]) -> int:
    """Estimate what the embedder does not count."""
    return sum(len(text) // _CHARACTERS_PER_TOKEN + 1 for text in texts)


def write_model(model: HostedModel) -> OpenAIModel:
    """Write an entry of the list."""
    return OpenAIModel(id=model.name, created=int(model.modified_at.timestamp()) if model.modified_at else 0)


def _add_sources(message: OpenAIMessageOut, sources: Sources | None) -> None:
    if sources is not None:
        message.sources = list(sources.items)
        message.agent = sources.agent or UNSET


def _call(call: ToolCall, index: int | None = None) -> OpenAICallOut:
    function = OpenAIFunctionCall(call.name, call.arguments)
    return OpenAICallOut(index=UNSET if index is None else index, id=call.id, function=function)


def _usage(usage: Usage | None) -> OpenAIUsage | None:
    if usage is None:
        return None
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    return OpenAIUsage(prompt, completion, prompt + completion)


def _logprobs(choices: Sequence[TokenChoice]) -> OpenAILogprobs | None:
    if not choices:
        return None
    return OpenAILogprobs(
        [
            OpenAIChosen(
                one.token,
                one.logprob,
                list(one.token.encode()),
                [OpenAILikely(token, logprob, list(token.encode())) for token, logprob in one.top],
            )
            for one in choices
        ]
    )


def _event(value: msgspec.Struct) -> bytes:
    return b"data: %s\n\n" % msgspec.json.encode(value)
