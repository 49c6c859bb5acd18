"""A rollback that waits may be ended, by whoever could sign for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.rollback import RollbackWithdrawn
from governance.domain.signoff import ROLLBACK_NAMESPACE, RollbackStatement
from governance.errors import (
    IntegrityError,
    NotFoundError,
    PolicyRefusedError,
    UsageError,
    WrongStateError,
)
from governance.identity.keys import read_public_key
from governance.service.ports import Parts
from tests.service.house import House
from tests.service.test_changes import join, leave
from tests.service.test_joint_rollback import both, live, revert
from tests.service.test_talked_round import forge, refused, signature, unverified


@pytest.fixture
def pair(tmp_path: Path, parts: Parts) -> House:
    return both(tmp_path, parts)


def waiting(house: House, edit: str) -> int:
    return len(house.as_("ana").edit(edit).rollbacks)


@pytest.mark.parametrize("who", ["ben", "cleo"])
def test_a_revert_that_waits_is_ended_by_its_signer_or_by_another(
    pair: House, who: str
) -> None:
    edit = pair.live()
    before = live(pair)
    revert(pair, "ben", edit)
    ended = pair.as_(who).withdraw_revert(edit, "it was the wrong edit")
    assert (ended.edits, ended.state, ended.live) == ((edit,), "LIVE", before)
    assert waiting(pair, edit) == 0
    row = pair.as_("ana").log()[-1]
    assert (row.event, row.actor) == ("RollbackWithdrawn", who)
    assert pair.as_("ana").verify().ok


def test_a_signature_on_what_was_ended_does_not_count_any_more(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    pair.as_("ben").withdraw_revert(edit, "a mistake")
    assert revert(pair, "cleo", edit)["missing"] == ["1 more signature"]
    assert revert(pair, "ben", edit)["state"] == "REVERTED"
    assert pair.as_("ana").verify().ok


def test_a_return_to_the_base_that_waits_is_ended(pair: House) -> None:
    edit = pair.live()
    pair.as_("ben").activate("base", "harm")
    ended = pair.as_("cleo").withdraw_return("base", "there is none")
    assert (ended.edits, ended.state) == ((edit,), "LIVE")
    assert waiting(pair, edit) == 0
    assert pair.as_("ana").activate("base", "harm").missing == ("1 more signature",)
    assert pair.as_("ana").verify().ok


def test_ending_a_revert_leaves_a_return_that_waits_beside_it(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    pair.as_("ben").activate("base", "harm")
    pair.as_("ben").withdraw_revert(edit, "the return will do")
    assert pair.as_("cleo").activate("base", "harm").missing == ()


def test_what_does_not_wait_is_not_ended(pair: House) -> None:
    edit = pair.live()
    attempts: list[Callable[[], object]] = [
        lambda: pair.as_("ben").withdraw_revert(edit, "a mistake"),
        lambda: pair.as_("ben").withdraw_return("base", "a mistake"),
    ]
    for attempt in attempts:
        refused(pair, attempt, WrongStateError, "waits for signatures")
    revert(pair, "ben", edit)
    refused(
        pair,
        lambda: pair.as_("ben").withdraw_revert(edit, "mistake", snapshot="0" * 64),
        NotFoundError,
        "expected a snapshot that waits",
    )
    refused(
        pair,
        lambda: pair.as_("ben").withdraw_revert(edit, "  "),
        UsageError,
        "expected a reason",
    )


def test_nobody_outside_ends_it(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    refused(
        pair,
        lambda: pair.as_("mallory").withdraw_revert(edit, "no"),
        PolicyRefusedError,
        "belongs to nobody on the roster",
    )
    join(pair, "dora")
    leave(pair, "cleo")
    refused(
        pair,
        lambda: pair.as_("cleo").withdraw_revert(edit, "no"),
        PolicyRefusedError,
        "belongs to nobody on the roster",
    )


def test_a_proposer_whose_signature_would_not_count_cannot_end_it(
    tmp_path: Path, parts: Parts
) -> None:
    """Else whoever proposed the harm could keep it live."""
    house = both(tmp_path, parts, proposer_allowed=False)
    edit = house.live()
    revert(house, "ben", edit)
    refused(
        house,
        lambda: house.as_("ana").withdraw_revert(edit, "it is fine"),
        PolicyRefusedError,
        "given by the proposer",
    )
    assert waiting(house, edit) == 1


# -- past the program ------------------------------------------------------------


def forged(house: House, who: str, edit: str, **changes: JSON) -> RollbackWithdrawn:
    """Return a genuine end of the revert that waits, with what the entry says changed."""
    application = house.as_("ana")
    record = application.edit(edit)
    statement = RollbackStatement(
        origin=application.header().origin,
        head=application.head(),
        action="withdraw revert",
        edits=(record.digest,),
        snapshot=record.rollbacks[0].snapshot,
        policy=application.policy().digest,
        reason="a mistake",
        principal=who,
        time="2026-06-01T00:00:00Z",
    )
    event = RollbackWithdrawn(
        action="revert",
        model="mini",
        snapshot=record.rollbacks[0].snapshot,
        leaving=[edit],
        reason="a mistake",
        key=read_public_key(house.keys[who]).text,
        statement=statement.document(),
        signature=signature(house, who, statement.message(), ROLLBACK_NAMESPACE),
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def test_a_genuine_end_that_somebody_carried_over_is_accepted(pair: House) -> None:
    """Otherwise the next tests could not fail."""
    edit = pair.live()
    revert(pair, "ben", edit)
    forge(pair, "cleo", forged(pair, "cleo", edit))
    assert pair.as_("ana").verify().ok


def test_an_end_with_another_reason_than_was_signed_is_found(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    forge(pair, "cleo", forged(pair, "cleo", edit, reason="ben said so"))
    unverified(pair, "another reason than was signed")


def test_an_end_in_anothers_name_is_found(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    forge(pair, "ben", forged(pair, "cleo", edit))
    unverified(pair, "names another principal")


def test_an_end_by_somebody_who_had_no_say_is_found(
    tmp_path: Path, parts: Parts
) -> None:
    house = both(tmp_path, parts, proposer_allowed=False)
    edit = house.live()
    revert(house, "ben", edit)
    forge(house, "ana", forged(house, "ana", edit))
    unverified(house, "given by the proposer")


def test_a_signature_for_a_revert_does_not_end_it(pair: House) -> None:
    """Nor does one that ends it count for it: what is signed says which."""
    edit = pair.live()
    revert(pair, "ben", edit)
    row = pair.as_("ana").log()[-1].payload
    data = row["data"]
    assert isinstance(data, dict)
    kept = {name: data[name] for name in ("key", "statement", "signature", "reason")}
    forge(pair, "ben", forged(pair, "ben", edit, **kept))
    unverified(pair, "says something else than what was signed")


def test_ending_what_does_not_wait_is_found(pair: House) -> None:
    edit = pair.live()
    revert(pair, "ben", edit)
    end = forged(pair, "cleo", edit)
    forge(pair, "cleo", end)
    forge(pair, "cleo", end)
    with pytest.raises(IntegrityError, match="which did not wait"):
        pair.as_("ana")
