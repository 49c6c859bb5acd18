"""Bring a database to the schema this program expects."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

import governance
from governance.errors import LedgerError
from governance.ledger.tables import NEWEST_REVISION, REVISIONS


def migrations_directory() -> Path:
    """Return the folder with the migration scripts.

    In an installed package they are inside it, in a source tree beside it.

    Raises:
        LedgerError: If the installation lacks them.
    """
    package = Path(governance.__file__).parent
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    message = f"the migration scripts are missing beside {package}"
    raise LedgerError(message, "Install the package again.")


def current_revision(connection: Connection) -> str | None:
    """Return the schema revision a database is at, ``None`` for an empty one.

    Raises:
        LedgerError: If the database holds something else.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if "alembic_version" not in tables:
        message = "the database holds tables, but no ledger"
        raise LedgerError(message, "Give another database URL.")
    found = connection.execute(text("SELECT version_num FROM alembic_version")).all()
    if len(found) != 1:
        message = f"the database names {len(found)} schema revisions: expected one"
        raise LedgerError(message, "Restore a backup.")
    return str(found[0][0])


def check_known(revision: str) -> None:
    """Refuse a schema that a later program made.

    Raises:
        LedgerError: If this program does not know the revision.
    """
    if revision not in REVISIONS:
        message = (
            f"the ledger's schema is newer than this program: expected {NEWEST_REVISION}"
            f" or older, found {revision[:40]!r}"
        )
        raise LedgerError(message, "Use the version of governance that wrote it.")


def migrate(connection: Connection, revision: str = NEWEST_REVISION) -> None:
    """Run the migrations inside the caller's write transaction.

    Args:
        connection: A connection in a write transaction; all of the migration is
            committed with it or nothing is.
        revision: Where to go to; older than the current one goes back.
    """
    # Alembic takes long to import and is needed only when the schema changes.
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = str(migrations_directory()).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.attributes["connection"] = connection
    current = current_revision(connection)
    if current is not None and revision < current:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
