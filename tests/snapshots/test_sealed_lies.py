"""What whoever holds the model signing key cannot say: others bind it.

Each forger here changes one thing and makes everything fit that this key can make fit:
manifest, model signature, attestation and bill of materials.
"""

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.canonical import canonical_bytes, sha256_hex
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.snapshots.casting import cast_payload
from governance.snapshots.derived import export_derived
from governance.snapshots.dsse import envelope
from governance.snapshots.export import export_diffusers
from governance.snapshots.forms import Dtype
from governance.snapshots.inputs import ExportedEvidence, ExportInputs
from governance.snapshots.names import OTHER_VARIANT, unedited
from governance.snapshots.record import policy_text
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import evidence_document, inputs_for, moved
from tests.snapshots.logs import SIGNER, begun, cited, logged, revert, sign
from tests.snapshots.people import ADA, BOB, approval, edit, policy, request, rollback
from tests.snapshots.test_seals import vouch
from tests.snapshots.test_verify import messages, named, reseal, rewrite_manifest

EDITS = "governance/edits.json"
MANIFEST = "governance/manifest.json"
Change = Callable[[Any], None]


def forge(export: Path, path: str, change: Change) -> None:
    """Change a JSON document of an export and seal everything again."""
    place = export / path
    document = json.loads(place.read_text())
    change(document)
    place.write_text(json.dumps(document))
    reseal(export)


def at(place: str, value: object) -> Change:
    """Return a change of one value, named by keys and positions."""
    *way, last = [int(key) if key.isdigit() else key for key in place.split(".")]

    def change(document: Any) -> None:
        for key in way:
            document = document[key]
        assert not isinstance(document, dict) or document.get(last) != value
        document[last] = value

    return change


def test_what_is_sealed_again_without_a_change_holds(export: Path) -> None:
    for path in (EDITS, "governance/proofs.json", "governance/manifest.json"):
        forge(export, path, lambda _: None)
    assert named(export) == []


# Results


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("results.0.after.value", 0.99),
        ("results.0.after.low", 0.95),
        ("results.0.after.n", 4096),
        ("results.0.before.value", 0.5),
        ("results.0.limit", ">= 0.1"),
        ("results.0.bound", "point"),
        ("results.0.outcome", "FAIL"),
        ("results.1.metric", "quality"),
        ("results.3.value", 0.0),
        ("results.4.edit", "E-0002"),
        ("results", []),
    ],
)
def test_a_figure_that_the_evidence_does_not_hold_is_named(
    export: Path, place: str, value: object
) -> None:
    forge(export, EDITS, at(place, value))
    assert named(export) == [(EDITS, "proof")]
    key = place.replace(".0", "[0]").replace(".1", "[1]").replace(".3", "[3]")
    assert key.replace(".4", "[4]") in messages(export)


def test_a_figure_more_is_named(export: Path) -> None:
    def add(document: Any) -> None:
        document["results"].append({**document["results"][0], "metric": "beauty"})

    forge(export, EDITS, add)
    assert named(export) == [(EDITS, "proof")]
    assert "expected 5, found 6" in messages(export)


def signed_with(
    inputs: ExportInputs, store: ObjectStore, document: dict[str, Any]
) -> ExportInputs:
    """The inputs, checked and approved on other evidence."""
    (picture,) = inputs.evidence[0].images
    digest = store.put_bytes(canonical_bytes(document))
    other = replace(inputs, evidence=(ExportedEvidence(digest, (picture,)),))
    return logged(replace(other, signoffs=(approval(other, BOB),)))


def document_of(inputs: ExportInputs) -> dict[str, Any]:
    (picture,) = inputs.evidence[0].images
    return evidence_document(inputs.snapshot, inputs.edits, picture)


