"""PostgreSQL keeps the same promises; tried on a real server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from governance.domain.signoff import Head
from governance.errors import (
    IntegrityError,
    LedgerError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from governance.ledger.log import BadEntry, Ledger
from governance.ledger.merkle import EMPTY_ROOT, leaf_hash, root_of
from governance.ledger.migrate import current_revision, migrate
from governance.ledger.notary import Notary
from governance.ledger.postgresql import TRIGGERS, schema_differences
from governance.ledger.tables import REVISIONS, metadata
from tests.ledger.conftest import NOW, fill
from tests.ledger.postgres_server import server
from tests.ledger.test_processes import append_from_eight_processes

_numbers = itertools.count()


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    with server() as home:
        yield home


def address(socket: Path, database: str, user: str = "owner") -> str:
    return f"postgresql+psycopg://{user}@/{database}?host={socket}"


def make_database(socket: Path) -> str:
    name = f"ledger{next(_numbers)}"
    engine = create_engine(address(socket, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return address(socket, name)


@pytest.fixture
def url(socket: Path) -> str:
    """A fresh, empty database."""
    return make_database(socket)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, create=True) as opened:
        yield opened


@pytest.fixture
def admin(url: str) -> Iterator[Engine]:
    """Somebody who owns the database."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_log_is_kept_read_and_verified(ledger: Ledger) -> None:
    assert ledger.head() == Head(0, EMPTY_ROOT.hex())
    fill(ledger, 7)
    payloads = [entry.payload for entry in ledger.entries()]
    root = root_of(leaf_hash(payload) for payload in payloads)
    assert ledger.head() == Head(7, root.hex())
    assert ledger.verify().ok
    assert [entry.sequence for entry in ledger.entries(after=5)] == [6, 7]
    assert len(ledger.inclusion_proof(3, 7)) == 3
    assert ledger.consistency_proof(7, 7) == []


def test_a_failed_decision_appends_nothing(ledger: Ledger) -> None:
    fill(ledger, 1)
    before = ledger.head()

    def fail() -> None:
        with ledger.write() as transaction:
            transaction.append("ThingHappened", "ada", {}, now=NOW)
            message = "no"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        fail()
    assert ledger.head() == before
    fill(ledger, 1)
    with pytest.raises(WrongStateError, match="changed while you looked"):
        ledger.append("ThingHappened", "ada", {}, now=NOW, expected_head=before)


def test_eight_processes_append_and_nothing_is_lost_or_refused(url: str) -> None:
    append_from_eight_processes(url)


def test_a_second_writer_is_told_when_it_waits_too_long(
    ledger: Ledger, url: str
) -> None:
    with Ledger.open(url, busy_seconds=0.05) as other:
        with ledger.write() as transaction:
            transaction.append("ThingHappened", "ada", {}, now=NOW)
            with pytest.raises(LedgerError, match="another process is writing"):
                fill(other, 1)
            assert other.head().size == 0, "readers never wait"
        fill(other, 1)
    assert ledger.head().size == 2


def test_the_data_version_changes_when_somebody_wrote(ledger: Ledger, url: str) -> None:
    before = ledger.data_version()
    assert ledger.data_version() == before
    with Ledger.open(url) as other:
        fill(other, 1)
    assert ledger.data_version() != before


def test_reading_only_can_read_and_nothing_else(ledger: Ledger, url: str) -> None:
    fill(ledger, 2)
    with Ledger.open(url, readonly=True) as reader:
        assert reader.verify().entries == 2
        with pytest.raises(LedgerError, match="reading only"):
            fill(reader, 1)


