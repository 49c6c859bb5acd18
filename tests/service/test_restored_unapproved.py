"""Whoever holds the ledger's key and one reviewer's cannot skip four eyes by returning.

A rollback may take one signature only, its proposer's own. So it takes edits out, and
brings none to life.
"""

from typing import Any

import pytest

from governance.domain.events import EditReverted, SnapshotRestored
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import ROLLBACK_NAMESPACE, Head, RollbackStatement
from governance.errors import IntegrityError
from governance.identity.keys import read_public_key
from governance.ledger.entry import timestamp
from governance.service.facade import JobKind
from tests.service.house import House
from tests.service.test_talked_round import forge, signature, unverified


def roll_back(
    house: House,
    action: str,
    snapshot: str,
    live: list[str],
    left: str = "",
    *,
    waits: bool = False,
    named: str = "",
) -> None:
    """Enter a rollback that ana alone signed, past the program."""
    application = house.as_("ana")
    head, now = application.head(), timestamp(house.clock())
    said = RollbackStatement(
        origin=application.header().origin,
        head=Head(head.size, head.root),
        action=action,
        edits=[application.edit(left).digest] if left else [],
        snapshot=snapshot,
        policy=application.policy().digest,
        reason="settled",
        principal="ana",
        time=now,
    )
    both: dict[str, Any] = {
        "model": "mini",
        "snapshot": snapshot,
        "previous": application.model("mini").live,
        "live": live,
        "reason": "settled",
        "key": read_public_key(house.keys["ana"]).text,
        "statement": said.document(),
        "signature": signature(house, "ana", said.message(), ROLLBACK_NAMESPACE),
    }
    if waits:
        leaving = [left] if left else []
        forge(house, "ana", RollbackSigned(action, leaving=leaving, **both), time=now)
    elif action == "activate":
        forge(house, "ana", SnapshotRestored(**both), time=now)
    else:
        event = EditReverted(edit=named or left, certificate=[], **both)
        forge(house, "ana", event, time=now)


def candidate(house: House, edit: str) -> str:
    found = house.as_("ana").edit(edit).candidate
    assert found is not None
    return found


def test_a_candidate_that_nobody_approved_is_not_returned_to(house: House) -> None:
    """Ana proposed it, and signs for returning to what never was live."""
    edit = house.ready("ana")
    roll_back(house, "activate", candidate(house, edit), [edit])
    unverified(house, "a rollback made E-0001 live, which only approvals can")


def test_nor_is_it_shown_as_live_to_whoever_opens_the_workspace(house: House) -> None:
    edit = house.ready("ana")
    roll_back(house, "activate", candidate(house, edit), [edit])
    with pytest.raises(IntegrityError, match="which only approvals can"):
        house.as_("ben").edit(edit)


def test_weights_that_never_lived_are_not_returned_to(house: House) -> None:
    """They say that they hold what is live; nobody approved these tensors."""
    edit = house.live()
    live = house.as_("ana").model("mini").live
    other = candidate(house, house.ready("cleo", "lume"))
    assert other != live
    roll_back(house, "activate", other, [edit])
    unverified(house, "went live again, and never was")


def test_what_was_taken_back_does_not_return_without_approvals(house: House) -> None:
    edit = house.live()
    was = house.as_("ana").model("mini").live
    house.job("cleo", JobKind.REVERT, edit=edit, reason="harm")
    roll_back(house, "activate", was, [edit])
    unverified(house, "a rollback made E-0001 live, which only approvals can")


def test_a_revert_brings_nothing_in(house: House) -> None:
    """The first edit leaves; one that was solved before it, unapproved, comes."""
    other = house.ready("ana", "lume")
    alone = candidate(house, other)
    first = house.live()
    roll_back(house, "revert", alone, [other], left=first)
    unverified(house, "a rollback made E-0001 live, which only approvals can")


def test_a_rollback_that_waits_brings_nothing_in_either(house: House) -> None:
    edit = house.ready("ana")
    roll_back(house, "activate", candidate(house, edit), [edit], waits=True)
    unverified(house, "a rollback made E-0001 live, which only approvals can")


def test_a_revert_names_the_edit_it_takes_out(house: House) -> None:
    base = house.as_("ana").model("mini").live
    first = house.live()
    other = house.propose("ana", "lume")
    roll_back(house, "revert", base, [], left=first, named=other)
    unverified(house, "the entry reverts E-0002, and takes out others")


def test_the_same_entry_without_the_lie_holds(house: House) -> None:
    base = house.as_("ana").model("mini").live
    roll_back(house, "revert", base, [], left=house.live())
    assert house.as_("ana").verify().ok