def test_a_check_that_says_pass_of_figures_that_fail_is_found(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    """Whoever holds the ledger key recorded it, and a reviewer believed it."""
    document = document_of(inputs)
    document["metrics"]["E-0001"][2]["low"] = 0.2
    dishonest = signed_with(inputs, store, document)
    out = export_diffusers(dishonest, store, tmp_path / "out").path
    assert ("governance/proofs.json", "proof") in named(out)
    assert "judges its evidence otherwise: outcome: expected 'FAIL', found 'PASS'" in (
        messages(out)
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("candidate", "0" * 64),
        ("suite", "0" * 64),
        ("model", "0" * 64),
        ("edits", {"E-0001": "0" * 64}),
        ("format", "governance/evidence/v9"),
    ],
)
def test_evidence_of_something_else_is_found(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path, key: str, value: object
) -> None:
    other = signed_with(inputs, store, {**document_of(inputs), key: value})
    out = export_diffusers(other, store, tmp_path / "out").path
    assert named(out) == [
        (f"governance/evidence/{other.evidence[0].digest}.json", "proof")
    ]
    assert f"it is evidence of something else: {key}" in messages(out)


def test_figures_of_two_edits_cannot_change_places(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    pair = edit(request()), edit(request("More"), name="E-0002")
    inputs = inputs_for(folder, store, pair, moved(folder))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    assert named(out) == []
    forge(out, EDITS, lambda document: document["results"].reverse())
    assert named(out) == [(EDITS, "proof")]


def test_evidence_that_nobody_checked_or_signed_is_named(export: Path) -> None:
    """With a picture of its own, which the bill of materials would list too."""
    folder = export / "governance/evidence"
    (own,) = folder.glob("*.json")
    document = json.loads(own.read_text())
    picture = b"\x89PNG nicer"
    document["images"][0]["candidate"] = sha256_hex(picture)
    data = canonical_bytes(document)
    (folder / f"{sha256_hex(picture)}.png").write_bytes(picture)
    (folder / f"{sha256_hex(data)}.json").write_bytes(data)
    reseal(export)
    assert named(export) == [(f"governance/evidence/{sha256_hex(data)}.json", "added")]


# Sign-offs


def sign_off(export: Path, number: int, change: Change, **listed: object) -> str:
    """Lay a changed copy of Bob's approval beside it, and list it."""
    first, path = (f"governance/signoffs/{n}.json" for n in (1, number))
    said = json.loads((export / first).read_text())
    change(said)
    (export / path).write_bytes(canonical_bytes(said))
    signature = (export / f"{first}.sshsig").read_bytes()
    (export / f"{path}.sshsig").write_bytes(signature)
    reseal(export)

    def add(manifest: Any) -> None:
        one = {**manifest["signoffs"][0], "file": path, **listed}
        manifest["signoffs"].append(one)

    rewrite_manifest(export, add)
    rewrite_manifest(export, lambda _: None)  # The card names the files as they are.
    return path


@pytest.mark.parametrize("number", [2, 999_999, 1_000_000, 10**30])
def test_an_approval_that_nobody_signed_is_named(export: Path, number: int) -> None:
    """Else the card would show a counsel's word beside the reviewers'."""
    counsel = "counsel@example.org"
    path = sign_off(export, number, at("principal", counsel), principal=counsel)
    assert (path, "signature") in named(export)


def test_one_approval_does_not_stand_there_twice(export: Path) -> None:
    path = sign_off(export, 2, lambda _: None)
    assert named(export) == [(path, "proof")]
    assert "was signed once, and stands here twice" in messages(export)


def test_a_signature_without_a_statement_is_named(export: Path) -> None:
    path = "governance/signoffs/7.json.sshsig"
    (export / path).write_bytes(b"trust me")
    reseal(export)
    assert named(export) == [(path, "added")]


# What was solved


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("edits.0.parameters.lambda", 5.0),
        ("edits.0.parameters.tokens", "tail"),
        ("edits.0.parameters.harmless", True),
        ("edits.0.certificate.0.residual", 0.0),
        ("edits.0.certificate.0.source", "nobody"),
        ("edits.0.certificate.0.note", "checked by experts"),
        ("edits.0.certificate", []),
        ("sites.0.after", "0" * 64),
        ("sites.0.name", "unet/x:y"),
        ("sites.0.norm", 1e-9),
        ("sites", []),
    ],
)
def test_a_solve_that_no_entry_holds_is_named(
    export: Path, place: str, value: object
) -> None:
    forge(export, EDITS, at(place, value))
    assert named(export) == [(EDITS, "proof")]
    assert place.split(".")[2 if place.startswith("edits") else 0] in messages(export)


