"""Every revision migrates to the schema this program expects, triggers included."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from governance.errors import LedgerError
from governance.ledger import migrate
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.tables import (
    NEWEST_REVISION,
    REVISIONS,
    SQLITE_TABLES,
    SQLITE_TRIGGERS,
    metadata,
)
from tests.ledger.conftest import fill


def test_the_program_knows_exactly_the_revisions_there_are() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.migrations_directory()))
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(known)) == REVISIONS
    assert scripts.get_current_head() == NEWEST_REVISION


def test_a_new_ledger_has_the_tables_and_triggers_word_for_word(
    ledger: Ledger, file: Path
) -> None:
    assert ledger.head().size == 0
    connection = sqlite3.connect(file)
    found = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')"
        )
    )
    connection.close()
    found.pop("alembic_version")
    assert found == SQLITE_TABLES | SQLITE_TRIGGERS


def test_the_tables_queries_use_are_the_ones_migrations_make(
    ledger: Ledger, file: Path
) -> None:
    assert ledger.head().size == 0
    engine = create_engine(sqlite_url(file))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_schema_of_a_later_program_is_refused_with_the_reason(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 1)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(LedgerError, match="schema is newer than this program") as error:
        Ledger.open(sqlite_url(file))
    assert f"expected {NEWEST_REVISION} or older, found '9999'" in error.value.message
    assert "version of governance that wrote it" in error.value.hint


def test_a_database_of_no_certain_revision_is_refused(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 1)
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()
    with pytest.raises(LedgerError, match="names 0 schema revisions"):
        Ledger.open(sqlite_url(file))


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from governance.ledger import database

    def fail_late(connection: object) -> None:
        migrate.migrate(connection)  # type: ignore[arg-type]
        message = "the power went"
        raise RuntimeError(message)

    monkeypatch.setattr(database, "migrate", fail_late)
    with pytest.raises(RuntimeError, match="the power went"):
        Ledger.open(sqlite_url(file), create=True)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    monkeypatch.undo()
    with Ledger.open(sqlite_url(file), create=True) as ledger:
        assert ledger.verify().ok


def test_an_installation_without_migrations_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "governance"
    monkeypatch.setattr("governance.__file__", str(package / "__init__.py"))
    with pytest.raises(LedgerError, match="migration scripts are missing"):
        migrate.migrations_directory()
    inside = package / "_migrations"
    inside.mkdir(parents=True)
    (inside / "env.py").touch()
    assert migrate.migrations_directory() == inside


@pytest.fixture
def golden(file: Path) -> Path:
    """A database of the first revision with five entries in it."""
    script = Path(__file__).parent / "golden" / "0001.sql"
    connection = sqlite3.connect(file)
    connection.executescript(script.read_text())
    connection.close()
    return file


def test_reading_only_does_not_migrate(golden: Path) -> None:
    before = golden.read_bytes()
    with pytest.raises(LedgerError, match="has an older schema"):
        Ledger.open(sqlite_url(golden), readonly=True)
    assert golden.read_bytes() == before
