"""An export against what can happen to it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import JSON, canonical_bytes, digest_of
from governance.domain.signoff import Decision, Head
from governance.errors import NotFoundError, UsageError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.header import read_header
from governance.snapshots.export import export_diffusers
from governance.snapshots.findings import ExportFinding
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import inputs_for, moved
from tests.snapshots.logs import begun, cited, logged, revert, sign
from tests.snapshots.people import (
    ADA,
    BOB,
    EVE,
    Person,
    approval,
    edit,
    policy,
    request,
    rollback,
    signers,
)
from tests.snapshots.sealing import all_files, describe, record, write_pages
from tests.snapshots.sealing import sign as sign_model

UNET = "unet/diffusion_pytorch_model.safetensors"


def named(export: Path) -> list[tuple[str, str]]:
    verdict = verify_export(export)
    assert verdict.ok == (not verdict.findings)
    return [(found.path, found.problem) for found in verdict.findings]


def messages(export: Path) -> str:
    return "\n".join(found.message for found in verify_export(export).findings)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def reseal(export: Path) -> None:
    """Make the manifest fit the files again, as a forger would."""

    def fit(manifest: dict[str, Any]) -> None:
        manifest["files"] = [asdict(item) for item in all_files(export)]

    rewrite_manifest(export, fit)


def rewrite_manifest(export: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest; what repeats and signs it is made to fit."""
    place = export / "governance/manifest.json"
    manifest = json.loads(place.read_text())
    change(manifest)
    del manifest["digest"]
    write_pages(export, manifest)
    written = describe(export, manifest)
    if written:
        remade = {path: asdict(record(export / path, path)) for path in written}
        manifest["files"] = [remade.get(f["path"], f) for f in manifest["files"]]
    place.write_text(json.dumps({**manifest, "digest": digest_of(manifest)}))
    sign_model(export)


def keys(tmp_path: Path, *people: Person) -> Path:
    file = tmp_path / "trusted"
    file.write_text(signers(*people))
    return file


def test_an_untouched_export_holds_but_proves_no_author(pristine: Path) -> None:
    verdict = verify_export(pristine)
    assert verdict.findings == ()
    assert verdict.ok
    assert verdict.trust == "self"


def test_keys_obtained_elsewhere_prove_the_author(
    pristine: Path, tmp_path: Path
) -> None:
    verdict = verify_export(pristine, keys(tmp_path, ADA, BOB))
    assert (verdict.ok, verdict.trust) == (True, "pinned")


def test_keys_of_somebody_else_prove_nothing(pristine: Path, tmp_path: Path) -> None:
    verdict = verify_export(pristine, keys(tmp_path, EVE))
    assert (verdict.ok, verdict.trust) == (False, "self")
    assert "is not a key of 'bob@example.org'" in verdict.findings[-1].message


