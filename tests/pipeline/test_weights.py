"""Tensors are found by name, read one at a time, and replaced byte for byte."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from governance.errors import IntegrityError, PipelineError
from governance.pipeline.export import fill_folder
from governance.pipeline.folder import open_pipeline, verify_files
from governance.pipeline.header import read_header
from governance.pipeline.rewrite import rewrite
from governance.pipeline.tensors import read_tensor, tensor_bytes, tensor_from
from governance.pipeline.weights import PipelineWeights
from tests.pipeline.tiny import Family, build, copy, diffusers

UNET = "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(("family", "count"), [("sd1", 8), ("sd2", 8), ("sdxl", 16)])
def test_sites_are_every_cross_attention_projection_of_the_u_net(
    tiny: dict[Family, Path], family: Family, count: int
) -> None:
    unet = diffusers.UNet2DConditionModel.from_pretrained(tiny[family] / "unet")
    expected = {
        f"{name}.{part}.weight": (part[-1], tuple(getattr(module, part).weight.shape))
        for name, module in unet.named_modules()
        if name.endswith("attn2")
        for part in ("to_k", "to_v")
    }
    sites = PipelineWeights(open_pipeline(tiny[family])).sites
    found = {s.key.partition(":")[2]: (s.projection, s.shape) for s in sites}
    assert found == expected
    assert len(found) == count


@pytest.mark.parametrize(
    ("family", "shapes"),
    [("sd3", [(16, 52), (16, 64)]), ("flux", [(32, 52), (32, 20)])],
)
def test_sites_of_a_transformer_are_what_its_text_enters_through(
    tiny: dict[Family, Path], family: Family, shapes: list[tuple[int, int]]
) -> None:
    kind = {"sd3": "SD3Transformer2DModel", "flux": "FluxTransformer2DModel"}[family]
    model = getattr(diffusers, kind).from_pretrained(tiny[family] / "transformer")
    sites = PipelineWeights(open_pipeline(tiny[family])).sites
    context, pooled = sorted(sites, key=lambda site: site.projection)
    assert [(s.projection, s.shape) for s in (context, pooled)] == [
        ("context", shapes[0]),
        ("pooled", shapes[1]),
    ]
    modules = (model.context_embedder, model.time_text_embed.text_embedder.linear_1)
    for site, module in zip((context, pooled), modules, strict=True):
        name = site.key.partition(":")[2]
        assert model.get_parameter(name) is module.weight
        assert module.bias is not None


@pytest.mark.parametrize(
    ("family", "components"),
    [("sd3", ["text_encoder", "text_encoder_2"]), ("flux", ["text_encoder"])],
)
def test_t5_has_no_text_encoder_site(
    tiny: dict[Family, Path], family: Family, components: list[str]
) -> None:
    sites = PipelineWeights(open_pipeline(tiny[family])).text_sites
    assert list(dict.fromkeys(site.component for site in sites)) == components
    assert [site.shape for site in sites][:3] == [(20, 44)] * 3


def test_text_encoder_sites_are_every_fc2_shallow_to_deep(
    tiny: dict[Family, Path],
) -> None:
    sites = PipelineWeights(open_pipeline(tiny["sdxl"])).text_sites
    assert [(s.component, s.layer, s.shape) for s in sites] == [
        ("text_encoder", 0, (20, 44)),
        ("text_encoder", 1, (20, 44)),
        ("text_encoder", 2, (20, 44)),
        ("text_encoder_2", 0, (24, 52)),
        ("text_encoder_2", 1, (24, 52)),
    ]


def test_every_variant_has_sites_of_its_own(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = copy(tiny["sd1"], tmp_path / "model")
    tensors = load_file(folder / "unet" / UNET)
    half = folder / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    save_file({name: tensor.half() for name, tensor in tensors.items()}, half)
    weights = PipelineWeights(open_pipeline(folder))
    dtypes = [weights.read(site).dtype for site in weights.sites]
    assert dtypes == [torch.float32] * 8 + [torch.float16] * 8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_reading_gives_what_safetensors_gives(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    folder = build(tmp_path / "model", dtype=dtype, shard="20KB")
    for path in folder.rglob("*.safetensors"):
        expected = load_file(path)
        header = read_header(path)
        assert header.keys() == expected.keys()
        for name, record in header.items():
            found = read_tensor(path, record)
            assert torch.equal(found, expected[name])
            assert torch.equal(tensor_from(tensor_bytes(found), record), found)


def test_nan_is_refused_by_name_and_only_when_it_is_read(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    folder = copy(tiny["sd1"], tmp_path / "model")
    path = folder / "unet" / UNET
    tensors = load_file(path)
    name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight"
    tensors[name][1, 2] = float("inf")
    save_file(tensors, path)
    weights = PipelineWeights(open_pipeline(folder))
    weights.read_key(f"unet/{UNET}:conv_in.weight")
    with pytest.raises(
        PipelineError, match=rf"'{name}' of unet/{UNET} holds NaN or inf"
    ):
        weights.read_key(f"unet/{UNET}:{name}")
    with pytest.raises(PipelineError, match=name):
        weights.check_finite()


def test_a_rewritten_file_differs_in_the_named_bytes_only(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    source = tiny["sd1"] / "unet" / UNET
    names = ["conv_in.weight", "conv_out.bias", "time_embedding.linear_1.weight"]
    old = load_file(source)
    new = {name: old[name] + 1 for name in names}
    target = tmp_path / "new.safetensors"
    rewrite(source, target, {name: tensor_bytes(t) for name, t in new.items()})
    before, after = source.read_bytes(), target.read_bytes()
    assert len(before) == len(after)
    inside = {
        place
        for name in names
        for place in range(
            read_header(source)[name].start, read_header(source)[name].end
        )
    }
    differing = {
        i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b
    }
    assert differing
    assert differing <= inside
    found = load_file(target)
    assert all(torch.equal(found[name], new[name]) for name in names)


def test_a_rewrite_refuses_unknown_names_and_wrong_sizes(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    source, target = tiny["sd1"] / "unet" / UNET, tmp_path / "new.safetensors"
    with pytest.raises(PipelineError, match="holds no tensor 'nothing'"):
        rewrite(source, target, {"nothing": b""})
    with pytest.raises(PipelineError, match=r"has 3 bytes; expected \d+"):
        rewrite(source, target, {"conv_in.weight": b"abc"})
    assert not target.exists()


def test_a_rewrite_never_overwrites(tiny: dict[Family, Path], tmp_path: Path) -> None:
    target = tmp_path / "new.safetensors"
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        rewrite(tiny["sd1"] / "unet" / UNET, target, {})
    assert target.read_bytes() == b"mine"


def write_raw(path: Path, header: object, body: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def entry(start: int, end: int, count: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": [count], "data_offsets": [start, end]}


@pytest.mark.parametrize(
    ("header", "body", "message"),
    [
        (b"{ ", b"", "not JSON with unique keys"),
        (b'{"a":1,"a":2}', b"", "not JSON with unique keys"),
        (b"[" * 100_000, b"", "not JSON with unique keys"),
        ([], b"", "its header is not an object"),
        ({"a": {"dtype": "F32"}}, b"", "'a' has unknown fields"),
        ({"a": entry(0, 4, 1, "F7")}, b"0000", "no valid dtype or shape"),
        ({"a": entry(-4, 0, 1)}, b"0000", "no valid dtype or shape"),
        ({"a": entry(0, 8, 1)}, b"0" * 8, "bytes of 'a' do not fit its shape"),
        ({"a": entry(0, 4, 1)}, b"0" * 8, "do not cover its bytes exactly once"),
        ({"a": entry(4, 8, 1)}, b"0" * 8, "do not cover its bytes exactly once"),
        (
            {"a": entry(0, 8, 2), "b": entry(4, 8, 1)},
            b"0" * 8,
            "do not cover its bytes exactly once",
        ),
    ],
)
def test_a_malformed_file_is_refused(
    tmp_path: Path, header: object, body: bytes, message: str
) -> None:
    path = write_raw(tmp_path / "bad.safetensors", header, body)
    with pytest.raises(PipelineError, match=message):
        read_header(path)


@pytest.mark.parametrize("data", [b"", b"1234", struct.pack("<Q", 1 << 60) + b"{}"])
def test_a_file_shorter_than_its_header_says_is_refused(
    tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(data)
    with pytest.raises(PipelineError, match="its header length does not fit"):
        read_header(path)


def test_a_filled_folder_is_the_base_but_for_the_edited_tensors(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    base = copy(tiny["sd2"], tmp_path / "base")
    (base / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (base / "unet" / "code.py").write_text("boom")
    folder = open_pipeline(base)
    weights = PipelineWeights(folder)
    site = weights.sites[3]
    target = tmp_path / "new"
    target.mkdir()
    written = fill_folder(folder, target, {site.key: weights.read(site) * 2})
    copied = open_pipeline(target)
    assert copied.files == written
    changed = {f.path for f in verify_files(target, folder.files)}
    assert changed == {site.key.partition(":")[0]}
    assert torch.equal(PipelineWeights(copied).read(site), weights.read(site) * 2)
    assert not list(target.rglob("*.bin"))
    assert not list(target.rglob("*.py"))


def test_a_base_that_changed_since_it_was_recorded_is_not_copied(
    tiny: dict[Family, Path], tmp_path: Path
) -> None:
    base = copy(tiny["sd1"], tmp_path / "base")
    folder = open_pipeline(base)
    (base / "vae" / "config.json").write_text("{}")
    (tmp_path / "new").mkdir()
    with pytest.raises(IntegrityError, match=r"vae/config\.json has changed"):
        fill_folder(folder, tmp_path / "new", {})
