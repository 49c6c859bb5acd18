"""A database of any revision goes to any other, and its log stays what it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from governance.domain.signoff import Head
from governance.ledger import migrate
from governance.ledger.database import Backend, Database, sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.note import parse_note_key
from governance.ledger.notes import newest_head
from governance.ledger.sqlite import schema_differences, sqlite_engine
from governance.ledger.tables import (
    NEWEST_REVISION,
    REVISIONS,
    SQLITE_TABLES,
    SQLITE_TRIGGERS,
)
from tests.ledger.conftest import fill

GOLDEN = Path(__file__).parent / "golden"
# The head each golden database was made with, and the key that signed it.
HEADS = {
    "0001": Head(5, "db94768baea8fbeb00ccda4d46f4f2382860b52061f7a1f8764754be0e44021c"),
    "0002": Head(7, "bfab935e98b03c8d9725c0e944f5a14a855a8b8039cffa2ffc6bdfc9271a3548"),
}
KEY = parse_note_key(
    "example.org/golden+7dc9f353+AV5L2u0mRUwzLgNvpH5V8NU5Mrq9WWOfYnpjP8vtc6kU"
)
# Which tables a revision has, beside Alembic's own.
TABLES = {"0001": {"entries"}, "0002": {"entries", "checkpoints"}}
ATTACKS = (
    "UPDATE {table} SET {column} = x'00'",
    "DELETE FROM {table}",
    "INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
)
COLUMNS = {"entries": "payload", "checkpoints": "note"}


@pytest.fixture(params=REVISIONS)
def golden(request: pytest.FixtureRequest, file: Path) -> str:
    """The revision of a golden database that lies in the file."""
    revision = str(request.param)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((GOLDEN / f"{revision}.sql").read_text())
    return revision


@pytest.fixture
def database(golden: str, file: Path) -> Iterator[Database]:
    engine = sqlite_engine(file, readonly=False, busy_seconds=1)
    backend = Backend(engine, golden, "PRAGMA data_version", schema_differences)
    database = Database(backend, readonly=False)
    yield database
    database.close()


def move(database: Database, revision: str) -> None:
    with database.write() as connection:
        migrate.migrate(connection, revision)
    with database.read() as connection:
        assert migrate.current_revision(connection) == revision


def query(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


def test_every_revision_has_a_golden_database() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.sql")) == sorted(REVISIONS)
    assert set(HEADS) == set(TABLES) == set(REVISIONS)
    assert TABLES[NEWEST_REVISION] == set(SQLITE_TABLES)


def test_a_golden_database_opens_with_every_entry(golden: str, file: Path) -> None:
    with Ledger.open(sqlite_url(file)) as ledger:
        assert ledger.verify().ok
        assert ledger.head() == HEADS[golden]
        fill(ledger, 1)
        assert ledger.verify().entries == HEADS[golden].size + 1


@pytest.mark.parametrize("target", REVISIONS)
def test_the_log_is_the_same_at_every_revision_and_back_again(
    golden: str, database: Database, file: Path, target: str
) -> None:
    rows = query(file, "SELECT * FROM entries")
    for revision in (target, golden, target):
        move(database, revision)
        assert query(file, "SELECT * FROM entries") == rows
    move(database, NEWEST_REVISION)
    assert database.schema_differences() == []
    database.close()
    with Ledger.open(sqlite_url(file)) as ledger:
        assert ledger.verify().head == HEADS[golden]


@pytest.mark.parametrize("target", REVISIONS)
def test_every_table_has_its_triggers_at_every_revision_and_they_refuse(
    golden: str, database: Database, file: Path, target: str
) -> None:
    move(database, target)
    listed = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    found = {name: sql for name, sql in query(file, listed)}  # noqa: C416 - typed rows
    expected = {
        name: sql
        for name, sql in SQLITE_TRIGGERS.items()
        if name.partition("_")[0] in TABLES[target]
    }
    assert found == expected
    for table in TABLES[target]:
        if not query(file, f"SELECT * FROM {table}"):  # noqa: S608 - our own table
            assert (golden, table) == ("0001", "checkpoints")
            continue
        for attack in ATTACKS:
            statement = attack.format(table=table, column=COLUMNS[table])
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                query(file, statement)


def test_signed_heads_stay_readable(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((GOLDEN / "0002.sql").read_text())
    engine = sqlite_engine(file, readonly=True, busy_seconds=1)
    with engine.begin() as connection:
        assert newest_head(connection, KEY) == HEADS["0002"]
    engine.dispose()


def test_there_is_nothing_before_the_first_revision(
    golden: str, database: Database, file: Path
) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.migrations_directory()))

    def take_back() -> None:
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")

    with pytest.raises(NotImplementedError, match="cannot be taken back"):
        take_back()
    with database.read() as connection:
        assert migrate.current_revision(connection) == golden
    assert len(query(file, "SELECT * FROM entries")) == HEADS[golden].size
