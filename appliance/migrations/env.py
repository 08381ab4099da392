"""Alembic's way in: always over the connection that `upgrade` holds."""

from alembic import context
from sqlalchemy import Connection

from appliance.core.database import Table
from appliance.migrations.tables import ALL_TABLES

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata if ALL_TABLES else None,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
