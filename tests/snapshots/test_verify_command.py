"""``snapshot verify`` as it is typed: no workspace, exit 0 or 10."""

import json
from pathlib import Path
from typing import Any

import pytest

from governance.cli.run import run
from governance.ledger.note import NoteKey
from governance.snapshots.proofs import pem
from tests.snapshots.logs import LEDGER
from tests.snapshots.people import ADA, BOB, EVE, ORIGIN
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
