"""Our answers on Ollama's wire."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from appliance.core.database import now
from appliance.core.error_shapes import ollama_error
from appliance.core.errors import ApplianceError
from appliance.core.text import Language
from appliance.features.compatible.assistants import Sources
from appliance.features.compatible.catalogue import LoadedModel, ShownModel
from appliance.features.compatible.live import LiveAnswer, Piece, Whole
from appliance.features.compatible.ollama_schemas import (
    OllamaChatLine,
    OllamaChosen,
    OllamaDetails,
    OllamaEmbedOut,
    OllamaFunctionCall,
    OllamaGenerateLine,
    OllamaLikely,
    OllamaLine,
    OllamaLoaded,
    OllamaMessageOut,
    OllamaModelOut,
    OllamaShown,
    OllamaToolCall,
)
from appliance.features.compatible.openai_writing import estimate_tokens
from appliance.ports.chat import Delta, TokenChoice, ToolCall
from appliance.ports.embedder import Vector
from appliance.ports.model_host import HostedModel

_NANOSECONDS = 1e9
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_NEVER = datetime(2318, 1, 1, tzinfo=UTC)
"""What stands for no time: Ollama's own clients want one."""


class ChatForm:
    """`/api/chat`: lines, or the whole."""

    def __init__(self, answer: LiveAnswer) -> None:
        """Times are counted from where the answer began."""
        self._answer = answer
        self._so_far = Whole()

    def take(self, piece: Piece) -> Iterator[bytes]:
        """Write a piece as a line; where it says nothing, nothing."""
        self._so_far.add(piece)
        if isinstance(piece, Delta) and (piece.text or piece.thinking or piece.tool_calls or piece.logprobs):
            line = self._line(piece.text, piece.thinking, piece.tool_calls)
            line.logprobs = _logprobs(piece.logprobs)
            yield _encode(line)

    def end(self) -> Iterator[bytes]:
        """Write the last line: why it ended, the sources, the counts."""
        last = self._line("", "", (), sources=self._so_far.sources)
        _finish(last, self._answer, self._so_far)
        yield _encode(last)

    def fail(self, error: ApplianceError, language: Language) -> bytes:
        """Write a failure as Ollama does in the middle of a stream."""
        return _encode(ollama_error(error, language, None))

    def whole(self, whole: Whole) -> OllamaLine:
        """Write all of it."""
        line = self._line(whole.text, whole.thinking, whole.tool_calls, sources=whole.sources)
        line.logprobs = _logprobs(whole.logprobs)
        _finish(line, self._answer, whole)
        return line

    def _line(
        self, text: str, thinking: str, calls: Sequence[ToolCall], *, sources: Sources | None = None
    ) -> OllamaLine:
        message = OllamaMessageOut(
            content=text, thinking=thinking or UNSET, tool_calls=[_call(call) for call in calls] or UNSET
        )
        if sources is not None:
            message.sources, message.agent = list(sources.items), sources.agent or UNSET
        return OllamaChatLine(model=self._answer.model, created_at=now(), message=message)


class GenerateForm(ChatForm):
    """`/api/generate`: lines, or the whole."""

    def _line(
        self, text: str, thinking: str, calls: Sequence[ToolCall], *, sources: Sources | None = None
    ) -> OllamaLine:
        return OllamaGenerateLine(
            model=self._answer.model,
            created_at=now(),
            response=text,
            thinking=thinking or UNSET,
            sources=list(sources.items) if sources else UNSET,
        )


def write_ready(model: str, *, chats: bool, unloads: bool) -> OllamaChatLine | OllamaGenerateLine:
    """Answer a request that only asks for the model to be ready, or to go."""
    shared: dict[str, Any] = {"done": True, "done_reason": "unload" if unloads else "load"}
    if chats:
        return OllamaChatLine(model=model, created_at=now(), message=OllamaMessageOut(), **shared)
    return OllamaGenerateLine(model=model, created_at=now(), **shared)


def write_embeddings(model: str, texts: Sequence[str], vectors: Sequence[Vector], started: float) -> OllamaEmbedOut:
    """Write vectors."""
    return OllamaEmbedOut(
        model=model,
        embeddings=[vector.tolist() for vector in vectors],
        total_duration=_nanoseconds(time.perf_counter() - started),
        prompt_eval_count=estimate_tokens(texts),
    )


def write_model(model: HostedModel) -> OllamaModelOut:
    """Write an entry of the list."""
    return OllamaModelOut(
        name=model.name,
        model=model.name,
        modified_at=model.modified_at or _LONG_AGO,
        size=model.size,
        digest=model.digest,
        details=_details(model),
    )


def write_shown(shown: ShownModel) -> OllamaShown:
    """Write one model."""
    family = shown.listed.family or "unknown"
    info: dict[str, Any] = {"general.architecture": family}
    if shown.context_length:
        info[f"{family}.context_length"] = shown.context_length
    return OllamaShown(
        parameters=shown.settings,
        template=shown.template,
        license=shown.licence,
        details=_details(shown.listed),
        model_info=info,
        capabilities=list(shown.capabilities),
        modified_at=shown.listed.modified_at or _LONG_AGO,
    )


def write_loaded(loaded: LoadedModel) -> OllamaLoaded:
    """Write a model in memory."""
    model = loaded.listed
    return OllamaLoaded(
        name=model.name,
        model=model.name,
        size=model.size,
        digest=model.digest,
        details=_details(model),
        expires_at=loaded.expires_at or _NEVER,
        size_vram=loaded.size_vram,
        context_length=loaded.context_length or 0,
    )


def _details(model: HostedModel) -> OllamaDetails:
    return OllamaDetails(
        family=model.family,
        families=[model.family] if model.family else None,
        parameter_size=model.parameters,
        quantization_level=model.quantization,
    )


def _finish(line: OllamaLine, answer: LiveAnswer, whole: Whole) -> None:
    """Say why it ended, what it counted and how long each part took; what waited or was loaded is `load_duration`."""
    ended = time.perf_counter()
    first = answer.first_at or ended
    usage = whole.usage
    prompt = usage.prompt_seconds if usage and usage.prompt_seconds is not None else 0.0
    writing = usage.completion_seconds if usage and usage.completion_seconds is not None else ended - first
    line.done = True
    line.done_reason = "length" if whole.reason == "length" else "stop"
    line.total_duration = _nanoseconds(ended - answer.started)
    line.load_duration = _nanoseconds(max(0.0, first - answer.started - prompt))
    line.prompt_eval_count = usage.prompt_tokens if usage else UNSET
    line.prompt_eval_duration = _nanoseconds(prompt)
    line.eval_count = usage.completion_tokens if usage else UNSET
    line.eval_duration = _nanoseconds(writing)


def _call(call: ToolCall) -> OllamaToolCall:
    """Write a call; arguments that are no JSON object stand as one, under `input`."""
    try:
        arguments = msgspec.json.decode(call.arguments, type=dict[str, Any])
    except msgspec.DecodeError:
        arguments = {"input": call.arguments}
    return OllamaToolCall(id=call.id, function=OllamaFunctionCall(call.name, arguments))


def _logprobs(choices: Sequence[TokenChoice]) -> list[OllamaChosen] | UnsetType:
    return [
        OllamaChosen(
            token=one.token,
            logprob=one.logprob,
            top_logprobs=[OllamaLikely(token, logprob) for token, logprob in one.top] or UNSET,
        )
        for one in choices
    ] or UNSET


def _nanoseconds(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)


def _encode(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value) + b"\n"
