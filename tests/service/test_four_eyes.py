"""Whoever proposes an edit cannot make it live, by name or by key."""

from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Decision
from governance.errors import (
    GovernanceError,
    PolicyRefusedError,
    SignOffMissingError,
    UsageError,
    WrongStateError,
)
from governance.service import opening
from governance.service.ports import Parts
from governance.settings import Settings
from tests.service.house import House, build


def test_the_proposer_cannot_approve(house: House) -> None:
    edit = house.ready("ana")
    size = house.size()
    with pytest.raises(PolicyRefusedError, match="given by the proposer"):
        house.approve("ana", edit)
    assert house.size() == size
    assert house.as_("ana").edit(edit).state is EditState.APPLIED


def test_a_key_signs_for_nobody_but_its_owner(house: House) -> None:
    edit = house.ready("ana")
    with pytest.raises(PolicyRefusedError, match="belongs to 'ana'"):
        house.approve("ben", edit, key="ana")


def test_a_stranger_cannot_sign(house: House) -> None:
    edit = house.ready("ana")
    with pytest.raises(PolicyRefusedError, match="belongs to nobody on the roster"):
        house.approve("mallory", edit)


def test_a_stranger_cannot_propose(house: House) -> None:
    with pytest.raises(PolicyRefusedError, match="belongs to nobody on the roster"):
        house.propose("mallory")


def test_two_people_cannot_share_a_key(house: House) -> None:
    public = house.root / "people" / "ana.pub"
    people = [("ana", public, ("reviewer",)), ("dora", public, ("reviewer",))]
    with pytest.raises(UsageError, match="two people share one key"):
        opening.create(
            Settings(workspace=house.root / "other"), house.parts, "default", people
        )
    assert not (house.root / "other" / "ledger.db").exists()


def test_two_approvals_are_two_people(tmp_path: Path, parts: Parts) -> None:
    house = _strict(tmp_path, parts)
    edit = house.ready("ana")
    first = house.approve("ben", edit)
    assert (first.state, first.missing) == ("APPLIED", ("1 more approval",))
    with pytest.raises(WrongStateError, match="'ben' approved this already"):
        house.approve("ben", edit)
    assert house.approve("cleo", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_a_rejection_ends_it_after_an_approval(tmp_path: Path, parts: Parts) -> None:
    house = _strict(tmp_path, parts)
    edit = house.ready("ana")
    house.approve("ben", edit)
    house.as_("cleo").sign(edit, Decision.REJECT, "not like this")
    assert house.as_("ana").edit(edit).state is EditState.REJECTED
    with pytest.raises(WrongStateError, match="REJECTED"):
        house.approve("ben", edit)


def test_without_a_usable_key_it_says_how_to_name_one(house: House) -> None:
    settings = Settings(workspace=house.settings.workspace)
    application = opening.open_existing(settings, house.parts)
    from governance.service.application import Application

    with pytest.raises(SignOffMissingError, match="no key of anybody"):
        Application(application).propose([house.request()])


def test_the_only_usable_key_signs_unasked(house: House) -> None:
    from governance.service.application import Application

    keys = house.settings.workspace / "keys"
    keys.mkdir()
    for name in ("ana", "ana.pub"):
        (keys / name).write_bytes((house.root / "people" / name).read_bytes())
        (keys / name).chmod(0o600)
    settings = Settings(workspace=house.settings.workspace)
    application = Application(opening.open_existing(settings, house.parts))
    assert application.header().principal == "ana"
    assert application.propose([house.request()])[0].proposer == "ana"


def test_a_role_that_is_not_held_is_refused(house: House) -> None:
    edit = house.ready("ana")
    with pytest.raises(PolicyRefusedError, match="not in the role 'owner'"):
        house.as_("ben").sign(edit, Decision.APPROVE, "fine", role="owner")


@pytest.mark.parametrize("comment", ["", "   ", "x" * 2001])
def test_a_signature_needs_a_reason(house: House, comment: str) -> None:
    edit = house.ready("ana")
    with pytest.raises(GovernanceError, match="expected a reason of 1 to 2000"):
        house.as_("ben").sign(edit, Decision.APPROVE, comment)


def _strict(root: Path, parts: Parts) -> House:
    def two(spec: dict[str, JSON]) -> None:
        spec["required_approvals"] = 2

    return build(root, parts, change=two)


def test_where_one_person_is_enough_the_proposer_may_approve(
    tmp_path: Path, parts: Parts
) -> None:
    house = build(tmp_path, parts, policy="single-user")
    edit = house.ready("ana")
    assert house.approve("ana", edit).state == "LIVE"
    assert house.as_("ana").verify().ok
