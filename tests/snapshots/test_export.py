"""What an export holds, and what it leaves behind."""

import hashlib
import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.numpy import load_file

from governance.errors import (
    IntegrityError,
    InterruptedByUserError,
    PipelineError,
    UsageError,
    WrongStateError,
)
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.pipeline.header import read_header
from governance.snapshots.compose import load_overrides
from governance.snapshots.export import export_diffusers
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.verify import verify_export
from tests.pipeline.tiny import build, edit_json
from tests.snapshots.conftest import inputs_for, moved
from tests.snapshots.people import edit, request

UNET = "unet/diffusion_pytorch_model.safetensors"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def manifest_of(export: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (export / "governance/manifest.json").read_text()
    )
    return found


def test_only_edited_tensors_differ_from_the_base(
    folder: PipelineFolder, pristine: Path, inputs: ExportInputs, store: ObjectStore
) -> None:
    exported = files_of(pristine)
    for record in folder.files:
        data = (folder.root / record.path).read_bytes()
        if record.path != UNET:
            assert exported[record.path] == data, record.path
    expected = bytearray((folder.root / UNET).read_bytes())
    header = read_header(folder.root / UNET)
    overrides = load_overrides(store, inputs.snapshot)
    assert overrides
    for key, data in overrides.items():
        place = header[key.split(":")[1]]
        assert expected[place.start : place.end] != data
        expected[place.start : place.end] = data
    assert exported[UNET] == bytes(expected)


def test_the_manifest_names_every_file_but_itself_and_its_signature(
    pristine: Path,
) -> None:
    files = files_of(pristine)
    del files["governance/manifest.json"], files["model.sig"]
    listed = {item["path"]: item for item in manifest_of(pristine)["files"]}
    assert listed.keys() == files.keys()
    for path, data in files.items():
        assert listed[path]["size"] == len(data)
        assert listed[path]["sha256"] == hashlib.sha256(data).hexdigest()


def test_the_record_is_complete(pristine: Path, inputs: ExportInputs) -> None:
    manifest = manifest_of(pristine)
    assert manifest["snapshot"]["digest"] == inputs.snapshot.digest
    assert manifest["ledger"] == {
        "origin": inputs.origin,
        "head": {"size": inputs.head.size, "root": inputs.head.root},
    }
    policy = yaml.safe_load((pristine / "governance/policy.yaml").read_text())
    assert policy == inputs.policy.document
    (edited,) = json.loads((pristine / "governance/edits.json").read_text())["edits"]
    assert edited["request"] == inputs.edits[0].request
    statement = json.loads((pristine / "governance/signoffs/1.json").read_text())
    assert statement == inputs.signoffs[0].document


