"""Databases of a test's own on a shared PostgreSQL, migrated once and copied for each."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from appliance.core.database import Database
from appliance.migrations import HEAD, upgrade


@asynccontextmanager
async def fresh_database(server_url: str, *, migrated: bool = True) -> AsyncIterator[str]:
    """Make a database and give its SQLAlchemy URL; it is dropped in the end, whoever is still connected."""
    name = f"test_{uuid4().hex[:16]}"
    connection = await asyncpg.connect(server_url)
    try:
        template = await _template(connection, server_url) if migrated else "template0"
        await connection.execute(f"create database {name} template {template}")
        try:
            yield _with_name(server_url, name)
        finally:
            await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()


async def _template(connection: asyncpg.Connection, server_url: str) -> str:
    name = f"template_{HEAD}_{os.getpid()}"
    if not await connection.fetchval("select true from pg_database where datname = $1", name):
        await connection.execute(f"create database {name}")
        async with Database(_with_name(server_url, name)) as database:
            await upgrade(database)
    return name


def _with_name(server_url: str, name: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(scheme="postgresql+asyncpg", path=f"/{name}"))
