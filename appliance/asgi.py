"""The application: a readable list of rooms behind one door."""

from collections.abc import AsyncGenerator, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.di import Provide
from litestar.exceptions import InternalServerException
from litestar.openapi import OpenAPIConfig
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.response import Redirect

from appliance import __version__
from appliance.bootstrap import Appliance
from appliance.core.caller import Caller
from appliance.core.errors import InvalidRequest
from appliance.core.openapi import describe
from appliance.core.problems import answer_error
from appliance.core.static import StaticFiles
from appliance.core.text import NUL_SENT, Text, holds_nul
from appliance.core.web import Door
from appliance.features.assistants.routes import AssistantController
from appliance.features.audit.routes import AuditController
from appliance.features.chat.extras_routes import (
    EscalationController,
    FigureController,
    MemoryController,
    PromptController,
)
from appliance.features.chat.routes import ChatController, ConversationController, FolderController
from appliance.features.compatible.ollama_routes import OllamaController
from appliance.features.compatible.routes import OpenAIController
from appliance.features.generation.routes import GenerationController
from appliance.features.identity.routes import (
    GroupController,
    KeyController,
    SessionController,
    SignInController,
    UserController,
)
from appliance.features.knowledge.collection_routes import CollectionController
from appliance.features.knowledge.question_routes import EvaluationController, QuestionController
from appliance.features.knowledge.routes import DocumentController, ReadingController
from appliance.features.model_registry.routes import ModelController
from appliance.features.operations.routes import (
    EgressController,
    HealthController,
    InspectionController,
    JobController,
    LiveController,
)
from appliance.features.runs.routes import RunController

ROOMS = (
    HealthController,
    LiveController,
    SignInController,
    UserController,
    GroupController,
    KeyController,
    SessionController,
    AuditController,
    CollectionController,
    DocumentController,
    ReadingController,
    QuestionController,
    EvaluationController,
    AssistantController,
    GenerationController,
    ChatController,
    ConversationController,
    FolderController,
    OpenAIController,
    OllamaController,
    RunController,
    ModelController,
    MemoryController,
    PromptController,
    EscalationController,
    FigureController,
    JobController,
    EgressController,
    InspectionController,
)

_VIEWER = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>REST API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/api-docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/api-docs/swagger-ui-bundle.js"></script>
<script src="/api-docs/init.js"></script></body></html>"""


@get("/api/docs", include_in_schema=False, media_type="text/html")
async def show_docs() -> str:
    """Show the API's description in a viewer that is the appliance's own file."""
    return _VIEWER


@get(["/docs", "/redoc"], include_in_schema=False)
async def lead_to_docs() -> Redirect:
    """Lead clients of other products to the place."""
    return Redirect("/api/docs")


@get("/api/docs/openapi.json", include_in_schema=False)
async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Describe the API (OpenAPI 3.1)."""
    return Response(describe(request.app.openapi_schema.to_schema()), media_type="application/json")


class CarefulRequest(Request[Any, Any, Any]):
    """A request whose body may be anything: brackets a thousand deep, half characters, or cut off."""

    async def stream(self) -> AsyncGenerator[bytes]:
        """Give the body as it comes. Raises InvalidRequest where the client left before its end: no failure of ours."""
        try:
            async for piece in super().stream():
                yield piece
        except InternalServerException:
            reason = Text("The body ended before it was complete.", "Le corps s’est interrompu avant la fin.")
            raise InvalidRequest(reason=reason) from None

    async def json(self) -> Any:
        """Decode. Raises InvalidRequest for what the decoder has no answer to, and for U+0000 in a text."""
        try:
            value = await super().json()
        except (RecursionError, UnicodeError):
            reason = Text("The body is not JSON that can be read.", "Le corps n’est pas du JSON lisible.")
            raise InvalidRequest(reason=reason) from None
        if holds_nul(value):
            raise InvalidRequest(reason=NUL_SENT)
        return value


def provide_caller(request: Request[Any, Any, Any]) -> Caller | None:
    """The door has put the caller on the request; only open paths have none."""
    return request.scope.get("user")


def _giving(service: Any) -> Callable[[], Any]:
    def give() -> Any:
        return service

    return give


def _services(appliance: Appliance) -> dict[str, Any]:
    """Name what handlers may ask for."""
    return {
        "access": appliance.access,
        "analytics": appliance.analytics,
        "answers": appliance.answers,
        "assistants": appliance.assistants,
        "audit": appliance.audit,
        "chat": appliance.chat,
        "collections": appliance.collections,
        "compatible": appliance.compatible,
        "completions": appliance.completions,
        "conversations": appliance.conversations,
        "documents": appliance.documents,
        "egress": appliance.ledger,
        "escalations": appliance.escalations,
        "evaluations": appliance.evaluations,
        "example_assistants": appliance.example_assistants,
        "exporting": appliance.exporting,
        "generation": appliance.generation,
        "jobs": appliance.jobs,
        "keys": appliance.keys,
        "live": appliance.live,
        "memories": appliance.memories,
        "metrics": appliance.metrics,
        "model_roles": appliance.model_roles,
        "models": appliance.models,
        "operations": appliance.operations,
        "people": appliance.people,
        "prompts": appliance.prompts,
        "reading": appliance.reading,
        "routing": appliance.routing,
        "routing_evaluations": appliance.routing_evaluations,
        "runs": appliance.runs,
        "searching": appliance.search,
        "usage": appliance.usage,
    }


class Application(Litestar):
    """Litestar without what it offers to other libraries: pydantic's, wherever it is installed, would be loaded at each start."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_litestar(appliance: Appliance) -> Litestar:
    """Put the rooms together. Handlers are given services by name."""
    return Application(
        route_handlers=[*ROOMS, show_docs, lead_to_docs, openapi],
        dependencies={
            "caller": Provide(provide_caller, sync_to_thread=False),
            **{name: Provide(_giving(service), sync_to_thread=False) for name, service in _services(appliance).items()},
        },
        request_class=CarefulRequest,
        exception_handlers={Exception: answer_error},
        request_max_body_size=appliance.loaded.settings.limits.request_bytes,
        openapi_config=OpenAPIConfig(
            title="Appliance",
            version=__version__,
            use_handler_docstrings=True,
            path="/api/docs/litestar",
            render_plugins=[],
        ),
        logging_config=None,
        debug=False,
    )


def create_app(appliance: Appliance) -> Door:
    """Put the door around the rooms, and the interface beside them."""
    interface = Path(str(files("appliance"))) / "web" / "dist"
    return Door(
        create_litestar(appliance),
        loaded=appliance.loaded,
        authenticate=appliance.access.authenticate,
        metrics=appliance.metrics,
        static=StaticFiles(interface),
    )
