"""Derived exports: whole or absent on any disk, and held to their snapshot offline."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from governance.canonical import digest_of
from governance.errors import (
    EngineError,
    IntegrityError,
    InterruptedByUserError,
    UsageError,
)
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import PipelineFolder, hash_file, open_pipeline
from governance.pipeline.weights import PipelineWeights
from governance.snapshots.adapters import build_adapter
from governance.snapshots.casting import cast_payload
from governance.snapshots.compose import write_snapshot
from governance.snapshots.delta import build_delta, delta_document, write_document
from governance.snapshots.derived import Payload, export_derived
from governance.snapshots.factors import loaded_factors
from governance.snapshots.forms import ADAPTER, DELTA, TABLE, Form, Keys, form_of
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.recompose import check_recomposed
from governance.snapshots.tensor_file import write_tensors
from governance.snapshots.verify import verify_export
from tests.pipeline.tiny import build, diffusers
from tests.snapshots.conftest import inputs_for, moved
from tests.snapshots.people import edit, request
from tests.snapshots.stock import Factors
from tests.snapshots.test_export_failures import FailAt, InterruptAt

MANIFEST = "governance/manifest.json"
Change = Callable[[Path], None]


def factors_of(folder: PipelineFolder) -> Factors:
    """The changes of ``moved``, each as itself times the identity."""
    weights = PipelineWeights(folder)
    eyes = {w: torch.eye(w, dtype=torch.float64) for w in (20, 44)}
    return [
        (key, new.double() - weights.read_key(key).double(), eyes[new.shape[1]])
        for key, new in moved(folder).items()
    ]


def adapter(folder: PipelineFolder, keys: Keys = "kohya") -> Payload:
    made = build_adapter(
        folder.family, loaded_factors(folder, factors_of(folder)), keys
    )
    fill = partial(write_tensors, tensors=made.tensors)
    return Payload(Form("lora", keys), {ADAPTER: fill}, {"modules": made.modules})


def delta(folder: PipelineFolder) -> Payload:
    made = build_delta(loaded_factors(folder, factors_of(folder)))
    files = {
        DELTA: partial(write_tensors, tensors=made.tensors),
        TABLE: partial(write_document, document=delta_document(made, base="b")),
    }
    return Payload(Form("delta"), files)


@pytest.fixture(scope="module")
def exported(
    folder: PipelineFolder,
    inputs: ExportInputs,
    store: ObjectStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """One export of every form, which nobody may touch."""
    root = tmp_path_factory.mktemp("derived")
    export_derived(inputs, store, root / "kohya", adapter(folder))
    export_derived(inputs, store, root / "diffusers", adapter(folder, "diffusers"))
    export_derived(inputs, store, root / "delta", delta(folder))
    payload = cast_payload(inputs, store, "bfloat16")
    export_derived(inputs, store, root / "cast", payload)
    return root


@pytest.mark.parametrize("name", ["kohya", "diffusers", "delta", "cast"])
def test_every_form_carries_the_whole_record_and_verifies(
    exported: Path, inputs: ExportInputs, name: str
) -> None:
    verdict = verify_export(exported / name)
    assert verdict.ok, verdict.findings
    record = {p.name for p in (exported / name / "governance").iterdir()}
    assert record >= {
        *("manifest.json", "edits.json", "policy.yaml", "evidence"),
        *("signoffs", "allowed_signers"),
    }
    said = json.loads((exported / name / MANIFEST).read_text())
    assert said["derived"]["from"] == inputs.snapshot.digest
    assert said["snapshot"]["digest"] == inputs.snapshot.digest
    card = (exported / name / "README.md").read_text()
    assert "## Load it" in card
    assert inputs.snapshot.digest in card


def test_the_card_of_an_adapter_says_how_to_load_and_unload_it(exported: Path) -> None:
    card = (exported / "kohya" / "README.md").read_text()
    for words in (
        f'load_lora_weights(FOLDER, weight_name="{ADAPTER}")',
        "unload_lora_weights()",
        "scale 1.0",
        "bit for bit",
    ):
        assert words in card


def remade(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a manifest and give it the digest of its new content."""
    path = folder / MANIFEST
    said = json.loads(path.read_text())
    del said["digest"]
    change(said)
    for entry in said["files"]:
        place = folder / entry["path"]
        if place.exists():
            entry["sha256"], entry["size"] = hash_file(place), place.stat().st_size
    path.write_text(json.dumps({**said, "digest": digest_of(said)}))


def keep(said: dict[str, Any]) -> None:
    """Change nothing but the digests of changed files."""


def without_a_module(folder: Path) -> None:
    tensors = load_file(folder / ADAPTER)
    stem = min(tensors).partition(".")[0]
    kept = {n: t for n, t in tensors.items() if not n.startswith(stem)}
    save_file(kept, folder / ADAPTER, {"format": "pt"})
    remade(folder, keep)


def with_a_module(folder: Path) -> None:
    tensors = load_file(folder / ADAPTER)
    tensors["lora_unet_conv_in.lora_up.weight"] = torch.ones(2, 2)
    save_file(tensors, folder / ADAPTER, {"format": "pt"})
    remade(folder, keep)


