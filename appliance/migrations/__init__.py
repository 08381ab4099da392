"""The state's shape over time. `upgrade` brings any earlier state to this version's shape, or does nothing at once."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from appliance.core.database import Database
from appliance.core.errors import SettingsError
from appliance.core.text import Text

HEAD = "0006"
"""The revision this version needs; a test holds it to the scripts beside."""
_ADVISORY_LOCK = 0x5E4B0C1F


class StateFromTheFuture(SettingsError):
    """A newer version has been here."""

    code = "state_from_the_future"
    title = Text(
        "The data is from a newer version",
        "Les données viennent d’une version plus récente",
    )
    detail = Text(
        "This data directory was written by a newer version (revision {revision}).",
        "Ce dossier de données a été écrit par une version plus récente (révision {revision}).",
    )
    hint = Text("Start that version again.", "Redémarrez cette version.")


async def upgrade(database: Database) -> bool:
    """Bring the state to HEAD; tells whether anything was to do. Two processes that start together take turns."""
    async with database.engine.connect() as connection:
        if await connection.run_sync(_current_revision) == HEAD:
            return False
    async with database.engine.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        await connection.run_sync(_upgrade)
    return True


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("select version_num from alembic_version"))


def _upgrade(connection: Connection) -> None:
    # Alembic takes a third of a second to import; a state at HEAD never needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = _current_revision(connection)
    if revision is not None and revision not in known:
        raise StateFromTheFuture(revision=revision)
    command.upgrade(config, HEAD)
