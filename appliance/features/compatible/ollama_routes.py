"""Ollama's API over HTTP, for clients that others wrote."""

import time
from typing import Any

from litestar import Controller, Request, Response, delete, get, head, post
from litestar.background_tasks import BackgroundTask
from litestar.openapi import ResponseSpec
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from appliance.core.caller import Caller
from appliance.core.openapi import NDJSON, LinesOperation
from appliance.core.problems import language_of
from appliance.core.streams import STREAM_HEADERS, unless_gone
from appliance.features.compatible.errors import ManagedElsewhere
from appliance.features.compatible.live import write_stream
from appliance.features.compatible.ollama_reading import read_chat, read_generate, read_texts
from appliance.features.compatible.ollama_schemas import (
    OllamaChatIn,
    OllamaChatLine,
    OllamaEmbeddingOut,
    OllamaEmbeddingsIn,
    OllamaEmbedIn,
    OllamaEmbedOut,
    OllamaGenerateIn,
    OllamaGenerateLine,
    OllamaLine,
    OllamaOrder,
    OllamaProcesses,
    OllamaShowIn,
    OllamaShown,
    OllamaTags,
    OllamaVersion,
)
from appliance.features.compatible.ollama_writing import (
    ChatForm,
    GenerateForm,
    write_embeddings,
    write_loaded,
    write_model,
    write_ready,
    write_shown,
)
from appliance.features.compatible.openai_reading import check_texts
from appliance.features.compatible.service import CompatibleService
from appliance.ports.chat import ChatRequest

_Request = Request[Any, Any, Any]
_RUNNING = "Ollama is running"
WIRE_VERSION = "0.17.4"
"""The version of Ollama whose wire this was compared with."""


class OllamaController(Controller):
    """Errors under this prefix have Ollama's shape, unknown fields are ignored, answers stream unless told not to."""

    path = "/ollama"
    tags = ("Ollama",)

    @get(operation_id="OllamaIsRunning", summary="For clients that look whether it is there", media_type="text/plain")
    async def running(self, caller: Caller) -> str:
        """In Ollama's words."""
        return _RUNNING

    @head(include_in_schema=False)
    async def look(self, caller: Caller) -> None:
        """It is there."""

    @get("/api/version", operation_id="OllamaVersion", summary="The version of Ollama whose wire this is")
    async def version(self, caller: Caller) -> OllamaVersion:
        """Not the version of the engine behind it."""
        return OllamaVersion(WIRE_VERSION)

    @get("/api/tags", operation_id="OllamaTags", summary="What may be named as `model`")
    async def list_models(self, caller: Caller, compatible: CompatibleService) -> OllamaTags:
        """Models, the embedder, and assistants as `assistant/NAME`."""
        return OllamaTags([write_model(model) for model in await compatible.models(caller)])

    @post("/api/show", status_code=HTTP_200_OK, operation_id="OllamaShow", summary="One model")
    async def show(self, caller: Caller, data: OllamaShowIn, compatible: CompatibleService) -> OllamaShown:
        """What is known of it here."""
        return write_shown(await compatible.show(caller, data.model or data.name))

    @get("/api/ps", operation_id="OllamaProcesses", summary="The models in memory")
    async def processes(self, caller: Caller, compatible: CompatibleService) -> OllamaProcesses:
        """As far as it is known."""
        return OllamaProcesses([write_loaded(loaded) for loaded in await compatible.running(caller)])

    @post(
        "/api/chat",
        status_code=HTTP_200_OK,
        operation_id="OllamaChat",
        summary="Answer messages",
        operation_class=LinesOperation,
        responses={HTTP_200_OK: ResponseSpec(OllamaChatLine, generate_examples=False, description="The answer")},
    )
    async def chat(
        self, request: _Request, caller: Caller, data: OllamaChatIn, compatible: CompatibleService
    ) -> Response[OllamaLine] | Stream:
        """Lines of JSON, or with `stream: false` one object."""
        order = read_chat(data, caller, limit=compatible.answer_tokens)
        return await _answer(request, caller, data, order, compatible)

    @post(
        "/api/generate",
        status_code=HTTP_200_OK,
        operation_id="OllamaGenerate",
        summary="Complete a prompt",
        operation_class=LinesOperation,
        responses={HTTP_200_OK: ResponseSpec(OllamaGenerateLine, generate_examples=False, description="The text")},
    )
    async def generate(
        self, request: _Request, caller: Caller, data: OllamaGenerateIn, compatible: CompatibleService
    ) -> Response[OllamaLine] | Stream:
        """Lines of JSON, or with `stream: false` one object."""
        order = read_generate(data, caller, limit=compatible.answer_tokens)
        return await _answer(request, caller, data, order, compatible)

    @post("/api/embed", status_code=HTTP_200_OK, operation_id="OllamaEmbed", summary="Turn texts into vectors")
    async def embed(
        self, request: _Request, caller: Caller, data: OllamaEmbedIn, compatible: CompatibleService
    ) -> OllamaEmbedOut:
        """By the appliance's own embedder."""
        started = time.perf_counter()
        texts = read_texts(data, dimensions=compatible.dimensions)
        vectors = await unless_gone(request, compatible.embed(caller, data.model, texts, api="ollama"))
        return write_embeddings(data.model, texts, vectors, started)

    @post("/api/embeddings", status_code=HTTP_200_OK, operation_id="OllamaEmbeddings", summary="One text as a vector")
    async def embeddings(
        self, request: _Request, caller: Caller, data: OllamaEmbeddingsIn, compatible: CompatibleService
    ) -> OllamaEmbeddingOut:
        """As older clients ask for it."""
        texts = check_texts(data.prompt)
        vectors = await unless_gone(request, compatible.embed(caller, data.model, texts, api="ollama"))
        return OllamaEmbeddingOut(vectors[0].tolist())

    @post(
        ["/api/pull", "/api/create", "/api/push", "/api/copy", "/api/blobs/{digest:str}"],
        operation_id="OllamaManage",
        include_in_schema=False,
    )
    async def manage(self, caller: Caller) -> None:
        """Say where that is done."""
        raise ManagedElsewhere

    @delete("/api/delete", include_in_schema=False)
    async def remove(self, caller: Caller) -> None:
        """Say where that is done."""
        raise ManagedElsewhere


async def _answer(
    request: _Request, caller: Caller, data: OllamaOrder, order: ChatRequest | None, compatible: CompatibleService
) -> Response[OllamaLine] | Stream:
    is_chat = isinstance(data, OllamaChatIn)
    if order is None:
        shown = await compatible.show(caller, data.model)
        ready = write_ready(shown.listed.name, chats=is_chat, unloads=data.keep_alive in {0, "0", "0s"})
        return Response(ready)
    answer = await unless_gone(request, compatible.begin(caller, order, api="ollama"))
    form = ChatForm(answer) if is_chat else GenerateForm(answer)
    if data.stream is False:
        return Response(form.whole(await unless_gone(request, answer.whole())))
    lines = write_stream(answer, form, language_of(request))
    return Stream(lines, media_type=NDJSON, headers=STREAM_HEADERS, background=BackgroundTask(answer.stop))
