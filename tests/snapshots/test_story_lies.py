"""What the holder of both keys of a workspace cannot make of genuine approvals.

The entries here are written before a reviewer signs, or behind their last head.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import canonical_bytes
from governance.domain.events import SnapshotRestored
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.inputs import ExportedEvidence, ExportInputs
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import evidence_document, inputs_for, measured, moved
from tests.snapshots.logs import begun, judged, propose, revert, sign
from tests.snapshots.people import (
    ADA,
    BOB,
    Person,
    edit,
    request,
    rollback,
    signers,
)
from tests.snapshots.sealing import all_files
from tests.snapshots.test_ledger_key_lies import enter_again, out_of, rewrite, signed_by
from tests.snapshots.test_verify import keys, messages, named, rewrite_manifest

EDITS = "governance/edits.json"
MANIFEST = "governance/manifest.json"
SIGNOFFS = "governance/signoffs"


def test_every_edit_that_goes_live_was_measured(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """Two edits were solved together, and the check left one out."""
    one, other = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (one, other), moved(folder, 2))
    (picture,) = both.evidence[0].images
    document = evidence_document(both.snapshot, (one,), picture)
    digest = store.put_bytes(canonical_bytes(document))
    evidence = (ExportedEvidence(digest, (picture,)),)
    both = replace(both, evidence=evidence, results=measured((one,)), signoffs=())
    log = begun(both)
    rules: Any = judged(replace(both, edits=(one,)))
    rewrite(log, "EditsChecked", edits=[one.id], rules=rules)
    both = signed_by(log, both, BOB)
    out = out_of(both, log, sign(log, both), store, tmp_path / "out")
    assert named(out) == [(EDITS, "proof"), (EDITS, "proof")]
    assert "its check measured other edits than were solved" in messages(out)


def test_an_edit_that_was_taken_back_does_not_live_again_by_its_old_approvals(
    inputs: ExportInputs, folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    log = begun(inputs)
    now = signed_by(log, inputs, BOB)
    given = sign(log, now)
    bare = inputs_for(folder, store, (), {})
    revert(log, bare, "E-0001", rollback(bare, BOB, log.head(), now.edits[0]))
    enter_again(log, "SnapshotActivated")
    out = out_of(now, log, given, store, tmp_path / "out")
    assert named(out) == [(EDITS, "proof"), (SIGNOFFS, "signature")]
    assert "as entry 9 makes it live" in messages(out)


def test_a_rollback_does_not_bring_back_what_was_taken_back(
    inputs: ExportInputs, folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """One reviewer may sign it, where an edit needs more, and its proposer too."""
    log = begun(inputs)
    now = signed_by(log, inputs, BOB)
    given = sign(log, now)
    bare = inputs_for(folder, store, (), {})
    revert(log, bare, "E-0001", rollback(bare, BOB, log.head(), now.edits[0]))
    said = rollback(now, BOB, log.head(), action="activate")
    event = SnapshotRestored(
        model=now.model,
        snapshot=now.snapshot.digest,
        previous=bare.snapshot.digest,
        live=["E-0001"],
        reason=str(said.document["reason"]),
        key=said.key,
        statement=said.document,
        signature=said.signature,
    )
    entry = log.add(event, BOB.name, now.created)
    given = (*given, replace(said, sequence=entry.sequence))
    out = out_of(now, log, given, store, tmp_path / "out")
    assert named(out) == [(EDITS, "proof")]
    assert "E-0001: entry 8 took it back, and entry 9 makes it live" in messages(out)


def test_approvals_of_another_edit_do_not_bring_back_what_was_taken_back(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """The snapshot they name holds it, and nobody who signed was told so."""
    back, new = edit(request()), edit(request("Another"), BOB, "E-0002")
    one = inputs_for(folder, store, (back,), moved(folder))
    log = begun(one)
    one = signed_by(log, one, BOB)
    given = sign(log, one)
    bare = inputs_for(folder, store, (), {})
    left = revert(log, bare, back.id, rollback(bare, BOB, log.head(), back))
    both = inputs_for(folder, store, (back, new), moved(folder, 2))
    (picture,) = both.evidence[0].images
    document = evidence_document(both.snapshot, (new,), picture)
    digest = store.put_bytes(canonical_bytes(document))
    evidence = ExportedEvidence(digest, (picture,))
    alone = replace(both, edits=(new,), evidence=(evidence,), signoffs=())
    propose(log, alone)
    alone = signed_by(log, alone, ADA)
    more = sign(log, alone)
    last = log.entries[-1]
    log.entries[-1] = replace(last, data={**last.data, "live": [back.id, new.id]})
    whole = replace(both, evidence=(*one.evidence, evidence))
    out = out_of(whole, log, (*given, left, *more), store, tmp_path / "out")
    assert named(out) == [(EDITS, "proof")]
    assert "E-0001: entry 8 took it back, and entry 13 makes it live" in messages(out)


def test_an_edited_snapshot_is_not_registered_as_the_base(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Else card and verdict call it the base model, unedited."""
    log = begun(inputs)
    rewrite(log, "ModelRegistered", base=inputs.snapshot.digest)
    now = signed_by(log, inputs, BOB)
    out = out_of(now, log, sign(log, now), store, tmp_path / "out")
    assert named(out) == [(MANIFEST, "proof")]
    assert "no entry of the ledger registers its base model" in messages(out)