def test_certificates_of_two_edits_cannot_change_places(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    pair = edit(request()), edit(request("More"), name="E-0002")
    inputs = inputs_for(folder, store, pair, moved(folder))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    first = json.loads((out / EDITS).read_text())["edits"][0]["certificate"]
    forge(out, EDITS, at("edits.1.certificate", first))
    assert named(out) == [(EDITS, "proof")]
    assert "edit E-0002: its entries say otherwise: certificate[0].edit" in (
        messages(out)
    )


def test_what_tensors_were_is_compared_with_the_base(export: Path, base: Path) -> None:
    """No entry holds the digest a tensor had: it takes the base to tell."""
    original = (export / EDITS).read_text()
    forge(export, EDITS, at("sites.0.before", "0" * 64))
    assert named(export) == []
    (found,) = verify_export(export, base=base).findings
    assert (found.path, found.problem) == (EDITS, "proof")
    assert "sites[0].before" in found.message
    (export / EDITS).write_text(original)
    reseal(export)
    assert verify_export(export, base=base).ok


def test_norms_after_a_revert_are_measured_on_the_base(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path, base: Path
) -> None:
    """The entry of a revert holds no norms."""
    stays, leaves = edit(request()), edit(request("Another"), ADA, "E-0002")
    both = inputs_for(folder, store, (stays, leaves), moved(folder, 2))
    now = inputs_for(folder, store, (stays,), moved(folder))
    log = begun(both)
    given = sign(log, both)
    back = revert(log, now, "E-0002", rollback(now, BOB, log.head(), leaves))
    now = replace(now, evidence=both.evidence)
    inputs = cited(now, log, (*given, back))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    assert verify_export(out, base=base).ok
    forge(out, EDITS, at("sites.3.norm", 0.5))
    assert named(out) == []
    (found,) = verify_export(out, base=base).findings
    assert "sites[3].norm: the base you gave is" in found.message


# The policy

POLICY = "governance/policy.yaml"


@pytest.mark.parametrize(
    "lie",
    [
        lambda text: f"# Reviewed and found lawful by counsel.\n{text}",
        lambda text: text.replace("version: 3", "version:   3  # revised"),
        lambda text: f"{text}...\n",
        lambda text: json.dumps(yaml.safe_load(text)),
        lambda text: text.replace("\n", "\r\n"),
    ],
)
def test_a_policy_in_other_words_is_named(
    export: Path, lie: Callable[[str], str]
) -> None:
    """Its digest is the same: comments and form are no part of it."""
    place = export / POLICY
    changed = lie(place.read_text())
    assert changed != place.read_text()
    place.write_bytes(changed.encode())
    reseal(export)
    assert named(export) == [(POLICY, "proof")]
    assert "it does not write the policy as an export does" in messages(export)


@pytest.mark.parametrize(
    ("key", "value"), [("name", "lawful"), ("version", 4), ("version", 2)]
)
def test_a_policy_by_another_name_is_named(
    export: Path, key: str, value: object
) -> None:
    rewrite_manifest(export, at(f"policy.{key}", value))
    assert named(export) == [(MANIFEST, "proof")]
    assert "policy.name, policy.version: expected default, 3" in messages(export)


def test_a_policy_that_is_not_in_the_export_is_named(export: Path) -> None:
    (kept,) = (export / "governance/policies").iterdir()
    kept.unlink()
    reseal(export)
    assert (POLICY, "proof") in named(export)


def test_an_export_of_the_base_names_the_policy_of_its_day(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    """Nobody signed for the base, so no statement names a policy."""
    inputs = inputs_for(folder, store, (), {})
    out = export_diffusers(inputs, store, tmp_path / "out").path
    assert named(out) == []
    laxer = policy(0)
    (out / POLICY).write_bytes(policy_text(laxer.document))
    kept = out / f"governance/policies/{laxer.digest}.json"
    kept.write_bytes(canonical_bytes(laxer.document))
    reseal(out)
    rewrite_manifest(out, at("policy.digest", laxer.digest))
    found = named(out)
    assert (POLICY, "proof") in found
    assert (kept.relative_to(out).as_posix(), "added") in found
    assert "was not in force at the head of the ledger" in messages(out)


def test_a_suite_or_text_that_nobody_names_is_found(export: Path) -> None:
    for place, data in (("suites/{}.json", b"{}"), ("files/{}", b"kora\n")):
        name = f"governance/{place.format(sha256_hex(data))}"
        (export / name).parent.mkdir(exist_ok=True)
        (export / name).write_bytes(data)
        reseal(export)
        assert (name, "added") in named(export)


# What no export writes


def put(place: str, text: str) -> Callable[[Path], None]:
    """Return a change of a file's raw text."""
    before, after = place, text

    def change(path: Path) -> None:
        found = path.read_text()
        assert before in found
        path.write_text(found.replace(before, after, 1))

    return change


HOSTILE = {
    "an unknown key": ('"format":', '"reviewed": "yes", "format":', "reviewed"),
    "a key twice": ('"format":', '"format": "x", "format":', "'format' stands twice"),
    "NaN": ('"format":', '"x": NaN, "format":', "NaN is no number"),
    "infinity": ('"format":', '"x": -Infinity, "format":', "-Infinity is no number"),
    "a number without end": ('"format":', '"x": 1e999, "format":', "1e999"),
    "half a character": ('"format":', '"x": "\\ud800", "format":', "no JSON"),
}


@pytest.mark.parametrize(("before", "after", "words"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("path", [EDITS, "governance/proofs.json"])
def test_a_document_that_can_be_read_in_two_ways_is_named(
    export: Path, path: str, before: str, after: str, words: str
) -> None:
    put(before, after)(export / path)
    reseal(export)
    found = [f for f in verify_export(export).findings if f.path == path]
    assert words in "".join(f.message for f in found)


@pytest.mark.parametrize(
    ("path", "place", "key"),
    [
        (EDITS, "edits.0.approved", "edits[0].approved"),
        (EDITS, "edits.0.proposal.email", "edits[0].proposal.email"),
        (EDITS, "edits.0.resolved.note", "edits[0].resolved.note"),
        (EDITS, "results.0.after.sigma", "results[0].after.sigma"),
        (EDITS, "sites.0.note", "sites[0].note"),
        ("governance/proofs.json", "entries.0.note", "entries[0].note"),
        ("governance/proofs.json", "heads.0.note", "heads[0].note"),
    ],
)
def test_a_key_that_no_export_has_is_named(
    export: Path, path: str, place: str, key: str
) -> None:
    forge(export, path, at(place, "trust me"))
    found = [f for f in verify_export(export).findings if f.path == path]
    assert any(f"{key} is a key that no export has" in f.message for f in found)


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        ("sites.0.norm", True, "sites[0].norm: expected a number, found True"),
        ("sites.0.norm", "small", "sites[0].norm: expected a number, found 'small'"),
        ("results.0.after.n", -1, "results[0].after.n: expected a whole number"),
        ("edits.0.certificate", {}, "edits[0].certificate: expected a list"),
        ("snapshot", "0" * 64, "snapshot: it is not the one the manifest names"),
    ],
)
def test_a_value_of_another_type_is_named(
    export: Path, place: str, value: object, key: str
) -> None:
    forge(export, EDITS, at(place, value))
    assert (EDITS, "proof") in named(export)
    assert key in messages(export)


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        ("approved", True, "approved is a key that no export has"),
        ("program.vendor", "us", "program.vendor is a key that no export has"),
        ("program.name", "other", "program.name: expected 'governance'"),
        ("policy.note", "x", "policy.note is a key that no export has"),
        ("base.licence", "free", "base.licence is a key that no export has"),
        ("ledger.head.time", "x", "ledger.head.time is a key that no export has"),
        ("files.0.note", "x", "files[0].note is a key that no export has"),
        ("signoffs.0.note", "x", "signoffs[0].note is a key that no export has"),
        ("created", "yesterday", "created: expected a time, RFC 3339 UTC"),
        ("policy.version", True, "policy.version: expected a whole number"),
        ("links", [{"path": "a"}], "links[0].target is missing"),
    ],
)
def test_a_manifest_with_a_key_or_type_of_its_own_is_named(
    export: Path, place: str, value: object, key: str
) -> None:
    rewrite_manifest(export, at(place, value))
    assert named(export) == [(MANIFEST, "changed")]
    assert key in messages(export)


