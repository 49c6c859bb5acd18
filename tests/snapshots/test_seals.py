"""Model signature, bill of materials and attestation of an export, and attacks."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from model_signing import signing, verifying

from governance.canonical import digest_of
from governance.identity.model_key import PRIVATE, ModelKey
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.verify import verify_export
from tests.snapshots.conftest import inputs_for, moved
from tests.snapshots.logs import SIGNER
from tests.snapshots.people import edit, request
from tests.snapshots.sealing import describe, record, sign
from tests.snapshots.test_verify import flip, named, reseal, rewrite_manifest

SIGNATURE = "model.sig"
KEY = "governance/keys/model-signing.pub"
BILL = "governance/bom.cdx.json"
ATTESTATION = "governance/attestation.json"
HOSTILE = '<script>alert(1)</script> {{7*7}} "; DROP `$(id)` \\u001b ünïcode'


def stock_accepts(folder: Path) -> None:
    config = verifying.Config()  # type: ignore[no-untyped-call]
    config.use_elliptic_key_verifier(public_key=folder / KEY)
    config.verify(folder, folder / SIGNATURE)


def bill_of(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / BILL).read_text())
    assert isinstance(found, dict)
    return found


def statement_of(folder: Path) -> dict[str, Any]:
    envelope = json.loads((folder / ATTESTATION).read_text())
    found = json.loads(base64.b64decode(envelope["payload"]))
    assert isinstance(found, dict)
    return found


def test_the_stock_tool_accepts_our_signature(pristine: Path) -> None:
    stock_accepts(pristine)


def test_the_stock_tool_refuses_a_changed_folder(export: Path) -> None:
    flip(export / "governance/manifest.json", 40)
    with pytest.raises(ValueError, match="mismatch"):
        stock_accepts(export)


def test_we_accept_the_stock_tools_signature(export: Path, tmp_path: Path) -> None:
    (export / SIGNATURE).unlink()
    keys = tmp_path / "keys"
    keys.mkdir()
    secret = SIGNER.key
    (keys / "k").write_bytes(
        secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    config = signing.Config()  # type: ignore[no-untyped-call]
    config.use_elliptic_key_signer(private_key=keys / "k")
    config.sign(export, export / SIGNATURE)
    assert named(export) == []
    flip(export / SIGNATURE, 400)
    assert named(export) == [(SIGNATURE, "signature")]


@pytest.mark.parametrize("path", [BILL, ATTESTATION, KEY])
def test_one_flipped_byte_is_named(export: Path, path: str) -> None:
    flip(export / path, (export / path).stat().st_size // 2)
    assert (path, "changed") in named(export)


def test_one_flipped_byte_of_the_signature_is_named(export: Path) -> None:
    original = (export / SIGNATURE).read_bytes()
    for at in range(0, len(original), 97):
        flip(export / SIGNATURE, at)
        assert named(export) == [(SIGNATURE, "signature")], at
        (export / SIGNATURE).write_bytes(original)


@pytest.mark.parametrize("path", [SIGNATURE, BILL, ATTESTATION, KEY])
def test_a_missing_one_is_named(export: Path, path: str) -> None:
    (export / path).unlink()
    assert (path, "missing") in named(export)


@pytest.mark.parametrize("path", [BILL, ATTESTATION, KEY])
def test_one_left_out_of_the_manifest_too_is_named(export: Path, path: str) -> None:
    (export / path).unlink()
    reseal(export)
    assert (path, "missing") in named(export)


def test_another_key_that_signs_everything_is_not_the_ledgers(export: Path) -> None:
    thief = ModelKey.generate()
    (export / KEY).write_bytes(thief.public.pem)
    reseal(export)
    manifest = json.loads((export / "governance/manifest.json").read_text())
    describe(export, manifest, thief)
    vouch(export, manifest, ATTESTATION, thief)
    stock_accepts(export)
    assert named(export) == [(KEY, "signature")]


def test_a_signature_by_another_key_is_refused(export: Path) -> None:
    sign(export, ModelKey.generate())
    assert named(export) == [(SIGNATURE, "signature")]


def test_a_swapped_key_is_refused(export: Path) -> None:
    (export / KEY).write_bytes(ModelKey.generate().public.pem)
    reseal(export)
    assert {(KEY, "signature"), (SIGNATURE, "signature")} <= set(named(export))


@pytest.mark.parametrize(
    "other",
    [
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
    ],
    ids=["P-384", "Ed25519"],
)
def test_a_key_of_another_kind_is_refused(
    export: Path, other: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
) -> None:
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (export / KEY).write_bytes(pem)
    reseal(export)
    assert named(export) == [(KEY, "signature")]


def test_a_file_the_stock_tool_overlooks_is_named(export: Path) -> None:
    (export / ".gitattributes").write_text("* filter=evil\n")
    stock_accepts(export)
    assert named(export) == [(".gitattributes", "added")]


def test_a_removed_file_is_named(export: Path) -> None:
    (export / "README.md").unlink()
    assert named(export) == [("README.md", "missing")]


def test_a_file_taken_out_of_the_manifest_breaks_the_signature(export: Path) -> None:
    signed = (export / SIGNATURE).read_bytes()
    (export / "README.md").unlink()
    reseal(export)
    (export / SIGNATURE).write_bytes(signed)
    assert (SIGNATURE, "signature") in named(export)


def test_the_bill_is_valid_in_strict_mode(pristine: Path) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str((pristine / BILL).read_text()) is None


def test_the_bill_says_base_licence_files_and_libraries(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    licensed = replace(inputs, licence="creativeml-openrail-m", source="a/b@1")
    export_diffusers(licensed, store, tmp_path / "out")
    bill = bill_of(tmp_path / "out")
    assert (
        JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    )
    model, (base,) = bill["metadata"]["component"], bill["components"]
    assert model["version"] == inputs.snapshot.digest
    assert base["version"] == inputs.folder.digest
    assert base["licenses"][0]["license"]["name"] == "creativeml-openrail-m"
    hashes = {f["name"]: f["hashes"][0]["content"] for f in base["components"]}
    assert hashes == {f.path: f.sha256 for f in inputs.folder.files}
    tools = {tool["name"] for tool in bill["metadata"]["tools"]["components"]}
    assert {"governance", "torch", "diffusers", "safetensors"} <= tools
    said = {item["name"]: item["value"] for item in model["properties"]}
    assert said["governance:edit:E-0001:title"] == "Stop imitating Kora"


@pytest.mark.parametrize("path", [BILL, ATTESTATION])
def test_a_lie_the_manifest_and_the_signature_cover_is_found(
    export: Path, path: str
) -> None:
    """The bill and the attestation must say what manifest and edits say."""
    before = (export / path).read_bytes()

    def date(manifest: dict[str, Any]) -> None:
        manifest["created"] = "2030-01-01T00:00:00Z"

    rewrite_manifest(export, date)
    assert named(export) == []
    (export / path).write_bytes(before)
    digests = json.loads((export / "governance/manifest.json").read_text())
    assert (path, "changed") in named(export)
    vouch(export, digests, path)
    assert named(export) == [(path, "proof")]


def vouch(
    export: Path, manifest: dict[str, Any], path: str, signer: ModelKey = SIGNER
) -> None:
    """Let the manifest name a file's bytes as they are, and sign that."""
    found = asdict(record(export / path, path))
    for item in manifest["files"]:
        if item["path"] == path:
            item.update(found)
    del manifest["digest"]
    place = export / "governance/manifest.json"
    place.write_text(json.dumps({**manifest, "digest": digest_of(manifest)}))
    sign(export, signer)


