"""The attack table: each row is carried out on a copy and judged as promised.

| attack | re-hash and own checkpoint | and a head held by someone else |
|---|---|---|
| edit one payload | caught | caught |
| edit, re-hash all | caught | caught |
| truncate the tail | caught | caught |
| truncate or rewrite with the ledger key | missed | caught from that head back |
| restore an old backup | missed | caught |

The own checkpoint assumes that the file beside the database survives.
"""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from governance.domain.signoff import Head
from governance.ledger.checkpoint import Held
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger, VerifyReport
from governance.ledger.merkle import EMPTY, leaf_hash
from governance.ledger.notary import Notary
from governance.ledger.tables import SQLITE_TRIGGERS
from tests.ledger.conftest import NOW, fill

ORIGIN = "example.org/models"


@dataclass(frozen=True)
class Site:
    """A ledger with its key and checkpoint in one folder, and what others hold."""

    folder: Path
    held: Head

    @property
    def file(self) -> Path:
        return self.folder / "ledger.db"

    def open(self) -> Ledger:
        notary = Notary.open(self.folder)
        return Ledger.open(sqlite_url(self.file), notary=notary)


Attack = Callable[[Site, sqlite3.Connection], None]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Nine entries; somebody else holds the head at seven."""
    folder = tmp_path / "site"
    folder.mkdir()
    notary = Notary.create(folder, ORIGIN)
    url = sqlite_url(folder / "ledger.db")
    with Ledger.open(url, create=True, notary=notary) as ledger:
        fill(ledger, 9)
        return Site(folder, ledger.head_at(7))


def attack(site: Site, act: Attack, tmp_path: Path) -> Site:
    """Carry out an attack on a copy."""
    copy = Site(tmp_path / "copy", site.held)
    shutil.copytree(site.folder, copy.folder)
    connection = sqlite3.connect(copy.file, isolation_level=None)
    for name in SQLITE_TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    act(copy, connection)
    for statement in SQLITE_TRIGGERS.values():
        connection.execute(statement)
    connection.close()
    return copy


def judge(site: Site, *, outside: bool) -> VerifyReport:
    """Verify, with or without the head somebody else holds."""
    held = [Held(site.held, "the head in a sign-off")] if outside else []
    with site.open() as ledger:
        return ledger.verify(held)


def edit(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), "
        "'\"number\":4', '\"number\":9') AS BLOB) WHERE sequence = 5"
    )


def rehash(connection: sqlite3.Connection) -> None:
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


def truncate(connection: sqlite3.Connection, size: int) -> None:
    connection.execute("DELETE FROM entries WHERE sequence > ?", (size,))
    connection.execute("DELETE FROM checkpoints WHERE size > ?", (size,))


def sign_again(site: Site, connection: sqlite3.Connection) -> None:
    """Use the stolen ledger key to sign every head of the forged log."""
    notary, frontier = Notary.open(site.folder), EMPTY
    site.folder.joinpath("checkpoint").unlink()
    connection.execute("DELETE FROM checkpoints")
    for (payload,) in connection.execute(
        "SELECT payload FROM entries ORDER BY sequence"
    ).fetchall():
        frontier = frontier.append(leaf_hash(payload))
        note = notary.sign(Head(frontier.size, frontier.root.hex()))
        connection.execute(
            "INSERT INTO checkpoints VALUES (?, ?)", (frontier.size, note.encode())
        )
    notary.keep(note)


def edit_one(_: Site, connection: sqlite3.Connection) -> None:
    edit(connection)


def edit_and_rehash(_: Site, connection: sqlite3.Connection) -> None:
    edit(connection)
    rehash(connection)


def cut_the_tail(_: Site, connection: sqlite3.Connection) -> None:
    truncate(connection, 6)


def cut_with_the_key(site: Site, connection: sqlite3.Connection) -> None:
    truncate(connection, 6)
    sign_again(site, connection)


def rewrite_with_the_key(site: Site, connection: sqlite3.Connection) -> None:
    edit(connection)
    rehash(connection)
    sign_again(site, connection)


CAUGHT, MISSED = False, True


@pytest.mark.parametrize(
    ("act", "own", "outside", "first_bad"),
    [
        (edit_one, CAUGHT, CAUGHT, 5),
        (edit_and_rehash, CAUGHT, CAUGHT, 5),
        (cut_the_tail, CAUGHT, CAUGHT, 7),
        (cut_with_the_key, MISSED, CAUGHT, 7),
        (rewrite_with_the_key, MISSED, CAUGHT, 7),
    ],
)
def test_an_attack_is_judged_as_the_table_says(
    site: Site, tmp_path: Path, act: Attack, first_bad: int, *, own: bool, outside: bool
) -> None:
    copy = attack(site, act, tmp_path)
    assert judge(copy, outside=False).ok is own
    report = judge(copy, outside=True)
    assert report.ok is outside
    assert report.first_bad is not None
    assert report.first_bad.sequence == first_bad


def test_the_untouched_copy_passes_both(site: Site, tmp_path: Path) -> None:
    copy = attack(site, lambda *_: None, tmp_path)
    assert judge(copy, outside=False).ok
    assert judge(copy, outside=True).ok


def test_an_old_backup_is_caught_only_by_a_head_held_elsewhere(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    notary = Notary.create(folder, ORIGIN)
    with Ledger.open(
        sqlite_url(folder / "ledger.db"), create=True, notary=notary
    ) as ledger:
        fill(ledger, 5)
    shutil.copytree(folder, tmp_path / "backup")
    with Ledger.open(sqlite_url(folder / "ledger.db"), notary=notary) as ledger:
        fill(ledger, 4)
        held = ledger.head_at(7)
    restored = Site(tmp_path / "backup", held)
    assert judge(restored, outside=False).ok
    report = judge(restored, outside=True)
    assert report.first_bad is not None
    assert report.first_bad.sequence == 6
    assert "the head in a sign-off was made for 7 entries" in report.first_bad.problem


def test_without_the_file_only_a_head_held_elsewhere_catches_a_cut(
    site: Site, tmp_path: Path
) -> None:
    def cut(copy: Site, connection: sqlite3.Connection) -> None:
        truncate(connection, 6)
        (copy.folder / "checkpoint").unlink()

    copy = attack(site, cut, tmp_path)
    assert judge(copy, outside=False).ok
    assert not judge(copy, outside=True).ok


def test_rewriting_before_a_held_head_with_the_key_is_caught_and_after_it_missed(
    site: Site, tmp_path: Path
) -> None:
    def rewrite_eight(copy: Site, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE entries SET payload = CAST(replace(CAST(payload AS TEXT), "
            "'\"number\":7', '\"number\":0') AS BLOB) WHERE sequence = 8"
        )
        rehash(connection)
        sign_again(copy, connection)

    copy = attack(site, rewrite_eight, tmp_path)
    assert judge(copy, outside=True).ok, "the head is older than the rewritten entry"


def test_a_rewritten_entry_is_named_even_in_a_long_transaction(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    notary = Notary.create(folder, ORIGIN)
    with Ledger.open(
        sqlite_url(folder / "ledger.db"), create=True, notary=notary
    ) as ledger:
        fill(ledger, 2)
        with ledger.write() as transaction:
            for number in range(2, 6):
                transaction.append("ThingHappened", "ada", {"number": number}, now=NOW)
        fill(ledger, 3)
        site = Site(folder, ledger.head())
    report = judge(attack(site, edit_and_rehash, tmp_path), outside=False)
    assert report.first_bad is not None
    assert report.first_bad.sequence == 3
    assert report.entries == report.head.size == 2
    assert "or one up to 6 was rewritten" in report.first_bad.problem


def test_forged_checkpoints_in_the_database_excuse_nothing(
    site: Site, tmp_path: Path
) -> None:
    def forge(_: Site, connection: sqlite3.Connection) -> None:
        edit(connection)
        rehash(connection)
        connection.execute("UPDATE checkpoints SET note = x'ff00ff'")

    report = judge(attack(site, forge, tmp_path), outside=False)
    assert not report.ok
