"""Appliances as processes of their own, on shared servers: started, spoken to over REST, killed, started again."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Literal, Self

import httpx

from tests.engines.processes import ServerProcess, free_port

Part = Literal["up", "serve", "work"]
_READY_SECONDS = 60.0


class Box:
    """One `appliance up`, `serve` or `work` with a data directory of its own; `environment` are its settings."""

    def __init__(self, name: str, part: Part, directory: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.part = part
        self.port = free_port()
        self.restarts = 0
        home = directory / name
        home.mkdir(parents=True)
        command = [str(Path(sys.executable).with_name("appliance")), part, "--data-dir", str(home / "var")]
        if part != "work":
            command += ["--port", str(self.port)]
        self._environment = {"APPLIANCE_LOGGING__FORMAT": "json", **environment}
        self._process = ServerProcess(command, log=home / "log")
        self._seen = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._process.log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    async def start(self) -> None:
        """Start it and wait for its `Ready:` line."""
        self._seen = self._process.log.stat().st_size if self._process.log.exists() else 0
        self._process.start(environment=self._environment)
        await asyncio.to_thread(self._process.wait_healthy, self._ready_line, seconds=_READY_SECONDS)

    def _ready_line(self) -> str | None:
        with self._process.log.open("rb") as log:
            log.seek(self._seen)
            lines = log.read().decode(errors="replace").splitlines()
        return next((line for line in lines if line.startswith("Ready:")), None)

    @property
    def login_token(self) -> str:
        """The single-use token of this start's link."""
        line = self._ready_line()
        assert line is not None
        return line.rpartition("token=")[2].strip()

    def kill(self) -> None:
        """As a power cut does."""
        self._process.kill()

    async def stop(self) -> None:
        await asyncio.to_thread(self._process.stop)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()


async def make_key(box: Box) -> str:
    """Sign in by the link and make a key for everything."""
    async with httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=30) as client:
        signed_in = await client.post("/api/login", json={"token": box.login_token})
        signed_in.raise_for_status()
        headers = {"X-CSRF-Token": signed_in.json()["csrf_token"], "Origin": box.url}
        made = await client.post("/api/keys", json={"name": "journey", "scopes": ["all"]}, headers=headers)
        made.raise_for_status()
        return made.json()["key"]


def client_of(box: Box, key: str, *, seconds: float = 60.0) -> httpx.AsyncClient:
    """A REST client with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False, timeout=seconds)


async def upload(client: httpx.AsyncClient, name: str, body: bytes, **fields: str) -> dict[str, Any]:
    """Send a file; raises httpx.HTTPStatusError for what is no 2xx."""
    answer = await client.post("/api/rag/upload", files={"file": (name, body)}, data=fields)
    answer.raise_for_status()
    return answer.json()
