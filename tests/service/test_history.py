"""The workspace as it was at a time."""

import pytest

from governance.domain.lifecycle import EditState
from governance.errors import NotFoundError, UsageError
from governance.ledger.database import sqlite_url
from governance.ledger.log import Ledger
from governance.service.facade import JobKind
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


def test_a_clock_that_stepped_back_loses_no_entry(house: House) -> None:
    edit = house.propose("ana")
    with Ledger.open(sqlite_url(house.settings.workspace / "ledger.db")) as ledger:
        event = {"edit": edit, "reason": "no longer wanted"}
        ledger.append("EditWithdrawn", "ana", event, now="2026-01-01T00:00:00Z")
    found = house.as_("ana").state_at(time_of(house, "EditWithdrawn"))
    assert found.edits[0].state is EditState.WITHDRAWN
