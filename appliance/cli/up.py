"""Starting the box: server and workers in one process, or split over several."""

import asyncio
import ipaddress
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog
import uvicorn

from appliance.asgi import create_app
from appliance.bootstrap import Appliance, Part, build
from appliance.cli.data_directory import RunningServer, announced, hold
from appliance.cli.main import with_data_directory
from appliance.cli.words import say
from appliance.core.errors import SettingsError
from appliance.core.logging import configure_logging
from appliance.core.settings import LoadedSettings, load_settings
from appliance.core.text import Text

if TYPE_CHECKING:
    from appliance.cli.certificates import Certificate

log = structlog.get_logger(__name__)
_GRACE_SECONDS = 3
_BACKLOG = 512


class AddressTaken(SettingsError):
    """Something answers on that port already, or it may not be taken."""

    code = "address_taken"
    title = Text("The address cannot be used", "L’adresse est inutilisable")
    detail = Text(
        "{host}:{port} cannot be listened on: {reason}.", "Impossible d’écouter sur {host}:{port} : {reason}."
    )
    hint = Text("Choose another with --host and --port.", "Choisissez-en une autre avec --host et --port.")


_HOST = click.option(
    "--host", help=say(Text("Address to listen on [default: 127.0.0.1].", "Adresse d’écoute [défaut : 127.0.0.1]."))
)
_PORT = click.option(
    "--port", type=int, help=say(Text("Port to listen on [default: 8000].", "Port d’écoute [défaut : 8000]."))
)


@click.command(
    help=say(
        Text(
            "Start the server and its workers in one process.",
            "Démarrer le serveur et ses processus de travail ensemble.",
        )
    )
)
@_HOST
@_PORT
@with_data_directory
def up(host: str | None, port: int | None, data_directory: Path | None, config_file: Path | None) -> None:
    """Start everything."""
    _start("all", host, port, data_directory, config_file)


@click.command(
    help=say(
        Text(
            "Start a server alone; `work` does its jobs elsewhere.",
            "Démarrer un serveur seul ; `work` exécute ses tâches ailleurs.",
        )
    )
)
@_HOST
@_PORT
@with_data_directory
def serve(host: str | None, port: int | None, data_directory: Path | None, config_file: Path | None) -> None:
    """Start a server."""
    _start("serve", host, port, data_directory, config_file)


@click.command(help=say(Text("Do the jobs of servers elsewhere.", "Exécuter les tâches de serveurs situés ailleurs.")))
@with_data_directory
def work(data_directory: Path | None, config_file: Path | None) -> None:
    """Start workers."""
    loaded = load_settings(data_directory, config_file=config_file)
    configure_logging(loaded.settings.logging)
    with hold(loaded.data_directory):
        asyncio.run(_work(loaded))


def _start(
    part: Part, host: str | None, port: int | None, data_directory: Path | None, config_file: Path | None
) -> None:
    flags = {"server.host": host, "server.port": port}
    loaded = load_settings(data_directory, config_file=config_file, flags=flags)
    configure_logging(loaded.settings.logging)
    with ExitStack() as stack:
        stack.enter_context(hold(loaded.data_directory))
        listener = stack.enter_context(_listen(loaded))
        asyncio.run(_serve(loaded, listener, part))


def _listen(loaded: LoadedSettings) -> socket.socket:
    server = loaded.settings.server
    try:
        family, _, _, _, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0]
        # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without, each answer waits 40 ms for an ACK.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise AddressTaken(host=server.host, port=server.port, reason=error.strerror or str(error)) from error
    listener.setblocking(False)
    return listener


async def _serve(loaded: LoadedSettings, listener: socket.socket, part: Part) -> None:
    host, port = listener.getsockname()[:2]
    certificate = None if _is_loopback(host) else _certificate(loaded)
    url = loaded.settings.server.public_url or _address(loaded.settings.server.host, port, certificate)
    appliance = build(loaded, part=part, base_url=url)
    appliance.egress.install()
    async with appliance:
        server = uvicorn.Server(_uvicorn_settings(appliance, certificate))
        server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
        running = asyncio.ensure_future(server.serve(sockets=[listener]))
        _end_on_signal(server)
        while not server.started and not running.done():
            await asyncio.sleep(0.005)
        local = _address("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port, certificate)  # noqa: S104 - compared, not bound
        control = RunningServer(
            pid=os.getpid(),
            url=local,
            token=appliance.access.control_token,
            certificate=str(certificate.path) if certificate else "",
        )
        with announced(loaded.data_directory, control):
            link = await appliance.people.ensure_first_admin()
            click.echo(f"Ready: {link.url}")
            sys.stdout.flush()
            if certificate:
                click.echo(
                    f"{say(Text('Certificate SHA-256', 'Certificat SHA-256'))}: {certificate.fingerprint}", err=True
                )
            await running


def _certificate(loaded: LoadedSettings) -> "Certificate":
    from appliance.cli.certificates import find_certificate  # its library would slow every start on loopback down

    return find_certificate(loaded)


def _uvicorn_settings(appliance: Appliance, certificate: "Certificate | None") -> uvicorn.Config:
    options: dict[str, Any] = {}
    if certificate:
        options = {"ssl_certfile": str(certificate.path), "ssl_keyfile": str(certificate.key_path)}
    return uvicorn.Config(
        create_app(appliance),
        loop="asyncio",  # the egress tripwire sees nothing of uvloop
        http="h11",  # it bounds the head of a request; the faster parser does not
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=30,
        **options,
    )


async def _work(loaded: LoadedSettings) -> None:
    appliance = build(loaded, part="work")
    appliance.egress.install()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with appliance:
        click.echo("Ready: working")
        sys.stdout.flush()
        await ended.wait()


def _end_on_signal(server: uvicorn.Server) -> None:
    def end() -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def _address(host: str, port: int, certificate: "Certificate | None") -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if certificate else 'http'}://{shown}:{port}"
