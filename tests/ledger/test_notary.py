"""Every append is signed, and nothing is built on a log that was changed."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.domain.signoff import Head
from governance.errors import IntegrityError, LedgerError, NotFoundError, UsageError
from governance.ledger.checkpoint import open_checkpoint
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.notary import Notary
from governance.ledger.note import NoteKey, open_note
from tests.ledger.conftest import NOW, fill

ORIGIN = "example.org/models"
FULL = 2


@pytest.fixture
def notary(tmp_path: Path) -> Notary:
    return Notary.create(tmp_path, ORIGIN)


@pytest.fixture
def signed(file: Path, notary: Notary) -> Iterator[Ledger]:
    with Ledger.open(sqlite_url(file), create=True, notary=notary) as opened:
        yield opened


def test_a_key_is_made_once_and_read_back(notary: Notary, tmp_path: Path) -> None:
    again = Notary.open(tmp_path)
    assert again.origin == ORIGIN
    assert again.public.text == notary.public.text
    assert stat.S_IMODE((tmp_path / "ledger.key").stat().st_mode) == 0o600
    with pytest.raises(LedgerError, match="File exists"):
        Notary.create(tmp_path, ORIGIN)
    assert Notary.open(tmp_path).public.text == notary.public.text


def test_a_missing_exposed_or_damaged_key_is_refused(
    notary: Notary, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.key"
    text = path.read_text()
    path.chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others"):
        Notary.open(tmp_path)
    path.chmod(0o600)
    for damaged in ("", "nonsense", text.replace("+", "-"), text[:-9], "\xff" * 9):
        path.write_text(damaged)
        with pytest.raises(IntegrityError, match="is damaged"):
            Notary.open(tmp_path)
    path.write_text(text.replace(ORIGIN, "example.org/others"))
    with pytest.raises(IntegrityError, match="does not fit its identifier"):
        Notary.open(tmp_path)
    path.unlink()
    with pytest.raises(NotFoundError, match="there is no ledger key"):
        Notary.open(tmp_path)
    assert notary.origin == ORIGIN


def test_the_checkpoint_in_the_file_is_of_the_newest_head(
    signed: Ledger, notary: Notary
) -> None:
    assert notary.kept() is None
    for _ in range(3):
        fill(signed, 1)
        assert notary.kept() == signed.head()
        assert open_checkpoint(notary.file.read_text(), notary.public) == signed.head()
        assert open_checkpoint(signed.checkpoint(), notary.public) == signed.head()
    assert stat.S_IMODE(notary.file.stat().st_mode) == 0o600
    assert not [p for p in notary.folder.iterdir() if p.name.startswith(".")]


def test_a_transaction_without_entries_signs_nothing(
    signed: Ledger, notary: Notary
) -> None:
    with signed.write() as transaction:
        assert transaction.head().size == 0
    assert notary.kept() is None


def test_a_failed_decision_signs_nothing(signed: Ledger, notary: Notary) -> None:
    fill(signed, 1)
    before = notary.file.read_bytes()

    def fail() -> None:
        with signed.write() as transaction:
            transaction.append("ThingHappened", "ada", {}, now=NOW)
            message = "no"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        fail()
    assert notary.file.read_bytes() == before
    assert signed.verify().ok


def test_an_older_checkpoint_never_replaces_a_newer_one(
    signed: Ledger, notary: Notary
) -> None:
    fill(signed, 1)
    older = notary.file.read_text()
    fill(signed, 1)
    newer = notary.file.read_text()
    notary.keep(older)
    assert notary.file.read_text() == newer


def test_a_lost_checkpoint_file_is_written_again(
    signed: Ledger, notary: Notary
) -> None:
    fill(signed, 2)
    notary.file.unlink()
    assert signed.verify().ok
    fill(signed, 1)
    assert notary.kept() == signed.head()


def test_a_crash_before_the_file_was_written_is_caught_up(
    signed: Ledger, notary: Notary, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(signed, 2)
    monkeypatch.setattr(Notary, "keep", lambda *_: None)
    fill(signed, 1)
    monkeypatch.undo()
    assert notary.kept() == signed.head_at(2)
    assert signed.verify().ok
    fill(signed, 1)
    assert notary.kept() == signed.head()


def test_a_forged_checkpoint_is_refused_by_a_process_that_checked_the_real_one(
    signed: Ledger, notary: Notary
) -> None:
    """What was checked is the very text, not the file or the head in it."""
    fill(signed, 3)
    note = notary.file.read_text()
    text, _, line = note.rpartition("\n\n")
    words = line.split(" ")
    forged = [
        note.replace("\n3\n", "\n2\n", 1),
        f"{text}\n\n{words[0]} {words[1]} {words[2][:-9]}AAAAAAA=\n",
        Notary.create(made(notary.folder / "other"), ORIGIN).sign(signed.head()),
    ]
    for one in forged:
        assert one != note
        notary.file.write_text(one)
        with pytest.raises(IntegrityError, match="checkpoint"):
            fill(signed, 1)
        assert signed.head().size == 3
    notary.file.write_text(note)
    fill(signed, 1)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_an_append_checks_its_own_signature_and_syncs_file_and_folder(
    signed: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it read was checked by the append before; SQLite syncs its own journal."""
    fill(signed, 1)
    checked, synced, really = list[str](), list[int](), os.fsync

    def counting(note: str, key: NoteKey) -> str:
        checked.append(note)
        return open_note(note, key)

    def syncing(descriptor: int) -> None:
        synced.append(descriptor)
        really(descriptor)

    monkeypatch.setattr("governance.ledger.checkpoint.open_note", counting)
    monkeypatch.setattr(os, "fsync", syncing)
    for _ in range(5):
        fill(signed, 1)
    assert len(checked) == 5
    assert len(synced) == 10
    with signed._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == FULL