def in_half(folder: Path) -> None:
    tensors = {n: t.half() for n, t in load_file(folder / ADAPTER).items()}
    save_file(tensors, folder / ADAPTER, {"format": "pt"})
    remade(folder, keep)


def with_a_pickle(folder: Path) -> None:
    (folder / "pytorch_lora_weights.bin").write_bytes(b"\x80")

    def named(said: dict[str, Any]) -> None:
        said["files"].append({"path": "pytorch_lora_weights.bin"})

    remade(folder, named)


def cut_short(folder: Path) -> None:
    (folder / ADAPTER).write_bytes((folder / ADAPTER).read_bytes()[:-1])
    remade(folder, keep)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_a_module, "it lacks"),
        (with_a_module, "no edit changes"),
        (in_half, "is F16; expected F32"),
        (with_a_pickle, "has no such file"),
        (cut_short, "not a well-formed"),
    ],
)
def test_an_adapter_that_is_not_the_snapshots_is_found_though_the_manifest_agrees(
    exported: Path, tmp_path: Path, change: Change, message: str
) -> None:
    folder = shutil.copytree(exported / "kohya", tmp_path / "copy")
    change(Path(folder))
    verdict = verify_export(Path(folder))
    assert not verdict.ok
    assert any(message in item.message for item in verdict.findings), verdict.findings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "conv_in.weight"),
        ("component", "vae"),
        ("up", "shared.0.down"),
        ("down", "shared.9.down"),
        ("down", None),
        ("more", "x"),
        (None, None),
    ],
)
def test_a_table_that_leads_elsewhere_is_found_though_the_manifest_agrees(
    exported: Path, tmp_path: Path, key: str | None, value: str | None
) -> None:
    """Whoever loads the delta changes the weights that the table names."""
    folder = Path(shutil.copytree(exported / "delta", tmp_path / "copy"))
    table = json.loads((folder / TABLE).read_text())
    first = min(table["weights"])
    if key is None:
        del table["weights"][first]
    else:
        table["weights"][first][key] = value
    (folder / TABLE).write_text(json.dumps(table))
    remade(folder, keep)
    found = [f for f in verify_export(folder).findings if f.path == TABLE]
    assert [f.problem for f in found] == ["proof"]
    assert "the snapshot says otherwise" in found[0].message


@pytest.mark.parametrize("weights", [None, [], [[]], 7, {"x": 1}])
def test_a_table_that_is_none_is_a_finding(
    exported: Path, tmp_path: Path, weights: object
) -> None:
    folder = Path(shutil.copytree(exported / "delta", tmp_path / "copy"))
    (folder / TABLE).write_text(json.dumps({"weights": weights}))
    remade(folder, keep)
    assert TABLE in {f.path for f in verify_export(folder).findings}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("format", "pickle"),
        ("keys", "other"),
        ("keys", None),
        ("dtype", "float16"),
        ("from", "0" * 64),
        ("format", ["lora"]),
    ],
)
def test_a_form_no_export_has_is_malformed(
    exported: Path, tmp_path: Path, place: str, value: object
) -> None:
    folder = Path(shutil.copytree(exported / "kohya", tmp_path / "copy"))

    def change(said: dict[str, Any]) -> None:
        said["derived"][place] = value

    remade(folder, change)
    verdict = verify_export(folder)
    assert [(f.path, f.problem) for f in verdict.findings] == [(MANIFEST, "changed")]


def test_a_component_nobody_knows_is_a_finding_and_no_crash(
    exported: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(exported / "kohya", tmp_path / "copy"))

    def change(said: dict[str, Any]) -> None:
        tensors = said["snapshot"]["tensors"]
        tensors["elsewhere/x.safetensors:a.weight"] = tensors.pop(min(tensors))

    remade(folder, change)
    assert not verify_export(folder).ok


def test_signed_bytes_cannot_be_passed_off_as_derived_ones(
    export: Path, tmp_path: Path
) -> None:
    """Calling a tampered export derived buys no trust from pinned keys."""
    unet = export / "unet" / "diffusion_pytorch_model.safetensors"
    content = bytearray(unet.read_bytes())
    content[-1] ^= 1
    unet.write_bytes(content)

    def change(said: dict[str, Any]) -> None:
        form = Form("diffusers", None, "float32").document()
        said["derived"] = {**form, "from": said["snapshot"]["digest"]}

    remade(export, change)
    keys = tmp_path / "keys"
    keys.write_bytes((export / "governance" / "allowed_signers").read_bytes())
    verdict = verify_export(export, keys)
    assert (verdict.trust, verdict.derived) == ("self", "diffusers, float32")


def test_a_cast_folder_loads_and_holds_every_tensor_rounded_once(
    exported: Path, folder: PipelineFolder, pristine: Path
) -> None:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        exported / "cast", dtype=torch.bfloat16
    )
    assert pipeline.vae.dtype == torch.bfloat16
    for weights in folder.weights:
        for name in weights.files:
            signed = load_file(pristine / weights.component / name)
            cast = load_file(exported / "cast" / weights.component / name)
            assert signed.keys() == cast.keys()
            for key, tensor in signed.items():
                floats = tensor.is_floating_point()
                assert torch.equal(
                    cast[key], tensor.bfloat16() if floats else tensor
                ), key


