"""What the browser tests stand on: a running appliance, its first admin over REST, and an eye on every page."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, Request

WEB = Path(__file__).resolve().parents[2] / "appliance" / "web"
DIST = WEB / "dist"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_SECONDS = 120
OFTEN = 60
TAB_ICON = "/icon.svg"  # Chromium itself asks for it anew whenever the address changes
"""No page has a reason to ask for one address so many times in one test."""
OpenPage = Callable[..., Page]


class Person(NamedTuple):
    """Somebody who can sign in."""

    id: str
    username: str
    link: str


class Server:
    """A running appliance, and what its first admin can do over REST."""

    def __init__(self, process: subprocess.Popen[str], url: str, token: str) -> None:
        self.process = process
        self.url = url
        self.token = token

    def link(self, person: Person) -> str:
        return self.url + "/" + person.link[person.link.index("#") :]


@contextmanager
def running(data_directory: Path, **environment: str) -> Iterator[Server]:
    """Start an appliance and end it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).with_name("appliance"))
    command = [program, "up", "--port", str(port), "--data-dir", str(data_directory)]
    log = (data_directory / "log.txt").open("w")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "APPLIANCE_SKIP_WEB": "1", **environment},
    )
    try:
        yield Server(process, f"http://127.0.0.1:{port}", _read_token(process, data_directory))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
        log.close()


def _read_token(process: "subprocess.Popen[str]", data_directory: Path) -> str:
    assert process.stdout is not None
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        line = process.stdout.readline()
        if found := re.search(r"token=([\w-]+)", line):
            return found[1]
        if process.poll() is not None:
            break
    pytest.fail(f"the appliance did not start:\n{(data_directory / 'log.txt').read_text()[-4000:]}")


_DONE_MS = 90_000  # indexing and answering included


class Rest:
    """The first admin's session, for what a test needs and does not test."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self._api = context.request
        self._url = server.url
        self._csrf = ""
        self._csrf = self.post("/api/login", {"token": server.token})["csrf_token"]

    def post(self, path: str, body: Any) -> Any:
        headers = {"X-CSRF-Token": self._csrf}
        return self._read(self._api.post(self._url + path, data=body, headers=headers, timeout=_DONE_MS))

    def get(self, path: str) -> Any:
        return self._read(self._api.get(self._url + path))

    def put(self, path: str, body: Any) -> Any:
        return self._read(self._api.put(self._url + path, data=body, headers={"X-CSRF-Token": self._csrf}))

    def upload(self, name: str, content: bytes, **fields: str) -> Any:
        """Add a document and wait until it is indexed."""
        kept = self.send(name, content, **fields)
        self.post("/api/rag/index", {"file_id": kept["file_id"]})
        return kept

    def send(self, name: str, content: bytes, **fields: str) -> Any:
        """Add a document, whatever becomes of it."""
        form = {"file": {"name": name, "mimeType": "application/octet-stream", "buffer": content}, **fields}
        return self._read(
            self._api.post(self._url + "/api/rag/upload", multipart=form, headers={"X-CSRF-Token": self._csrf})
        )

    def person(self, *, role: str = "member", language: str = "en") -> Person:
        """Add somebody; their link signs them in once."""
        name = f"{role}-{secrets.token_hex(3)}"
        made = self.post(
            "/api/users", {"username": name, "display_name": name.title(), "role": role, "language": language}
        )
        return Person(made["user"]["id"], name, made["url"])

    @staticmethod
    def _read(response: APIResponse) -> Any:
        assert response.ok, f"{response.status} {response.url}: {response.text()}"
        return response.json() if response.text() else None


class Watch:
    """What a page must never do: ask anybody else, ask without end, break its policy, throw."""

    def __init__(self, page: Page, server: Server) -> None:
        self.troubles: list[str] = []
        self.expected: list[str] = []
        self._url = server.url
        self._asked: Counter[str] = Counter()
        page.on("request", self._on_request)
        page.on("pageerror", lambda error: self.troubles.append(f"threw: {error}"))
        page.on("console", lambda message: self._on_console(message.type, message.text))

    def _on_request(self, request: Request) -> None:
        if not request.url.endswith(TAB_ICON):
            self._asked[request.url] += 1
        if self._asked[request.url] == OFTEN:
            self.troubles.append(f"asked again and again: {request.url}")
        if not request.url.startswith((self._url + "/", "blob:", "data:")):
            self.troubles.append(f"asked somebody else: {request.url}")

    def _on_console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(part in text for part in self.expected):
            self.troubles.append(f"{kind}: {text}")
