"""An audit with a second process finds what an audit alone finds."""

from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from governance.domain.events import EditProposed
from governance.domain.signoff import PROPOSAL_NAMESPACE
from governance.errors import IntegrityError
from governance.identity.keys import read_key_file
from governance.identity.sshsig import sign_with_key
from governance.ledger.database import sqlite_url
from governance.ledger.entry import Entry
from governance.ledger.log import Ledger
from governance.runners.pool import WorkerPool
from governance.service import verification
from governance.service.audit_helper import Helper, all_right
from governance.service.authority import Claim
from governance.service.views import LedgerVerdict
from tests.service.house import House

NOW = "2026-01-02T00:00:00Z"


def payload(sequence: int) -> bytes:
    return Entry(sequence, NOW, "EditWithdrawn", "ana", {"edit": "E-0001"}).payload


def claim(house: House, name: str, words: str) -> Claim:
    """Return a signature over ``words`` as one over ``digest`` by ana."""
    key = read_key_file(house.keys[name]).load()
    signature = sign_with_key(key, words.encode(), PROPOSAL_NAMESPACE)
    public = Path(f"{house.keys['ana']}.pub").read_text(encoding="utf-8")
    return Claim(signature, "digest", PROPOSAL_NAMESPACE, public, "the claim")


def forge(house: House) -> None:
    """Propose in ana's name, without her key."""
    house.propose("ana")
    told = next(r for r in house.as_("ana").log() if r.event == "EditProposed")
    data = told.payload["data"]
    assert isinstance(data, dict)
    key = read_key_file(house.keys["mallory"]).load()
    forged = sign_with_key(key, str(data["digest"]).encode(), PROPOSAL_NAMESPACE)
    event = EditProposed(**{**data, "edit": "E-0002", "signature": forged})
    url = sqlite_url(house.settings.workspace / "ledger.db")
    with Ledger.open(url) as ledger:
        ledger.append(event.name, "ana", event.data(), now=NOW)


def verdict(
    house: House, monkeypatch: pytest.MonkeyPatch, *, helped: bool
) -> LedgerVerdict:
    monkeypatch.setattr(verification, "worth_helping", lambda _: helped)
    return house.as_("ana").verify()


def test_a_whole_story_verifies_with_help(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    alone = verdict(house, monkeypatch, helped=False)
    assert alone.ok
    assert verdict(house, monkeypatch, helped=True) == alone


def test_a_forged_signature_is_named_as_it_is_without_help(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(house)
    alone = verdict(house, monkeypatch, helped=False)
    assert "E-0002, proposed by 'ana'" in alone.message
    assert verdict(house, monkeypatch, helped=True) == alone


def test_a_second_process_that_dies_changes_no_verdict(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise BrokenExecutor

    monkeypatch.setattr(WorkerPool, "start", dead)
    house.propose("ana")
    assert verdict(house, monkeypatch, helped=True).ok
    with Helper() as helper:
        helper.read(payload(1))
        assert not helper.all_fine()


def test_a_payload_in_another_form_is_not_right() -> None:
    assert all_right([payload(1), payload(2)], [])
    assert not all_right([payload(1), payload(2) + b" "], [])
    with Helper() as helper:
        assert helper.read(payload(1) + b" ").sequence == 1
        assert not helper.all_fine()


def test_what_is_no_entry_is_refused_at_once() -> None:
    with Helper() as helper, pytest.raises(IntegrityError, match="no JSON"):
        helper.read(b"{")


def test_signatures_by_another_or_over_something_else_are_not_right(
    house: House,
) -> None:
    assert all_right([], [claim(house, "ana", "digest")])
    assert not all_right([], [claim(house, "ana", "another")])
    assert not all_right([], [claim(house, "mallory", "digest")])
