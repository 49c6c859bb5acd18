"""A genuine signature counts for exactly what was signed, and nowhere else.

Whoever can write the database can also write entries. The program finds a borrowed
signature before it acts on it, not only when somebody verifies the ledger.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.events import SignOffGiven
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import (
    ROLLBACK_NAMESPACE,
    SIGNOFF_NAMESPACE,
    Decision,
    Head,
    RollbackStatement,
    Statement,
)
from governance.errors import IntegrityError, PolicyRefusedError
from governance.identity.keys import read_public_key
from governance.service.facade import JobKind
from governance.service.ports import Parts
from tests.service.house import House, build
from tests.service.test_changes import join
from tests.service.test_talked_round import (
    forge,
    refused,
    signature,
    two_approvals,
    unverified,
)


def newest(house: House) -> str:
    """Return the newest entry's time."""
    return house.as_("ana").log()[-1].time


def statement(house: House, edit: str) -> Statement:
    """Return what ben would sign of an edit that was checked."""
    application = house.as_("ana")
    detail = application.edit(edit)
    return Statement(
        origin=application.header().origin,
        head=application.head(),
        edits=(detail.digest,),
        candidate=detail.candidate or "",
        evidence=detail.evidence_digest or "",
        policy=application.policy().digest,
        decision=Decision.APPROVE,
        role="reviewer",
        comment="fine",
        principal="ben",
        time=newest(house),
    )


def carry_over(house: House, edit: str, said: Statement) -> None:
    """Write ben's genuine signature on a statement into the ledger."""
    event = SignOffGiven(
        edits=[edit],
        candidate=said.candidate,
        decision="approve",
        key=read_public_key(house.keys["ben"]).text,
        statement=said.document(),
        signature=signature(house, "ben", said.message(), SIGNOFF_NAMESPACE),
    )
    forge(house, "ben", event, time=newest(house))


@pytest.fixture
def pair(tmp_path: Path, parts: Parts) -> House:
    return two_approvals(tmp_path, parts)


def test_what_was_signed_here_of_this_log_counts(pair: House) -> None:
    """Otherwise the next tests could not fail."""
    edit = pair.ready("ana")
    carry_over(pair, edit, statement(pair, edit))
    assert pair.approve("cleo", edit).state == "LIVE"
    assert pair.as_("ana").verify().ok


def test_an_approval_of_the_same_edit_in_another_workspace_does_not_count(
    pair: House,
) -> None:
    """Same base, same request, same candidate digest, same key: another ledger."""
    edit = pair.ready("ana")
    carry_over(pair, edit, replace(statement(pair, edit), origin="governance/test"))
    refused(
        pair,
        lambda: pair.approve("cleo", edit),
        IntegrityError,
        "signed for another ledger",
    )
    unverified(pair, "says something else than what was signed")


def test_an_approval_of_a_fork_of_the_log_does_not_count(pair: House) -> None:
    edit = pair.ready("ana")
    forked = Head(2, "0" * 64)
    carry_over(pair, edit, replace(statement(pair, edit), head=forked))
    refused(
        pair,
        lambda: pair.approve("cleo", edit),
        IntegrityError,
        "first 2 entries were rewritten",
    )
    unverified(pair, "its signer saw another log")


def test_an_approval_of_a_longer_log_does_not_count(pair: House) -> None:
    """Its signer saw entries that are gone: the log was put back."""
    edit = pair.ready("ana")
    ahead = Head(pair.size() + 50, "0" * 64)
    carry_over(pair, edit, replace(statement(pair, edit), head=ahead))
    refused(
        pair,
        lambda: pair.approve("cleo", edit),
        IntegrityError,
        "entries are missing at its end",
    )


# -- rollbacks -------------------------------------------------------------------


def two_to_roll_back(root: Path, parts: Parts) -> House:
    def two(spec: dict[str, JSON]) -> None:
        spec["rollback"] = {"required_approvals": 2}

    return build(root, parts, change=two)


def pending(house: House, edit: str, **said: JSON | Head) -> RollbackSigned:
    """Return ben's genuine signature on a revert, recorded as one of ``edit``."""
    application = house.as_("ana")
    base = next(item for item in application.snapshots() if not item.edits).digest
    statement = RollbackStatement(
        origin=application.header().origin,
        head=application.head(),
        action="revert",
        edits=(application.edit(edit).digest,),
        snapshot=base,
        policy=application.policy().digest,
        reason="harm",
        principal="ben",
        time=newest(house),
    )
    statement = replace(statement, **said)  # type: ignore[arg-type]
    return RollbackSigned(
        action="revert",
        model="mini",
        snapshot=base,
        previous=application.model("mini").live,
        leaving=[edit],
        live=[],
        reason="harm",
        key=read_public_key(house.keys["ben"]).text,
        statement=statement.document(),
        signature=signature(house, "ben", statement.message(), ROLLBACK_NAMESPACE),
    )


def test_a_revert_signed_here_counts(tmp_path: Path, parts: Parts) -> None:
    house = two_to_roll_back(tmp_path, parts)
    edit = house.live()
    forge(house, "ben", pending(house, edit), time=newest(house))
    done = house.job("cleo", JobKind.REVERT, edit=edit, reason="harm")
    assert done["state"] == "REVERTED"
    assert house.as_("ana").verify().ok


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("origin", "governance/test", "something else than what was signed"),
        ("action", "activate", "something else than what was signed"),
        ("edits", ("0" * 64,), "something else than what was signed"),
        ("snapshot", "0" * 64, "something else than what was signed"),
        ("head", Head(2, "0" * 64), "first 2 entries were rewritten"),
        ("principal", "cleo", "names another principal"),
    ],
)
def test_a_signature_on_another_rollback_does_not_count(
    tmp_path: Path, parts: Parts, name: str, value: JSON | Head, match: str
) -> None:
    house = two_to_roll_back(tmp_path, parts)
    edit = house.live()
    event = pending(house, edit, **{name: value})
    forge(house, "ben", event, time=newest(house))
    refused(
        house,
        lambda: house.job("cleo", JobKind.REVERT, edit=edit, reason="harm"),
        IntegrityError,
        match,
    )
    assert not house.as_("ana").verify().ok


def test_whoever_may_sign_nothing_takes_nothing_back(house: House) -> None:
    """An auditor is on the roster in a role that the policy gives no say."""
    join(house, "dora", roles=("auditor",))
    edit = house.live()
    for act in (
        lambda: house.job("dora", JobKind.REVERT, edit=edit, reason="mine"),
        lambda: house.as_("dora").activate("base", "mine"),
    ):
        refused(house, act, PolicyRefusedError, "in none of the roles that may sign")
    done = house.job("ben", JobKind.REVERT, edit=edit, reason="harm")
    assert done["state"] == "REVERTED"


# -- names -----------------------------------------------------------------------


@pytest.mark.parametrize("key", ["ana", "mallory"])
def test_nobody_acts_in_anothers_name_by_typing_it(house: House, key: str) -> None:
    """What is not signed is recorded too; it must not name who did not do it."""
    edit = house.propose("ana")
    house.as_("ben", key=key).withdraw(edit, "in ben's name")
    assert house.as_("ana").log()[-1].actor.startswith("local:")
    other = house.propose("ana", "mondo")
    house.as_("ben").withdraw(other, "in my own")
    assert house.as_("ana").log()[-1].actor == "ben"