@pytest.mark.parametrize(
    "garbage", [b"", b"null", b"[]", b"{}", b'{"metadata": 1}', b"[" * 100_000]
)
@pytest.mark.parametrize("path", [BILL, ATTESTATION, KEY, SIGNATURE])
def test_garbage_is_a_finding(export: Path, path: str, garbage: bytes) -> None:
    (export / path).write_bytes(garbage)
    if path != SIGNATURE:
        manifest = json.loads((export / "governance/manifest.json").read_text())
        vouch(export, manifest, path)
    assert path in {where for where, _ in named(export)}


def test_the_attestation_names_files_edits_and_sign_offs(
    pristine: Path, inputs: ExportInputs
) -> None:
    statement = statement_of(pristine)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    subjects = {s["name"]: s["digest"]["sha256"] for s in statement["subject"]}
    assert subjects.keys() == {file.path for file in inputs.folder.files}
    predicate = statement["predicate"]
    assert predicate["snapshot"] == inputs.snapshot.digest
    assert predicate["edits"][0]["resolved"] == inputs.edits[0].resolved.digest
    assert predicate["policy"]["digest"] == inputs.policy.digest
    assert predicate["signoffs"][0]["principal"] == inputs.signoffs[0].principal
    names = {item["name"] for item in predicate["evidence"]}
    assert f"governance/evidence/{inputs.evidence[0].digest}.json" in names


def test_hostile_titles_stay_data(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    hostile = inputs_for(folder, store, (edit(request(HOSTILE)),), moved(folder))
    out = export_diffusers(hostile, store, tmp_path / "out").path
    assert verify_export(out).ok
    stock_accepts(out)
    text = (out / BILL).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    properties = bill_of(out)["metadata"]["component"]["properties"]
    said: Mapping[str, str] = {item["name"]: item["value"] for item in properties}
    assert said["governance:edit:E-0001:title"] == HOSTILE
    assert statement_of(out)["predicate"]["edits"][0]["title"] == HOSTILE
    for path in (BILL, ATTESTATION, SIGNATURE):
        raw = (out / path).read_bytes()
        assert raw.isascii()
        assert b"\x1b" not in raw


def test_the_key_file_is_private(tmp_path: Path) -> None:
    made = ModelKey.create(tmp_path)
    assert (tmp_path / PRIVATE).stat().st_mode & 0o777 == 0o600
    assert ModelKey.open(tmp_path).public.pem == made.public.pem