def test_a_full_disk_says_that_the_entries_are_there(
    signed: Ledger, notary: Notary, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(signed, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(LedgerError, match="the entries were appended, but"):
        fill(signed, 1)
    monkeypatch.undo()
    assert signed.head().size == 2
    assert not [p for p in notary.folder.iterdir() if p.name.startswith(".")]
    fill(signed, 1)
    assert notary.kept() == signed.head()


def test_nothing_is_appended_to_a_log_that_was_cut(
    signed: Ledger, notary: Notary, file: Path
) -> None:
    fill(signed, 2)
    signed.close()
    backup = file.with_name("backup.db")
    shutil.copyfile(file, backup)
    with Ledger.open(sqlite_url(file), notary=notary) as again:
        fill(again, 2)
    shutil.copyfile(backup, file)
    with Ledger.open(sqlite_url(file), notary=notary) as cut:
        for act in (lambda: fill(cut, 1), cut.checkpoint):
            with pytest.raises(IntegrityError, match="made for 4 entries, the ledger"):
                act()
        assert cut.head().size == 2


def test_nothing_is_appended_beside_a_forged_checkpoint(
    signed: Ledger, notary: Notary
) -> None:
    fill(signed, 2)
    notary.file.write_text(notary.file.read_text().replace("\n2\n", "\n1\n"))
    with pytest.raises(IntegrityError, match="does not verify"):
        fill(signed, 1)
    assert signed.head().size == 2
    report = signed.verify()
    assert not report.ok
    assert report.first_bad is not None
    assert "does not verify" in report.first_bad.problem


def test_a_ledger_without_a_key_has_no_checkpoint(ledger: Ledger) -> None:
    fill(ledger, 1)
    with pytest.raises(NotFoundError, match="has no key of its own"):
        ledger.checkpoint()


def test_what_the_key_signed_can_be_read_without_it(
    signed: Ledger, notary: Notary, file: Path
) -> None:
    fill(signed, 2)
    with Ledger.open(sqlite_url(file), readonly=True) as reader:
        note = reader.checkpoint()
    assert open_checkpoint(note, notary.public) == signed.head()


def test_an_unsigned_ledger_may_get_a_key_later(
    ledger: Ledger, file: Path, notary: Notary
) -> None:
    fill(ledger, 3)
    with Ledger.open(sqlite_url(file), notary=notary) as signed:
        assert signed.verify().ok
        fill(signed, 1)
        assert notary.kept() == Head(4, signed.head().root)
        assert signed.verify().ok


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_gets_no_key(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LedgerError, match="Permission denied"):
        Notary.create(tmp_path, ORIGIN)
