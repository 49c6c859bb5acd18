"""What somebody added without the ledger's key is not signed over by the next append."""

import pytest

from governance.errors import IntegrityError
from governance.ledger.log import Ledger
from governance.service.layout import Layout
from tests.service.house import House


def test_an_entry_added_without_the_key_stays_named(house: House) -> None:
    """Else one honest action later nobody could tell it from the others."""
    edit = house.propose("ana")
    size = house.size()
    path = Layout(house.settings.workspace).ledger
    with Ledger.open(f"sqlite:///{path}") as ledger:
        data = {"edit": edit, "reason": "nobody said so"}
        ledger.append("EditWithdrawn", "ana", data, now="2026-01-01T00:01:00Z")
    with pytest.raises(IntegrityError, match="added without the ledger's key"):
        house.propose("cleo", "lume")
    with Ledger.open(f"sqlite:///{path}", readonly=True) as ledger:
        assert ledger.head().size == size + 1
    verdict = house.as_("ben").verify()
    assert not verdict.ok
    assert "without the ledger's key" in verdict.message
