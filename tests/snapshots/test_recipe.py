"""The shell recipe of the documentation, run as a reader would run it."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.ledger.note import NoteKey
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.derived import export_derived
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.proofs import pem
from tests.snapshots.logs import logged
from tests.snapshots.people import ADA, BOB, EVE, approval, policy, signers
from tests.snapshots.test_derived import adapter
from tests.snapshots.test_verify import flip, reseal, rewrite_manifest

_DOCUMENT = Path(__file__).parents[2] / "README.md"
_TOOLS = ("jq", "openssl", "ssh-keygen", "sha256sum")


@pytest.fixture(scope="module")
def recipe() -> str:
    for tool in _TOOLS:
        if which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (block,) = re.findall(r"^```sh\n(.*?)^```$", _DOCUMENT.read_text(), re.S | re.M)
    return str(block)


def run(recipe: str, export: Path, **known: Path) -> tuple[int, str]:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 - the recipe of this repository
        ["/bin/sh", "-c", recipe],
        cwd=export,
        env={**environment, **{name: str(path) for name, path in known.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_good_export_passes(recipe: str, pristine: Path) -> None:
    code, said = run(recipe, pristine)
    assert code == 0, said
    assert "consistent: 1 sign-offs; 8 entries of 8 proven" in said


def test_the_last_lines_say_whose_keys_were_used(
    recipe: str, pristine: Path, tmp_path: Path
) -> None:
    own = "the export's own, authorship is not proven"
    said = run(recipe, pristine)[1].splitlines()[-3:]
    assert said == [
        f"signers: {own}",
        f"ledger key: {own}",
        "files: the very bytes that were signed",
    ]
    trusted, key = tmp_path / "trusted", tmp_path / "ledger.pub"
    trusted.write_text(signers(ADA, BOB))
    shutil.copy(pristine / "governance/keys/ledger.pub", key)
    said = run(recipe, pristine, SIGNERS=trusted, LEDGER_KEY=key)[1].splitlines()[-3:]
    assert said[:2] == [f"signers: {trusted}", f"ledger key: {key}"]


def test_the_last_line_says_that_an_export_is_derived(
    recipe: str,
    folder: PipelineFolder,
    inputs: ExportInputs,
    store: ObjectStore,
    tmp_path: Path,
) -> None:
    export_derived(inputs, store, tmp_path / "lora", adapter(folder))
    code, said = run(recipe, tmp_path / "lora")
    assert code == 0, said
    assert said.splitlines()[-1] == (
        "files: derived (lora), no signature covers these very bytes"
    )


def test_a_proposal_signed_by_another_key_fails(recipe: str, export: Path) -> None:
    place = export / "governance/edits.json"
    edits = json.loads(place.read_text())
    edits["edits"][0]["proposal"]["key"] = EVE.key.text
    place.write_text(json.dumps(edits))
    reseal(export)
    code, said = run(recipe, export)
    assert code == 1
    assert "the proposal of E-0001 is not signed by its key" in said


def test_it_needs_no_tool_it_does_not_name(recipe: str) -> None:
    words = set(re.findall(r"[a-z][a-z0-9_-]+", recipe))
    assert not words & {
        "python",
        "python3",
        "xxd",
        "perl",
        "awk",
        "curl",
        "governance-",
    }


def test_a_flipped_byte_fails(recipe: str, export: Path) -> None:
    flip(export / "unet/diffusion_pytorch_model.safetensors", -1)
    code, said = run(recipe, export)
    assert code == 1
    assert "a file is not the manifest's" in said


def test_an_added_file_and_a_link_fail(recipe: str, export: Path) -> None:
    (export / "unet/evil.py").write_text("import os")
    assert "does not name" in run(recipe, export)[1]
    (export / "unet/evil.py").unlink()
    config = export / "unet/config.json"
    (export.parent / "elsewhere").write_bytes(config.read_bytes())
    config.unlink()
    config.symlink_to(export.parent / "elsewhere")
    assert run(recipe, export)[0] == 1


@pytest.fixture
def two(inputs: ExportInputs, store: ObjectStore, tmp_path: Path) -> Path:
    """An export that two people approved."""
    strict = replace(inputs, policy=policy(2), allowed_signers=signers(ADA, BOB, EVE))
    both = (approval(strict, BOB), approval(strict, EVE))
    whole = logged(replace(strict, signoffs=both))
    return export_diffusers(whole, store, tmp_path / "two").path


def test_swapped_sign_offs_fail_even_with_a_fitting_manifest(
    recipe: str, two: Path
) -> None:
    assert run(recipe, two)[0] == 0
    folder = two / "governance/signoffs"
    for ending in ("json", "json.sshsig"):
        first, second = folder / f"1.{ending}", folder / f"2.{ending}"
        data = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(data)
    reseal(two)
    code, said = run(recipe, two)
    assert code == 1
    assert "is not signed by bob@example.org" in said

    # The forger adapts the manifest's list as well.
    def relabel(manifest: dict[str, list[dict[str, object]]]) -> None:
        one, other = manifest["signoffs"]
        one["principal"], other["principal"] = other["principal"], one["principal"]

    rewrite_manifest(two, relabel)
    code, said = run(recipe, two)
    assert code == 1
    assert re.search(r"signoffs/\d.json is not entry \d's", said)


def test_a_changed_checkpoint_fails(recipe: str, export: Path) -> None:
    place = export / "governance/checkpoint"
    origin, size, rest = place.read_text().split("\n", 2)
    place.write_text(f"{origin}\n{int(size) + 1}\n{rest}")
    reseal(export)
    code, said = run(recipe, export)
    assert code == 1
    assert "the checkpoint's signature" in said


def test_an_edited_payload_fails(recipe: str, export: Path) -> None:
    place = export / "governance/proofs.json"
    proofs = json.loads(place.read_text())
    payload = proofs["entries"][2]["payload"]
    proofs["entries"][2]["payload"] = payload.replace("Kora", "Lume")
    assert proofs["entries"][2]["payload"] != payload
    place.write_text(json.dumps(proofs))
    reseal(export)
    code, said = run(recipe, export)
    assert code == 1
    assert "cited entry 3 is not proven" in said


def test_a_missing_sign_off_is_not_passed_over(recipe: str, export: Path) -> None:
    rewrite_manifest(export, lambda manifest: manifest.update(signoffs=[]))
    assert "lists other sign-offs" in run(recipe, export)[1]


def test_keys_got_elsewhere_tell_a_forger(
    recipe: str, pristine: Path, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted"
    trusted.write_text(signers(ADA, BOB))
    assert run(recipe, pristine, SIGNERS=trusted)[0] == 0
    trusted.write_text(signers(ADA, EVE))
    assert "is not signed by" in run(recipe, pristine, SIGNERS=trusted)[1]
    other = tmp_path / "other.pub"
    other.write_bytes(pem(NoteKey("x", Ed25519PrivateKey.generate().public_key())))
    assert "the checkpoint's signature" in run(recipe, pristine, LEDGER_KEY=other)[1]
    shutil.copy(pristine / "governance/keys/ledger.pub", other)
    assert run(recipe, pristine, LEDGER_KEY=other)[0] == 0