@pytest.mark.parametrize("part", ["start", "header", "middle", "end"])
def test_one_changed_byte_of_the_weights_is_named(export: Path, part: str) -> None:
    path = export / UNET
    size = path.stat().st_size
    flip(path, {"start": 0, "header": 20, "middle": size // 2, "end": size - 1}[part])
    assert named(export) == [(UNET, "changed")]


def test_one_changed_byte_of_any_file_is_named(pristine: Path, export: Path) -> None:
    for path in sorted(p for p in export.rglob("*") if p.is_file()):
        name = path.relative_to(export).as_posix()
        original = path.read_bytes()
        flip(path, len(original) // 2)
        if name == "model.sig":
            assert named(export) == [(name, "signature")]
        elif name != "governance/manifest.json":
            assert (name, "changed") in named(export)
        else:
            assert not verify_export(export).ok
        path.write_bytes(original)
    assert named(export) == named(pristine) == []


def test_bytes_all_over_the_manifest_matter(export: Path) -> None:
    place = export / "governance/manifest.json"
    original = place.read_bytes()
    for at in range(0, len(original) - 1, 61):
        flip(place, at)
        assert not verify_export(export).ok, original[max(at - 40, 0) : at + 1]
        place.write_bytes(original)


def test_an_added_file_is_named(export: Path) -> None:
    for name in ("unet/evil.py", "extra.txt", "model.sig.bak", ".git/hook", "a/b/c"):
        place = export / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
        assert (name, "added") in named(export)
        place.unlink()


def test_an_added_folder_is_named(export: Path) -> None:
    (export / "unet" / "__pycache__").mkdir()
    assert named(export) == [("unet/__pycache__/", "added")]


@pytest.mark.parametrize(
    "name", ["unet/config.json", UNET, "README.md", "governance/policy.yaml"]
)
def test_a_missing_file_is_named(export: Path, name: str) -> None:
    (export / name).unlink()
    assert (name, "missing") in named(export)


def test_a_missing_manifest_is_named(export: Path) -> None:
    (export / "governance/manifest.json").unlink()
    assert named(export) == [("governance/manifest.json", "missing")]


def test_an_exchanged_pair_of_files_is_named(export: Path) -> None:
    first, second = export / "vae/config.json", export / "unet/config.json"
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert named(export) == [
        ("unet/config.json", "changed"),
        ("vae/config.json", "changed"),
    ]


def test_a_resealed_tensor_is_still_not_the_snapshots(
    export: Path, inputs: ExportInputs
) -> None:
    name = next(iter(inputs.snapshot.tensors)).split(":")[1]
    flip(export / UNET, read_header(export / UNET)[name].start)
    reseal(export)
    assert named(export) == [(UNET, "proof")]
    assert name in messages(export)


def test_a_resealed_component_is_still_not_the_bases(export: Path) -> None:
    flip(export / "vae/diffusion_pytorch_model.safetensors", -1)
    reseal(export)
    assert named(export) == [("vae/diffusion_pytorch_model.safetensors", "proof")]
    assert "differs from the base" in messages(export)


def test_a_resealed_foreign_file_is_still_not_the_bases(export: Path) -> None:
    (export / "unet" / "evil.py").write_text("import os")
    reseal(export)
    assert named(export) == [("unet/evil.py", "proof")]


def test_a_resealed_file_less_is_still_missing(export: Path) -> None:
    (export / "scheduler/scheduler_config.json").unlink()
    (export / "scheduler").rmdir()
    reseal(export)
    assert named(export) == [("scheduler/scheduler_config.json", "missing")]


def test_a_resealed_evidence_is_still_not_the_signed_one(
    export: Path, inputs: ExportInputs
) -> None:
    place = export / f"governance/evidence/{inputs.evidence[0].digest}.json"
    better = place.read_text().replace('"value":0.91', '"value":0.99')
    assert better != place.read_text()
    place.write_text(better)
    reseal(export)
    path = place.relative_to(export).as_posix()
    assert named(export) == [(path, "proof")]


def test_evidence_that_is_not_there_is_missed(
    export: Path, inputs: ExportInputs
) -> None:
    (export / f"governance/evidence/{inputs.evidence[0].digest}.json").unlink()
    reseal(export)
    assert ("governance/signoffs/1.json", "signature") in named(export)
    assert "the evidence it names is not in the export" in messages(export)


def test_a_resealed_policy_is_not_the_one_signed_under(export: Path) -> None:
    place = export / "governance/policy.yaml"
    text = place.read_text()
    place.write_text(text.replace("required_approvals: 1", "required_approvals: 0"))
    reseal(export)
    assert ("governance/policy.yaml", "proof") in named(export)


def test_a_policy_swapped_with_its_digest_was_not_signed_under(export: Path) -> None:
    weaker = policy(0)
    (export / "governance/policy.yaml").write_bytes(canonical_bytes(weaker.document))
    reseal(export)
    rewrite_manifest(export, lambda m: m["policy"].update(digest=weaker.digest))
    assert ("governance/signoffs/1.json", "signature") in named(export)
    assert "signed under another policy" in messages(export)


def test_a_policy_with_a_duplicate_key_is_refused(export: Path) -> None:
    place = export / "governance/policy.yaml"
    place.write_text(place.read_text() + "spec: {required_approvals: 0}\n")
    reseal(export)
    assert ("governance/policy.yaml", "proof") in named(export)
    assert "no strict YAML" in messages(export)


def test_a_rewritten_request_is_found(export: Path) -> None:
    place = export / "governance/edits.json"
    place.write_text(place.read_text().replace("Stop imitating Kora", "Nothing"))
    reseal(export)
    assert ("governance/edits.json", "proof") in named(export)
    assert "its request has another digest" in messages(export)


def test_an_edit_that_is_hidden_is_found(export: Path) -> None:
    place = export / "governance/edits.json"
    document = json.loads(place.read_text())
    document["edits"] = []
    place.write_text(json.dumps(document))
    reseal(export)
    assert ("governance/edits.json", "proof") in named(export)


def test_a_forged_statement_is_found(export: Path) -> None:
    place = export / "governance/signoffs/1.json"
    place.write_bytes(place.read_bytes().replace(b"hold", b"lie!"))
    reseal(export)
    assert ("governance/signoffs/1.json", "signature") in named(export)
    assert "does not verify" in messages(export)


def test_a_statement_without_its_signature_is_found(export: Path) -> None:
    (export / "governance/signoffs/1.json.sshsig").unlink()
    reseal(export)
    assert ("governance/signoffs/1.json", "signature") in named(export)
    assert "nobody signed it" in messages(export)


def test_a_removed_sign_off_is_missed(export: Path) -> None:
    shutil.rmtree(export / "governance/signoffs")
    reseal(export)
    assert named(export) == [
        ("governance/manifest.json", "proof"),
        ("governance/signoffs", "signature"),
    ]
    assert "edit E-0001: missing 1 more approval" in messages(export)


def export_of(inputs: ExportInputs, store: ObjectStore, tmp_path: Path) -> Path:
    """Export what an honest ledger holds, however little it proves."""
    return export_diffusers(logged(inputs), store, tmp_path / "made").path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"candidate": "0" * 64}, "missing 1 more approval"),
        ({"edits": ["0" * 64]}, "missing 1 more approval"),
        ({"policy": "0" * 64}, "signed under another policy"),
        ({"evidence": "0" * 64}, "the evidence it names is not in the export"),
        ({"origin": "elsewhere"}, "about another ledger"),
        ({"head": Head(10**6, "0" * 64)}, "a head the export's ledger does not reach"),
        ({"decision": Decision.REJECT}, "rejects this very snapshot"),
        ({"principal": ADA.name}, "is not a key of 'ada@example.org'"),
        ({"time": "2026-13-41"}, None),
    ],
)
def test_a_genuine_signature_on_something_else_does_not_count(
    inputs: ExportInputs,
    store: ObjectStore,
    tmp_path: Path,
    changes: dict[str, object],
    words: str | None,
) -> None:
    other = replace(inputs, signoffs=(approval(inputs, BOB, **changes),))
    out = export_of(other, store, tmp_path)
    if words is not None:
        assert words in messages(out)
        assert "signature" in {problem for _, problem in named(out)}


