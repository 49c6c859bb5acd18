"""The workspace as it was at a time."""

import weakref
from collections.abc import Iterator
from datetime import timedelta

import pytest

from governance.domain.lifecycle import EditState
from governance.errors import NotFoundError, UsageError
from governance.ledger.database import sqlite_url
from governance.ledger.entry import Entry
from governance.ledger.log import Ledger
from governance.service import marking, opening
from governance.service.book import Book
from governance.service.facade import JobKind
from governance.service.workspace import Workspace
from tests.service.house import House
from tests.service.test_changes import APPROVE, newer


def time_of(house: House, event: str) -> str:
    rows = house.as_("ana").log()
    return next(row.time for row in rows if row.event == event)


def test_each_moment_shows_what_was_live_and_who_signed(house: House) -> None:
    edit = house.live()
    live = house.as_("ana").model("mini").live
    house.job("cleo", JobKind.REVERT, edit=edit, reason="settled")
    application = house.as_("ana")
    base = application.model("mini").base

    proposed = application.state_at(time_of(house, "EditProposed"))
    assert proposed.live == {"mini": base}
    assert [item.state for item in proposed.edits] == [EditState.PROPOSED]
    assert proposed.activations[0].signatures == ()

    after = application.state_at(time_of(house, "SnapshotActivated"))
    assert after.live == {"mini": live}
    (hand,) = after.activations[0].signatures
    assert (hand.principal, hand.decision, hand.role) == ("ben", "approve", "reviewer")
    assert after.activations[0].edits == (edit,)
    assert after.edits[0].signoffs == (hand,)

    reverted = application.state_at(time_of(house, "EditReverted"))
    assert reverted.live == {"mini": base}
    assert reverted.edits[0].state is EditState.REVERTED
    (hand,) = reverted.activations[0].signatures
    assert (hand.principal, hand.decision) == ("cleo", "revert")


def test_it_names_who_signed_for_the_policy(house: House) -> None:
    before = house.as_("ana").log()[-1].time
    house.as_("ana").propose_policy(newer(house, 2))
    house.as_("ben").sign_change("C-0001", APPROVE)
    after = house.as_("ana").log()[-1].time
    first = house.as_("ana").state_at(before).policy
    assert (first.version, first.change, first.signatures) == (1, None, ())
    second = house.as_("ana").state_at(after).policy
    assert (second.version, second.change) == (2, "C-0001")
    assert [item.principal for item in second.signatures] == ["ben"]


def test_it_names_policy_and_reviewers(house: House) -> None:
    found = house.as_("ana").state_at("2030-01-01T00:00:00Z")
    policy = house.as_("ana").policy()
    assert (found.policy.name, found.policy.version, found.policy.digest) == (
        policy.name,
        policy.version,
        policy.digest,
    )
    assert {item.principal: item.roles for item in found.reviewers} == dict.fromkeys(
        ("ana", "ben", "cleo"), ("reviewer",)
    )


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2030-01-01T12:00:00Z", "2030-01-01T12:00:00Z"),
        ("2030-01-01T14:00:00+02:00", "2030-01-01T12:00:00Z"),
        ("2030-01-01T12:00:00.75", "2030-01-01T12:00:00Z"),
        ("2030-01-01", "2030-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_read_with_its_offset_or_as_utc(
    house: House, time: str, shown: str
) -> None:
    assert house.as_("ana").state_at(time).time == shown


@pytest.mark.parametrize(
    "time", ["", "yesterday", "12:00", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_time_is_refused(house: House, time: str) -> None:
    with pytest.raises(UsageError, match="expected a time"):
        house.as_("ana").state_at(time)


def test_before_the_first_entry_there_was_nothing(house: House) -> None:
    with pytest.raises(NotFoundError, match="its ledger begins at 2026-01-01"):
        house.as_("ana").state_at("2025-12-31T23:59:59Z")


def test_a_time_that_has_not_come_is_said_to_be_now(house: House) -> None:
    application = house.as_("ana")
    assert application.state_at("2030-01-01").ahead
    assert not application.state_at(application.log()[-1].time).ahead


def test_a_clock_that_stepped_back_loses_no_entry(house: House) -> None:
    edit = house.propose("ana")
    with Ledger.open(sqlite_url(house.settings.workspace / "ledger.db")) as ledger:
        event = {"edit": edit, "reason": "no longer wanted"}
        ledger.append("EditWithdrawn", "ana", event, now="2026-01-01T00:00:00Z")
    found = house.as_("ana").state_at(time_of(house, "EditWithdrawn"))
    assert found.edits[0].state is EditState.WITHDRAWN


def stories(house: House) -> list[str]:
    """Let something happen, with a clock that once steps back; return every time."""
    house.live()
    house.clock.moment -= timedelta(seconds=3)
    house.job("cleo", JobKind.REVERT, edit="E-0001", reason="settled")
    house.live("lume", source="lume")
    return sorted({row.time for row in house.as_("ana").log()})


def folded_until(workspace: Workspace, at: str) -> Book:
    """Fold everything up to the last entry that is not later, all in memory."""
    entries = list(workspace.ledger.entries())
    last = max(entry.sequence for entry in entries if entry.time <= at)
    return Book().after(entries[:last])


@pytest.mark.parametrize("size", [0, 3, 7, 12])
def test_every_moment_is_what_its_entries_fold_to_wherever_a_mark_lies(
    house: House, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    times = stories(house)
    workspace = opening.open_existing(house.settings, house.parts, house.clock)
    if size:
        monkeypatch.setattr(marking, "STEP", 1)
        entries = list(workspace.ledger.entries())[:size]
        workspace.marks.keep(Book().after(entries))
        assert workspace.marks.at() == size
        monkeypatch.undo()
    moments = [(time, folded_until(workspace, time).state) for time in times]
    assert len({state.size for _, state in moments}) > 8
    for time, expected in moments:
        found = house.as_("ana").state_at(time)
        assert found.sequence == expected.size
        assert found.live == {name: m.live for name, m in expected.models.items()}
        assert {item.id: item.state for item in found.edits} == {
            name: record.state for name, record in expected.edits.items()
        }


def test_now_reads_the_newest_entry_and_folds_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories(house)
    application = house.as_("ana")
    read = list[int]()
    entries = Ledger.entries

    def counting(ledger: Ledger, after: int = 0) -> Iterator[Entry]:
        for entry in entries(ledger, after):
            read.append(entry.sequence)
            yield entry

    monkeypatch.setattr(Ledger, "entries", counting)
    found = application.state_at("2999-01-01")
    assert read == [found.sequence]
    assert found.sequence == application.head().size


def test_an_early_moment_holds_no_later_entry_in_memory(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many come later: they are looked through and let go."""
    stories(house)
    application = house.as_("ana")
    early = application.log()[2].time
    held = list[int]()
    entries, alive = Ledger.entries, list[weakref.ref[Watched]]()

    def watched(ledger: Ledger, after: int = 0) -> Iterator[Entry]:
        for entry in entries(ledger, after):
            one = Watched(
                entry.sequence, entry.time, entry.event, entry.actor, entry.data
            )
            alive.append(weakref.ref(one))
            held.append(sum(ref() is not None for ref in alive))
            yield one

    monkeypatch.setattr(Ledger, "entries", watched)
    assert application.state_at(early).sequence == 3
    assert len(held) > 15
    assert max(held) <= 3


class Watched(Entry):
    """An entry that can be asked whether anybody still holds it."""
