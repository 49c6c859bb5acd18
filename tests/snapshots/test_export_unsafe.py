"""No export carries the unedited concept, somebody's code, or a file from elsewhere."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from governance.ledger.store import ObjectStore
from governance.pipeline.folder import open_pipeline
from governance.snapshots.export import export_diffusers
from governance.snapshots.licence import licence_of
from tests.pipeline.tiny import build
from tests.snapshots.conftest import inputs_for, moved
from tests.snapshots.people import edit, request
from tests.snapshots.test_export import UNET, manifest_of

UNSAFE = {
    "unet/diffusion_pytorch_model.bin": "a pickle",
    "unet/diffusion_pytorch_model.fp16.bin": "a pickle",
    "unet/diffusion_pytorch_model.ckpt": "a pickle",
    "unet/diffusion_pytorch_model.pt": "a pickle",
    "unet/diffusion_pytorch_model.pth": "a pickle",
    "unet/diffusion_flax_model.msgpack": "a pickle",
    "text_encoder/tf_model.h5": "a pickle",
    "text_encoder/pytorch_model.pkl": "a pickle",
    "unet/modeling_unet.py": "code",
    "text_encoder/__init__.py": "code",
    "text_encoder/native.so": "code",
    "unet/unet_full.safetensors": "weights the pipeline does not load",
    "unet/model.onnx": "not loaded by the pipeline",
    "sd-v1-5-inpainting.ckpt": "a pickle",
}


def test_whatever_could_bring_the_concept_back_stays_behind(
    store: ObjectStore, base: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "base"))
    for name in UNSAFE:
        (copy / name).write_bytes(b"unedited")
    folder = open_pipeline(copy)
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    told = {item["path"]: item["reason"] for item in manifest_of(out)["left_out"]}
    assert told.keys() == UNSAFE.keys()
    for name, reason in UNSAFE.items():
        assert reason in told[name], name
        assert not (out / name).exists(), name
    page = (out / "governance/report.html").read_text()
    card = (out / "README.md").read_text().replace("\\", "")
    for name in UNSAFE:
        assert name in page, name
        assert name in card, name
    assert not [
        p for p in out.rglob("*") if p.is_file() and p.read_bytes() == b"unedited"
    ]


def variants(target: Path) -> Path:
    """A base with weights in full, without averaging, and halved in shards."""
    build(target)
    raw = build(target.with_name("raw"), seed=1)
    shutil.copy(
        raw / UNET, target / "unet" / "diffusion_pytorch_model.non_ema.safetensors"
    )
    half = build(
        target.with_name("half"), dtype=torch.float16, variant="fp16", shard="20KB"
    )
    for path in (half / "unet").glob("diffusion_pytorch_model*"):
        shutil.copy(path, target / "unet" / path.name)
    return target


def test_variants_without_averaging_and_halved_ones_in_shards_are_edited(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = open_pipeline(variants(tmp_path / "base"))
    assert {found.variant for found in folder.variants("unet")} == {
        "",
        "fp16",
        "non_ema",
    }
    tensors = moved(folder)
    inputs = inputs_for(folder, store, (edit(request()),), tensors)
    out = export_diffusers(inputs, store, tmp_path / "out").path
    assert manifest_of(out)["left_out"] == []
    loader: Any = UNet2DConditionModel
    for variant in (None, "fp16", "non_ema"):
        old, new = (
            loader.from_pretrained(
                place / "unet", variant=variant, torch_dtype="auto"
            ).state_dict()
            for place in (folder.root, out)
        )
        differing = {name for name in old if not torch.equal(old[name], new[name])}
        wanted = {n for n in old if "attn2.to_k." in n or "attn2.to_v." in n}
        assert differing == wanted, variant


def test_a_tensor_told_in_two_shards_is_edited_in_both(
    store: ObjectStore, tmp_path: Path
) -> None:
    base = build(tmp_path / "base", shard="20KB")
    index = base / f"{UNET}.index.json"
    content = json.loads(index.read_text())
    names = content["weight_map"]
    tensor = next(name for name in sorted(names) if name.endswith("attn2.to_k.weight"))
    twin = "diffusion_pytorch_model-twin.safetensors"
    old = load_file(base / "unet" / names[tensor])[tensor]
    save_file({tensor: old, "twin": old.clone()}, base / "unet" / twin)
    names["twin"] = twin
    index.write_text(json.dumps(content))
    folder = open_pipeline(base)
    inputs = inputs_for(folder, store, (edit(request()),), moved(folder))
    out = export_diffusers(inputs, store, tmp_path / "out").path
    for file in (names[tensor], twin):
        assert not torch.equal(load_file(out / "unet" / file)[tensor], old), file


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (
            "---\nlicense: creativeml-openrail-m\ntags: []\n---\n# x\n",
            "creativeml-openrail-m",
        ),
        (
            '---\nlicense: other\nlicense_name: "own"\n---\n',
            "other, own",
        ),
        ("# no front matter\nlicense: mit\n", None),
        ("---\ntags: []\n---\nlicense: mit\n", None),
        ("", None),
    ],
)
def test_the_licence_is_what_the_front_matter_names(
    tmp_path: Path, card: str, licence: str | None
) -> None:
    (tmp_path / "README.md").write_text(card)
    assert licence_of(tmp_path) == licence


def test_a_card_that_is_none_names_no_licence(tmp_path: Path) -> None:
    assert licence_of(tmp_path) is None
    (tmp_path / "README.md").mkdir()
    assert licence_of(tmp_path) is None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "README.md").write_bytes(b"---\nlicense: \xff\xfe\n---\n")
    assert licence_of(tmp_path / "other") == "\ufffd\ufffd"
