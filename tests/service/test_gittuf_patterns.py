"""Ways in which policies of version control were talked round, tried here.

CVE-2026-44544 (GHSA-vxvc-cg7j-rwqj): gittuf before 0.14.0 took back an older policy
that today's keys still vouch for. The repair also added a check of the very first
policy, which was trusted unseen. Of CVE-2026-128037 and CVE-2026-128035 no public
text was found; in their place stand the thresholds that The Update Framework counted
wrongly: one key twice (GHSA-pwqf-9h7j-7mv8), and a threshold of nothing
(GHSA-fphv-w9fq-2525); and one that gittuf did, with no such number named: whoever was
trusted to sign counted as if they had (gittuf issue 1315).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.event import Event
from governance.domain.events import (
    EVENTS,
    SignOffGiven,
    SnapshotActivated,
    WorkspaceCreated,
)
from governance.errors import IntegrityError, PolicyRefusedError, RequestError
from governance.policy.files import load_policy
from governance.service.ports import Parts
from tests.service.house import House, changed_policy
from tests.service.test_changes import APPROVE, newer
from tests.service.test_talked_round import forge, refused, two_approvals, unverified


def recorded(house: House, *names: str) -> list[Event]:
    """Return events as they stand in the ledger, in their order."""
    found = []
    for row in house.as_("ana").log():
        data = row.payload["data"]
        assert isinstance(data, dict)
        if row.event in names:
            found.append(EVENTS[row.event](**data))
    return found


def in_force(house: House, version: int, **changes: JSON) -> None:
    """Put a policy in force with everybody's consent."""
    change = house.as_("ana").propose_policy(newer(house, version, **changes))
    house.as_("ben").sign_change(change.id, APPROVE)
    assert house.as_("ana").policy().version == version


# -- CVE-2026-44544: an older policy that the same people once signed ------------


def test_an_older_policy_that_all_still_vouch_for_does_not_come_back(
    house: House,
) -> None:
    in_force(house, 2, expires_days=365)
    lax = Path(newer(house, 2, expires_days=365)).read_text(encoding="utf-8")
    in_force(house, 3, expires_days=3)
    renamed = lax.replace("name: default", "name: fresh")
    assert renamed != lax
    for text in (lax, renamed):
        path = house.root / "older.yaml"
        path.write_text(text, encoding="utf-8")
        refused(
            house,
            lambda: house.as_("ana").propose_policy(str(path)),  # noqa: B023
            PolicyRefusedError,
            "versions only grow",
        )


def test_its_genuine_entries_put_in_again_open_nothing(house: House) -> None:
    """Every signature among them is good, and of people who may sign today."""
    in_force(house, 2, expires_days=365)
    before = recorded(house, "ChangeProposed", "ChangeSigned", "ChangeActivated")
    in_force(house, 3, expires_days=3)
    proposed, signed, activated = before
    assert isinstance(proposed, ChangeProposed)
    assert isinstance(signed, ChangeSigned)
    assert isinstance(activated, ChangeActivated)
    forge(house, "ben", activated)
    with pytest.raises(IntegrityError):
        house.as_("ana")


def test_its_proposal_put_in_again_as_a_new_change_is_found(house: House) -> None:
    in_force(house, 2, expires_days=365)
    (proposed,) = recorded(house, "ChangeProposed")
    in_force(house, 3, expires_days=3)
    assert isinstance(proposed, ChangeProposed)
    forge(house, "ana", replace(proposed, change="C-0003"))
    unverified(house, "C-0003")
    refused(
        house,
        lambda: house.as_("ben").sign_change("C-0003", APPROVE),
        PolicyRefusedError,
        "versions only grow",
    )


def test_a_gap_in_the_versions_is_no_way_back(house: House) -> None:
    in_force(house, 9, expires_days=3)
    for version in (1, 2, 8, 9):
        refused(
            house,
            lambda version=version: house.as_("ana").propose_policy(  # type: ignore[misc]
                newer(house, version, expires_days=365)
            ),
            PolicyRefusedError,
            "version 9 is in force",
        )


# -- its repair: the very first policy is checked too ----------------------------


