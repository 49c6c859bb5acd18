"""An audit with a second process finds what an audit alone finds."""

from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.events import EditProposed
from governance.domain.signoff import PROPOSAL_NAMESPACE
from governance.errors import IntegrityError
from governance.identity.keys import read_key_file
from governance.identity.sshsig import sign_with_key
from governance.ledger.database import sqlite_url
from governance.ledger.entry import Entry
from governance.ledger.log import Ledger
from governance.runners.pool import WorkerPool
from governance.service import apart, opening, verification
from governance.service.apart import Needed
from governance.service.audit_helper import Cited, Helper, Work, all_right
from governance.service.authority import Claim
from governance.service.ports import Parts
from governance.service.views import LedgerVerdict
from tests.service.house import House, build

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


def looked(house: House, audit: str, work: Work) -> bool:
    return all_right(audit, house.store.root, work)


def test_a_second_process_that_dies_changes_no_verdict(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise BrokenExecutor

    monkeypatch.setattr(WorkerPool, "start", dead)
    house.propose("ana")
    assert verdict(house, monkeypatch, helped=True).ok
    with Helper(house.store.root) as helper:
        helper.read(payload(1))
        assert not helper.all_fine()


def test_a_payload_in_another_form_is_not_right(house: House) -> None:
    assert looked(house, "a", Work([payload(1), payload(2)]))
    assert not looked(house, "b", Work([payload(1), payload(2) + b" "]))
    with Helper(house.store.root) as helper:
        assert helper.read(payload(1) + b" ").sequence == 1
        assert not helper.all_fine()


def test_what_is_no_entry_is_refused_at_once(house: House) -> None:
    with Helper(house.store.root) as helper:
        for nothing in (b"{", b"[]", b"\xff", payload(1).replace(b"1,", b'"1",')):
            with pytest.raises(IntegrityError, match=r"no JSON|no ledger entry"):
                helper.read(nothing)


def test_numbers_that_readers_take_for_two_things_are_read_in_one_way(
    house: House,
) -> None:
    """What is quick in the first process is held to what is slow in the second."""
    large = Entry(1, NOW, "EditWithdrawn", "ana", {"x": 1e17, "y": 1e-9, "z": "\xe9"})
    assert looked(house, "c", Work([large.payload]))
    for shown in (b'"x":1e17', b'"x":1e+17', b'"x":100000000000000000.0', b'"x":1E17'):
        changed = large.payload.replace(b'"x":100000000000000000', shown)
        assert changed != large.payload
        assert not looked(house, "d", Work([changed]))


def test_signatures_by_another_or_over_something_else_are_not_right(
    house: House,
) -> None:
    assert looked(house, "e", Work([], claims=[claim(house, "ana", "digest")]))
    assert not looked(house, "e", Work([], claims=[claim(house, "ana", "another")]))
    assert not looked(house, "e", Work([], claims=[claim(house, "mallory", "digest")]))


def test_a_statement_is_taken_from_the_entry_that_holds_it(house: House) -> None:
    said = Entry(1, NOW, "Said", "ana", {"statement": {"a": 1}}).payload
    other = Entry(2, NOW, "Said", "ana", {"statement": {"a": 2}}).payload
    silent = Entry(3, NOW, "Said", "ana", {}).payload
    given = claim(house, "ana", '{"a":1}')
    payloads = [said, other, silent]
    assert looked(house, "f", Work(payloads, [Cited(0, given)]))
    assert not looked(house, "f", Work(payloads, [Cited(1, given)]))
    assert not looked(house, "f", Work(payloads, [Cited(2, given)]))


def entries_of(house: House) -> list[bytes]:
    workspace = opening.open_existing(house.settings, house.parts)
    return [entry.payload for entry in workspace.ledger.entries()]


def protecting_kora(spec: dict[str, JSON]) -> None:
    """Want two approvals where kora is named."""
    rule = {"name": "kora", "words": ["kora"], "rule": "approvals"}
    spec["protected_concepts"] = [{**rule, "required_approvals": 2, "reason": "known"}]


def test_fewer_approvals_than_a_request_asks_for_are_not_enough(
    tmp_path: Path, parts: Parts
) -> None:
    house = build(tmp_path, parts, change=protecting_kora)
    named, plain = house.propose("ana"), house.propose("ana", "lume")
    policy = house.as_("ana").policy().digest
    assert looked(house, "g", Work(entries_of(house)))

    def enough(edit: str, counted: int) -> bool:
        return looked(house, "g", Work([], needed=[Needed(policy, (edit,), counted)]))

    assert enough(plain, 1)
    assert enough(named, 2)
    assert not enough(named, 1)
    assert not enough(plain, 0)


@pytest.mark.parametrize("event", ["EditProposed", "EditsChecked"])
def test_a_changed_request_or_judgement_is_not_right(house: House, event: str) -> None:
    house.ready("ana")
    payloads = entries_of(house)
    changes = {
        "EditProposed": (b"Stop imitating", b"Keep imitating"),
        "EditsChecked": (b'"outcome":"PASS","policy"', b'"outcome":"FAIL","policy"'),
    }
    old, new = changes[event]
    changed = [
        payload.replace(old, new) if event.encode() in payload else payload
        for payload in payloads
    ]
    assert changed != payloads
    assert looked(house, f"{event} as it is", Work(payloads))
    assert not looked(house, f"{event} changed", Work(changed))


def test_requests_that_are_no_longer_at_hand_are_made_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_RECENT", 1)
    edit = house.ready("ana")
    house.propose("ana", "lume")
    checked = next(item for item in entries_of(house) if b"EditsChecked" in item)
    looker = apart.Apart(house.store.root)
    for item in entries_of(house):
        looker.look(item)
    assert looker.look(checked).event == "EditsChecked"
    assert looker.enough(Needed(house.as_("ana").policy().digest, (edit,), 1))


def test_evidence_of_an_edit_that_nobody_proposed_is_not_right(house: House) -> None:
    house.ready("ana")
    payloads = [item for item in entries_of(house) if b'"EditProposed"' not in item]
    assert not looked(house, "h", Work(payloads))
