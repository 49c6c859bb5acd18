"""A genuine statement counts once: whoever can write cannot enter it again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.signoff import Decision
from governance.errors import IntegrityError, WrongStateError
from governance.ledger.entry import Entry, timestamp
from governance.service import opening
from governance.service.facade import Job, JobKind
from governance.service.ports import Parts
from tests.service.house import House, build, quiet
from tests.service.test_joint_rollback import both, revert
from tests.service.test_talked_round import unverified

AGAIN = "an old statement was entered again"
Change = Callable[[dict[str, JSON]], None]


def last(house: House, event: str) -> Entry:
    """Return the newest entry of a kind."""
    settings = replace(house.settings, readonly=True)
    with opening.open_existing(settings, house.parts).ledger as ledger:
        return [entry for entry in ledger.entries() if entry.event == event][-1]


def enter(house: House, entry: Entry, *, now: str | None = None, **new: JSON) -> None:
    """Enter what an entry says once more, past the program, with the ledger's key."""
    opened = opening.open_existing(house.settings, house.parts, fold=False)
    with opened.ledger as ledger:
        data = {**entry.data, **new}
        ledger.append(entry.event, entry.actor, data, now=now or entry.time)


def wanting(**rules: JSON) -> Change:
    def change(spec: dict[str, JSON]) -> None:
        spec.update(rules)

    return change


def test_a_revert_that_was_withdrawn(tmp_path: Path, parts: Parts) -> None:
    house = both(tmp_path, parts)
    edit = house.live()
    revert(house, "ben", edit)
    house.as_("ben").withdraw_revert(edit, "a mistake")
    assert house.as_("ana").verify().ok
    enter(house, last(house, "RollbackSigned"))
    unverified(house, AGAIN)


def test_a_withdrawal_of_what_was_begun_anew(tmp_path: Path, parts: Parts) -> None:
    house = both(tmp_path, parts)
    edit = house.live()
    revert(house, "ben", edit)
    house.as_("ben").withdraw_revert(edit, "a mistake")
    revert(house, "ben", edit)
    assert house.as_("ana").verify().ok
    enter(house, last(house, "RollbackWithdrawn"))
    unverified(house, AGAIN)


def test_a_revert_of_the_same_request_approved_anew(house: House) -> None:
    first = house.live()
    house.job("cleo", JobKind.REVERT, edit=first, reason="settled")
    twin = house.live()
    assert house.as_("ana").verify().ok
    again = last(house, "EditReverted")
    live = last(house, "SnapshotActivated").data["snapshot"]
    enter(house, again, edit=twin, previous=live)
    unverified(house, AGAIN)


def test_an_approval_that_a_newer_check_dropped(tmp_path: Path, parts: Parts) -> None:
    house = build(tmp_path, parts, change=wanting(required_approvals=2))
    edit = house.ready("ana")
    house.approve("ben", edit)
    house.job("ana", JobKind.CHECK, edit=edit)
    assert house.as_("ana").verify().ok
    enter(house, last(house, "SignOffGiven"))
    unverified(house, AGAIN)


def test_an_approval_entered_later_is_as_old_as_its_signature(
    tmp_path: Path, parts: Parts
) -> None:
    rules = wanting(required_approvals=2, expires_days=30)
    house = build(tmp_path, parts, change=rules)
    edit = house.ready("ana")
    house.approve("ben", edit)
    house.clock.moment += timedelta(days=400)
    now = timestamp(house.clock.moment)
    enter(house, last(house, "SignOffGiven"), now=now)
    assert house.approve("cleo", edit).state == "APPLIED"


def test_old_approvals_of_what_was_taken_back(house: House) -> None:
    edit = house.live()
    old = last(house, "SnapshotActivated")
    house.job("cleo", JobKind.REVERT, edit=edit, reason="settled")
    live = last(house, "EditReverted").data["snapshot"]
    enter(house, old, previous=live)
    unverified(house, "cannot go live by its approvals")


def test_old_approvals_do_not_take_out_a_newer_edit(house: House) -> None:
    house.live()
    old = last(house, "SnapshotActivated")
    house.live("lume")
    live = last(house, "SnapshotActivated").data["snapshot"]
    enter(house, old, previous=live)
    unverified(house, "cannot go live by its approvals")


def test_figures_that_the_evidence_does_not_give(house: House) -> None:
    house.ready("ana")
    checked = last(house, "EditsChecked")
    rules = checked.data["rules"]
    assert isinstance(rules, list)
    better: list[Mapping[str, JSON]] = [
        {**rule, "value": 0.999, "n": 100_000}
        for rule in rules
        if isinstance(rule, dict)
    ]
    enter(house, checked, rules=better)
    unverified(house, "does not give the figures the entry says")


def test_whoever_signed_something_since_looks_again(house: House) -> None:
    """Else two statements could name the same head, and one pass for an old one."""
    one, two = house.ready("ana"), house.propose("ana", "lume")
    application = house.as_("ben")
    seen, detail = application.head(), application.edit(one)
    application.sign(two, Decision.REJECT, "no", seen=seen)
    with pytest.raises(WrongStateError, match="signed something else"):
        application.sign(
            one,
            Decision.APPROVE,
            "looked",
            candidate=detail.candidate,
            evidence=detail.evidence_digest,
            seen=seen,
        )
    assert house.approve("ben", one).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_whoever_signed_something_while_a_revert_was_solved_keeps_it(
    house: House,
) -> None:
    """Solving takes hours, in which people go on reviewing."""
    edit, other = house.live(), house.propose("ana", "lume")
    application = house.as_("ben")
    job = Job(JobKind.REVERT, {"edit": edit, "reason": "settled"})
    seen, result = application.head(), application.compute(job, quiet)
    house.as_("ben").sign(other, Decision.REJECT, "no")
    house.propose("cleo", "mondo")
    assert application.finish(job, result, seen=seen)["state"] == "REVERTED"
    assert house.as_("ana").verify().ok


def test_a_revert_is_not_signed_on_another_log(house: House) -> None:
    edit, other = house.live(), house.propose("ana", "lume")
    application = house.as_("ben")
    job = Job(JobKind.REVERT, {"edit": edit, "reason": "settled"})
    seen = replace(application.head(), root="0" * 64)
    result = application.compute(job, quiet)
    house.as_("ben").sign(other, Decision.REJECT, "no")
    with pytest.raises(IntegrityError, match="rewritten"):
        application.finish(job, result, seen=seen)


def test_an_edit_keeps_its_page_where_its_request_was_made_again(house: House) -> None:
    """The same request leads to the same snapshot, which two edits then name."""
    first = house.live()
    before = house.as_("ana").edit(first)
    house.job("cleo", JobKind.REVERT, edit=first, reason="settled")
    twin = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[twin])
    after = house.as_("ana").edit(first)
    assert after.candidate == house.as_("ana").edit(twin).candidate
    assert (after.certificate, after.resolved) == (before.certificate, before.resolved)
    assert after.evidence_digest == before.evidence_digest
    assert house.as_("ana").edit(twin).evidence_digest is None
    assert house.as_("ana").verify().ok
