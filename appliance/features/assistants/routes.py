"""Assistants over HTTP, and trying out who would answer."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from appliance.core.caller import Caller
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.features.assistants.evaluation import RoutingEvaluationService
from appliance.features.assistants.installing import ExampleService
from appliance.features.assistants.routing import RoutingService
from appliance.features.assistants.schemas import (
    Assistant,
    AssistantIn,
    AssistantPatch,
    Installed,
    RouteIn,
    RoutingEvaluation,
    RoutingEvaluationIn,
    TomlIn,
    TriedRoute,
)
from appliance.features.assistants.service import AssistantService

Name = Annotated[str, PathParameter(max_length=63)]
_KEPT_BY_THE_BROWSER = "private, max-age=86400"
_UNTRUSTED = "sandbox; default-src 'none'"


class AssistantController(Controller):
    """Who can answer; admins write."""

    path = "/api/assistants"
    tags = ("Assistants",)

    @get(operation_id="ListAssistants", summary="List assistants")
    async def list_assistants(
        self, caller: Caller, assistants: AssistantService, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> Page[Assistant]:
        """Enabled ones; an admin sees all of them, and their personas."""
        return await assistants.page(caller, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddAssistant", summary="Make an assistant")
    async def add(self, caller: Caller, data: AssistantIn, assistants: AssistantService) -> Assistant:
        """It is routed to from the next message on."""
        return await assistants.create(caller, data)

    @get("/{name:str}", operation_id="GetAssistant", summary="One assistant")
    async def get_assistant(self, caller: Caller, name: Name, assistants: AssistantService) -> Assistant:
        """Its persona is an admin's to see."""
        return await assistants.get(caller, name)

    @patch("/{name:str}", operation_id="ChangeAssistant", summary="Change or disable an assistant")
    async def change(self, caller: Caller, name: Name, data: AssistantPatch, assistants: AssistantService) -> Assistant:
        """Everything but its name."""
        return await assistants.change(caller, name, data)

    @delete("/{name:str}", operation_id="DeleteAssistant", summary="Delete an assistant")
    async def remove(self, caller: Caller, name: Name, assistants: AssistantService) -> None:
        """Its documents stay."""
        await assistants.delete(caller, name)

    @get(
        "/{name:str}/picture",
        operation_id="GetAssistantPicture",
        summary="An assistant's picture",
        responses={
            HTTP_200_OK: ResponseSpec(
                bytes, generate_examples=False, media_type="image/*", description="PNG, JPEG or WebP"
            )
        },
    )
    async def picture(self, caller: Caller, name: Name, assistants: AssistantService) -> Response[bytes]:
        """Its address changes with it, so a browser may keep it."""
        found = await assistants.picture(caller, name)
        headers = {"Cache-Control": _KEPT_BY_THE_BROWSER, "Content-Security-Policy": _UNTRUSTED}
        return Response(found.content, media_type=found.media_type, headers=headers)

    @put(
        "/{name:str}/picture",
        operation_id="SetAssistantPicture",
        summary="Give an assistant a picture: the bytes are the body",
        request_max_body_size=None,  # counted as it flows
    )
    async def set_picture(
        self, request: Request[Any, Any, Any], caller: Caller, name: Name, assistants: AssistantService
    ) -> Assistant:
        """PNG, JPEG or WebP by its bytes, at most 256 kB."""
        return await assistants.set_picture(caller, name, request.stream())

    @delete("/{name:str}/picture", operation_id="RemoveAssistantPicture", summary="Take an assistant's picture away")
    async def remove_picture(self, caller: Caller, name: Name, assistants: AssistantService) -> None:
        """The assistant stays."""
        await assistants.remove_picture(caller, name)

    @get("/{name:str}/export", operation_id="ExportAssistant", summary="An assistant as TOML", media_type="text/plain")
    async def export(self, caller: Caller, name: Name, assistants: AssistantService) -> Response[str]:
        """What is imported again is exactly this."""
        text = await assistants.export(caller, name)
        headers = {"Content-Disposition": f'attachment; filename="{name}.toml"'}
        return Response(text, media_type="application/toml; charset=utf-8", headers=headers)

    @post("/import", status_code=HTTP_201_CREATED, operation_id="ImportAssistant", summary="Make an assistant of TOML")
    async def import_toml(self, caller: Caller, data: TomlIn, assistants: AssistantService) -> Assistant:
        """With `replace`, the one of that name becomes what the text says."""
        return await assistants.import_toml(caller, data)

    @post(
        "/examples",
        status_code=HTTP_200_OK,
        operation_id="InstallExampleAssistants",
        summary="Install the example assistants with their documents",
    )
    async def install(self, caller: Caller, example_assistants: ExampleService) -> Installed:
        """What is there already stays as it is."""
        return await example_assistants.install(caller)

    @post("/route", status_code=HTTP_200_OK, operation_id="TryRoute", summary="See who would answer a message")
    async def route(self, caller: Caller, data: RouteIn, routing: RoutingService) -> TriedRoute:
        """For admins; nothing is answered or kept."""
        return await routing.try_out(caller, data)

    @post(
        "/evaluate",
        status_code=HTTP_200_OK,
        operation_id="EvaluateRouting",
        summary="Judge a labelled set by the classifier alone",
    )
    async def evaluate(
        self, caller: Caller, data: RoutingEvaluationIn, routing_evaluations: RoutingEvaluationService
    ) -> RoutingEvaluation:
        """As shipped, and cross-validated: with the other folds' messages learnt besides."""
        return await routing_evaluations.evaluate(caller, data)
