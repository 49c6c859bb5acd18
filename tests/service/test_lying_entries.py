"""What an entry says beside its signatures is checked too.

Whoever holds the ledger's key and one reviewer's can append what the program never
would: each entry here lies in one field, and verify names it.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from governance.canonical import JSON
from governance.domain.events import EditProposed
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import ROLLBACK_NAMESPACE, Head, RollbackStatement
from governance.domain.snapshot import Snapshot
from governance.errors import IntegrityError
from governance.identity.keys import read_public_key
from governance.ledger.entry import timestamp
from governance.service import opening
from governance.service.apart import Apart
from governance.service.facade import JobKind
from governance.service.stored import put_document
from tests.service.house import House
from tests.service.test_changes import APPROVE, newer
from tests.service.test_entered_again import enter, last
from tests.service.test_restored_unapproved import roll_back
from tests.service.test_talked_round import forge, proposal, signature, unverified


def key_of(house: House, who: str) -> str:
    return read_public_key(house.keys[who]).text


def two_models(house: House) -> None:
    house.as_("ana").add_model("other", str(house.root / "model"))


def proposed_again(house: House, model: str) -> None:
    """Enter cleo's proposal, which she withdrew, once more, with a lie in it."""
    edit = house.propose("cleo")
    house.as_("cleo").withdraw(edit, "a mistake")
    enter(house, last(house, "EditProposed"), edit="E-0002", model=model)


# -- proposals -----------------------------------------------------------------


def unsigned(house: House) -> None:
    """Let ana propose in ben's name, his key beside it, and no signature."""
    house.as_("cleo").withdraw(house.propose("cleo"), "a mistake")
    data: dict[str, Any] = {
        **last(house, "EditProposed").data,
        "edit": "E-0002",
        "key": key_of(house, "ben"),
        "signature": None,
    }
    forge(house, "ben", EditProposed(**data))


def test_an_edit_in_the_name_of_somebody_who_never_signed(house: House) -> None:
    """Else ana would be the second person who approves it."""
    unsigned(house)
    unverified(house, "E-0002 names a key or a signature, and not both")


def test_nor_does_anybody_go_on_with_it(house: House) -> None:
    unsigned(house)
    with pytest.raises(IntegrityError, match="nobody vouches for its proposer"):
        house.as_("ana")


def test_a_change_in_the_name_of_somebody_who_never_signed(house: House) -> None:
    event = proposal(house, "ana", "mask", house.keys["mallory"])
    lie: Any = None
    forge(house, "ben", replace(event, key=key_of(house, "ben"), signature=lie))
    unverified(house, "its field signature is of another type")


def test_an_edit_of_one_model_proposed_for_another(house: House) -> None:
    two_models(house)
    proposed_again(house, model="other")
    unverified(house, "E-0002: its request is for model mini, found other")


def test_an_edit_of_no_model(house: House) -> None:
    proposed_again(house, model="none")
    unverified(house, "E-0002 is for a model that was never registered")


def test_an_edit_whose_findings_were_dropped(house: House) -> None:
    edit = house.propose("cleo")
    house.as_("cleo").withdraw(edit, "a mistake")
    enter(house, last(house, "EditProposed"), edit="E-0002", findings=[])
    unverified(house, "E-0002: the policy in force does not find what the entry says")


def test_an_edit_that_the_policy_refuses(house: House) -> None:
    """It was proposed under a policy that allowed it, and withdrawn."""
    edit = house.propose("cleo")
    house.as_("cleo").withdraw(edit, "a mistake")
    told = last(house, "EditProposed")
    strict = newer(house, 2, actions={"debias": {"methods": ["uce"]}})
    house.as_("ana").propose_policy(strict)
    house.as_("ben").sign_change("C-0001", APPROVE)
    assert house.as_("ana").verify().ok
    enter(house, told, edit="E-0002")
    unverified(house, "E-0002: the policy in force refuses its request")


# -- models --------------------------------------------------------------------


def test_a_model_that_begins_with_an_edit_in_it(house: House) -> None:
    house.live()
    live = house.as_("ana").model("mini").live
    enter(house, last(house, "ModelRegistered"), model="other", base=live)
    unverified(house, "model other: its digest is not that of its files, or its base")


