"""Signed heads taken out of the database are missed."""

import sqlite3
from dataclasses import replace

import pytest

from governance.service import opening
from governance.service.application import Application
from governance.service.views import LedgerVerdict
from tests.service.house import House


def remove(house: House, first: int, last: int) -> None:
    """Take checkpoints of some sizes out, as whoever can write the file can."""
    path = house.settings.workspace / "ledger.db"
    with sqlite3.connect(path) as connection:
        (trigger,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'checkpoints_no_delete'"
        ).fetchone()
        connection.execute("DROP TRIGGER checkpoints_no_delete")
        connection.execute(
            "DELETE FROM checkpoints WHERE size BETWEEN ? AND ?", (first, last)
        )
        connection.execute(trigger)
    connection.close()


def verdicts(house: House) -> list[LedgerVerdict]:
    """Verify with the ledger's key, and as an auditor without it."""
    settings = replace(house.settings, readonly=True)
    auditor = opening.open_existing(settings, house.parts, house.clock)
    return [house.as_("ana").verify(), Application(auditor).verify()]


def test_an_untouched_ledger_lacks_no_head(house: House) -> None:
    house.live()
    for verdict in verdicts(house):
        assert (verdict.ok, verdict.notes) == (True, ())


@pytest.mark.parametrize("file_too", [False, True])
def test_checkpoints_that_are_all_gone_are_a_finding(
    house: House, *, file_too: bool
) -> None:
    house.live()
    size = house.size()
    remove(house, 0, size)
    if file_too:
        (house.settings.workspace / "checkpoint").unlink()
    for verdict in verdicts(house):
        assert not verdict.ok
        assert f"no signed head of entry {size}: it keeps none" in verdict.message


def test_the_newest_checkpoint_alone_is_missed_too(house: House) -> None:
    house.live()
    size = house.size()
    remove(house, size, size)
    for verdict in verdicts(house):
        assert not verdict.ok
        assert f"no signed head of entry {size}: the newest is of" in verdict.message


def test_a_head_that_a_signer_saw_is_missed(house: House) -> None:
    house.live()
    size = house.size()
    remove(house, 0, size - 1)
    for verdict in verdicts(house):
        assert verdict.ok, "every entry is what was signed and appended"
        (note,) = verdict.notes
        assert "1 of 1 heads that signers saw" in note


def test_a_checkpoint_file_that_is_gone_is_told(house: House) -> None:
    house.propose("ana")
    path = house.settings.workspace / "checkpoint"
    path.unlink()
    for verdict in verdicts(house):
        assert verdict.ok
        assert [str(path) in note for note in verdict.notes] == [True]