def test_shards_keep_their_layout_and_other_variants_stay_behind(
    store: ObjectStore, tmp_path: Path
) -> None:
    base = build(tmp_path / "base", "sd2", shard="40KB")
    half = {
        name: tensor.half()
        for shard in (base / "vae").glob("*.safetensors")
        for name, tensor in load_file(shard).items()
    }
    other = "vae/diffusion_pytorch_model.fp16.safetensors"
    save_file(half, base / other, {"format": "pt"})
    folder = open_pipeline(base)
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    target = tmp_path / "out"
    export_derived(inputs, store, target, cast_payload(inputs, store, "float16"))
    index = "unet/diffusion_pytorch_model.safetensors.index.json"
    old, new = (json.loads((at / index).read_text()) for at in (base, target))
    assert old["weight_map"] == new["weight_map"]
    assert new["metadata"]["total_size"] == old["metadata"]["total_size"] / 2
    assert not (target / other).exists()
    left = json.loads((target / MANIFEST).read_text())["left_out"]
    assert other in [item["path"] for item in left]
    assert verify_export(target).ok, verify_export(target).findings
    pipeline = diffusers.DiffusionPipeline.from_pretrained(target, dtype=torch.float16)
    assert pipeline.unet.dtype == torch.float16


def test_a_weight_that_float16_cannot_hold_is_named(
    folder: PipelineFolder, store: ObjectStore, tmp_path: Path
) -> None:
    tensors = moved(folder)
    key = min(tensors)
    tensors[key] = torch.full_like(tensors[key], 1e6)
    inputs = inputs_for(folder, store, (edit(request()),), tensors)
    payload = cast_payload(inputs, store, "float16")
    with pytest.raises(EngineError, match=r"attn2.to_k.*overflows float16"):
        export_derived(inputs, store, tmp_path / "out", payload)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_or_an_interrupt_leaves_nothing_of_any_form(
    folder: PipelineFolder, inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    def payloads() -> list[Payload]:
        cast = cast_payload(inputs, store, "float16")
        return [adapter(folder), delta(folder), replace(cast)]

    for number, payload in enumerate(payloads()):
        disk = FailAt(0)
        export_derived(inputs, store, tmp_path / "whole", payload, disk=disk)
        shutil.rmtree(tmp_path / "whole")
        for step in range(2, disk.steps, max(1, disk.steps // 7)):
            with pytest.raises(UsageError, match="No space left"):
                export_derived(
                    inputs, store, tmp_path / "out", payload, disk=FailAt(step)
                )
            with pytest.raises(KeyboardInterrupt):
                export_derived(
                    inputs, store, tmp_path / "out", payload, disk=InterruptAt(step)
                )
            assert not list(tmp_path.iterdir()), (number, step)


def test_a_place_that_is_taken_is_refused_and_a_stop_is_obeyed(
    folder: PipelineFolder, inputs: ExportInputs, store: ObjectStore, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="exists"):
        export_derived(inputs, store, tmp_path / "there", adapter(folder))
    with pytest.raises(UsageError, match="lies inside"):
        export_derived(inputs, store, folder.root / "out", adapter(folder))
    with pytest.raises(InterruptedByUserError):
        export_derived(
            inputs,
            store,
            tmp_path / "out",
            adapter(folder),
            cancelled=lambda: True,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_base_file_that_changed_is_not_cast(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = open_pipeline(build(tmp_path / "base"))
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    path = folder.root / "vae" / "diffusion_pytorch_model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    payload = cast_payload(inputs, store, "float16")
    with pytest.raises(IntegrityError, match=r"vae/.* changed"):
        export_derived(inputs, store, tmp_path / "out", payload)
    assert not (tmp_path / "out").exists()


def test_another_machines_rounding_is_recorded_and_another_solution_refused(
    folder: PipelineFolder, store: ObjectStore
) -> None:
    tensors = moved(folder)
    resolved = edit(request()).resolved.digest
    snapshot = write_snapshot(store, folder.digest, [resolved], tensors)
    same = check_recomposed(store, folder, snapshot, tensors)
    assert (same.exact, same.worst) == (True, 0.0)
    near = {key: tensor * (1 + 1e-6) for key, tensor in tensors.items()}
    found = check_recomposed(store, folder, snapshot, near)
    assert not found.exact
    assert 0 < found.worst < 1e-5
    far = {key: tensor * (1 + 1e-3) for key, tensor in tensors.items()}
    with pytest.raises(IntegrityError, match="not the one that was signed"):
        check_recomposed(store, folder, snapshot, far)
    lost = dict(list(tensors.items())[1:])
    with pytest.raises(IntegrityError, match=min(tensors)):
        check_recomposed(store, folder, snapshot, lost)


def test_forms_are_read_as_they_are_written() -> None:
    assert not form_of(None, None, None).derived
    assert form_of("lora", None, "float32") == Form("lora", "kohya")
    assert form_of("diffusers", None, "float16").words == "diffusers, float16"
