"""Models over HTTP. Names hold `/` and `:`: they travel in bodies and queries, and at the end of a path."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from appliance.core.caller import Caller
from appliance.core.openapi import BytesOperation
from appliance.core.paging import Page
from appliance.core.streams import QUIET_SECONDS, server_sent_events
from appliance.features.model_registry.roles import ModelRoles
from appliance.features.model_registry.schemas import (
    LoadRequest,
    ManifestOut,
    MemoryView,
    ModelList,
    ModelNamed,
    ModelShown,
    ModelTask,
    PullRequest,
    RolesIn,
    RolesOut,
)
from appliance.features.model_registry.service import ModelService
from appliance.features.runs import LiveRun

_EVENTS = "`start`, `progress` …, then `done`, `stopped` or `error`; the run goes on when nobody follows."
_NAME_PATTERN = r"^[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]*$"


class ModelController(Controller):
    """Looking is for the scope `models`, changing for admins."""

    path = "/api/models"
    tags = ("Models",)

    @get(operation_id="ListModels", summary="Every model, and how each is")
    async def list_models(self, caller: Caller, models: ModelService) -> ModelList:
        """Those of the engine and the appliance's own weights."""
        return await models.list(caller)

    @get("/show", operation_id="ShowModel", summary="One model with its template, settings and licence")
    async def show(
        self, caller: Caller, name: Annotated[str, QueryParameter(min_length=1, max_length=200)], models: ModelService
    ) -> ModelShown:
        """By its name as the list gives it."""
        return await models.show(caller, name)

    @delete("/{name:path}", operation_id="DeleteModel", summary="Delete a model for good")
    async def remove(
        self,
        caller: Caller,
        name: Annotated[str, PathParameter(schema_extra={"minLength": 1, "maxLength": 200, "pattern": _NAME_PATTERN})],
        models: ModelService,
    ) -> None:
        """The name as it is or URL-encoded; its roles go back to the settings."""
        await models.remove(caller, name.removeprefix("/"))

    @post("/load", status_code=HTTP_200_OK, operation_id="LoadModel", summary="Bring a model into memory")
    async def load(self, caller: Caller, data: LoadRequest, models: ModelService) -> ModelShown:
        """With its context length: the given one, else that of the settings."""
        return await models.load(caller, data)

    @post("/unload", status_code=HTTP_200_OK, operation_id="UnloadModel", summary="Take a model out of memory")
    async def unload(self, caller: Caller, data: ModelNamed, models: ModelService) -> ModelShown:
        """What it is writing is finished first."""
        return await models.unload(caller, data.model)

    @post(
        "/pull",
        status_code=HTTP_200_OK,
        operation_id="PullModel",
        summary="Fetch a model from a registry on the network",
        responses={HTTP_200_OK: ResponseSpec(bytes, media_type="text/event-stream", description=_EVENTS)},
    )
    async def pull(self, caller: Caller, data: PullRequest, models: ModelService) -> Stream:
        """Refused where the network policy forbids; stop it at `/api/runs/{id}/stop`, as `X-Run-Id` names it."""
        return _follow(await models.pull(caller, data))

    @post(
        "/import",
        status_code=HTTP_200_OK,
        operation_id="ImportModel",
        summary="Bring a GGUF file in",
        request_max_body_size=None,  # the sink counts as it flows, and the door has looked at Content-Length
        operation_class=BytesOperation,
        responses={HTTP_200_OK: ResponseSpec(bytes, media_type="text/event-stream", description=_EVENTS)},
    )
    async def bring(
        self,
        request: Request[Any, Any, Any],
        caller: Caller,
        models: ModelService,
        name: Annotated[str, QueryParameter(min_length=1, max_length=200, pattern=_NAME_PATTERN)],
        digest: Annotated[str | None, QueryParameter(max_length=80)] = None,
        template: Annotated[str, QueryParameter(max_length=2_000)] = "",
    ) -> Stream:
        """The body is the file; `digest` is its sha256. Answered once all of it came and is what it should be."""
        told = request.headers.get("content-length", "")
        length = int(told) if told.isdigit() else 0
        return _follow(
            await models.bring(caller, request.stream(), name=name, digest=digest, length=length, template=template)
        )

    @post(
        "/speed",
        status_code=HTTP_200_OK,
        operation_id="MeasureModel",
        summary="Measure how fast a model reads and writes",
        responses={HTTP_200_OK: ResponseSpec(bytes, media_type="text/event-stream", description=_EVENTS)},
    )
    async def measure(self, caller: Caller, data: ModelNamed, models: ModelService) -> Stream:
        """By the engine's own counts; the last result is kept with the model's digest."""
        return _follow(await models.measure(caller, data.model))

    @get("/tasks", operation_id="ListModelTasks", summary="One's own pulls, imports and speed tests that go on")
    async def tasks(self, caller: Caller, models: ModelService) -> Page[ModelTask]:
        """Follow or stop them at `/api/runs`."""
        return await models.tasks(caller)

    @get("/memory", operation_id="ShowModelMemory", summary="What models take in memory, and what this machine has")
    async def memory(self, caller: Caller, models: ModelService) -> MemoryView:
        """In bytes."""
        return await models.memory(caller)

    @get("/roles", operation_id="ShowModelRoles", summary="Which model serves what")
    async def show_roles(self, caller: Caller, model_roles: ModelRoles) -> RolesOut:
        """And who decided that."""
        return await model_roles.show(caller)

    @put("/roles", operation_id="ChangeModelRoles", summary="Give the roles chat and router to models")
    async def change_roles(self, caller: Caller, data: RolesIn, model_roles: ModelRoles) -> RolesOut:
        """Null leaves a role to the settings."""
        return await model_roles.change(caller, data)

    @get("/manifest", operation_id="ShowManifest", summary="The appliance's own weights against the manifest")
    async def manifest(self, caller: Caller, models: ModelService) -> ManifestOut:
        """Each file with its sha256."""
        return await models.manifest(caller)

    @post("/verify", status_code=HTTP_200_OK, operation_id="VerifyWeights", summary="Read every weight file again")
    async def verify(self, caller: Caller, models: ModelService) -> ManifestOut:
        """And hold it to its sha256."""
        return await models.verify(caller)


def _follow(run: LiveRun) -> Stream:
    return server_sent_events(run.batches(quiet_seconds=QUIET_SECONDS), headers={"X-Run-Id": str(run.id)})