def test_a_sign_off_that_only_the_manifest_knows_is_named(export: Path) -> None:
    def more(manifest: Any) -> None:
        other = {**manifest["signoffs"][0], "file": "governance/signoffs/2.json"}
        manifest["signoffs"].append(other)

    rewrite_manifest(export, more)
    assert named(export) == [(MANIFEST, "proof")]
    assert "signoffs/2.json is listed" in messages(export)


def test_an_entry_said_to_be_another_event_is_named(export: Path) -> None:
    forge(export, "governance/proofs.json", at("entries.3.event", "SnapshotActivated"))
    assert named(export) == [("governance/proofs.json", "proof")]


def test_a_signature_of_somebody_else_on_the_checkpoint_is_named(export: Path) -> None:
    place = export / "governance/checkpoint"
    place.write_text(f"{place.read_text()}\u2014 court AAAAAAAA\n")
    reseal(export)
    assert ("governance/checkpoint", "signature") in named(export)
    assert "signatures beside the ledger's own" in messages(export)


# What no signature covers

SIGNATURE = "model.sig"
ATTESTATION = "governance/attestation.json"
UNSIGNED: dict[str, tuple[str, object, str]] = {
    "hint": ("verificationMaterial.publicKey.hint", "us", "names another key"),
    "no hint": ("verificationMaterial.publicKey", {}, "publicKey.hint is missing"),
    "key bytes": ("verificationMaterial.publicKey.rawBytes", "x", "rawBytes"),
    "a log": ("verificationMaterial.tlogEntries", [{}], "tlogEntries"),
    "time": ("verificationMaterial.timestampVerificationData", {}, "timestamp"),
    "a key beside": ("note", "reviewed", "note is a key that no export has"),
    "an envelope's": ("dsseEnvelope.note", "x", "dsseEnvelope.note"),
    "key id": ("dsseEnvelope.signatures.0.keyid", "us", "keyid: it names another"),
    "a signature's": ("dsseEnvelope.signatures.0.cert", "x", "signatures[0].cert"),
    "type": ("mediaType", 7, "mediaType: expected text"),
}