def test_a_model_of_other_files_than_it_names(house: House) -> None:
    other = put_document(house.store, Snapshot("0" * 64, (), {}).document())
    told = last(house, "ModelRegistered")
    enter(house, told, model="other", digest="0" * 64, base=other)
    unverified(house, "model other: its digest is not that of its files, or its base")


# -- candidates ----------------------------------------------------------------

NOT_SOLVED = "was not solved of edits of"


@pytest.mark.parametrize("edits", [[], ["E-0001", "E-0001"]])
def test_a_candidate_of_no_edit_or_of_one_twice(
    house: House, edits: list[JSON]
) -> None:
    """Whoever approves nothing could propose nothing themselves."""
    house.ready("ana")
    enter(house, last(house, "EditsApplied"), edits=edits)
    unverified(house, NOT_SOLVED)


def test_a_candidate_of_another_model_than_its_edits(house: House) -> None:
    two_models(house)
    house.ready("ana")
    enter(house, last(house, "EditsApplied"), model="other")
    unverified(house, NOT_SOLVED)


def test_a_candidate_on_top_of_what_is_not_live(house: House) -> None:
    house.ready("ana")
    told = last(house, "EditsApplied")
    enter(house, told, parent=told.data["candidate"])
    unverified(house, NOT_SOLVED)


def test_a_candidate_that_tells_otherwise_of_what_is_live(house: House) -> None:
    house.live()
    house.ready("ana", "lume")
    told = last(house, "EditsApplied")
    resolved = told.data["resolved"]
    assert isinstance(resolved, dict)
    first = resolved["E-0001"]
    assert isinstance(first, dict)
    enter(house, told, resolved={**resolved, "E-0001": {**first, "found": {}}})
    unverified(house, "does not resolve what was live")


def test_a_candidate_that_leaves_out_what_is_live(house: House) -> None:
    house.live()
    house.ready("ana", "lume")
    told = last(house, "EditsApplied")
    resolved = told.data["resolved"]
    assert isinstance(resolved, dict)
    enter(house, told, resolved={"E-0002": resolved["E-0002"]})
    unverified(house, "does not resolve what was live")


# -- evidence ------------------------------------------------------------------


@pytest.mark.parametrize("edits", [[], ["E-0001"]])
def test_evidence_of_other_edits_than_the_candidates(
    house: House, edits: list[JSON]
) -> None:
    """It would be held to the thresholds for their actions."""
    house.ready("ana", "lume")
    house.ready("ana")
    enter(house, last(house, "EditsChecked"), edits=edits)
    unverified(house, "was measured for other edits than it is of")


def test_evidence_judged_by_a_policy_that_is_not_in_force(house: House) -> None:
    house.ready("ana")
    enter(house, last(house, "EditsChecked"), policy="0" * 64)
    unverified(house, "was judged by another policy than the one in force")


@pytest.mark.parametrize(
    ("field", "lie"), [("live", "0" * 64), ("edits", {"E-0001": "0" * 64})]
)
def test_evidence_that_compares_with_something_else(
    house: House, field: str, lie: JSON
) -> None:
    house.ready("ana")
    told = last(house, "EditsChecked")
    evidence = house.store.get(str(told.data["evidence"]))
    other = put_document(house.store, {**json.loads(evidence), field: lie})
    enter(house, told, evidence=other)
    unverified(house, "is of other edits, or compares with another snapshot")


# -- rollbacks -----------------------------------------------------------------


def test_a_revert_to_weights_of_no_edit_that_are_not_the_models(house: House) -> None:
    edit = house.live()
    base = house.as_("ana").model("mini").digest
    tensor = house.store.put_bytes(b"worse")
    other = Snapshot(base, (), {"weights.bin:w": tensor})
    put_document(house.store, other.document())
    roll_back(house, "revert", other.digest, [], left=edit)
    unverified(house, "holds no edit, but other tensors than mini")


