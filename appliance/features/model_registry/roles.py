"""Which model serves what: what an admin chose, else what the settings say."""

import asyncio

import msgspec
import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.settings_sections import Settings
from appliance.features.audit import AuditService
from appliance.features.model_registry.errors import CannotServe
from appliance.features.model_registry.repository import ModelRepository
from appliance.features.model_registry.schemas import AssignableRole, Role, RoleOut, RolesIn, RolesOut, Source
from appliance.features.model_registry.tables import ModelRoleRow
from appliance.ports.model_host import ModelHost

log = structlog.get_logger(__name__)
_ASSIGNABLE: tuple[AssignableRole, ...] = ("chat", "router")
_FRESH_SECONDS = 5.0
_MINILM = "all-minilm-l6-v2"


class ModelRoles:
    """What rooms ask for a model's name. Read again every few seconds, since other processes change it too."""

    def __init__(self, database: Database, host: ModelHost, *, audit: AuditService, settings: Settings) -> None:
        """`host` says whether a model that is chosen is there."""
        self._database = database
        self._host = host
        self._audit = audit
        self._settings = settings
        self._repository = ModelRepository()
        self._chosen: dict[str, str] = {}

    def model_for(self, role: AssignableRole) -> str | None:
        """Name the model of a role; None where the engine is to choose. The router is the chat model unless chosen."""
        return self._served(role)[0] if self._settings.language_model.kind != "none" else None

    def _served(self, role: AssignableRole) -> tuple[str | None, Source]:
        """Name the model of a role, and who decided that."""
        set_ = self._settings.language_model.model if role == "chat" else self._settings.assistants.routing_model
        if role in self._chosen:
            return self._chosen[role], "chosen"
        if set_:
            return set_, "settings"
        return (None if role == "chat" else self._served("chat")[0]), "automatic"

    async def refresh(self) -> None:
        """Read again what was chosen; where the state is away for a moment, what was known stands."""
        try:
            async with self._database.read() as transaction:
                rows = await self._repository.roles(transaction)
        except Exception as error:  # noqa: BLE001 - tried again in seconds
            log.warning("model_roles_not_read", reason=type(error).__name__)
            return
        self._chosen = {row.role: row.model for row in rows}

    async def keep_fresh(self) -> None:
        """Read again every few seconds, for as long as the process runs."""
        while True:
            await asyncio.sleep(_FRESH_SECONDS)
            await self.refresh()

    async def show(self, caller: Caller) -> RolesOut:
        """Say who serves what, and who decided that."""
        caller.require_scope("models")
        await self.refresh()
        return RolesOut(roles=[self._chosen_role(role) for role in _ASSIGNABLE] + self._fixed())

    def _chosen_role(self, role: AssignableRole) -> RoleOut:
        settings = self._settings.language_model
        model, source = self._served(role)
        if settings.kind == "none":
            model, source = None, "none"
        return RoleOut(
            role=role,
            model=model,
            engine=settings.kind,
            source=source,
            assignable=settings.kind != "none",
            setting="[language_model] model" if role == "chat" else "[assistants] routing_model",
        )

    def _fixed(self) -> list[RoleOut]:
        """Say who serves the roles that nobody chooses here. Late interaction needs the vectors of words MiniLM gives."""
        embedder, reranker = self._settings.embedder, self._settings.reranker
        built_in = embedder.kind == "minilm"
        name = _MINILM if built_in else embedder.model
        source: Source = "built_in" if built_in else "settings"
        reranks = built_in and reranker.kind == "late_interaction"
        return [
            _fixed("embed", name, source, engine=embedder.kind, setting="[embedder] model"),
            _fixed("rerank", name, source, engine=reranker.kind, setting="[reranker] kind")
            if reranks
            else _fixed("rerank", None, "none", engine=reranker.kind, setting="[reranker] kind"),
            _fixed("speech", None, "none", engine="none", setting=""),
        ]

    def serving(self) -> dict[str, list[Role]]:
        """Name the roles of each model that has some."""
        serving: dict[str, list[Role]] = {}
        for role in [*(self._chosen_role(role) for role in _ASSIGNABLE), *self._fixed()]:
            if role.model and role.source != "none":
                serving.setdefault(role.model, []).append(role.role)
        return serving

    async def change(self, caller: Caller, wanted: RolesIn) -> RolesOut:
        """Give roles to models that are there and can do it, for an admin."""
        caller.require_scope("models")
        caller.require_admin()
        named = {
            role: model for role in _ASSIGNABLE if not isinstance(model := getattr(wanted, role), msgspec.UnsetType)
        }
        for model in {model for model in named.values() if model}:
            details = await self._host.show(model)
            if details.capabilities and "completion" not in details.capabilities:
                raise CannotServe(model=model)
        async with self._database.begin() as transaction:
            for role, model in named.items():
                if model is None:
                    await self._repository.take_role(transaction, role)
                    continue
                row = ModelRoleRow(role=role, model=model, changed_at=now(), changed_by=caller.user_id)
                await self._repository.give_role(transaction, row)
            await self._audit.record(
                transaction, caller, "model.roles_changed", object_kind="model", object_id="roles", **named
            )
        return await self.show(caller)


def _fixed(role: Role, model: str | None, source: Source, *, engine: str, setting: str) -> RoleOut:
    return RoleOut(role=role, model=model, engine=engine, source=source, assignable=False, setting=setting)
