"""How an engine is: what `/status`, `doctor` and the health page show."""

import msgspec

from appliance.core.text import Words


class Health(msgspec.Struct, frozen=True):
    """One look at one engine. `detail` is a fact (a version, a count, a cause); `version` where the engine has one."""

    kind: str
    ok: bool
    detail: Words = ""
    latency_ms: float | None = None
    version: str = ""
