"""Clocks of several people differ: nobody's approval is lost by that."""

from datetime import timedelta
from pathlib import Path

import pytest

from governance.domain.signoff import Decision
from governance.errors import WrongStateError
from governance.service.change_records import ChangeWish
from governance.service.facade import JobKind
from governance.service.ports import Parts
from tests.service.house import build
from tests.service.test_entered_again import wanting
from tests.service.test_joint_rollback import both, revert

AHEAD = timedelta(minutes=5)


def test_whose_clock_is_behind_signs_later(tmp_path: Path, parts: Parts) -> None:
    """Else both have signed, neither can sign again, and nothing goes live."""
    house = build(tmp_path, parts, change=wanting(required_approvals=2))
    edit = house.ready("ana")
    house.clock.moment += AHEAD
    house.approve("ben", edit)
    house.clock.moment -= AHEAD
    size = house.size()
    with pytest.raises(WrongStateError, match="later than now by the clock here"):
        house.approve("cleo", edit)
    assert house.size() == size
    house.clock.moment += AHEAD
    assert house.approve("cleo", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_a_clock_years_ahead_stops_an_edit_until_it_is_checked_again(
    tmp_path: Path, parts: Parts
) -> None:
    house = build(tmp_path, parts, change=wanting(required_approvals=2))
    edit, now = house.ready("ana"), house.clock.moment
    house.clock.moment += timedelta(days=4000)
    house.approve("ben", edit)
    house.clock.moment = now + timedelta(minutes=1)
    with pytest.raises(WrongStateError, match="later than now") as refused:
        house.approve("cleo", edit)
    assert "a new check" in refused.value.hint
    house.job("ana", JobKind.CHECK, edit=edit)
    house.approve("ben", edit)
    assert house.approve("cleo", edit).state == "LIVE"


def test_an_approval_from_the_future_stops_nobody_who_is_enough(
    tmp_path: Path, parts: Parts
) -> None:
    house = build(tmp_path, parts, change=wanting(required_approvals=2))
    first = house.ready("ana")
    house.clock.moment += AHEAD
    house.approve("ben", first)
    house.clock.moment -= AHEAD
    other = house.ready("ana", "lume")
    assert house.approve("cleo", other).missing == ("1 more approval",)


def test_a_rollback_waits_for_the_clock_too(tmp_path: Path, parts: Parts) -> None:
    house = both(tmp_path, parts)
    edit = house.live()
    house.clock.moment += AHEAD
    revert(house, "ben", edit)
    house.clock.moment -= AHEAD
    size = house.size()
    with pytest.raises(WrongStateError, match="later than now by the clock here"):
        house.job("cleo", JobKind.REVERT, edit=edit, reason="settled")
    assert house.size() == size
    house.clock.moment += AHEAD
    revert(house, "cleo", edit)
    assert house.as_("ana").edit(edit).summary.state == "REVERTED"


def test_a_change_waits_for_the_clock_too(tmp_path: Path, parts: Parts) -> None:
    house = build(tmp_path, parts, change=wanting(required_approvals=2))
    house.clock.moment += AHEAD
    key = house.keys["mallory"].with_suffix(".pub")
    change = house.as_("ana").propose_reviewer("dora", key, ("reviewer",)).id
    approve = ChangeWish(Decision.APPROVE)
    house.as_("ben").sign_change(change, approve)
    house.clock.moment -= AHEAD
    with pytest.raises(WrongStateError, match="later than now by the clock here"):
        house.as_("cleo").sign_change(change, approve)
    house.clock.moment += AHEAD
    assert house.as_("cleo").sign_change(change, approve).state == "ACTIVE"
