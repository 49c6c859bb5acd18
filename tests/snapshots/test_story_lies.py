"""What the holder of both keys of a workspace cannot make of genuine approvals.

The entries here are written before a reviewer signs, or behind their last head.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import canonical_bytes
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.inputs import ExportedEvidence, ExportInputs
from tests.snapshots.conftest import evidence_document, inputs_for, measured, moved
from tests.snapshots.logs import begun, judged, revert, sign
from tests.snapshots.people import ADA, BOB, edit, request, rollback
from tests.snapshots.sealing import all_files
from tests.snapshots.test_ledger_key_lies import enter_again, out_of, rewrite, signed_by
from tests.snapshots.test_verify import messages, named, rewrite_manifest

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
    assert named(out) == [(SIGNOFFS, "signature")]
    assert "as entry 9 makes it live" in messages(out)


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
