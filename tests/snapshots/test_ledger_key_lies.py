"""What whoever holds the model signing key and the ledger's key cannot say either.

Both lie in the workspace: whoever runs it can write entries that nobody else saw.
Reviewers' keys, and the heads they signed, bind them still.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import JSON
from governance.domain import events
from governance.domain.signoff import Signed
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import ExportInputs
from tests.snapshots.conftest import inputs_for, moved
from tests.snapshots.logs import Chronicle, begun, cited, propose, revert, sign
from tests.snapshots.people import (
    ADA,
    BOB,
    Person,
    approval,
    edit,
    request,
    rollback,
)
from tests.snapshots.test_verify import messages, named

PROOFS = "governance/proofs.json"
SIGNOFFS = "governance/signoffs"


def rewrite(log: Chronicle, event: str, **changes: JSON) -> None:
    """Put other words into the first entry of an event."""
    at = next(n for n, entry in enumerate(log.entries) if entry.event == event)
    old = log.entries[at]
    log.entries[at] = replace(old, data={**old.data, **changes})


def enter_again(
    log: Chronicle, event: str, actor: str | None = None, **changes: JSON
) -> None:
    """Append what the first entry of an event says, in other words."""
    old = next(entry for entry in log.entries if entry.event == event)
    again = {**old.data, **changes}
    number = len(log.entries) + 1
    log.entries.append(
        replace(old, sequence=number, actor=actor or old.actor, data=again)
    )


def signed_by(log: Chronicle, inputs: ExportInputs, *people: Person) -> ExportInputs:
    """The inputs, approved by people who saw the log as it is."""
    given = tuple(approval(inputs, who, head=log.head()) for who in people)
    return replace(inputs, signoffs=given)


def out_of(
    inputs: ExportInputs,
    log: Chronicle,
    given: tuple[Signed, ...],
    store: ObjectStore,
    target: Path,
) -> Path:
    return export_diffusers(cited(inputs, log, given), store, target).path


# Proposals


def test_a_proposer_nobody_knows_does_not_make_two_people_of_one(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Ada proposes under a name and key she made up, and approves it herself."""
    other = replace(inputs, edits=(edit(request(), Person("mallory")),))
    log = begun(other)
    other = signed_by(log, other, ADA)
    out = out_of(other, log, sign(log, other), store, tmp_path / "out")
    assert named(out) == [(PROOFS, "signature")]
    assert "the roster gave its proposer, mallory, no such key" in messages(out)


