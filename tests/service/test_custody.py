"""What others keep of the ledger proves what became of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from governance.errors import IntegrityError, NotFoundError, UsageError
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.ledger.notary import Notary
from governance.ledger.note import parse_note_key
from governance.service import opening
from governance.service.application import Application
from tests.service.house import House, build


def keep(house: House, name: str = "kept") -> Path:
    path = house.root / name
    note = house.as_("ana").checkpoint().note
    path.write_text(note, encoding="utf-8")
    return path


def test_a_checkpoint_is_a_note_signed_by_the_key_of_the_first_entry(
    house: House,
) -> None:
    house.propose("ana")
    application = house.as_("ana")
    found = application.checkpoint()
    genesis = application.log(limit=1)[0].payload["data"]
    assert isinstance(genesis, dict)
    assert found.origin == parse_note_key(str(genesis["ledger_key"])).name
    assert (found.size, found.root) == (
        application.head().size,
        application.head().root,
    )
    assert found.note.split("\n")[:2] == [found.origin, str(found.size)]


def test_a_grown_ledger_proves_that_it_continues_a_kept_checkpoint(
    house: House,
) -> None:
    path = keep(house)
    house.live()
    verdict = house.as_("ana").verify(path)
    assert verdict.ok
    assert verdict.against is not None
    assert verdict.against.size == 2
    assert verdict.against.proof


def test_the_head_itself_is_continued_without_a_proof(house: House) -> None:
    verdict = house.as_("ana").verify(keep(house))
    assert verdict.against is not None
    assert verdict.against.proof == ()


def test_a_ledger_put_back_to_an_older_copy_does_not_fit_a_kept_checkpoint(
    house: House,
) -> None:
    workspace = house.settings.workspace
    old = house.root / "old"
    house.as_("ana").backup(old)
    house.propose("ana")
    path = keep(house)
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "checkpoint"):
        (workspace / name).unlink(missing_ok=True)
    shutil.copy(old, workspace / "ledger.db")
    assert house.as_("ana").verify().ok
    verdict = house.as_("ana").verify(path)
    assert not verdict.ok
    assert "was made for 3 entries, the ledger has 2" in verdict.message


def test_a_ledger_rewritten_with_its_own_key_does_not_fit_a_kept_checkpoint(
    house: House,
) -> None:
    house.propose("ana")
    path = keep(house)
    workspace = house.settings.workspace
    with Ledger.open(sqlite_url(workspace / "ledger.db")) as ledger:
        entries = list(ledger.entries())
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "checkpoint"):
        (workspace / name).unlink(missing_ok=True)
    url, notary = sqlite_url(workspace / "ledger.db"), Notary.open(workspace)
    with Ledger.open(url, create=True, notary=notary) as ledger:
        for entry in entries[:-1]:
            ledger.append(entry.event, entry.actor, entry.data, now=entry.time)
        last = entries[-1]
        ledger.append(last.event, last.actor, last.data, now="2026-01-01T09:00:00Z")
    assert house.as_("ana").verify().ok
    verdict = house.as_("ana").verify(path)
    assert not verdict.ok
    assert "are not the ones the checkpoint" in verdict.message


def test_a_checkpoint_of_another_ledger_is_refused(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = build(tmp_path / "elsewhere", house.parts)
    with pytest.raises(IntegrityError, match="kept"):
        house.as_("ana").verify(keep(other))


@pytest.mark.parametrize("change", ["size", "root", "signature", "empty", "long"])
def test_a_changed_checkpoint_is_refused(house: House, change: str) -> None:
    path = keep(house)
    note = path.read_text(encoding="utf-8")
    lines = note.split("\n")
    changed = {
        "size": "\n".join([lines[0], "1", *lines[2:]]),
        "root": "\n".join([*lines[:2], "A" * 43 + "=", *lines[3:]]),
        "signature": note[:-6] + "AAAA" + note[-2:],
        "empty": "",
        "long": note + "x" * 100_000,
    }[change]
    path.write_text(changed, encoding="utf-8")
    # What is no checkpoint of any ledger is a wrong file, not a broken ledger.
    none = change in ("empty", "long")
    with pytest.raises(UsageError if none else IntegrityError, match="checkpoint"):
        house.as_("ana").verify(path)


def test_a_checkpoint_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        house.as_("ana").verify(house.root / "nowhere")


def test_a_backup_verifies_as_the_workspace_does(house: House) -> None:
    house.live()
    copy = house.root / "copy.db"
    made = house.as_("ana").backup(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    settings = replace(house.settings, database=sqlite_url(copy), readonly=True)
    on_copy = Application(opening.open_existing(settings, house.parts, house.clock))
    verdict = on_copy.verify()
    assert verdict.ok
    assert (verdict.entries, verdict.head) == (made.entries, made.head)


def test_a_backup_overwrites_nothing(house: House) -> None:
    target = house.root / "copy.db"
    target.write_bytes(b"mine")
    with pytest.raises(UsageError, match="already"):
        house.as_("ana").backup(target)
    assert target.read_bytes() == b"mine"
    assert [item.name for item in house.root.iterdir() if "copy" in item.name] == [
        "copy.db"
    ]


def rebuilt(house: House, until: int, *, changed: bool) -> None:
    """Replace the log by one that is consistent in itself, without the ledger's key."""
    path = house.settings.workspace / "ledger.db"
    with Ledger.open(sqlite_url(path)) as ledger:
        entries = list(ledger.entries())[:until]
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (path.parent / name).unlink(missing_ok=True)
    with Ledger.open(sqlite_url(path), create=True) as ledger:
        for at, entry in enumerate(entries, 1):
            now = "2026-01-01T09:00:00Z" if changed and at == until else entry.time
            ledger.append(entry.event, entry.actor, entry.data, now=now)


@pytest.mark.parametrize(("until", "changed"), [(3, True), (2, False)])
@pytest.mark.parametrize("readonly", [False, True])
def test_a_log_rebuilt_without_the_key_does_not_fit_its_own_checkpoint(
    house: House, until: int, *, changed: bool, readonly: bool
) -> None:
    house.propose("ana")
    rebuilt(house, until, changed=changed)
    settings = replace(house.settings, readonly=readonly)
    opened = opening.open_existing(settings, house.parts, house.clock)
    verdict = Application(opened).verify()
    assert not verdict.ok
    assert str(house.settings.workspace / "checkpoint") in verdict.message


def test_an_auditor_is_told_of_a_forged_checkpoint_file(house: House) -> None:
    path = house.settings.workspace / "checkpoint"
    note = path.read_text(encoding="utf-8")
    path.write_text(note.replace("\n2\n", "\n1\n"), encoding="utf-8")
    settings = replace(house.settings, readonly=True)
    opened = opening.open_existing(settings, house.parts, house.clock)
    verdict = Application(opened).verify()
    assert not verdict.ok
    assert str(path) in verdict.message
