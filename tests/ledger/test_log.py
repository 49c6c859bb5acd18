"""The log keeps what it acknowledged, and says so when somebody touched it."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from governance.domain.signoff import Head
from governance.errors import (
    IntegrityError,
    LedgerError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.merkle import EMPTY_ROOT, leaf_hash, root_of
from tests.ledger.conftest import NOW, fill


def test_an_empty_ledger_has_the_empty_root(ledger: Ledger) -> None:
    assert ledger.head() == Head(0, EMPTY_ROOT.hex())
    assert list(ledger.entries()) == []
    assert ledger.verify().ok


def test_the_head_is_the_root_over_the_payloads(ledger: Ledger) -> None:
    fill(ledger, 21)
    payloads = [entry.payload for entry in ledger.entries()]
    root = root_of(leaf_hash(payload) for payload in payloads)
    assert ledger.head() == Head(21, root.hex())
    report = ledger.verify()
    assert report.document() == {
        "ok": True,
        "entries": 21,
        "head": {"size": 21, "root": root.hex()},
        "first_bad": None,
    }


def test_entries_come_back_in_order_and_from_where_one_asks(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        for number in range(1203):
            transaction.append("ThingHappened", "ada", {"number": number}, now=NOW)
    assert [entry.sequence for entry in ledger.entries()] == list(range(1, 1204))
    assert [entry.data["number"] for entry in ledger.entries(after=1200)] == [
        1200,
        1201,
        1202,
    ]
    assert list(ledger.entries(after=1203)) == []
    assert list(ledger.entries(after=5000)) == []
    assert ledger.entry(17).data == {"number": 16}


@pytest.mark.parametrize("sequence", [0, -1, 4])
def test_an_entry_that_is_not_there_is_not_found(ledger: Ledger, sequence: int) -> None:
    fill(ledger, 3)
    with pytest.raises(NotFoundError, match=f"no entry {sequence}"):
        ledger.entry(sequence)


def test_a_reader_sees_the_log_as_it_was_when_reading_began(ledger: Ledger) -> None:
    fill(ledger, 3)
    reading = ledger.entries()
    next(reading)
    fill(ledger, 2)
    assert [entry.sequence for entry in reading] == [2, 3]


def test_a_decision_and_its_entries_are_kept_together(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        transaction.append("Genesis", "ada", {}, now=NOW)
        transaction.append("ThingHappened", "ada", {}, now=NOW)
        assert [entry.sequence for entry in transaction.entries()] == [1, 2]
        assert [entry.sequence for entry in transaction.entries(after=1)] == [2]
        inside = transaction.head()
    assert ledger.head() == inside
    assert inside.size == 2


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_a_decision_that_fails_appends_nothing(
    ledger: Ledger, interruption: type[BaseException]
) -> None:
    fill(ledger, 1)
    before = ledger.head()

    def decide() -> None:
        with ledger.write() as transaction:
            transaction.append("ThingHappened", "ada", {}, now=NOW)
            raise interruption

    with pytest.raises(interruption):
        decide()
    assert ledger.head() == before
    fill(ledger, 1)
    assert ledger.verify().ok


def test_an_entry_that_cannot_be_written_appends_nothing(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="no canonical JSON"):
        ledger.append("ThingHappened", "ada", {"x": float("nan")}, now=NOW)
    assert ledger.head().size == 0


def test_a_decision_on_an_old_head_is_refused(ledger: Ledger) -> None:
    fill(ledger, 2)
    seen = ledger.head()
    fill(ledger, 1)
    with pytest.raises(WrongStateError, match="changed while you looked"):
        ledger.append("ThingHappened", "ada", {}, now=NOW, expected_head=seen)
    assert ledger.head().size == 3
    now_seen = ledger.head()
    ledger.append("ThingHappened", "ada", {}, now=NOW, expected_head=now_seen)
    assert ledger.head().size == 4


def test_a_second_writer_waits_and_is_told_when_it_waits_too_long(
    ledger: Ledger, file: Path
) -> None:
    with Ledger.open(sqlite_url(file), busy_seconds=0.05) as other:
        with ledger.write() as transaction:
            transaction.append("Genesis", "ada", {}, now=NOW)
            with pytest.raises(LedgerError, match="another process is writing"):
                other.append("Genesis", "eve", {}, now=NOW)
            assert other.head().size == 0, "readers never wait"
        other.append("ThingHappened", "eve", {}, now=NOW)
    assert [entry.actor for entry in ledger.entries()] == ["ada", "eve"]


def test_the_data_version_changes_when_somebody_wrote_and_only_then(
    ledger: Ledger, file: Path
) -> None:
    before = ledger.data_version()
    assert ledger.data_version() == before
    with Ledger.open(sqlite_url(file)) as other:
        fill(other, 1)
    after = ledger.data_version()
    assert after != before
    fill(ledger, 1)
    assert ledger.data_version() != after


def test_reading_only_can_read_and_nothing_else(ledger: Ledger, file: Path) -> None:
    fill(ledger, 3)
    with Ledger.open(sqlite_url(file), readonly=True) as reader:
        assert reader.verify().ok
        with pytest.raises(LedgerError, match="opened for reading only"):
            reader.append("ThingHappened", "eve", {}, now=NOW)
    assert ledger.head().size == 3


def test_a_missing_ledger_is_not_made_by_accident(file: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no ledger"):
        Ledger.open(sqlite_url(file))
    assert not file.exists()
    with pytest.raises(NotFoundError, match="there is no ledger"):
        Ledger.open(sqlite_url(file), readonly=True, create=True)
    file.touch()
    with pytest.raises(NotFoundError, match="the database is empty"):
        Ledger.open(sqlite_url(file))


def test_a_ledger_is_readable_by_its_owner_only(ledger: Ledger, file: Path) -> None:
    fill(ledger, 1)
    for path in file.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_making_a_ledger_twice_keeps_the_first(ledger: Ledger, file: Path) -> None:
    fill(ledger, 2)
    with Ledger.open(sqlite_url(file), create=True) as again:
        assert again.head() == ledger.head()


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@host/db"],
)
def test_a_url_that_names_no_lasting_ledger_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        Ledger.open(url, create=True)
    assert "secret" not in refused.value.message


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be created"):
        Ledger.open(sqlite_url(tmp_path / "absent" / "ledger.db"), create=True)


def test_a_file_that_is_no_database_is_damage(file: Path) -> None:
    file.write_bytes(b"this is no database at all, " * 100)
    with pytest.raises(IntegrityError, match="no readable SQLite database"):
        Ledger.open(sqlite_url(file))


def test_somebody_elses_database_is_left_alone(file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(LedgerError, match="holds tables, but no ledger"):
        Ledger.open(sqlite_url(file), create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_can_still_be_read(ledger: Ledger, file: Path) -> None:
    fill(ledger, 2)
    ledger.close()
    file.parent.chmod(0o500)
    try:
        with Ledger.open(sqlite_url(file), readonly=True) as reader:
            assert reader.verify().entries == 2
    finally:
        file.parent.chmod(0o700)
