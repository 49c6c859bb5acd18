"""What somebody who can write the database file does to the log is named.

Each attack is carried out with SQLite itself, on a copy where triggers are dropped
and put back, as somebody with the file would.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.errors import IntegrityError, LedgerError
from governance.ledger.database import sqlite_url
from governance.ledger.log import BadEntry, Ledger, VerifyReport
from governance.ledger.merkle import EMPTY, leaf_hash
from governance.ledger.tables import SQLITE_TRIGGERS
from tests.ledger.conftest import NOW, fill

Attack = Callable[[sqlite3.Connection], object]


def attacked(ledger: Ledger, file: Path, attack: Attack) -> Ledger:
    """Return a copy of the ledger on which an attack was carried out."""
    ledger.close()
    target = file.with_name("attacked.db")
    shutil.copyfile(file, target)
    connection = sqlite3.connect(target, isolation_level=None)
    for name in SQLITE_TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    attack(connection)
    for statement in SQLITE_TRIGGERS.values():
        connection.execute(statement)
    connection.close()
    return Ledger.open(sqlite_url(target))


def verdict(ledger: Ledger, file: Path, attack: Attack) -> VerifyReport:
    with attacked(ledger, file, attack) as copy:
        return copy.verify()


def rehash_all(connection: sqlite3.Connection) -> None:
    """Make every stored hash fit the payloads, as a careful forger would."""
    frontier, previous = EMPTY, bytes(32)
    rows = connection.execute("SELECT sequence, payload FROM entries ORDER BY 1")
    for sequence, payload in rows.fetchall():
        digest = leaf_hash(payload)
        frontier = frontier.append(digest)
        connection.execute(
            "UPDATE entries SET previous = ?, digest = ?, node = ? WHERE sequence = ?",
            (previous, digest, frontier.node, sequence),
        )
        previous = digest


EDIT = (
    "UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), "
    "'\"number\":4', '\"number\":9') AS BLOB) WHERE sequence = 5"
)


def test_without_an_attack_the_copy_verifies(ledger: Ledger, file: Path) -> None:
    fill(ledger, 9)
    assert verdict(ledger, file, lambda _: None).ok


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        (EDIT, BadEntry(5, "its payload does not match its digest")),
        ("DELETE FROM entries WHERE sequence = 4", BadEntry(4, "is missing")),
        ("DELETE FROM entries WHERE sequence = 1", BadEntry(1, "is missing")),
        (
            "UPDATE entries SET previous = digest WHERE sequence = 6",
            BadEntry(6, "its link to entry 5 is broken"),
        ),
        (
            "UPDATE entries SET node = previous WHERE sequence = 8",
            BadEntry(8, "its tree node does not match its subtree"),
        ),
        (
            "UPDATE entries SET payload = x'ff00' WHERE sequence = 3",
            BadEntry(3, "its payload does not match its digest"),
        ),
        (
            "UPDATE entries SET sequence = 20 WHERE sequence = 9",
            BadEntry(9, "is missing"),
        ),
    ],
)
def test_a_careless_change_is_named(
    ledger: Ledger, file: Path, statement: str, bad: BadEntry
) -> None:
    fill(ledger, 9)
    report = verdict(ledger, file, lambda connection: connection.execute(statement))
    assert report.first_bad == bad
    assert not report.ok
    assert report.entries == report.head.size == bad.sequence - 1


def test_two_swapped_entries_are_named(ledger: Ledger, file: Path) -> None:
    fill(ledger, 9)

    def swap(connection: sqlite3.Connection) -> None:
        for old, new in ((3, 100), (4, 3), (100, 4)):
            connection.execute(
                "UPDATE entries SET sequence = ? WHERE sequence = ?", (new, old)
            )
        rehash_all(connection)

    assert verdict(ledger, file, swap).first_bad == BadEntry(
        3, "its payload says it is entry 4"
    )


def test_reading_stops_at_the_edited_entry(ledger: Ledger, file: Path) -> None:
    fill(ledger, 9)
    with attacked(ledger, file, lambda connection: connection.execute(EDIT)) as copy:
        reading = copy.entries()
        assert [next(reading).sequence for _ in range(4)] == [1, 2, 3, 4]
        with pytest.raises(IntegrityError, match="entry 5 of the ledger: its payload"):
            next(reading)


def test_a_forger_who_rehashes_everything_changes_the_head(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 9)
    honest = ledger.head()

    def forge(connection: sqlite3.Connection) -> None:
        connection.execute(EDIT)
        rehash_all(connection)

    report = verdict(ledger, file, forge)
    assert report.ok, "consistent in itself"
    assert report.head.size == honest.size
    assert report.head.root != honest.root, "but not with what others hold"


def test_a_log_cut_off_at_its_end_has_an_earlier_head(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 6)
    earlier = ledger.head()
    fill(ledger, 3)
    later = ledger.head()
    report = verdict(
        ledger,
        file,
        lambda connection: connection.execute("DELETE FROM entries WHERE sequence > 6"),
    )
    assert report.ok, "consistent in itself"
    assert report.head == earlier, "but not with what others hold"
    assert report.head != later


def insert(verb: str, sequence: str, previous: str) -> str:
    return (
        f"{verb} INTO entries (sequence, previous, digest, node, payload) "
        f"VALUES ({sequence}, {previous}, zeroblob(32), zeroblob(32), x'7b7d')"
    )


HEAD = "(SELECT digest FROM entries ORDER BY sequence DESC LIMIT 1)"
NOT_NEXT = "only the next entry"


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE entries SET payload = x'7b7d' WHERE sequence = 1", "no UPDATE"),
        ("UPDATE OR REPLACE entries SET sequence = 2 WHERE sequence = 1", "no UPDATE"),
        ("DELETE FROM entries", "no DELETE"),
        ("DELETE FROM entries WHERE sequence = 3", "no DELETE"),
        (insert("INSERT OR REPLACE", "1", "zeroblob(32)"), NOT_NEXT),
        (insert("INSERT OR REPLACE", "3", HEAD), NOT_NEXT),
        (insert("REPLACE", "2", HEAD), NOT_NEXT),
        (insert("INSERT OR IGNORE", "2", HEAD), NOT_NEXT),
        (insert("INSERT", "5", HEAD), NOT_NEXT),
        (insert("INSERT", "0", HEAD), NOT_NEXT),
        (insert("INSERT", "NULL", HEAD), NOT_NEXT),
        (insert("INSERT", "4", "zeroblob(32)"), NOT_NEXT),
        (
            insert("INSERT", "3", HEAD)
            + " ON CONFLICT (sequence) DO UPDATE SET payload = x'00'",
            NOT_NEXT,
        ),
    ],
)
def test_the_database_itself_refuses_to_change_history(
    ledger: Ledger, file: Path, recursive: str, statement: str, refusal: str
) -> None:
    fill(ledger, 3)
    before = [entry.payload for entry in ledger.entries()]
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"PRAGMA recursive_triggers={recursive}")
    with pytest.raises(sqlite3.IntegrityError, match=f"append-only: {refusal}"):
        connection.execute(statement)
    connection.close()
    assert [entry.payload for entry in ledger.entries()] == before


def test_an_entry_that_only_pleases_the_triggers_is_named(
    ledger: Ledger, file: Path
) -> None:
    fill(ledger, 3)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(insert("INSERT", "4", HEAD))
    connection.close()
    assert ledger.verify().first_bad == BadEntry(
        4, "its payload does not match its digest"
    )
    with pytest.raises(IntegrityError):
        list(ledger.entries())


@pytest.mark.parametrize("name", SQLITE_TRIGGERS)
def test_a_ledger_without_one_of_its_triggers_is_not_opened(
    ledger: Ledger, file: Path, name: str
) -> None:
    fill(ledger, 1)
    with sqlite3.connect(file) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    with pytest.raises(LedgerError, match=f"trigger {name} is missing"):
        Ledger.open(sqlite_url(file))


def test_a_weakened_trigger_is_noticed(ledger: Ledger, file: Path) -> None:
    fill(ledger, 1)
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        weak = SQLITE_TRIGGERS["entries_no_update"].replace("ABORT", "IGNORE")
        connection.execute(weak.replace(", 'entries are append-only: no UPDATE'", ""))
    connection.close()
    with pytest.raises(LedgerError, match="trigger entries_no_update is changed"):
        Ledger.open(sqlite_url(file))


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        (
            "CREATE TRIGGER helper AFTER INSERT ON entries BEGIN SELECT 1; END",
            "trigger helper was added",
        ),
        ("CREATE VIEW latest AS SELECT 1", "view latest was added"),
        ("CREATE TABLE notes (text TEXT)", "table notes was added"),
        (
            "ALTER TABLE entries ADD COLUMN note TEXT",
            "table entries is changed",
        ),
    ],
)
def test_anything_added_to_the_schema_is_noticed(
    ledger: Ledger, file: Path, statement: str, difference: str
) -> None:
    fill(ledger, 1)
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(LedgerError, match=difference):
        Ledger.open(sqlite_url(file))


def test_the_programs_own_insert_meets_the_same_trigger(ledger: Ledger) -> None:
    fill(ledger, 2)

    def append_from_a_wrong_head() -> None:
        with ledger.write() as transaction:
            # As if somebody had edited the database under our feet.
            transaction._position = transaction._position.after(bytes(32))
            transaction.append("ThingHappened", "ada", {}, now=NOW)

    with pytest.raises(IntegrityError, match=NOT_NEXT):
        append_from_a_wrong_head()
    assert ledger.head().size == 2