def test_an_approval_by_the_proposer_does_not_count(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    other = replace(inputs, signoffs=(approval(inputs, ADA),))
    assert "missing 1 more approval" in messages(export_of(other, store, tmp_path))


def test_one_key_under_two_names_is_one_approval(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    twice = Person("bobby@example.org", BOB.private)
    strict = replace(inputs, policy=policy(2), allowed_signers=signers(ADA, BOB, twice))
    both = (approval(strict, BOB), approval(strict, twice))
    out = export_of(replace(strict, signoffs=both), store, tmp_path)
    assert messages(out).startswith("edit E-0001: missing 1 more approval")
    assert "a second approval with the same key" in messages(out)


def test_two_people_are_two_approvals(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    strict = replace(inputs, policy=policy(2), allowed_signers=signers(ADA, BOB, EVE))
    both = (approval(strict, BOB), approval(strict, EVE))
    out = export_of(replace(strict, signoffs=both), store, tmp_path)
    assert verify_export(out, keys(tmp_path, BOB, EVE)).ok


def test_a_forged_proposal_is_found(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    forged = replace(edit(request(), EVE), proposer=ADA.name)
    other = replace(inputs, edits=(forged,))
    again = replace(other, signoffs=(approval(other, BOB),))
    out = export_of(again, store, tmp_path)
    assert named(out) == [
        ("governance/edits.json", "signature"),
        ("governance/proofs.json", "signature"),
    ]
    assert "is not its proposer's key" in messages(out)


def test_an_unsigned_proposal_is_found(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    unsigned = replace(inputs.edits[0], key=None, signature=None)
    other = replace(inputs, edits=(unsigned,))
    again = replace(other, signoffs=(approval(other, BOB),))
    out = export_of(again, store, tmp_path)
    assert named(out) == [("governance/signoffs", "signature")]
    assert "nobody vouches for the proposer" in messages(out)


def test_after_a_revert_the_rollback_vouches_for_the_snapshot(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """Two edits were approved as one candidate; then one of them was reverted."""
    stays, leaves = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (stays, leaves), moved(folder, 2))
    now = inputs_for(folder, store, (stays,), moved(folder))
    log = begun(both)
    given = sign(log, both)
    returned = revert(log, now, "E-0002", rollback(now, BOB, log.head(), leaves))
    now = replace(now, evidence=both.evidence)
    whole = cited(now, log, (*given, returned))
    out = export_diffusers(whole, store, tmp_path / "made").path
    verdict = verify_export(out, keys(tmp_path, BOB))
    assert (verdict.findings, verdict.trust) == ((), "pinned")


def test_without_the_rollback_nobody_vouches_for_it(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    stays, leaves = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (stays, leaves), moved(folder, 2))
    now = inputs_for(folder, store, (stays,), moved(folder))
    log = begun(both)
    given = sign(log, both)
    revert(log, now, "E-0002", rollback(now, BOB, log.head(), leaves))
    now = replace(now, evidence=both.evidence)
    out = export_diffusers(cited(now, log, given), store, tmp_path / "made").path
    assert named(out) == [("governance/signoffs", "signature")]
    assert "nobody signed for snapshot" in messages(out)


def test_a_forger_with_own_keys_is_consistent_but_not_pinned(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Everything remade by Mallory, under Bob's name: only Bob's real key tells."""
    mallory = Person(BOB.name)
    remade = replace(inputs, allowed_signers=signers(ADA, mallory))
    forged = replace(remade, signoffs=(approval(remade, mallory),))
    out = export_of(forged, store, tmp_path)
    alone = verify_export(out)
    assert (alone.ok, alone.trust) == (True, "self")
    pinned = verify_export(out, keys(tmp_path, ADA, BOB))
    assert (pinned.ok, pinned.trust) == (False, "self")


def test_an_export_of_the_base_is_nobodys_word(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    bare = replace(inputs_for(folder, store, (), {}), signoffs=())
    out = export_of(bare, store, tmp_path)
    verdict = verify_export(out, keys(tmp_path, BOB))
    assert (verdict.ok, verdict.trust) == (True, "self")


def test_what_is_not_there_is_told(pristine: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no export"):
        verify_export(tmp_path / "nothing")
    with pytest.raises(NotFoundError, match="there is no file"):
        verify_export(pristine, tmp_path / "nothing")
    bad = tmp_path / "bad"
    bad.write_text("bob@example.org no key\n")
    with pytest.raises(UsageError, match="malformed"):
        verify_export(pristine, bad)


def test_verifying_needs_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys, governance.snapshots.verify; "
        "print({'torch', 'numpy', 'diffusers', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_findings_are_sorted_and_speak(export: Path) -> None:
    (export / "b").write_text("x")
    (export / "a").write_text("x")
    found = verify_export(export).findings
    assert found == (
        ExportFinding("a", "added", "the manifest does not name it"),
        ExportFinding("b", "added", "the manifest does not name it"),
    )


def test_a_statement_with_more_in_it_still_binds(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    said: dict[str, JSON] = {**inputs.signoffs[0].document, "later": ["addition"]}
    signature = BOB.sign(canonical_bytes(said), "signoff@governance")
    one = replace(inputs.signoffs[0], document=said, signature=signature)
    assert verify_export(
        export_of(replace(inputs, signoffs=(one,)), store, tmp_path)
    ).ok