def test_an_empty_or_foreign_database_is_no_ledger(url: str, admin: Engine) -> None:
    with pytest.raises(NotFoundError, match="the database is empty"):
        Ledger.open(url)
    execute(admin, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(LedgerError, match="holds tables, but no ledger"):
        Ledger.open(url, create=True)


def test_a_server_that_is_not_there_is_named_without_its_password(
    tmp_path: Path,
) -> None:
    url = f"postgresql+psycopg://owner:secret@/ledger?host={tmp_path}"
    with pytest.raises(LedgerError, match="cannot be reached") as refused:
        Ledger.open(url)
    assert "secret" not in refused.value.message


def test_without_the_driver_the_extra_is_named(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> Engine:
        raise ModuleNotFoundError(name="psycopg")

    monkeypatch.setattr("governance.ledger.postgresql.create_engine", missing)
    with pytest.raises(UsageError, match="needs the psycopg package"):
        Ledger.open(url)


def test_the_tables_queries_use_are_the_ones_migrations_make(
    ledger: Ledger, admin: Engine
) -> None:
    assert ledger.head().size == 0
    with admin.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_has_its_triggers_and_keeps_the_log(
    ledger: Ledger, admin: Engine, revision: str
) -> None:
    fill(ledger, 3)
    head = ledger.head()
    with admin.begin() as connection:
        migrate(connection, revision)
    with admin.connect() as connection:
        assert current_revision(connection) == revision
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
        found = connection.execute(
            text(
                "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE NOT tgisinternal AND tgenabled = 'A'"
            )
        ).scalars()
        assert set(found) == {name for table, name in TRIGGERS if table in tables}
    assert tables == ({"entries"} if revision == "0001" else set(metadata.tables))
    with pytest.raises(DBAPIError, match="no DELETE"):
        execute(admin, "DELETE FROM entries")
    with Ledger.open(str(ledger._database.name)) as again:
        assert again.verify().head == head


def test_every_append_is_signed(url: str, tmp_path: Path) -> None:
    notary = Notary.create(tmp_path, "example.org/models")
    with Ledger.open(url, create=True, notary=notary) as ledger:
        fill(ledger, 2)
        assert notary.kept() == ledger.head()
        assert ledger.verify().ok


HEAD = "(SELECT digest FROM entries ORDER BY sequence DESC LIMIT 1)"
ZEROS = "decode(repeat('00', 32), 'hex')"
NOT_NEXT = "only the next entry"


def insert(sequence: str, previous: str, rest: str = "") -> str:
    values = f"({sequence}, {previous}, {ZEROS}, {ZEROS}, 'x'::bytea)"
    return f"INSERT INTO entries VALUES {values} {rest}"  # noqa: S608 - the attack


@pytest.fixture(scope="module")
def guarded(socket: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A signed ledger of three entries, for attempts that must leave no trace."""
    folder = tmp_path_factory.mktemp("guarded")
    notary = Notary.create(folder, "example.org/models")
    url = make_database(socket)
    with Ledger.open(url, create=True, notary=notary) as opened:
        fill(opened, 3)
        yield opened


@pytest.fixture(scope="module")
def owner(guarded: Ledger) -> Iterator[Engine]:
    """Somebody who owns that ledger's database."""
    engine = create_engine(guarded._database.name)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE entries SET payload = 'x'::bytea", "entries are .* no UPDATE"),
        ("DELETE FROM entries WHERE sequence = 3", "entries are .* no DELETE"),
        ("TRUNCATE entries", "entries are .* no TRUNCATE"),
        ("UPDATE checkpoints SET size = 9", "checkpoints are .* no UPDATE"),
        ("DELETE FROM checkpoints", "checkpoints are .* no DELETE"),
        ("TRUNCATE checkpoints", "checkpoints are .* no TRUNCATE"),
        ("INSERT INTO checkpoints VALUES (2, 'x')", "only of the head"),
        (insert("5", HEAD), NOT_NEXT),
        (insert("3", HEAD), NOT_NEXT),
        (insert("0", HEAD), NOT_NEXT),
        (insert("NULL", HEAD), NOT_NEXT),
        (insert("4", ZEROS), NOT_NEXT),
        (
            insert("3", HEAD, "ON CONFLICT (sequence) DO UPDATE SET payload = 'y'"),
            NOT_NEXT,
        ),
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_even_the_owner_is_refused(
    guarded: Ledger, owner: Engine, role: str, statement: str, refusal: str
) -> None:
    with pytest.raises(DBAPIError, match=refusal):
        execute(owner, f"SET LOCAL session_replication_role = {role}", statement)
    assert guarded.verify().entries == 3


def test_a_temporary_table_does_not_hide_the_log_from_its_trigger(
    guarded: Ledger, owner: Engine
) -> None:
    with pytest.raises(DBAPIError, match=NOT_NEXT):
        execute(
            owner,
            "CREATE TEMPORARY TABLE entries AS TABLE entries",
            "DELETE FROM pg_temp.entries",
            insert("1", ZEROS).replace("INTO entries", "INTO public.entries"),
        )
    assert guarded.verify().ok


WEAK_FUNCTION = """CREATE OR REPLACE FUNCTION entries_only_next() RETURNS trigger
    LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"""
EMPTY_FUNCTION = """CREATE FUNCTION pass() RETURNS trigger
    LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"""
EMPTY_TRIGGER = """CREATE TRIGGER aaa BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION pass()"""


@pytest.mark.parametrize(
    ("statements", "difference"),
    [
        *[
            ([f"DROP TRIGGER {name} ON {table}"], f"trigger {name} is missing")
            for table, name in TRIGGERS
        ],
        (
            ["ALTER TABLE entries DISABLE TRIGGER entries_no_delete"],
            "trigger entries_no_delete is changed",
        ),
        (
            ["ALTER TABLE entries ENABLE TRIGGER entries_no_delete"],
            "trigger entries_no_delete is changed",
        ),
        (
            [WEAK_FUNCTION],
            "trigger entries_only_next is changed",
        ),
        (
            [EMPTY_FUNCTION, EMPTY_TRIGGER],
            "trigger aaa was added",
        ),
        (
            ["CREATE RULE quiet AS ON DELETE TO entries DO INSTEAD NOTHING"],
            "table entries has rules",
        ),
        (
            ["CREATE TABLE heir () INHERITS (entries)"],
            "table entries has rules, policies or heirs",
        ),
        (
            ["ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY"],
            "table checkpoints has rules",
        ),
    ],
)
def test_a_weakened_schema_is_noticed(
    owner: Engine, statements: list[str], difference: str
) -> None:
    with owner.connect() as connection:
        assert schema_differences(connection) == []
        for statement in statements:
            connection.execute(text(statement))
        assert difference in "; ".join(schema_differences(connection))
        connection.rollback()


def test_a_weakened_ledger_is_not_opened(
    ledger: Ledger, url: str, admin: Engine
) -> None:
    ledger.close()
    execute(admin, "ALTER TABLE entries DISABLE TRIGGER entries_no_delete")
    with pytest.raises(LedgerError, match="trigger entries_no_delete is changed"):
        Ledger.open(url)


def test_an_edit_by_the_owner_is_named(ledger: Ledger, admin: Engine) -> None:
    fill(ledger, 5)
    execute(
        admin,
        "ALTER TABLE entries DISABLE TRIGGER entries_no_update",
        "UPDATE entries SET payload = 'x'::bytea WHERE sequence = 4",
        "ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_update",
    )
    assert ledger.verify().first_bad == BadEntry(
        4, "its payload does not match its digest"
    )
    with pytest.raises(IntegrityError, match="entry 4"):
        list(ledger.entries())


@pytest.fixture(scope="module")
def people(owner: Engine) -> None:
    """Make a reviewer and an auditor with accounts of their own."""
    execute(
        owner,
        "CREATE ROLE reviewer LOGIN IN ROLE governance_writer",
        "CREATE ROLE auditor LOGIN IN ROLE governance_auditor",
    )


@pytest.mark.usefixtures("people")
def test_a_reviewer_appends_and_an_auditor_reads(ledger: Ledger, url: str) -> None:
    fill(ledger, 2)
    with Ledger.open(url.replace("owner@", "reviewer@")) as reviewed:
        fill(reviewed, 1)
        assert reviewed.verify().entries == 3
    with Ledger.open(url.replace("owner@", "auditor@")) as audited:
        assert audited.verify().entries == 3
        with pytest.raises(LedgerError, match="does not let this database user"):
            fill(audited, 1)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("person", ["reviewer", "auditor"])
def test_neither_can_touch_what_is_there(guarded: Ledger, person: str) -> None:
    name = guarded._database.name.replace("owner@", f"{person}@")
    engine = create_engine(name)
    for statement in (
        "UPDATE entries SET payload = 'x'::bytea",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "DROP TRIGGER entries_no_update ON entries",
        "DROP TABLE entries",
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '0'",
        "DELETE FROM checkpoints",
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            execute(engine, statement)
    engine.dispose()
    assert guarded.verify().ok
