"""Looking at the whole box: every engine, every check, every invariant."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from appliance.core.caller import Caller
from appliance.core.database import Database, now
from appliance.core.health import Health
from appliance.core.integrity import Check, Discrepancy, Finding, Invariant
from appliance.core.security import Vault
from appliance.core.text import Language, Text, said
from appliance.features.operations.egress import BEGAN
from appliance.features.operations.errors import WrongMasterKey
from appliance.features.operations.repository import OperationsRepository
from appliance.features.operations.schemas import DiscrepancyOut, DoctorReport, EngineHealth, FindingOut, FsckReport

log = structlog.get_logger(__name__)
_CHECK_SECONDS = 5.0
_LOOKS_AGAIN, _LOOK_AGAIN_SECONDS = 3, 0.5
_NO_ANSWER = Text(f"no answer within {_CHECK_SECONDS:.0f} s", f"pas de réponse en {_CHECK_SECONDS:.0f} s")
_ANSWERS, _DOES_NOT_ANSWER = Text("answers", "répond"), Text("does not answer", "ne répond pas")
_VAULT_FACT = "vault_fingerprint"


class OperationsService:
    """Health of the engines, the checks of `doctor` and the proofs of `fsck`, collected from all rooms."""

    def __init__(
        self,
        database: Database,
        *,
        engines: Mapping[str, Callable[[], Awaitable[Health]]],
        checks: Sequence[Check],
        invariants: Sequence[Invariant],
        vault: Vault,
    ) -> None:
        """`engines`: what each answers under its name in `/status`."""
        self._database = database
        self._engines = engines
        self._checks = checks
        self._invariants = invariants
        self._vault = vault
        self._repository = OperationsRepository()

    async def open(self) -> None:
        """Note when the installation began, and refuse a state whose secrets are under another key."""
        async with self._database.begin() as transaction:
            if await self._repository.fact(transaction, BEGAN) is None:
                await self._repository.set_fact(transaction, BEGAN, now().isoformat())
            sealed_under = await self._repository.fact(transaction, _VAULT_FACT)
            if sealed_under is None:
                await self._repository.set_fact(transaction, _VAULT_FACT, self._vault.fingerprint)
            elif sealed_under != self._vault.fingerprint:
                raise WrongMasterKey

    async def status(self, language: Language) -> dict[str, EngineHealth]:
        """Ask every engine how it is, and say it in a language."""
        return {name: _say(health, language) for name, health in (await self._ask_all()).items()}

    async def _ask_all(self) -> dict[str, Health]:
        """Ask all at once."""
        names = list(self._engines)
        results = await asyncio.gather(*(self._ask(name) for name in names))
        return dict(zip(names, results, strict=True))

    async def _ask(self, name: str) -> Health:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                return await self._engines[name]()
        except TimeoutError:
            return Health(name, ok=False, detail=_NO_ANSWER)

    async def doctor(self, caller: Caller) -> DoctorReport:
        """Run every check. One that breaks is a failure of its own."""
        caller.require_admin()
        findings = [_engine_finding(name, health) for name, health in (await self._ask_all()).items()]
        findings += [await self._look(check) for check in self._checks]
        shown = [_show(finding, caller.language) for finding in findings]
        return DoctorReport(ok=all(finding.severity != "failure" for finding in shown), findings=shown)

    async def _look(self, check: Check) -> Finding:
        try:
            return await check.look()
        except Exception as error:  # a check that breaks must not hide the others
            log.exception("check_failed", check=check.id)
            fix = Text("The log says why.", "Le journal dit pourquoi.")
            return Finding(id=check.id, severity="failure", evidence=type(error).__name__, fix=fix)

    async def fsck(self, caller: Caller, *, repair: bool) -> FsckReport:
        """Prove every invariant; with `repair` mend what can be mended and prove again."""
        caller.require_admin()
        started = time.perf_counter()
        found: list[DiscrepancyOut] = []
        remaining = 0
        for invariant in self._invariants:
            discrepancies = await _prove(invariant)
            mended = [repair and await _mend(invariant, discrepancy) for discrepancy in discrepancies]
            if repair and discrepancies:
                remaining += len(await _prove(invariant))
            else:
                remaining += len(discrepancies)
            found += [
                DiscrepancyOut(
                    invariant=invariant.id,
                    promise=invariant.promise.say(caller.language),
                    kind=discrepancy.kind,
                    subject=discrepancy.subject,
                    repaired=is_mended,
                )
                for discrepancy, is_mended in zip(discrepancies, mended, strict=True)
            ]
        return FsckReport(
            ok=remaining == 0,
            invariants=len(self._invariants),
            discrepancies=found,
            seconds=round(time.perf_counter() - started, 3),
        )


async def _prove(invariant: Invariant) -> list[Discrepancy]:
    """Report what disagrees for good: the stores of a busy box are a moment apart while somebody adds or deletes."""
    found = await invariant.prove()
    for _ in range(_LOOKS_AGAIN):
        if not found:
            break
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        still = {(discrepancy.kind, discrepancy.subject) for discrepancy in await invariant.prove()}
        found = [discrepancy for discrepancy in found if (discrepancy.kind, discrepancy.subject) in still]
    return found


async def _mend(invariant: Invariant, discrepancy: Discrepancy) -> bool:
    return invariant.repair is not None and await invariant.repair(discrepancy)


def _say(health: Health, language: Language) -> EngineHealth:
    return EngineHealth(
        kind=health.kind, ok=health.ok, detail=said(health.detail, language), latency_ms=health.latency_ms
    )


def _engine_finding(name: str, health: Health) -> Finding:
    detail = health.detail or (_ANSWERS if health.ok else _DOES_NOT_ANSWER)
    return Finding(
        id=f"engine.{name}",
        severity="ok" if health.ok else "failure",
        evidence=Text(f"{health.kind}: {said(detail, 'en')}", f"{health.kind} : {said(detail, 'fr')}"),
        fix=Text("", "")
        if health.ok
        else Text(
            f"Start it, or change [{name}] in the settings.", f"Démarrez-le, ou modifiez [{name}] dans les réglages."
        ),
    )


def _show(finding: Finding, language: Language) -> FindingOut:
    return FindingOut(
        id=finding.id,
        severity=finding.severity,
        evidence=said(finding.evidence, language),
        fix=finding.fix.say(language),
    )