def test_the_sizes_of_the_base_are_those_registered(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """A derived export holds no file of the base to count."""
    log = begun(inputs)
    files: Any = [{**asdict(item), "size": 1} for item in inputs.folder.files]
    rewrite(log, "ModelRegistered", files=files)
    now = signed_by(log, inputs, BOB)
    out = out_of(now, log, sign(log, now), store, tmp_path / "out")
    assert named(out) == [(MANIFEST, "proof")]


@pytest.mark.parametrize("asked_for", ["other", "miniature"])
def test_an_edit_was_proposed_for_the_model_it_edits(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path, asked_for: str
) -> None:
    """Whoever proposed it may have asked for another; so may the entry."""
    asked: Any = request()
    asked["metadata"]["model"] = asked_for
    now = inputs_for(folder, store, (edit(asked),), moved(folder))
    log = begun(now)
    if asked_for == "miniature":
        rewrite(log, "EditProposed", model="other")
    now = signed_by(log, now, BOB)
    out = out_of(now, log, sign(log, now), store, tmp_path / "out")
    assert (EDITS, "proof") in named(out)
    assert "E-0001: it was proposed for another model" in messages(out)


def test_an_edit_was_solved_on_the_model_it_edits(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    log = begun(inputs)
    rewrite(log, "EditsApplied", model="other")
    now = signed_by(log, inputs, BOB)
    out = out_of(now, log, sign(log, now), store, tmp_path / "out")
    assert named(out) == [(EDITS, "proof")]
    assert "E-0001: it was solved on another model" in messages(out)


def test_sign_offs_lie_where_card_and_report_say(export: Path) -> None:
    for ending in ("", ".sshsig"):
        (export / f"{SIGNOFFS}/1.json{ending}").rename(
            export / f"{SIGNOFFS}/7.json{ending}"
        )

    def rename(manifest: Any) -> None:
        manifest["signoffs"][0]["file"] = f"{SIGNOFFS}/7.json"
        manifest["files"] = [asdict(item) for item in all_files(export)]

    rewrite_manifest(export, rename)
    assert f"{SIGNOFFS}/1.json" in (export / "README.md").read_text()
    assert named(export) == [(MANIFEST, "proof")]
    assert "number 1 has another name" in messages(export)


def test_a_proposer_whom_the_verifier_does_not_know_is_noted(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Ada wrote the first roster, with a second name of hers on it."""
    other = Person("mallory")
    now = replace(
        inputs,
        edits=(edit(request(), other),),
        allowed_signers=signers(ADA, BOB, other),
    )
    log = begun(now)
    now = signed_by(log, now, ADA)
    out = out_of(now, log, sign(log, now), store, tmp_path / "out")
    (note,) = verify_export(out, keys(tmp_path, ADA, BOB)).notes
    assert (
        "E-0001 was proposed by mallory, of whom the signers you gave hold no" in note
    )
    assert verify_export(out, keys(tmp_path, ADA, BOB, other)).notes == ()
    assert verify_export(out).notes == ()
