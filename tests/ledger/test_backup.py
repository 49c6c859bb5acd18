"""A backup is whole, verified, and replaces nothing."""

import os
import stat
from pathlib import Path

import pytest

from governance.errors import IntegrityError, LedgerError, UsageError
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.notary import Notary
from tests.ledger.conftest import NOW, fill


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "backup.db"


def test_a_backup_holds_what_was_committed_and_nothing_else(
    ledger: Ledger, file: Path, target: Path
) -> None:
    fill(ledger, 40)
    before = ledger.head()
    with ledger.write() as transaction:
        transaction.append("ThingHappened", "ada", {}, now=NOW)
        with Ledger.open(sqlite_url(file)) as other:
            assert other.backup(target) == before
    with Ledger.open(sqlite_url(target), readonly=True) as copy:
        assert copy.head() == before
        assert copy.verify().ok
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_backup_goes_on_where_the_log_was(ledger: Ledger, target: Path) -> None:
    fill(ledger, 3)
    ledger.backup(target)
    with Ledger.open(sqlite_url(target)) as copy:
        fill(copy, 1)
        assert copy.verify().entries == 4
    assert ledger.head().size == 3


def test_signed_heads_are_in_the_backup(
    file: Path, tmp_path: Path, target: Path
) -> None:
    notary = Notary.create(tmp_path, "example.org/models")
    with Ledger.open(sqlite_url(file), create=True, notary=notary) as ledger:
        fill(ledger, 3)
        ledger.backup(target)
        with Ledger.open(sqlite_url(target), notary=notary) as copy:
            assert copy.verify().ok
            assert copy.checkpoint() == ledger.checkpoint()


def test_nothing_is_overwritten(ledger: Ledger, target: Path) -> None:
    fill(ledger, 1)
    target.write_text("precious")
    with pytest.raises(UsageError, match="there is already a file"):
        ledger.backup(target)
    assert target.read_text() == "precious"
    with pytest.raises(LedgerError, match="cannot be written"):
        ledger.backup(target / "absent" / "backup.db")


def test_a_name_taken_meanwhile_is_not_overwritten(
    ledger: Ledger, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ledger, 1)
    link = os.link

    def race(source: Path, path: Path) -> None:
        path.write_text("precious")
        link(source, path)

    monkeypatch.setattr(os, "link", race)
    with pytest.raises(UsageError, match="there is already a file"):
        ledger.backup(target)
    assert target.read_text() == "precious"
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_full_disk_leaves_no_half_backup(
    ledger: Ledger, target: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    fill(ledger, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(LedgerError, match="No space left on device"):
        ledger.backup(target)
    assert list(target.parent.iterdir()) == []


def test_a_tampered_log_is_not_backed_up_as_if_it_were_whole(
    ledger: Ledger, file: Path, target: Path
) -> None:
    import sqlite3

    fill(ledger, 3)
    connection = sqlite3.connect(file)
    (sql,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'entries_no_update'"
    ).fetchone()
    connection.execute("DROP TRIGGER entries_no_update")
    connection.execute("UPDATE entries SET payload = x'7b7d' WHERE sequence = 2")
    connection.execute(sql)
    connection.commit()
    connection.close()
    with pytest.raises(IntegrityError, match="entry 2 of the ledger"):
        ledger.backup(target)
    assert list(target.parent.iterdir()) == []
