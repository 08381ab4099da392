"""An appliance in this process over engines in memory, and the people who use it over HTTP."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from appliance.asgi import create_app
from appliance.bootstrap import Appliance, Engines, build
from appliance.core.settings import load_settings
from appliance.core.web import Door
from appliance.engines.memory import (
    MemoryEmbedder,
    MemoryLanguageModel,
    MemoryModelHost,
    MemoryParser,
    MemoryStore,
    MemoryVectorStore,
)
from appliance.engines.memory.language_model import Answer
from appliance.engines.snowball import SnowballAnalyzer
from appliance.ports.language_model import LanguageModel
from appliance.ports.parser import ParsedDocument

BASE_URL = "http://localhost"
PROBLEM_FIELDS = {"type", "title", "status", "detail", "hint", "request_id"}


class HeldParser(MemoryParser):
    """Reads text; a file whose name begins with `held` is read for as long as the test wants."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.started = asyncio.Event()

    async def parse(self, path: Path, *, filename: str, password: str | None = None) -> ParsedDocument:
        if filename.startswith("held"):
            self.started.set()
            await self.released.wait()
        return await super().parse(path, filename=filename, password=password)


@dataclass(frozen=True)
class Answered:
    """What a call was answered with."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class Person:
    """Somebody with an account: `api` calls with a key for everything, `browser` with a session."""

    id: str
    name: str
    api: httpx.AsyncClient
    browser: httpx.AsyncClient

    @property
    def key(self) -> str:
        return self.api.headers["authorization"].removeprefix("Bearer ")


class House:
    """The appliance, its people, and every answer that was given."""

    admin: Person
    member: Person
    other: Person

    def __init__(self, appliance: Appliance, model: MemoryLanguageModel, parser: HeldParser) -> None:
        host = appliance.model_host
        assert isinstance(host, MemoryModelHost)
        self.host = host
        self.appliance = appliance
        self.app: Door = create_app(appliance)
        self.model = model
        self.parser = parser
        self.answered: list[Answered] = []
        self.first_link = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        link = await self.appliance.people.ensure_first_admin()
        self.first_link = link.url
        self.nobody = await self.client()
        self.admin = await self._enter(link.url, "admin")
        self.member, self.other = await self.person(), await self.person()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    @contextmanager
    def saying(self, answer: Answer, *, seconds_per_token: float = 0.0) -> Iterator[MemoryLanguageModel]:
        """Have the model say something else for a while."""
        before = self.model.answer, self.model._seconds_per_token
        self.model.answer, self.model._seconds_per_token = answer, seconds_per_token
        try:
            yield self.model
        finally:
            self.model.answer, self.model._seconds_per_token = before

    @contextmanager
    def without_model(self) -> Iterator[None]:
        """Have no model answer for a while."""
        before: Sequence[str] = self.model._models
        self.model._models = ()
        try:
            yield
        finally:
            self.model._models = tuple(before)

    async def client(self, *, peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """A client that nobody knows, unless its headers say so."""
        transport = httpx.ASGITransport(self.app, client=(peer, 50000))  # pyright: ignore[reportArgumentType]
        opened = httpx.AsyncClient(
            transport=transport,
            base_url=BASE_URL,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            event_hooks={"response": [self._look_at]},
        )
        return await self._stack.enter_async_context(opened)

    async def _look_at(self, response: httpx.Response) -> None:
        """Note the answer; whatever went wrong is said as its path asks for, with what to do next."""
        request = response.request
        self.answered.append(Answered(request.method, request.url.path, response.status_code))
        if response.status_code >= 400:
            await response.aread()
            check_problem(response)

    async def person(self, *, role: str = "member", name: str = "", **more: Any) -> Person:
        """Add somebody, let them in by their link, and give them a key."""
        name = name or f"person-{secrets.token_hex(4)}"
        made = await self.admin.api.post("/api/users", json={"username": name, "role": role, **more})
        assert made.status_code == 201, made.text
        return await self._enter(made.json()["url"], name)

    async def _enter(self, url: str, name: str) -> Person:
        browser = await self.client()
        user = await sign_in(browser, token_of(url))
        made = await browser.post("/api/keys", json={"name": "everything", "scopes": ["all"]})
        assert made.status_code == 201, made.text
        return Person(user["id"], name, await self.with_key(made.json()["key"]), browser)

    async def with_key(self, key: str, **more: str) -> httpx.AsyncClient:
        """A client with a key."""
        return await self.client(authorization=f"Bearer {key}", **more)

    async def key(self, person: Person, *scopes: str, **more: Any) -> httpx.AsyncClient:
        """A client with a new key of somebody's for these scopes alone."""
        made = await person.api.post("/api/keys", json={"name": "some", "scopes": scopes, **more})
        assert made.status_code == 201, made.text
        return await self.with_key(made.json()["key"])

    async def collection(self, person: Person, **more: Any) -> dict[str, Any]:
        """Make a collection of somebody's."""
        made = await person.api.post("/api/collections", json={"name": "Papers", **more})
        assert made.status_code == 201, made.text
        return made.json()

    async def upload(self, person: Person, text: str = "", *, name: str = "note.txt", **fields: Any) -> dict[str, Any]:
        """Send a text nobody has sent before."""
        # In letters alone: a number is evidence, and would now and then be quoted beside the answer.
        mark = uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
        body = f"{text or 'Kites are made of paper.'}\n\n{mark}"
        made = await person.api.post("/api/rag/upload", files={"file": (name, body.encode())}, data=fields)
        assert made.status_code == 201, made.text
        return made.json()

    async def add(self, person: Person, text: str = "", **more: Any) -> dict[str, Any]:
        """Send a text and wait until it can be found; gives the document's record."""
        uploaded = await self.upload(person, text, **more)
        indexed = await person.api.post("/api/rag/index", json={"file_id": uploaded["file_id"]})
        assert indexed.status_code == 200, indexed.text
        return (await person.api.get(f"/api/rag/documents/{uploaded['file_id']}")).json()

    async def held(self, person: Person) -> dict[str, Any]:
        """Send a file whose reading has begun and does not end before `parser.released` is set."""
        self.parser.released.clear()
        self.parser.started.clear()
        uploaded = await self.upload(person, name="held.txt")
        await asyncio.wait_for(self.parser.started.wait(), 10)
        return uploaded

    async def find(self, person: Person, query: str, **more: Any) -> list[dict[str, Any]]:
        """Search as somebody."""
        found = await person.api.post("/api/rag/search", json={"query": query, **more})
        assert found.status_code == 200, found.text
        return found.json()["results"]

    async def nothing_incoming(self) -> None:
        """Wait until no half-received file is left; what indexes meanwhile has files of its own on their way."""
        incoming = self.appliance.loaded.data_directory / "incoming"
        async with asyncio.timeout(15):
            while list(incoming.glob("*")):
                await asyncio.sleep(0.02)

    async def wait_for(self, person: Person, file_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until a document has one of these states."""
        async with asyncio.timeout(15):
            while True:
                document = (await person.api.get(f"/api/rag/documents/{file_id}")).json()
                if document["status"] in statuses:
                    return document
                await asyncio.sleep(0.02)


def check_problem(response: httpx.Response) -> None:
    """Hold an answer against the form of its path's errors: RFC 9457, OpenAI's or Ollama's."""
    first = response.request.url.path.split("/")[1]
    check = {"v1": _check_openai_error, "ollama": _check_ollama_error}.get(first, _check_rfc9457)
    check(response)


def _check_openai_error(response: httpx.Response) -> None:
    """As platform.openai.com/docs/guides/error-codes has it; the clients raise by status and read `code`."""
    assert response.headers["content-type"] == "application/json", response.text
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["type"].endswith("_error")
    assert error["code"]
    assert response.headers["x-request-id"]
    assert response.status_code != 429 or int(response.headers["retry-after"]) > 0


def _check_ollama_error(response: httpx.Response) -> None:
    if response.request.method == "HEAD":
        return
    assert response.headers["content-type"] == "application/json", response.text
    assert set(response.json()) == {"error"}
    assert response.json()["error"]
    assert response.headers["x-request-id"]


def _check_rfc9457(response: httpx.Response) -> None:
    """And our own promises."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert set(problem) == PROBLEM_FIELDS
    assert problem["status"] == response.status_code
    assert re.fullmatch(r"urn:appliance:[a-z_]+", problem["type"])
    assert problem["title"]
    assert problem["detail"]
    assert problem["hint"], "what to do next"
    assert problem["request_id"] == response.headers["x-request-id"]


def token_of(url: str) -> str:
    """The token of a sign-in address."""
    return url.rpartition("token=")[2]


async def sign_in(browser: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """Follow a link, and send the session's token with every later write."""
    signed_in = await browser.post("/api/login", json={"token": token})
    assert signed_in.status_code == 200, signed_in.text
    browser.headers["x-csrf-token"] = signed_in.json()["csrf_token"]
    return signed_in.json()["user"]


@asynccontextmanager
async def open_house(
    directory: Path,
    *,
    database_url: str = "",
    reads_files: bool = False,
    language_model: LanguageModel | None = None,
    **flags: object,
) -> AsyncIterator[House]:
    """Build the appliance on a state of its own. `flags` are settings, dots written as two underscores.

    `reads_files`: with the parser that ships, which reads every format in processes of its own.
    `language_model`: an adapter to another engine than `house.model`.
    """
    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    loaded = load_settings(directory, environment={}, flags={"database.url": database_url, **dotted})
    model, parser = MemoryLanguageModel("Kites are made of paper [1]."), HeldParser()
    engines = Engines(
        parser=None if reads_files else parser,
        analyzer=SnowballAnalyzer(),
        embedder=MemoryEmbedder(),
        vectors=MemoryVectorStore(),
        objects=MemoryStore(),
        model_host=MemoryModelHost(["memory:latest", "words-embed:latest"]),
        language_model=language_model or model,
    )
    async with build(loaded, engines, base_url=BASE_URL) as appliance, House(appliance, model, parser) as house:
        yield house
