"""What no edit names is the base model's, and only the base can show it."""

import hashlib
import shutil
from pathlib import Path

import pytest

from governance.errors import NotFoundError, UsageError
from governance.pipeline.header import read_header
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.verify import verify_export
from tests.snapshots.test_verify import flip, reseal


def edited(inputs: ExportInputs) -> tuple[str, set[str]]:
    """Return a file that holds an edited tensor, and all that are edited there."""
    file = sorted(inputs.snapshot.tensors)[0].partition(":")[0]
    keys = [key.partition(":") for key in inputs.snapshot.tensors]
    return file, {name for path, _, name in keys if path == file}


def test_an_export_beside_its_base_holds(pristine: Path, base: Path) -> None:
    verdict = verify_export(pristine, base=base)
    assert verdict.findings == ()
    assert verdict.ok


def test_an_untouched_tensor_that_was_changed_and_sealed_again_is_named(
    export: Path, base: Path, inputs: ExportInputs
) -> None:
    file, names = edited(inputs)
    header = read_header(export / file)
    records = sorted(header.values(), key=lambda record: record.start)
    for record in (r for r in records if r.name not in names):
        flip(export / file, record.start)
        reseal(export)
        # No entry names it: without the base it rests on who signed the folder.
        assert verify_export(export).ok
        (found,) = verify_export(export, base=base).findings
        assert (found.path, found.problem) == (file, "proof")
        assert "where no edit says so" in found.message
        flip(export / file, record.start)


def test_another_base_is_named(pristine: Path, base: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(base, tmp_path / "other"))
    flip(other / "vae" / "config.json", 3)
    (found,) = verify_export(pristine, base=other).findings
    assert (found.path, found.problem) == ("vae/config.json", "changed")
    (other / "model_index.json").unlink()
    with pytest.raises(UsageError, match=r"lacks 1 of its .* 'model_index.json'"):
        verify_export(pristine, base=other)
    with pytest.raises(NotFoundError):
        verify_export(pristine, base=tmp_path / "none")


@pytest.mark.parametrize("path", ["README.md", "governance/report.html"])
def test_what_people_read_cannot_be_left_out(export: Path, path: str) -> None:
    (export / path).unlink()
    reseal(export)
    found = verify_export(export).findings
    assert (path, "missing") in {(item.path, item.problem) for item in found}


@pytest.mark.parametrize(
    "path",
    [
        "governance/README.txt",
        "governance/evidence/notes.json",
        f"governance/evidence/{'a' * 64}.svg",
        "governance/signoffs/0.json.bak",
        f"governance/files/{'b' * 64}.html",
    ],
)
def test_what_no_export_writes_is_named_though_it_is_sealed(
    export: Path, path: str
) -> None:
    place = export / path
    place.parent.mkdir(exist_ok=True)
    place.write_text("something")
    reseal(export)
    found = verify_export(export).findings
    assert (path, "added") in {(item.path, item.problem) for item in found}


def test_a_picture_that_no_evidence_names_is_named(export: Path) -> None:
    data = b"<svg onload=alert(1)>"
    path = f"governance/evidence/{hashlib.sha256(data).hexdigest()}.png"
    (export / path).write_bytes(data)
    reseal(export)
    found = verify_export(export).findings
    assert (path, "added") in {(item.path, item.problem) for item in found}