def test_a_second_first_policy_opens_nothing(house: House) -> None:
    (first,) = recorded(house, "WorkspaceCreated")
    assert isinstance(first, WorkspaceCreated)
    forge(house, "init", first)
    with pytest.raises(IntegrityError, match="may only be entry 1"):
        house.as_("ana")


def test_the_first_policy_is_read_as_it_was_recorded(house: House) -> None:
    digest = house.as_("ana").policy().digest
    path = house.settings.workspace / "objects" / digest[:2] / digest[2:]
    held = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(
        held.replace(
            b'"distinct_from_proposer":true', b'"distinct_from_proposer":false'
        )
    )
    assert path.read_bytes() != held
    refusing: list[Callable[[], object]] = [
        lambda: house.as_("ana").policy(),
        lambda: house.propose("ana"),
    ]
    for act in refusing:
        with pytest.raises(IntegrityError):
            act()
    verdict = house.as_("ana").verify()
    assert (verdict.ok, verdict.first_bad) == (False, 1)


# -- thresholds ------------------------------------------------------------------


def test_one_approval_recorded_twice_is_one(tmp_path: Path, parts: Parts) -> None:
    house = two_approvals(tmp_path, parts)
    edit = house.ready("ana")
    house.approve("ben", edit)
    (given,) = recorded(house, "SignOffGiven")
    again = house.as_("ana").log()[-1].time
    forge(house, "ben", given, time=again)
    assert house.as_("ana").edit(edit).missing == ("1 more approval",)
    assert house.approve("cleo", edit).state == "LIVE"


def test_one_approval_under_a_second_name_is_found(
    tmp_path: Path, parts: Parts
) -> None:
    house = two_approvals(tmp_path, parts)
    edit = house.ready("ana")
    house.approve("ben", edit)
    (given,) = recorded(house, "SignOffGiven")
    assert isinstance(given, SignOffGiven)
    said = {**given.statement, "principal": "cleo"}
    forge(house, "cleo", replace(given, statement=said))
    assert house.as_("ana").edit(edit).missing == ("1 more approval",)
    unverified(house, "the roster gave 'cleo' no such key")


def test_who_may_sign_counts_for_nothing_until_they_have(
    tmp_path: Path, parts: Parts
) -> None:
    """Two others may approve and two must: one who did is one, whoever else could."""
    house = two_approvals(tmp_path, parts)
    edit = house.ready("ana")
    application = house.as_("ana")
    candidate = application.edit(edit).candidate
    assert candidate is not None
    assert house.approve("ben", edit).state != "LIVE"
    assert application.edit(edit).missing == ("1 more approval",)
    model = application.model("mini")
    lives = SnapshotActivated(
        model=model.name,
        snapshot=candidate,
        previous=model.live,
        live=[edit],
    )
    forge(house, "ben", lives, time=application.log()[-1].time)
    unverified(house, f"snapshot {candidate[:12]} went live without 1 more approval")


@pytest.mark.parametrize(
    "rules",
    [
        {"required_approvals": 0},
        {"required_approvals": -1},
        {"required_approvals": True},
        {"required_approvals": "1"},
        {"required_approvals": 1.0},
        {"required_approvals": None},
        {"rollback": {"required_approvals": 0}},
        {"rollback": {"required_approvals": -1}},
        {"roles": {}},
        {"roles": {"reviewer": -1}},
        {"thresholds": []},
        {"dismiss_stale": False},
        {"expires_days": 0},
    ],
)
def test_a_threshold_of_nothing_is_no_policy(
    tmp_path: Path, rules: dict[str, JSON]
) -> None:
    path = changed_policy(tmp_path, lambda spec: spec.update(rules))
    named = rf"policy\.yaml:\d+: .*{next(iter(rules)).removesuffix('s')}"
    with pytest.raises(RequestError, match=named):
        load_policy(path)


def test_a_rollback_that_needs_more_people_than_there_are_is_refused(
    house: House,
) -> None:
    """Harm could never be taken back again."""
    many: JSON = {"required_approvals": 4}
    refused(
        house,
        lambda: house.as_("ana").propose_policy(newer(house, 2, rollback=many)),
        PolicyRefusedError,
        "a rollback takes 4 people in the roles that may sign, and there are 3",
    )
