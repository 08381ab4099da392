"""What admins do with models: into memory and out, in from a mirror or a file, away, and how fast each is."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, Literal, cast

import msgspec

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.errors import ApplianceError
from appliance.core.failpoints import Failpoints
from appliance.core.paging import Page
from appliance.core.settings_sections import Settings
from appliance.features.audit import AuditService
from appliance.features.files import FilesService, IncomingFile, StoredFile
from appliance.features.model_registry.catalog import ModelCatalog, Speeds
from appliance.features.model_registry.errors import ModelThere
from appliance.features.model_registry.intake import read_digest, receive_gguf
from appliance.features.model_registry.policy import LookUp, check_registry
from appliance.features.model_registry.progress import Progress
from appliance.features.model_registry.repository import ModelRepository
from appliance.features.model_registry.roles import ModelRoles
from appliance.features.model_registry.schemas import (
    LoadRequest,
    ManifestOut,
    MemoryView,
    ModelList,
    ModelShown,
    ModelTask,
    PullRequest,
)
from appliance.features.model_registry.speed import describe, measure, rate
from appliance.features.model_registry.tables import ModelSpeedRow
from appliance.features.runs import LiveRun, RunService
from appliance.ports.model_host import ModelHost, PullProgress

TaskKind = Literal["pull", "import", "speed"]
_KINDS: dict[str, TaskKind] = {"model.pull": "pull", "model.import": "import", "model.speed": "speed"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class ModelService:
    """Everybody with the scope looks, admins change; every change is in the audit."""

    def __init__(
        self,
        database: Database,
        host: ModelHost,
        *,
        catalog: ModelCatalog,
        roles: ModelRoles,
        runs: RunService,
        files: FilesService,
        audit: AuditService,
        look_up: LookUp,
        settings: Settings,
        failpoints: Failpoints,
    ) -> None:
        """`look_up` resolves the name of a registry, and notes that in the ledger."""
        self._database = database
        self._host = host
        self._catalog = catalog
        self._roles = roles
        self._runs = runs
        self._files = files
        self._audit = audit
        self._look_up = look_up
        self._settings = settings
        self._failpoints = failpoints
        self._repository = ModelRepository()

    async def list(self, caller: Caller) -> ModelList:
        """List every model."""
        caller.require_scope("models")
        return await self._catalog.list(caller.language, self._roles.serving(), await self._speeds())

    async def show(self, caller: Caller, name: str) -> ModelShown:
        """Show one model."""
        caller.require_scope("models")
        return await self._catalog.show(name, self._roles.serving(), await self._speeds())

    async def memory(self, caller: Caller) -> MemoryView:
        """Say what models take and what this machine has."""
        caller.require_scope("models")
        return await self._catalog.memory()

    async def manifest(self, caller: Caller) -> ManifestOut:
        """Show the manifest against the disk."""
        caller.require_scope("models")
        return await self._catalog.manifest(again=False)

    async def verify(self, caller: Caller) -> ManifestOut:
        """Read every weight file again, for an admin."""
        _require_admin(caller)
        manifest = await self._catalog.manifest(again=True)
        await self._note(caller, "model.weights_verified", "manifest", outcome="done" if manifest.ok else "failed")
        return manifest

    async def _speeds(self) -> Speeds:
        async with self._database.read() as transaction:
            rows = await self._repository.speeds(transaction)
        return {(row.model, row.digest): describe(row) for row in rows}

    async def load(self, caller: Caller, request: LoadRequest) -> ModelShown:
        """Bring a model into memory, its context length always said."""
        _require_admin(caller)
        await self._host.require()
        length = request.context_length or await self._context_length(request.model)
        seconds = None if request.keep_alive is None else _seconds(request.keep_alive)
        await self._host.load(request.model, context_length=length, keep_alive_seconds=seconds)
        await self._note(caller, "model.loaded", request.model, context_length=length, keep_alive=request.keep_alive)
        return await self.show(caller, request.model)

    async def _context_length(self, name: str) -> int:
        """As the settings say, and no more than the model was trained for."""
        wanted = self._settings.language_model.context_length
        trained = (await self._host.show(name)).context_length
        return min(wanted, trained) if trained else wanted

    async def unload(self, caller: Caller, name: str) -> ModelShown:
        """Take a model out of memory."""
        _require_admin(caller)
        await self._host.require()
        await self._host.unload(name)
        await self._note(caller, "model.unloaded", name)
        return await self.show(caller, name)

    async def remove(self, caller: Caller, name: str) -> None:
        """Delete a model for good; roles it had go back to the settings."""
        _require_admin(caller)
        await self._host.require()
        digest = await self._catalog.digest(name)
        await self._host.remove(name)
        self._failpoints.reach("models.removed")
        async with self._database.begin() as transaction:
            await self._repository.forget(transaction, name)
            await self._audit.record(
                transaction, caller, "model.removed", object_kind="model", object_id=name, digest=digest
            )
        await self._roles.refresh()

    async def pull(self, caller: Caller, request: PullRequest) -> LiveRun:
        """Have the engine fetch a model, from the private network unless the settings allow more."""
        _require_admin(caller)
        await self._host.require()
        allow = self._settings.egress.allow_model_downloads
        await asyncio.to_thread(check_registry, request.model, allow_downloads=allow, look_up=self._look_up)
        await self._note(caller, "model.pull_asked", request.model, insecure=request.insecure)

        async def work(live: LiveRun) -> None:
            live.emit("start", {"task": "pull", "model": request.model})
            async with self._noted(caller, live, "model.pulled", request.model):
                progress = Progress(live)
                steps = self._host.pull(request.model, insecure=request.insecure)
                async with aclosing(cast("AsyncGenerator[PullProgress]", steps)) as pulled:
                    async for step in pulled:
                        progress.take(step)
                self._failpoints.reach("models.pulled")
            live.emit("done", {"model": request.model})

        return await self._runs.start(caller, "model.pull", work)

    async def bring(
        self, caller: Caller, body: AsyncIterator[bytes], *, name: str, digest: str | None, length: int, template: str
    ) -> LiveRun:
        """Take a GGUF in, then hand it to the engine in a run. Refused, nothing of it stays. `length`: as announced."""
        _require_admin(caller)
        wanted = read_digest(digest)
        await self._host.require()
        if await self._catalog.digest(name):
            raise ModelThere(model=name)
        async with AsyncExitStack() as stack:
            limit = self._settings.limits.model_bytes
            receiving = self._files.receive(limit_bytes=limit, setting="limits.model_bytes", expected_bytes=length)
            incoming = await stack.enter_async_context(receiving)
            stored = await receive_gguf(body, incoming, files=self._files, digest=wanted)
            await self._note(caller, "model.import_received", name, digest=stored.sha256, size=stored.size)
            self._failpoints.reach("models.received")
            keeping = stack.pop_all()

        async def work(live: LiveRun) -> None:
            async with keeping:
                live.emit("start", {"task": "import", "model": name, "digest": stored.sha256})
                async with self._noted(caller, live, "model.imported", name, digest=stored.sha256):
                    await self._create(live, incoming, stored, name=name, template=template)
                live.emit("done", {"model": name, "digest": stored.sha256})

        return await self._runs.start(caller, "model.import", work)

    async def _create(
        self, live: LiveRun, incoming: IncomingFile, stored: StoredFile, *, name: str, template: str
    ) -> None:
        progress, digest = Progress(live), f"sha256:{stored.sha256}"
        if not await self._host.has_blob(digest):
            uploading = cast("AsyncGenerator[int]", self._host.upload_blob(digest, incoming.path))
            async with aclosing(uploading) as sent:
                async for count in sent:
                    progress.say("uploading", count, stored.size)
        self._failpoints.reach("models.uploaded")
        creating = cast("AsyncGenerator[str]", self._host.create(name, digest, template=template))
        async with aclosing(creating) as steps:
            async for status in steps:
                progress.say(status)

    async def measure(self, caller: Caller, name: str) -> LiveRun:
        """Find out how fast a model reads and writes."""
        _require_admin(caller)
        await self._host.require()
        shown = await self.show(caller, name)
        length = shown.context_length or await self._context_length(name)

        async def work(live: LiveRun) -> None:
            live.emit("start", {"task": "speed", "model": shown.name})
            async with self._noted(caller, live, "model.measured", shown.name):
                measured = await measure(self._host, shown.name, context_length=length, live=live)
                row = ModelSpeedRow(
                    model=shown.name,
                    digest=shown.digest,
                    prompt_tokens=measured.prompt_tokens,
                    prompt_tokens_per_second=rate(measured.prompt_tokens, measured.prompt_seconds),
                    tokens=measured.tokens,
                    tokens_per_second=rate(measured.tokens, measured.seconds),
                    load_seconds=round(measured.load_seconds, 3),
                    context_length=length,
                    measured_at=now(),
                )
                async with self._database.begin() as transaction:
                    speed = describe(await self._repository.keep_speed(transaction, row))
            live.emit("done", {"model": shown.name, "speed": msgspec.to_builtins(speed)})

        return await self._runs.start(caller, "model.speed", work)

    async def tasks(self, caller: Caller) -> Page[ModelTask]:
        """List the caller's pulls, imports and speed tests that go on: how a page finds them after a reload."""
        caller.require_scope("models")
        tasks = [
            ModelTask(
                run_id=run.id,
                kind=_KINDS[run.kind],
                model=str(first.data["model"]) if first else "",
                status=run.status,
                created_at=run.created_at,
            )
            for run, first in await self._runs.running(caller, list(_KINDS))
        ]
        return Page(items=tasks, total=len(tasks), limit=len(tasks), offset=0)

    @asynccontextmanager
    async def _noted(
        self, caller: Caller, live: LiveRun, action: str, name: str, **details: str
    ) -> AsyncGenerator[None]:
        """Write down how a task ended; one that was stopped says so to whoever follows."""
        outcome = "failed"
        try:
            yield
            outcome = "done"
        except asyncio.CancelledError:
            outcome = "stopped"
            live.emit("stopped", {"model": name})
            raise
        except ApplianceError as error:
            details["reason"] = error.code
            raise
        finally:
            await self._note(caller, action, name, outcome=outcome, **details)

    async def _note(
        self, caller: Caller, action: str, name: str, *, outcome: str = "done", **details: str | float | bool | None
    ) -> None:
        facts = cast("dict[str, Any]", details)
        async with self._database.begin() as transaction:
            await self._audit.record(
                transaction, caller, action, object_kind="model", object_id=name, outcome=outcome, **facts
            )


def _require_admin(caller: Caller) -> None:
    caller.require_scope("models")
    caller.require_admin()


def _seconds(keep_alive: str) -> float:
    """Read `30s`, `5m`, `2h`, `1d`, bare seconds, or `-1` for good."""
    unit = _UNITS.get(keep_alive[-1])
    return float(keep_alive[:-1]) * unit if unit else float(keep_alive)
