"""One way to the appliance for every command: the server that runs, or the whole of it inside this process."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from appliance.cli.data_directory import find_server, hold
from appliance.cli.words import speak
from appliance.core.errors import ApplianceError, Problem
from appliance.core.logging import configure_logging
from appliance.core.settings import LoadedSettings, load_settings
from appliance.core.text import Text

Result = TypeVar("Result")


class Refused(ApplianceError):
    """The appliance answered with a problem; it is shown as it is."""

    code = "refused"

    def __init__(self, problem: Problem) -> None:
        """Keep the words."""
        self.problem = problem
        super().__init__()

    def to_problem(self, language: Any, *, request_id: str | None = None) -> Problem:
        """Say what was answered."""
        return self.problem


class ServerGone(ApplianceError):
    """The server stopped answering while a command worked through it."""

    code = "server_gone"
    status = 503
    title = Text("The server no longer answers", "Le serveur ne répond plus")
    detail = Text("The connection to it ended.", "La connexion avec lui s’est interrompue.")
    hint = Text(
        "See whether it still runs, then repeat the command: what is indexed already is not indexed again.",
        "Vérifiez qu’il fonctionne encore, puis relancez la commande : ce qui est déjà indexé ne l’est pas de nouveau.",
    )


class Client:
    """Calls the REST API as the first admin, and raises its problems."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` knows the address and the token."""
        self.http = http

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Call and decode JSON. Raises Refused."""
        if body is not None:
            options["content"] = msgspec.json.encode(body)
            options["headers"] = {"Content-Type": "application/json"}
        response = await self.http.request(method, path, **options)
        raise_problem(response)
        return response.json() if response.content else None

    async def pages(self, path: str, key: str = "items", **parameters: Any) -> AsyncIterator[Any]:
        """Walk a list to its end."""
        offset = 0
        while True:
            page = await self.call("GET", path, params={**parameters, "limit": 100, "offset": offset})
            for item in page[key]:
                yield item
            offset += len(page[key])
            if not page[key] or offset >= page["total"]:
                return

    async def upload(self, path: Path, **fields: str) -> dict[str, Any]:
        """Send a file."""
        with path.open("rb") as file:
            response = await self.http.post("/api/rag/upload", files={"file": (path.name, file)}, data=fields)
        raise_problem(response)
        return response.json()


def raise_problem(response: httpx.Response) -> None:
    """Raise what a response says went wrong."""
    if response.is_success:
        return
    try:
        raise Refused(msgspec.json.decode(response.content, type=Problem))
    except msgspec.MsgspecError:
        raise ServerGone from None


@asynccontextmanager
async def connect(loaded: LoadedSettings) -> AsyncIterator[Client]:
    """Reach the appliance: through its server, or by opening it here and holding its data directory meanwhile."""
    headers = {"Accept-Language": speak()}
    if server := find_server(loaded.data_directory):
        verify = ssl.create_default_context(cafile=server.certificate) if server.certificate else True
        headers["Authorization"] = f"Bearer {server.token}"
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers, timeout=None, verify=verify, trust_env=False
        ) as http:
            yield Client(http)
        return
    async with AsyncExitStack() as stack:
        yield await _open_here(loaded, stack, headers)


async def _open_here(loaded: LoadedSettings, stack: AsyncExitStack, headers: dict[str, str]) -> Client:
    # The whole server is imported only where no server runs.
    from appliance.asgi import create_app
    from appliance.bootstrap import build

    stack.enter_context(hold(loaded.data_directory))
    appliance = await stack.enter_async_context(build(loaded))
    await appliance.people.ensure_first_admin()
    headers["Authorization"] = f"Bearer {appliance.access.control_token}"
    transport = httpx.ASGITransport(app=create_app(appliance), raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]
    http = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers, timeout=None)
    return Client(await stack.enter_async_context(http))


def run_with_client(
    data_directory: Path | None, config_file: Path | None, work: Callable[[Client], Awaitable[Result]]
) -> Result:
    """Load the settings, connect, do the work."""
    loaded = load_settings(data_directory, config_file=config_file)
    configure_logging(msgspec.structs.replace(loaded.settings.logging, level="error"))

    async def perform() -> Result:
        async with connect(loaded) as client:
            try:
                return await work(client)
            except httpx.TransportError as error:
                raise ServerGone from error

    return asyncio.run(perform())
