"""Open a database, check its schema, hand out transactions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from governance.errors import LedgerError, NotFoundError, UsageError
from governance.ledger import postgresql, sqlite
from governance.ledger.backup import copy_sqlite
from governance.ledger.faults import explaining
from governance.ledger.migrate import check_known, current_revision, migrate
from governance.ledger.rows import count
from governance.ledger.sqlite import WRITES
from governance.ledger.tables import NEWEST_REVISION

_URLS = "Write sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE."
_SIZE = "SELECT COALESCE(MAX(sequence), 0) FROM entries"
_MAY_APPEND = "SELECT has_table_privilege('entries', 'INSERT')"


def sqlite_url(path: Path) -> str:
    """Return the database URL of an SQLite file.

    Args:
        path: The file, absolute or relative to the working directory.
    """
    url = URL.create("sqlite", database=str(path.absolute()))
    return url.render_as_string(hide_password=False)


@dataclass(frozen=True)
class Backend:
    """A kind of database, opened.

    Args:
        engine: Its engine.
        name: What to call it in messages; no password in it.
        version_query: Asks for a number that changes when somebody commits.
        differences: Names what is not as the migrations made it.
        right_query: Asks whether this user may append; empty where files decide.
    """

    engine: Engine
    name: str
    version_query: str
    differences: Callable[[Connection], list[str]]
    right_query: str = ""


class Database:
    """A ledger database whose schema has been checked.

    Args:
        backend: Its kind.
        readonly: Whether nothing may be written.
    """

    def __init__(self, backend: Backend, *, readonly: bool) -> None:
        self.name = backend.name
        self.readonly = readonly
        self._backend = backend
        self._engine = backend.engine
        self._writer = backend.engine.execution_options(**{WRITES: True})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection inside a read transaction: one consistent view."""
        with explaining(self.name), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside the one write transaction there is.

        Raises:
            LedgerError: If opened for reading only, or another process keeps writing.
        """
        if self.readonly:
            message = f"the ledger {self.name} is opened for reading only"
            raise LedgerError(message, "Open it without --readonly.")
        with explaining(self.name), self._writer.begin() as connection:
            yield connection

    def refuse_reader(self) -> None:
        """Refuse a user whom the server lets read only, before anything is done.

        Raises:
            LedgerError: This one may append nothing.
        """
        query = self._backend.right_query
        if not query:
            return
        with self.read() as connection:
            if connection.exec_driver_sql(query).scalar_one():
                return
        message = f"the ledger {self.name} lets this database user read only"
        raise LedgerError(message, "Use an account in the role governance_writer.")

    def watch(self) -> Connection:
        """Return a connection to ask for :meth:`data_version` again and again."""
        with explaining(self.name):
            return self._engine.connect()

    def data_version(self, watch: Connection) -> int:
        """Return a number that changes when another connection has committed.

        Args:
            watch: The same connection every time; the number means nothing elsewhere.
        """
        with explaining(self.name):
            try:
                found = watch.exec_driver_sql(self._backend.version_query).scalar_one()
            finally:
                watch.rollback()
        return int(found)

    def schema_differences(self) -> list[str]:
        """Name what is not as the migrations made it."""
        with self.read() as connection:
            return self._backend.differences(connection)

    def copy(self, target: Path) -> None:
        """Write a consistent copy.

        Args:
            target: An empty file.

        Raises:
            LedgerError: If it cannot be written, or the server has tools of its own.
        """
        if self._engine.dialect.name != "sqlite":
            message = f"the ledger {self.name} is kept by a database server"
            hint = "Use pg_dump, and keep keys and objects beside what it writes."
            raise LedgerError(message, hint)
        copy_sqlite(self._engine, self.name, target)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def holds_entries(url: str, busy_seconds: float = 10.0) -> bool:
    """Say whether a log was begun in a database, of whatever schema; write nothing.

    Args:
        url: Its URL.
        busy_seconds: How long to wait for another process.

    Raises:
        LedgerError: It cannot be read.
        UsageError: The URL names no supported database.
    """
    try:
        backend = _backend(url, create=False, readonly=True, busy_seconds=busy_seconds)
    except NotFoundError:
        return False
    database = Database(backend, readonly=True)
    try:
        with database.read() as connection:
            return current_revision(connection) is not None and count(connection) > 0
    finally:
        database.close()


def open_database(
    url: str, *, create: bool, readonly: bool, busy_seconds: float
) -> Database:
    """Open a database and see that its schema is the one this program knows.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/DATABASE``.
        create: Make the database if there is none.
        readonly: Open so that nothing can be written.
        busy_seconds: How long to wait for another writer.

    Raises:
        NotFoundError: If there is no ledger and none should be made.
        LedgerError: If it cannot be opened or its schema is another.
        UsageError: If the URL names no supported database.
    """
    backend = _backend(url, create=create, readonly=readonly, busy_seconds=busy_seconds)
    database = Database(backend, readonly=readonly)
    try:
        _prepare(database, create=create)
    except BaseException:
        database.close()
        raise
    return database


def _backend(url: str, *, create: bool, readonly: bool, busy_seconds: float) -> Backend:
    """Open the kind of database a URL asks for."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        message = f"the database URL cannot be read: {url[:80]!r}"
        raise UsageError(message, _URLS) from error
    name = parsed.render_as_string(hide_password=True)
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        engine = postgresql.postgresql_engine(
            parsed, readonly=readonly, busy_seconds=busy_seconds
        )
        return Backend(engine, name, _SIZE, postgresql.schema_differences, _MAY_APPEND)
    if kind != "sqlite":
        message = f"unsupported database {name}"
        raise UsageError(message, _URLS)
    if not parsed.database or parsed.database == ":memory:":
        message = f"the database URL {name} names no file: a ledger must outlive us"
        raise UsageError(message, _URLS)
    path = Path(parsed.database)
    if create and not readonly:
        sqlite.create_file(path)
    engine = sqlite.sqlite_engine(path, readonly=readonly, busy_seconds=busy_seconds)
    return Backend(engine, str(path), "PRAGMA data_version", sqlite.schema_differences)


def _prepare(database: Database, *, create: bool) -> None:
    """Migrate where that is needed and allowed, then compare the schema."""
    with database.read() as connection:
        revision = current_revision(connection)
    if revision is None and not create:
        message = f"there is no ledger in {database.name}: the database is empty"
        raise NotFoundError(message, "Run `governance init` to make a workspace.")
    if revision is not None:
        check_known(revision)
    if revision != NEWEST_REVISION:
        _upgrade(database)
    differences = database.schema_differences()
    if differences:
        message = (
            f"the schema of the ledger {database.name} was changed: "
            f"{'; '.join(differences)}"
        )
        raise LedgerError(message, "Restore a backup; do not edit the database.")


def _upgrade(database: Database) -> None:
    """Bring an empty or older database to the newest schema."""
    if database.readonly:
        message = (
            f"the ledger {database.name} has an older schema: expected "
            f"{NEWEST_REVISION}, and reading only cannot change it"
        )
        raise LedgerError(message, "Open it once without --readonly.")
    with database.write() as connection:
        # Another process may have migrated while this one waited its turn.
        revision = current_revision(connection)
        if revision is not None:
            check_known(revision)
        migrate(connection)
