"""A scripted Ollama whose models come and go: loading, pulling, blobs, creating and deleting as the real 0.17.4 does it."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.scripted_ollama import ScriptedOllama
from tests.scripted_wire import Exchange

PULLED_BYTES = 1_000_000
_MINUTES = 300.0
_FOR_GOOD = "2319-03-03T11:24:31.768979252Z"


@dataclass
class Pull:
    """How a pull goes: so many steps, so many seconds each; `last` in place of success where something is wrong."""

    steps: int = 10
    seconds_per_step: float = 0.0
    last: dict[str, Any] = field(default_factory=lambda: {"status": "success"})


class ScriptedModels(ScriptedOllama):
    """`pulls` says how the next pull goes; `loaded`, by the file of its weights, and `blobs` are what it holds."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.pulls = Pull()
        self.loaded: dict[str, dict[str, Any]] = {}
        self.blobs: set[str] = set()
        self.made: dict[str, str] = {}

    def weights_of(self, name: str) -> str:
        """Name the file of a model's weights: several may be made of one."""
        return self.made.get(_full(name)) or super().weights_of(name)

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        match request.method, request.path:
            case "GET", "/api/ps":
                await exchange.answer_json({"models": list(self.loaded.values())})
            case "POST", "/api/pull":
                await self._pull(exchange)
            case "POST", "/api/create":
                await self._create(exchange)
            case "DELETE", "/api/delete":
                await self._delete(exchange)
            case "POST", "/api/generate" if not request.body.get("prompt"):
                await self._load(exchange)
            case "POST", "/api/embed" if request.body.get("input") == []:
                await self._load(exchange)
            case _, path if path.startswith("/api/blobs/"):
                await self._blob(exchange, path.rpartition("/")[2])
            case _:
                await super().handle(exchange)

    async def _load(self, exchange: Exchange) -> None:
        body = exchange.request.body
        name = _full(body["model"])
        if not self._has(name):
            await exchange.answer_json({"error": f"model '{body['model']}' not found"}, status=404)
        elif body.get("keep_alive") == 0:
            self.loaded.pop(self.weights_of(name), None)
            await exchange.answer_json({"model": body["model"], "done": True, "done_reason": "unload"})
        else:
            length = (body.get("options") or {}).get("num_ctx", 4096)
            ends = _ends(body.get("keep_alive"))
            more = {"size": 1_122_048, "size_vram": 0, "expires_at": ends, "context_length": length}
            entry = {key: value for key, value in self._entry(name).items() if key != "modified_at"}
            weights = self.weights_of(name)
            self.loaded[weights] = self.loaded.get(weights, entry) | more
            embeds = exchange.request.path == "/api/embed"
            told = {"embeddings": []} if embeds else {"done": True, "done_reason": "load"}
            await exchange.answer_json({"model": body["model"], **told})

    async def _pull(self, exchange: Exchange) -> None:
        name, pull = exchange.request.model, self.pulls
        digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        await exchange.begin_stream("application/x-ndjson")
        await _line(exchange, {"status": "pulling manifest"})
        for step in range(1, pull.steps + 1):
            await exchange.pause(pull.seconds_per_step)
            moved = {"digest": digest, "total": PULLED_BYTES, "completed": PULLED_BYTES * step // pull.steps}
            await _line(exchange, {"status": f"pulling {digest[7:19]}", **moved})
        last = {"error": "pull model manifest: file does not exist"} if "missing" in name else pull.last
        if last == {"status": "success"}:
            self.models.append(_full(name))
        await _line(exchange, last)
        await exchange.end_stream()

    async def _create(self, exchange: Exchange) -> None:
        body = exchange.request.body
        await exchange.begin_stream("application/x-ndjson")
        if set(body["files"].values()) <= self.blobs:
            await _line(exchange, {"status": "parsing GGUF"})
            self.models.append(_full(body["model"]))
            self.made[_full(body["model"])] = next(iter(body["files"].values()))
            await _line(exchange, {"status": "success"})
        else:
            await _line(exchange, {"error": "file does not exist"})
        await exchange.end_stream()

    async def _delete(self, exchange: Exchange) -> None:
        name = _full(exchange.request.model)
        for held in (self.models, self.embedding_models):
            if name in held:
                held.remove(name)
                await exchange.answer(200, b"")
                return
        await exchange.answer_json({"error": f"model '{name}' not found"}, status=404)

    async def _blob(self, exchange: Exchange, digest: str) -> None:
        if exchange.request.method == "HEAD":
            await exchange.answer(200 if digest in self.blobs else 404, b"")
            return
        body = exchange.request.body
        raw = body if isinstance(body, bytes) else b""
        if digest != f"sha256:{hashlib.sha256(raw).hexdigest()}":
            await exchange.answer_json({"error": "digest mismatch"}, status=400)
            return
        self.blobs.add(digest)
        await exchange.answer(201, b"")


async def _line(exchange: Exchange, value: dict[str, Any]) -> None:
    await exchange.chunk(msgspec.json.encode(value) + b"\n")


def _ends(keep_alive: str | float | None) -> str:
    if isinstance(keep_alive, (int, float)) and keep_alive < 0:
        return _FOR_GOOD
    seconds = float(keep_alive.removesuffix("s")) if isinstance(keep_alive, str) else _MINUTES
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
