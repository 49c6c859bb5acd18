"""Policy and roster are what the active changes made of them."""

import pytest

from governance.canonical import JSON
from governance.domain.change import ChangeState, change_digest
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.fold import fold
from governance.errors import IntegrityError
from tests.domain.ledger_lines import created, folded, lines


def proposed(
    kind: str = "reviewer-add", change: str = "C-0001", **subject: JSON
) -> ChangeProposed:
    found = subject or {"principal": "cleo", "key": "K3", "roles": ["reviewer"]}
    digest = change_digest("here", change, kind, found)
    return ChangeProposed(change, kind, found, digest, "K1", "sig")


def policy(version: JSON, change: str = "C-0001") -> ChangeProposed:
    suite: JSON = {"name": "own", "digest": "s2"}
    return proposed(
        "policy", change, name="other", version=version, digest="p2", suite=suite
    )


def signed(decision: str = "approve", change: str = "C-0001") -> ChangeSigned:
    return ChangeSigned(change, decision, "K1", {"decision": decision}, "sig")


def active(event: ChangeProposed) -> ChangeActivated:
    return ChangeActivated(event.change, event.kind, event.digest, "a")


def test_a_proposed_change_changes_nothing() -> None:
    before, after = folded(created()), folded(created(), proposed(), signed())
    assert (after.roster, after.policy) == (before.roster, before.policy)
    record = after.changes["C-0001"]
    assert (record.state, len(record.signoffs)) == (ChangeState.PROPOSED, 1)


def test_an_active_addition_counts_from_its_entry() -> None:
    event = proposed()
    state = folded(created(), event, signed(), active(event))
    joined = state.roster.reviewers[-1]
    assert (joined.principal, joined.since, joined.until) == ("cleo", 4, None)
    assert joined.added == "2026-01-01T00:00:04Z"
    assert state.roster.find("cleo", 3) is None
    assert state.roster.find("cleo", 4) == joined


def test_an_active_revocation_counts_from_its_entry() -> None:
    event = proposed(
        "reviewer-revoke", principal="ben", key="ssh-ed25519 B", reason="left"
    )
    state = folded(created(), event, active(event))
    assert state.roster.find("ben", 2) is not None
    assert state.roster.find("ben", 3) is None
    assert state.roster.as_of(2) == folded(created()).roster


def test_an_active_policy_is_in_force_with_its_suite() -> None:
    event = policy(2)
    state = folded(created(), event, active(event))
    assert state.policy == {"name": "other", "version": 2, "digest": "p2"}
    assert state.suites == {"quick": "s", "own": "s2"}


@pytest.mark.parametrize("version", [1, 0, "2", 1.5, None])
def test_a_policy_whose_version_does_not_grow_is_no_entry(version: JSON) -> None:
    event = policy(version)
    with pytest.raises(IntegrityError, match="versions only grow"):
        folded(created(), event, active(event))


def test_a_rejected_change_takes_no_effect() -> None:
    event = proposed()
    state = folded(created(), event, signed("reject"))
    assert state.changes["C-0001"].state is ChangeState.REJECTED
    for more in (active(event), signed()):
        with pytest.raises(IntegrityError, match="is REJECTED, expected PROPOSED"):
            folded(created(), event, signed("reject"), more)


def test_a_change_takes_effect_once() -> None:
    event = proposed()
    with pytest.raises(IntegrityError, match="is ACTIVE, expected PROPOSED"):
        folded(created(), event, active(event), active(event))


def test_what_was_proposed_is_what_takes_effect() -> None:
    event = proposed()
    other = ChangeActivated(event.change, event.kind, "0" * 64, "a")
    with pytest.raises(IntegrityError, match="another change than the one"):
        folded(created(), event, other)


@pytest.mark.parametrize(
    ("subject", "match"),
    [
        ({"principal": "mask", "key": "ssh-ed25519 B"}, "this key is, or was"),
        ({"principal": "ben", "key": "K9"}, "on the roster already"),
    ],
)
def test_one_key_belongs_to_one_person(subject: dict[str, JSON], match: str) -> None:
    event = proposed("reviewer-add", "C-0001", **subject, roles=["reviewer"])
    with pytest.raises(IntegrityError, match=match):
        folded(created(), event, active(event))


@pytest.mark.parametrize(
    ("event", "match"),
    [
        (proposed(change="C-0002"), "expected change C-0001, found C-0002"),
        (proposed("coup"), "unknown kind 'coup'"),
        (proposed(principal="cleo", key="K3"), "expected a subject of"),
        (signed(change="C-0009"), "'C-0009' does not exist"),
    ],
)
def test_an_entry_that_is_no_change_is_refused(
    event: ChangeProposed | ChangeSigned, match: str
) -> None:
    with pytest.raises(IntegrityError, match=match):
        folded(created(), event)


def test_folding_changes_in_two_parts_equals_folding_at_once() -> None:
    event = proposed()
    story = lines(created(), event, signed(), active(event))
    assert fold(story[2:], fold(story[:2])) == fold(story)


def test_a_digest_names_ledger_and_change() -> None:
    subject = {"principal": "cleo"}
    digests = {
        change_digest(origin, change, kind, subject)
        for origin in ("here", "there")
        for change in ("C-0001", "C-0002")
        for kind in ("reviewer-add", "reviewer-revoke")
    }
    assert len(digests) == 8