def test_exporting_twice_gives_equal_bytes(
    inputs: ExportInputs, store: ObjectStore, pristine: Path, tmp_path: Path
) -> None:
    export_diffusers(inputs, store, tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(pristine)


def test_another_time_changes_only_what_tells_it(
    inputs: ExportInputs, store: ObjectStore, pristine: Path, tmp_path: Path
) -> None:
    later = replace(inputs, created="2027-01-01T00:00:00Z")
    export_diffusers(later, store, tmp_path / "later")
    first, second = files_of(pristine), files_of(tmp_path / "later")
    differing = {path for path in first if first[path] != second[path]}
    told = {"README.md", "governance/manifest.json", "governance/report.html"}
    told |= {"governance/bom.cdx.json", "governance/attestation.json", "model.sig"}
    assert differing == told


def test_the_base_itself_can_be_exported(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    bare = replace(
        inputs_for(folder, store, (), {}), signoffs=(), results=(), evidence=()
    )
    export_diffusers(bare, store, tmp_path / "bare")
    files = files_of(tmp_path / "bare")
    for record in folder.files:
        assert files[record.path] == (folder.root / record.path).read_bytes()
    assert verify_export(tmp_path / "bare").ok
    assert b"base_model_relation" not in files["README.md"]


def test_every_shard_keeps_its_place(store: ObjectStore, tmp_path: Path) -> None:
    folder = open_pipeline(build(tmp_path / "base", shard="20KB"))
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    edited = {key.split(":")[0] for key in inputs.snapshot.tensors}
    assert len(edited) > 1, "the test needs edits in several shards"
    export_diffusers(inputs, store, tmp_path / "out")
    base, exported = files_of(folder.root), files_of(tmp_path / "out")
    assert {p for p in base if base[p] != exported[p]} == edited
    assert verify_export(tmp_path / "out").ok


def with_half(target: Path) -> Path:
    """A base that has its U-Net in float32 and, as a variant, in float16."""
    build(target)
    half = build(target.with_name("half"), dtype=torch.float16, variant="fp16")
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    shutil.copy(half / name, target / name)
    return target


def test_every_variant_of_an_edited_component_is_edited(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = open_pipeline(with_half(tmp_path / "base"))
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    export_diffusers(inputs, store, tmp_path / "out")
    for name in (UNET, UNET.replace(".safetensors", ".fp16.safetensors")):
        old, new = load_file(folder.root / name), load_file(tmp_path / "out" / name)
        for tensor in old:
            edited = f"{name}:{tensor}" in inputs.snapshot.tensors
            assert edited == ("attn2.to_k" in tensor or "attn2.to_v" in tensor)
            assert old[tensor].dtype == new[tensor].dtype
            assert (old[tensor].tobytes() != new[tensor].tobytes()) == edited
    assert verify_export(tmp_path / "out").ok


def test_a_variant_that_could_not_be_edited_stays_behind(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = open_pipeline(with_half(tmp_path / "base"))
    tensors = {k: v for k, v in moved(folder).items() if "fp16" not in k}
    inputs = inputs_for(folder, store, (edit(request()),), tensors)
    export_diffusers(inputs, store, tmp_path / "out")
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    assert not (tmp_path / "out" / name).exists()
    (behind,) = manifest_of(tmp_path / "out")["left_out"]
    assert behind["path"] == name
    assert "unedited concept" in behind["reason"]
    assert verify_export(tmp_path / "out").ok


def test_a_snapshot_that_leaves_the_loaded_variant_alone_is_refused(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = open_pipeline(with_half(tmp_path / "base"))
    tensors = {k: v for k, v in moved(folder).items() if "fp16" in k}
    inputs = inputs_for(folder, store, (edit(request()),), tensors)
    with pytest.raises(IntegrityError, match="elsewhere than"):
        export_diffusers(inputs, store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pickles_code_and_loose_checkpoints_stay_behind_by_name(
    store: ObjectStore, base: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "base"))
    planted = {
        "unet/diffusion_pytorch_model.bin": "a pickle",
        "v1-5-pruned.ckpt": "a pickle",
        "v1-5-pruned.safetensors": "weights the pipeline does not load",
        "pipeline.py": "code",
        "LICENSE": "not loaded",
        ".cache/": "not loaded",
    }
    for name in planted:
        if name.endswith("/"):
            (copy / name).mkdir()
            (copy / name / "x.pt").write_bytes(b"x")
        else:
            (copy / name).write_bytes(b"x")
    folder = open_pipeline(copy)
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    export_diffusers(inputs, store, tmp_path / "out")
    left_out = {
        i["path"]: i["reason"] for i in manifest_of(tmp_path / "out")["left_out"]
    }
    assert left_out.keys() == planted.keys()
    for name, reason in planted.items():
        assert reason in left_out[name], name
        assert not (tmp_path / "out" / name).exists()


def test_links_are_followed_and_recorded(
    store: ObjectStore, base: Path, tmp_path: Path
) -> None:
    """As a hub's cache keeps a model: every file a link to a blob."""
    root = tmp_path / "snapshots" / "main"
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, path in enumerate(sorted(p for p in base.rglob("*") if p.is_file())):
        shutil.copy(path, blobs / str(number))
        place = root / path.relative_to(base)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(blobs / str(number), place.parent))
    folder = open_pipeline(root)
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    assert all(
        stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode)
        for path in out.rglob("*")
    )
    links = {item["path"]: item["target"] for item in manifest_of(out)["links"]}
    assert links.keys() == {record.path for record in folder.files}
    assert links["model_index.json"].startswith("../../blobs/")
    assert verify_export(out).ok


def test_an_existing_target_is_refused_and_kept(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("out", "link"):
        with pytest.raises(UsageError, match="exists; expected the name of a new"):
            export_diffusers(inputs, store, tmp_path / name)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_target_without_a_parent_is_refused(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        export_diffusers(inputs, store, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_into_base_or_workspace(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "deep").mkdir(parents=True)
    (tmp_path / "door").symlink_to(workspace / "deep")
    before = files_of(inputs.folder.root)
    inside = [
        inputs.folder.root / "out",
        inputs.folder.root / "unet" / "out",
        workspace / "out",
        workspace / "deep" / ".." / "out",
        tmp_path / "door" / "out",
    ]
    for target in inside:
        with pytest.raises(UsageError, match="lies inside"):
            export_diffusers(inputs, store, target, outside=[workspace])
    assert files_of(inputs.folder.root) == before
    assert files_of(workspace) == {}


def test_a_changed_base_file_stops_the_export(
    store: ObjectStore, base: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "base"))
    folder = open_pipeline(copy)
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    edit_json(copy / "unet" / "config.json", sample_size=16)
    with pytest.raises(IntegrityError, match=r"base file unet/config\.json changed"):
        export_diffusers(inputs, store, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_base_file_that_is_gone_stops_the_export(
    store: ObjectStore, base: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "base"))
    folder = open_pipeline(copy)
    inputs = inputs_for(folder, store, (), {})
    (copy / "vae" / "config.json").unlink()
    with pytest.raises(IntegrityError, match=r"vae/config\.json cannot be read"):
        export_diffusers(inputs, store, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_base_name_that_leaves_the_folder_is_refused(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    for name in ("../evil.json", "/etc/evil", "unet/../../x", "unet//x", "a\nb"):
        odd = replace(inputs.folder.files[0], path=name)
        folder = replace(inputs.folder, files=(odd, *inputs.folder.files))
        snapshot = replace(inputs.snapshot, base=folder.digest)
        with pytest.raises(PipelineError, match="expected a plain relative name"):
            export_diffusers(
                replace(inputs, folder=folder, snapshot=snapshot),
                store,
                tmp_path / "out",
            )
    assert list(tmp_path.iterdir()) == []


def test_a_base_cannot_take_the_place_of_the_record(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    for name in ("governance/policy.yaml", "Governance/x.json", "readme.md"):
        odd = replace(inputs.folder.files[0], path=name)
        folder = replace(inputs.folder, files=(odd, *inputs.folder.files))
        snapshot = replace(inputs.snapshot, base=folder.digest)
        with pytest.raises(PipelineError, match="keeps that name"):
            export_diffusers(
                replace(inputs, folder=folder, snapshot=snapshot),
                store,
                tmp_path / "out",
            )


def test_inputs_that_do_not_belong_together_are_refused(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    def refused(changed: ExportInputs, kind: type[Exception], words: str) -> None:
        with pytest.raises(kind, match=words):
            export_diffusers(changed, store, tmp_path / "out")

    other = edit(request("Another"))
    refused(replace(inputs, edits=()), IntegrityError, "expected the edits")
    refused(replace(inputs, edits=(other,)), IntegrityError, "expected the edits")
    forged = replace(inputs.edits[0], request=other.request)
    refused(replace(inputs, edits=(forged,)), IntegrityError, "its request has digest")
    policy = replace(inputs.policy, document={"spec": {}})
    refused(replace(inputs, policy=policy), IntegrityError, "its document is another")
    snapshot = replace(inputs.snapshot, base="0" * 64)
    refused(replace(inputs, snapshot=snapshot), WrongStateError, "another base")
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_every_byte_and_a_stop_leaves_nothing(
    inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    total = sum(record.size for record in inputs.folder.files)
    export_diffusers(
        inputs, store, tmp_path / "out", on_progress=lambda *at: seen.append(at)
    )
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)
    for moment in range(len(seen)):
        asked = iter(range(len(seen) + 1))
        with pytest.raises(InterruptedByUserError, match="nothing was left"):
            export_diffusers(
                inputs,
                store,
                tmp_path / "stopped",
                cancelled=lambda moment=moment, asked=asked: next(asked) == moment,  # type: ignore[misc]
            )
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
