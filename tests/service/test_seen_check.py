"""Whoever approves has seen the check: their signature covers its entry."""

import pytest

from governance.domain.signoff import Decision
from governance.errors import WrongStateError
from governance.service.facade import JobKind
from tests.service.house import House


def test_a_check_repeated_to_the_same_end_is_looked_at_again(house: House) -> None:
    edit = house.ready("ana")
    application = house.as_("ben")
    seen, detail = application.head(), application.edit(edit)
    house.job("ana", JobKind.CHECK, edit=edit)
    again = house.as_("ben")
    assert again.edit(edit).evidence_digest == detail.evidence_digest
    size = house.size()
    with pytest.raises(WrongStateError, match="changed while you were signing"):
        again.sign(
            edit,
            Decision.APPROVE,
            "looked at both",
            candidate=detail.candidate,
            evidence=detail.evidence_digest,
            seen=seen,
        )
    assert house.size() == size
    assert house.approve("ben", edit).state == "LIVE"


def test_a_reject_needs_no_newer_look(house: House) -> None:
    edit = house.ready("ana")
    seen = house.as_("ben").head()
    house.job("ana", JobKind.CHECK, edit=edit)
    acted = house.as_("ben").sign(edit, Decision.REJECT, "never", seen=seen)
    assert acted.state == "REJECTED"