def test_a_key_without_its_signature_makes_nobody_a_proposer(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Ada proposes in Bob's name, with his public key, and approves it herself."""
    bobs = edit(request(), BOB)
    other = replace(inputs, edits=(replace(bobs, signature=None),))
    log = begun(other)
    other = signed_by(log, other, ADA)
    out = out_of(other, log, sign(log, other), store, tmp_path / "out")
    assert "expected a key and its signature, found one of the two" in messages(out)
    assert (PROOFS, "signature") in named(out)


def test_a_request_in_an_entry_is_the_one_that_was_signed(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Else the policy would be asked about a milder one."""
    milder: Any = request()
    milder["spec"]["concepts"][0]["source"] = "nobody"
    log = begun(inputs)
    rewrite(log, "EditProposed", request=milder)
    inputs = signed_by(log, inputs, BOB)
    out = out_of(inputs, log, sign(log, inputs), store, tmp_path / "out")
    assert named(out) == [(PROOFS, "proof")]
    assert "the request it holds is not the one that was signed" in messages(out)


def test_an_edit_is_proposed_once(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Bob proposed it and approved it himself; Ada's name is entered afterwards."""
    own = replace(inputs, edits=(edit(request(), BOB),))
    log = begun(own)
    own = signed_by(log, own, BOB)
    given = sign(log, own)
    adas = edit(request(), ADA)
    proposal = {"key": adas.key, "signature": adas.signature}
    enter_again(log, "EditProposed", actor=ADA.name, **proposal)
    now = replace(own, edits=(adas,))
    out = out_of(now, log, given, store, tmp_path / "out")
    assert (PROOFS, "proof") in named(out)
    assert "proposes E-0001 again" in messages(out)
    assert "E-0001 was solved before it was proposed" in messages(out)


# The base


def test_a_model_is_registered_once(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """No reviewer saw where the second entry says the base comes from."""
    log = begun(inputs)
    inputs = signed_by(log, inputs, BOB)
    given = sign(log, inputs)
    source = "somebody/else@main"
    enter_again(log, "ModelRegistered", source=source)
    now = replace(inputs, source=source)
    out = out_of(now, log, given, store, tmp_path / "out")
    assert named(out) == [(PROOFS, "proof")]
    assert "registers miniature again, or too late" in messages(out)


def test_a_model_is_registered_before_it_is_edited(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """The entry that reviewers saw is left out."""
    log = begun(inputs)
    inputs = signed_by(log, inputs, BOB)
    given = sign(log, inputs)
    source = "somebody/else@main"
    enter_again(log, "ModelRegistered", source=source)
    whole = cited(replace(inputs, source=source), log, given)
    log_of = log.proven([n for n in range(1, len(log.entries) + 1) if n != 2])
    now = replace(whole, log=log_of)
    out = export_diffusers(now, store, tmp_path / "out").path
    assert named(out) == [(PROOFS, "proof")]
    assert "registers miniature again, or too late" in messages(out)


@pytest.mark.parametrize("key", [None, 7, [], [[]], {}, {"x": []}])
def test_a_signing_key_that_is_anything_at_all_is_a_finding(
    inputs: ExportInputs,
    store: ObjectStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: JSON,
) -> None:
    """A forger's program writes what this one refuses to write."""
    log = begun(inputs)
    inputs = signed_by(log, inputs, BOB)
    given = sign(log, inputs)
    whole = cited(inputs, log, given)
    rewrite(log, "SigningKeyRecorded", key=key)
    now = replace(whole, head=log.head(), log=log.proven())
    with monkeypatch.context() as forger:
        forger.setitem(events._TYPES, "SigningKeyRecorded", {})
        out = export_diffusers(now, store, tmp_path / "out").path
    assert ("governance/keys/model-signing.pub", "signature") in named(out)


# What a reviewer saw


def test_a_reviewer_saw_the_check_they_approved(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Solve and check are entered anew behind the approval, with nicer figures."""
    log = begun(inputs)
    inputs = signed_by(log, inputs, BOB)
    sign(log, inputs)
    nicer = ({**inputs.edits[0].certificate[0], "residual": 0.0},)
    now = replace(inputs, edits=(replace(inputs.edits[0], certificate=nicer),))
    propose(log, now)
    del log.entries[-3]  # The second proposal.
    log.entries[-2:] = [
        replace(entry, sequence=entry.sequence - 1) for entry in log.entries[-2:]
    ]
    given = sign(log, now)
    out = out_of(now, log, given, store, tmp_path / "out")
    assert named(out) == [(PROOFS, "proof"), (SIGNOFFS, "signature")]
    assert "signed without having seen the check" in messages(out)


# Rollbacks


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action": "withdraw revert"}, "signed for another action"),
        ({"action": "activate"}, "signed for another action"),
        ({"edits": ["0" * 64]}, "signed for other edits"),
        ({"edits": []}, "signed for other edits"),
    ],
)
def test_a_statement_for_something_else_takes_nothing_out(
    folder: PipelineFolder,
    store: ObjectStore,
    tmp_path: Path,
    changes: dict[str, object],
    words: str,
) -> None:
    """Bob ended a revert that waited: his words do not complete it."""
    stays, leaves = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (stays, leaves), moved(folder, 2))
    now = inputs_for(folder, store, (stays,), moved(folder))
    log = begun(both)
    given = sign(log, both)
    said = rollback(now, BOB, log.head(), leaves, **changes)
    back = revert(log, now, "E-0002", said)
    now = replace(now, evidence=both.evidence)
    out = out_of(now, log, (*given, back), store, tmp_path / "out")
    assert named(out) == [(SIGNOFFS, "signature")]
    assert words in messages(out)


def test_a_rollback_gives_the_reason_that_was_signed(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    stays, leaves = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (stays, leaves), moved(folder, 2))
    now = inputs_for(folder, store, (stays,), moved(folder))
    log = begun(both)
    given = sign(log, both)
    back = revert(log, now, "E-0002", rollback(now, BOB, log.head(), leaves))
    rewrite(log, "EditReverted", reason="by order of a court")
    now = replace(now, evidence=both.evidence)
    out = out_of(now, log, (*given, back), store, tmp_path / "out")
    assert named(out) == [(SIGNOFFS, "signature")]
    assert "signed for another reason" in messages(out)


def test_a_statement_is_entered_once(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """What Bob took out went live again by new approvals: his old word is over."""
    stays, leaves = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (stays, leaves), moved(folder, 2))
    now = inputs_for(folder, store, (stays,), moved(folder))
    log = begun(both)
    given = sign(log, both)
    said = rollback(now, BOB, log.head(), leaves)
    revert(log, now, "E-0002", said)
    enter_again(log, "SnapshotActivated")
    back = revert(log, now, "E-0002", said)
    now = replace(now, evidence=both.evidence)
    out = out_of(now, log, (*given, back), store, tmp_path / "out")
    assert named(out) == [(PROOFS, "proof")]
    assert "an old statement was entered again" in messages(out)
