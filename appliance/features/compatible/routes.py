"""OpenAI's API over HTTP, for clients that others wrote."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.openapi import ResponseSpec
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from appliance.core.caller import Caller
from appliance.core.openapi import EVENT_STREAM, StreamingOperation
from appliance.core.problems import language_of
from appliance.core.streams import STREAM_HEADERS, unless_gone
from appliance.features.compatible.live import LiveAnswer, write_stream
from appliance.features.compatible.openai_reading import read_chat, read_completion, read_texts
from appliance.features.compatible.openai_writing import (
    ChatWriting,
    CompletionWriting,
    write_embeddings,
    write_model,
)
from appliance.features.compatible.schemas import (
    OpenAIChat,
    OpenAIChatIn,
    OpenAICompletion,
    OpenAICompletionIn,
    OpenAIEmbeddings,
    OpenAIEmbeddingsIn,
    OpenAIModel,
    OpenAIModels,
)
from appliance.features.compatible.service import CompatibleService

_Request = Request[Any, Any, Any]


class OpenAIController(Controller):
    """Errors under this prefix have OpenAI's shape, unknown fields are ignored."""

    path = "/v1"
    tags = ("OpenAI",)

    @get("/models", operation_id="OpenAIListModels", summary="What may be named as `model`")
    async def models(self, caller: Caller, compatible: CompatibleService) -> OpenAIModels:
        """Models, the embedder, and assistants as `assistant/NAME`."""
        return OpenAIModels(data=[write_model(model) for model in await compatible.models(caller)])

    @get("/models/{model:path}", operation_id="OpenAIGetModel", summary="One model")
    async def model(self, caller: Caller, model: str, compatible: CompatibleService) -> OpenAIModel:
        """As in the list."""
        shown = await compatible.show(caller, str(model).lstrip("/"))
        return write_model(shown.listed)

    @post(
        "/chat/completions",
        status_code=HTTP_200_OK,
        operation_id="OpenAIChat",
        summary="Answer messages",
        operation_class=StreamingOperation,
        responses={HTTP_200_OK: ResponseSpec(OpenAIChat, generate_examples=False, description="The answer")},
    )
    async def chat(
        self, request: _Request, caller: Caller, data: OpenAIChatIn, compatible: CompatibleService
    ) -> Response[OpenAIChat] | Stream:
        """JSON, or with `stream` chunks as server-sent events, `data: [DONE]` at the end."""
        order = read_chat(data, limit=compatible.answer_tokens)
        answer = await unless_gone(request, compatible.begin(caller, order, api="openai"))
        if data.stream:
            counts = bool(data.stream_options and data.stream_options.include_usage)
            return _stream(request, answer, ChatWriting(answer.model, counts=counts))
        return Response(ChatWriting(answer.model).whole(await unless_gone(request, answer.whole())))

    @post(
        "/completions",
        status_code=HTTP_200_OK,
        operation_id="OpenAICompletion",
        summary="Complete a prompt, for older clients",
        operation_class=StreamingOperation,
        responses={HTTP_200_OK: ResponseSpec(OpenAICompletion, generate_examples=False, description="The text")},
    )
    async def complete(
        self, request: _Request, caller: Caller, data: OpenAICompletionIn, compatible: CompatibleService
    ) -> Response[OpenAICompletion] | Stream:
        """The prompt is a message of the user's."""
        order = read_completion(data, limit=compatible.answer_tokens)
        answer = await unless_gone(request, compatible.begin(caller, order, api="openai"))
        if data.stream:
            counts = bool(data.stream_options and data.stream_options.include_usage)
            return _stream(request, answer, CompletionWriting(answer.model, counts=counts))
        return Response(CompletionWriting(answer.model).whole(await unless_gone(request, answer.whole())))

    @post("/embeddings", status_code=HTTP_200_OK, operation_id="OpenAIEmbeddings", summary="Turn texts into vectors")
    async def embeddings(
        self, request: _Request, caller: Caller, data: OpenAIEmbeddingsIn, compatible: CompatibleService
    ) -> OpenAIEmbeddings:
        """By the appliance's own embedder."""
        texts = read_texts(data, dimensions=compatible.dimensions)
        vectors = await unless_gone(request, compatible.embed(caller, data.model, texts, api="openai"))
        return write_embeddings(data.model, texts, vectors, packed=data.encoding_format == "base64")


def _stream(request: _Request, answer: LiveAnswer, form: ChatWriting | CompletionWriting) -> Stream:
    """Write as it comes. Whoever leaves before the first byte stops the engine too: hence the task at the end."""
    lines = write_stream(answer, form, language_of(request))
    return Stream(lines, media_type=EVENT_STREAM, headers=STREAM_HEADERS, background=BackgroundTask(answer.stop))