def test_a_revert_to_another_models_weights(house: House) -> None:
    edit = house.live()
    (house.root / "second").mkdir()
    (house.root / "second" / "weights.bin").write_bytes(b"others")
    house.as_("ana").add_model("other", str(house.root / "second"))
    other = house.as_("ana").model("other").live
    roll_back(house, "revert", other, [], left=edit)
    unverified(house, "is of another model than mini")


def signed_for(house: House, edit: str, **lies: Any) -> None:
    """Enter ana's genuine signature for taking an edit out, told otherwise."""
    application = house.as_("ana")
    model, head = application.model("mini"), application.head()
    now = timestamp(house.clock())
    said = RollbackStatement(
        origin=application.header().origin,
        head=Head(head.size, head.root),
        action=lies.get("action", "revert"),
        edits=[application.edit(edit).digest],
        snapshot=model.base,
        policy=application.policy().digest,
        reason="harm",
        principal="ana",
        time=now,
    )
    told: dict[str, Any] = {
        "action": "revert",
        "model": "mini",
        "snapshot": model.base,
        "previous": model.live,
        "leaving": [edit],
        "live": [],
        "reason": "harm",
        "key": key_of(house, "ana"),
        "statement": said.document(),
        "signature": "",
        **lies,
    }
    told["signature"] = signature(house, "ana", said.message(), ROLLBACK_NAMESPACE)
    forge(house, "ana", RollbackSigned(**told), time=now)


def test_a_signature_on_a_rollback_shown_with_another_edit(house: House) -> None:
    first = house.live()
    other = house.propose("cleo", "lume")
    signed_for(house, first, leaving=[other])
    unverified(house, "names other edits than would leave")


def test_a_rollback_by_an_action_that_there_is_not(house: House) -> None:
    signed_for(house, house.live(), action="forget")
    unverified(house, "a rollback by an unknown action was signed")


def test_the_same_signature_without_the_lie_holds(house: House) -> None:
    signed_for(house, house.live())
    assert house.as_("ana").verify().ok
    house.job("ben", JobKind.REVERT, edit="E-0001", reason="harm")
    assert house.as_("ana").verify().ok


@pytest.mark.parametrize("live", ["", ["E-0009"]])
def test_a_rollback_of_what_is_no_list_of_edits_is_named(
    house: House, live: Any
) -> None:
    house.live()
    house.live("lume")
    signed_for(house, "E-0001", live=live)
    unverified(house, "another type" if live == "" else "which only approvals can")


# -- a second process ----------------------------------------------------------


def looked_at_apart(house: House) -> None:
    """Look at every entry as the second process of a long audit does."""
    settings = replace(house.settings, readonly=True)
    looker = Apart(house.store.root)
    with opening.open_existing(settings, house.parts, fold=False).ledger as ledger:
        for entry in ledger.entries():
            looker.look(entry.payload)


def test_a_second_process_judges_by_the_policy_of_its_day(house: House) -> None:
    house.live()
    limits: JSON = {"concepts": {"max": 3}}
    strict = newer(house, 2, actions={"erase": {"methods": ["uce"], "limits": limits}})
    house.as_("ana").propose_policy(strict)
    house.propose("cleo", "lume")
    house.as_("ben").sign_change("C-0001", APPROVE)
    house.ready("cleo", "mondo")
    assert house.as_("ana").verify().ok
    looked_at_apart(house)


def test_a_second_process_sees_dropped_findings(house: House) -> None:
    house.as_("cleo").withdraw(house.propose("cleo"), "a mistake")
    enter(house, last(house, "EditProposed"), edit="E-0002", findings=[])
    with pytest.raises(IntegrityError, match="does not find what the entry says"):
        looked_at_apart(house)


def test_a_second_process_sees_what_evidence_was_compared_with(house: House) -> None:
    house.ready("ana")
    told = last(house, "EditsChecked")
    evidence = json.loads(house.store.get(str(told.data["evidence"])))
    other = put_document(house.store, {**evidence, "live": "0" * 64})
    enter(house, told, evidence=other)
    with pytest.raises(IntegrityError, match="compares with another snapshot"):
        looked_at_apart(house)
