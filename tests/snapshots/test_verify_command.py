"""``snapshot verify`` as it is typed: no workspace, exit 0 or 10."""

import json
from pathlib import Path
from typing import Any

import pytest

from governance.cli.run import run
from governance.ledger.note import NoteKey
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder
from governance.snapshots.derived import export_derived
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.proofs import pem
from tests.snapshots.logs import LEDGER
from tests.snapshots.people import ADA, BOB, EVE, ORIGIN
from tests.snapshots.test_derived import adapter
from tests.snapshots.test_verify import flip, keys


@pytest.fixture
def brought(pristine: Path, tmp_path: Path) -> tuple[str, ...]:
    """Everything a verifier can bring along, got before the export."""
    key, kept = tmp_path / "ledger.pub", tmp_path / "kept"
    key.write_bytes(pem(NoteKey(ORIGIN, LEDGER.public_key())))
    kept.write_bytes((pristine / "governance/checkpoint").read_bytes())
    return (
        *("--allowed-signers", str(keys(tmp_path, ADA, BOB))),
        *("--ledger-key", str(key)),
        *("--against", str(kept)),
    )


def verify(
    capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, Any]]:
    code = run(["--workspace", "/nowhere", "snapshot", "verify", *words, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def test_with_everything_brought_along_it_is_pinned(
    pristine: Path, brought: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = verify(capsys, str(pristine), *brought)
    assert (code, document["ok"], document["trust"]) == (0, True, "pinned")
    assert document["findings"] == []


def test_without_keys_authorship_is_not_proven(
    pristine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = verify(capsys, str(pristine))
    assert (code, document["ok"], document["trust"]) == (0, True, "self")
    assert run(["snapshot", "verify", str(pristine)]) == 0
    assert "authorship not proven" in capsys.readouterr().out


def test_a_changed_byte_is_exit_ten(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(export / "governance/checkpoint", 3)
    code, document = verify(capsys, str(export))
    assert (code, document["ok"]) == (10, False)
    (found,) = document["findings"]
    assert (found["path"], found["problem"]) == ("governance/checkpoint", "changed")


def test_other_peoples_keys_are_exit_ten(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trusted = str(keys(tmp_path, ADA, EVE))
    code, document = verify(capsys, str(pristine), "--allowed-signers", trusted)
    assert (code, document["trust"]) == (10, "self")


@pytest.mark.parametrize("option", ["--ledger-key", "--against", "--allowed-signers"])
def test_a_file_that_is_not_there_is_exit_three(
    pristine: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = verify(capsys, str(pristine), option, str(tmp_path / "nothing"))
    assert code == 3
    assert set(document) == {"error"}


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert run(["--workspace", "/nowhere", "snapshot", "verify", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_what_was_checked_is_printed_line_by_line(
    pristine: Path,
    base: Path,
    brought: tuple[str, ...],
    inputs: ExportInputs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = printed(capsys, str(pristine), *brought, "--base", str(base))
    size, root = inputs.head.size, inputs.head.root
    for line in (
        f"snapshot  {inputs.snapshot.digest}",
        f"model     miniature, base digest {inputs.folder.digest}",
        f"base      compared with {base}, byte for byte",
        f"ledger    {ORIGIN}, {size} entries, root {root}",
        f"against   your checkpoint of {size} entries, root {root}: continued",
        "consistent, signed by the keys you gave",
    ):
        assert line in said
    text = "\n".join(said)
    assert f"signer    {BOB.name}  {BOB.key.fingerprint} (a key you gave)" in text
    assert "(the one you gave)" in text
    assert "edit      E-0001  request " in text
    assert "standing  This snapshot was live when this was written" in text


def test_what_was_not_given_is_told_too(
    pristine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "\n".join(printed(capsys, str(pristine)))
    assert "(a key of the export, not pinned)" in text
    assert "(the export's own, not pinned)" in text
    assert "against   no checkpoint was given" in text
    assert "base      not compared" in text


def test_the_json_holds_what_was_checked(
    pristine: Path,
    brought: tuple[str, ...],
    inputs: ExportInputs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checked = verify(capsys, str(pristine), *brought)[1]["checked"]
    assert checked["snapshot"] == inputs.snapshot.digest
    assert checked["live"] is True
    assert checked["model"]["digest"] == inputs.folder.digest
    assert [one["id"] for one in checked["edits"]] == ["E-0001"]
    assert (checked["signers"]["pinned"], checked["signers"]["matched"]) == (True, True)
    (one,) = checked["signers"]["signatures"]
    assert (one["principal"], one["fingerprint"]) == (BOB.name, BOB.key.fingerprint)
    assert checked["ledger"]["pinned"] is True
    assert checked["against"] == inputs.head.document()
    assert checked["base"] is None


def test_a_derived_export_says_whether_its_signers_matched(
    folder: PipelineFolder,
    inputs: ExportInputs,
    store: ObjectStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = str(tmp_path / "lora")
    export_derived(inputs, store, tmp_path / "lora", adapter(folder))
    trusted = str(keys(tmp_path, ADA, BOB))
    alone = printed(capsys, out)
    assert alone[-1].endswith("is not proven (give --allowed-signers)")
    pinned = printed(capsys, out, "--allowed-signers", trusted)
    assert pinned[-1].endswith("that snapshot is signed by the keys you gave")
    assert "form      derived: lora, kohya keys" in "\n".join(pinned)


def test_a_changed_export_was_not_checked(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(export / "governance/checkpoint", 3)
    assert verify(capsys, str(export))[1]["checked"] == {}


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code, document = verify(capsys, *words)
    assert code == 2
    return str(document["error"]["message"])


def test_a_folder_that_is_not_the_base_is_a_usage_error(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, str(pristine), "--base", str(tmp_path))
    assert "is not the base model: it lacks" in said
    assert "Errno" not in said


def test_a_file_that_is_no_checkpoint_is_a_usage_error(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    for text in ("", "no note", "a\n1\nAAAA\n\n\N{EM DASH} a AAAA\n"):
        kept.write_text(text)
        said = refused(capsys, str(pristine), "--against", str(kept))
        assert "holds no checkpoint" in said


def test_a_folder_that_is_no_export_is_a_usage_error(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, str(base))
    assert "this folder is no export: governance/manifest.json is missing" in said


def test_an_export_without_its_manifest_is_no_usage_error(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (export / "governance/manifest.json").unlink()
    assert verify(capsys, str(export))[0] == 10