@pytest.mark.parametrize(("place", "value", "words"), UNSIGNED.values(), ids=UNSIGNED)
def test_what_stands_beside_a_signature_is_held_to_its_form(
    export: Path, place: str, value: object, words: str
) -> None:
    document = json.loads((export / SIGNATURE).read_text())
    at(place, value)(document)
    (export / SIGNATURE).write_text(json.dumps(document))
    assert named(export) == [(SIGNATURE, "signature")]
    assert words in messages(export)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("note", "reviewed", "note is a key that no export has"),
        ("signatures.0.keyid", "us", "keyid: it names another key"),
        ("signatures.0.cert", "x", "signatures[0].cert"),
    ],
)
def test_an_envelope_is_held_to_its_form(
    export: Path, place: str, value: object, words: str
) -> None:
    manifest = json.loads((export / MANIFEST).read_text())
    document = json.loads((export / ATTESTATION).read_text())
    at(place, value)(document)
    (export / ATTESTATION).write_text(json.dumps(document))
    vouch(export, manifest, ATTESTATION)
    assert named(export) == [(ATTESTATION, "signature")]
    assert words in messages(export)


def test_base64_has_one_form(export: Path) -> None:
    """The bits that its last character has to spare are no part of the signature."""
    document = json.loads((export / SIGNATURE).read_text())
    (signature,) = document["dsseEnvelope"]["signatures"]
    text = signature["sig"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    end = len(text.rstrip("=")) - 1
    other = letters[letters.index(text[end]) ^ 1]
    signature["sig"] = text[:end] + other + text[end + 1 :]
    (export / SIGNATURE).write_text(json.dumps(document))
    assert named(export) == [(SIGNATURE, "signature")]


def test_a_signed_statement_says_nothing_else(export: Path) -> None:
    """Whoever holds the key signs a bundle with words of their own in it."""
    document = json.loads((export / SIGNATURE).read_text())
    said = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    said["predicate"]["approved_by"] = "court"
    payload = json.dumps(said).encode()
    document["dsseEnvelope"] = envelope(payload, SIGNER, "")
    (export / SIGNATURE).write_text(json.dumps(document))
    assert named(export) == [(SIGNATURE, "signature")]
    assert "predicate.approved_by" in messages(export)


# What stayed behind


@pytest.mark.parametrize(
    "lie",
    [
        {"path": "extra.bin", "reason": "approved by counsel"},
        {"path": "extra.bin", "reason": "not loaded by the pipeline"},
        {"path": "notes.txt", "reason": "code: an export holds none"},
        {"path": "unet/config.json", "reason": "not loaded by the pipeline"},
    ],
)
def test_a_reason_that_no_export_gives_is_named(
    export: Path, lie: dict[str, str]
) -> None:
    rewrite_manifest(export, lambda manifest: manifest["left_out"].append(lie))
    assert named(export) == [(MANIFEST, "proof")]
    assert f"left_out: '{lie['path']}'" in messages(export)


def test_a_file_said_to_be_left_out_that_the_base_loads_is_named(export: Path) -> None:
    path = "vae/config.json"
    (export / path).unlink()
    reseal(export)
    lie = {"path": path, "reason": "not loaded by the pipeline"}
    rewrite_manifest(export, lambda manifest: manifest["left_out"].append(lie))
    assert (MANIFEST, "proof") in named(export)


@pytest.mark.parametrize("dtype", [None, "float16"])
@pytest.mark.parametrize(
    "path",
    [
        "vae/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "tokenizer/tokenizer_config.json",
        "scheduler/scheduler_config.json",
        "unet/diffusion_pytorch_model.safetensors",
    ],
)
def test_what_the_pipeline_loads_is_no_other_variant(
    inputs: ExportInputs,
    store: ObjectStore,
    tmp_path: Path,
    path: str,
    dtype: Dtype | None,
) -> None:
    """Without its tokenizer's or scheduler's files a model draws something else."""
    out = made(inputs, store, tmp_path / "out", dtype)
    assert named(out) == []
    (out / path).unlink()
    reseal(out)
    component = path.partition("/")[0]
    reason = OTHER_VARIANT if dtype else unedited("fp16", component)
    lie = {"path": path, "reason": reason}
    rewrite_manifest(out, lambda manifest: manifest["left_out"].append(lie))
    assert (MANIFEST, "proof") in named(out)
    assert f"left_out: '{path}'" in messages(out)


def made(
    inputs: ExportInputs, store: ObjectStore, target: Path, dtype: Dtype | None
) -> Path:
    if dtype is None:
        return export_diffusers(inputs, store, target).path
    payload = cast_payload(inputs, store, dtype)
    return export_derived(inputs, store, target, payload).path


def test_what_lies_beside_the_base_is_noted(export: Path, base: Path) -> None:
    """No digest covers what the pipeline does not load, so no copy has to hold it."""
    assert verify_export(export, base=base).notes == ()
    lie = {"path": "notes.txt", "reason": "not loaded by the pipeline"}
    rewrite_manifest(export, lambda manifest: manifest["left_out"].append(lie))
    verdict = verify_export(export, base=base)
    assert verdict.findings == ()
    (note,) = verdict.notes
    assert "first 'notes.txt'" in note


def test_a_base_with_a_card_of_its_own_leaves_it_behind(
    base: Path, store: ObjectStore, tmp_path: Path
) -> None:
    """The export's card has the same name."""
    other = Path(shutil.copytree(base, tmp_path / "other"))
    (other / "README.md").write_text("---\nlicense: mit\n---\n")
    opened = open_pipeline(other)
    inputs = inputs_for(opened, store, (edit(request()),), moved(opened))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    left = json.loads((out / MANIFEST).read_text())["left_out"]
    assert [item["path"] for item in left] == ["README.md"]
    verdict = verify_export(out, base=other)
    assert (verdict.findings, verdict.notes) == ((), ())
