"""How SQLite is opened so that it keeps its promises."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from governance.errors import LedgerError, NotFoundError
from governance.ledger.tables import SQLITE_TABLES, SQLITE_TRIGGERS

WRITES = "governance_writes"
_OWNER_ONLY = 0o600


def create_file(path: Path) -> None:
    """Create an empty database file that only its owner may read.

    SQLite gives its journal the same permissions.

    Raises:
        LedgerError: If the folder does not exist or cannot be written.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _OWNER_ONLY))
    except OSError as error:
        message = f"the ledger {path} cannot be created: {error.strerror}"
        raise LedgerError(message, "Check the workspace folder.") from error


def _uri(path: Path, *, readonly: bool) -> str:
    """Return the file URI to open.

    A database in WAL mode cannot be opened from a folder in which SQLite may make no
    journal, unless it is told that nobody writes; that is true when there is no
    journal and we cannot make one.
    """
    base = f"file:{quote(str(path))}"
    if not readonly:
        return f"{base}?mode=rw"
    journal = path.with_name(f"{path.name}-wal")
    if not journal.exists() and not os.access(path.parent, os.W_OK):
        return f"{base}?mode=ro&immutable=1"
    return f"{base}?mode=ro"


def sqlite_engine(path: Path, *, readonly: bool, busy_seconds: float) -> Engine:
    """Make the engine for a database file that exists.

    Args:
        path: The file.
        readonly: Open so that nothing can be written.
        busy_seconds: How long to wait for another writer.

    Raises:
        NotFoundError: If there is no such file.
    """
    if not path.is_file():
        message = f"there is no ledger at {path}"
        raise NotFoundError(message, "Run `governance init` to make a workspace.")
    uri = _uri(path, readonly=readonly)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri,
            uri=True,
            timeout=busy_seconds,
            # The driver would begin transactions of its own, and too late.
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        for pragma in _pragmas(readonly=readonly):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer halfway fails at once when somebody else wrote:
        # writers take their place in the queue before they look.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _pragmas(*, readonly: bool) -> list[str]:
    """Return what every connection is told before anything else."""
    common = [
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "trusted_schema=OFF",
        "cell_size_check=ON",
    ]
    if readonly:
        return [*common, "query_only=ON"]
    return [*common, "journal_mode=WAL", "synchronous=FULL"]


def schema_differences(connection: Connection) -> list[str]:
    """Name every table or trigger that is not as this program made it.

    Args:
        connection: An open connection.

    Returns:
        One phrase a difference; empty when all is as expected.
    """
    rows = connection.execute(
        text("SELECT type, name, tbl_name, sql FROM sqlite_master")
    ).all()
    guarded = set(SQLITE_TABLES)
    found = {
        (str(row.type), str(row.name)): str(row.sql)
        for row in rows
        if row.type in {"table", "view"}
        or (row.type == "trigger" and row.tbl_name in guarded)
    }
    expected = {("table", name): sql for name, sql in SQLITE_TABLES.items()}
    expected |= {("trigger", name): sql for name, sql in SQLITE_TRIGGERS.items()}
    differences = [
        f"{kind} {name} is {'missing' if (kind, name) not in found else 'changed'}"
        for (kind, name), sql in expected.items()
        if found.get((kind, name)) != sql
    ]
    added = sorted(set(found) - set(expected) - {("table", "alembic_version")})
    return differences + [f"{kind} {name} was added" for kind, name in added]
