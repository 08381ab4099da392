"""`appliance users` and `appliance keys`."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.client import Client, run_with_client
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.words import say, table, to_json
from appliance.core.text import Text
from appliance.features.identity.errors import KeyNotFound, UserNotFound


@click.group(help=say(Text("Who can sign in.", "Qui peut s’identifier.")))
def users() -> None:
    """Group the commands about people."""


@users.command(
    help=say(
        Text(
            "Add a person and print their single-use sign-in link.",
            "Ajouter une personne et écrire son lien de connexion à usage unique.",
        )
    )
)
@click.argument("username")
@click.option("--name", "display_name", default="", help=say(Text("The name shown.", "Le nom affiché.")))
@click.option("--admin", is_flag=True, help=say(Text("Make them an administrator.", "En faire un administrateur.")))
@click.option("--language", type=click.Choice(["en", "fr"]), default="en")
@with_data_directory
@with_json
def add(
    username: str,
    display_name: str,
    admin: bool,
    language: str,
    data_directory: Path | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Add somebody."""
    body = {
        "username": username,
        "display_name": display_name,
        "role": "admin" if admin else "member",
        "language": language,
    }

    async def perform(client: Client) -> Any:
        return await client.call("POST", "/api/users", body)

    _print_link(run_with_client(data_directory, config_file, perform), as_json=as_json)


@users.command("list", help=say(Text("List people.", "Énumérer les personnes.")))
@with_data_directory
@with_json
def list_users(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """List everybody."""

    async def perform(client: Client) -> list[Any]:
        return [user async for user in client.pages("/api/users")]

    found = run_with_client(data_directory, config_file, perform)
    if as_json:
        click.echo(to_json(found))
        return
    disabled, active = say(Text("disabled", "désactivé")), say(Text("active", "actif"))
    rows = [
        [user["username"], user["display_name"], user["role"], disabled if user["disabled"] else active]
        for user in found
    ]
    click.echo(
        table(rows, ["username", say(Text("name", "nom")), say(Text("role", "rôle")), say(Text("state", "état"))])
    )


@users.command(
    help=say(
        Text(
            "Disable a person: sessions and keys end at once.",
            "Désactiver une personne : sessions et clés cessent aussitôt.",
        )
    )
)
@click.argument("username")
@with_data_directory
def disable(username: str, data_directory: Path | None, config_file: Path | None) -> None:
    """Disable somebody."""

    async def perform(client: Client) -> None:
        await client.call("PATCH", f"/api/users/{await _user_id(client, username)}", {"disabled": True})

    run_with_client(data_directory, config_file, perform)


@users.command(
    help=say(
        Text(
            "Sign a person out everywhere and print a new sign-in link.",
            "Déconnecter une personne partout et écrire un nouveau lien.",
        )
    )
)
@click.argument("username")
@with_data_directory
@with_json
def reset(username: str, data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Give somebody a new link."""

    async def perform(client: Client) -> Any:
        return await client.call("POST", f"/api/users/{await _user_id(client, username)}/reset")

    _print_link(run_with_client(data_directory, config_file, perform), as_json=as_json)


@click.group(help=say(Text("Keys for programs.", "Clés pour les programmes.")))
def keys() -> None:
    """Group the commands about keys."""


@keys.command(
    help=say(
        Text(
            "Make a key and print it alone; it is shown only now.",
            "Créer une clé et l’écrire seule ; elle n’est montrée qu’ici.",
        )
    )
)
@click.argument("name")
@click.option(
    "--scopes",
    required=True,
    help=say(Text("Comma-separated scopes, or `all`.", "Portées séparées par des virgules, ou `all`.")),
)
@click.option("--days", type=float, help=say(Text("Days it lasts.", "Durée en jours.")))
@with_data_directory
@with_json
def create(
    name: str, scopes: str, days: float | None, data_directory: Path | None, config_file: Path | None, as_json: bool
) -> None:
    """Make a key."""
    body: dict[str, Any] = {"name": name, "scopes": [scope.strip() for scope in scopes.split(",") if scope.strip()]}
    if days is not None:
        body["expires_days"] = days

    async def perform(client: Client) -> Any:
        return await client.call("POST", "/api/keys", body)

    made = run_with_client(data_directory, config_file, perform)
    click.echo(to_json(made) if as_json else made["key"])


@keys.command("list", help=say(Text("List keys.", "Énumérer les clés.")))
@with_data_directory
@with_json
def list_keys(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """List all keys."""

    async def perform(client: Client) -> list[Any]:
        return [key async for key in client.pages("/api/keys", all="true")]

    found = run_with_client(data_directory, config_file, perform)
    if as_json:
        click.echo(to_json(found))
        return
    rows = [
        [
            key["prefix"],
            key["name"],
            key["username"],
            ",".join(key["scopes"]),
            say(Text("revoked", "révoquée")) if key["revoked"] else (key["expires_at"] or "")[:10],
        ]
        for key in found
    ]
    headers = ["id", say(Text("name", "nom")), say(Text("owner", "propriétaire")), say(Text("scopes", "portées"))]
    click.echo(table(rows, [*headers, say(Text("until", "jusqu’au"))]))


@keys.command(help=say(Text("End a key, by its id or name.", "Révoquer une clé, par son identifiant ou son nom.")))
@click.argument("key")
@with_data_directory
def revoke(key: str, data_directory: Path | None, config_file: Path | None) -> None:
    """Revoke a key."""

    async def perform(client: Client) -> None:
        found = [
            entry["id"]
            async for entry in client.pages("/api/keys", all="true")
            if key in {entry["id"], entry["prefix"], entry["name"]} and not entry["revoked"]
        ]
        if not found:
            raise KeyNotFound
        for key_id in found:
            await client.call("DELETE", f"/api/keys/{key_id}")

    run_with_client(data_directory, config_file, perform)


async def _user_id(client: Client, username: str) -> str:
    async for user in client.pages("/api/users", q=username):
        if user["username"].lower() == username.lower():
            return user["id"]
    raise UserNotFound


def _print_link(link: dict[str, Any], *, as_json: bool) -> None:
    click.echo(to_json(link) if as_json else link["url"])
