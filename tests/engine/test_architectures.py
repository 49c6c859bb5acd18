"""Every family, as its files may lie on disk, edited and loaded by stock diffusers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from governance.engine.edit import Concept, EditSpec
from governance.errors import ExitCode, PipelineError
from governance.pipeline.folder import open_pipeline, verify_files
from governance.pipeline.weights import PipelineWeights, split_key
from governance.service.solve import SolveReport, solve
from tests.pipeline.tiny import DENOISER, FAMILIES, Family, build, copy, diffusers

SITES = {"sd1": 8, "sd2": 8, "sdxl": 16, "sd3": 2, "flux": 2}
METHODS = {
    "uce": EditSpec(
        "1" * 64, "erase", "uce", (Concept("kora", "art"),), preserve=("lume",)
    ),
    "uce-2023": EditSpec("2" * 64, "erase", "uce-2023", (Concept("bela", "caro"),)),
    "time": EditSpec("3" * 64, "update", "time", (Concept("a rose", "a blue rose"),)),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Path]:
    root = tmp_path_factory.mktemp("families")
    return {family: build(root / family, family, seed=7) for family in FAMILIES}


def stock(folder: Path, dtype: torch.dtype) -> Any:
    return diffusers.DiffusionPipeline.from_pretrained(folder, dtype=dtype)


def check_stock(family: Family, base: Path, new: Path, report: SolveReport) -> None:
    """Stock diffusers holds exactly the edited tensors, and the base's otherwise."""
    component = DENOISER.get(family, "unet")
    dtype = next(iter(report.edited.tensors.values())).dtype
    old, loaded = stock(base, dtype), stock(new, dtype)
    edited = {split_key(key)[1]: t for key, t in report.edited.tensors.items()}
    assert len(edited) == SITES[family]
    before = getattr(old, component).state_dict()
    for name, tensor in getattr(loaded, component).state_dict().items():
        assert tensor.dtype == dtype
        assert torch.equal(tensor, edited.get(name, before[name]))
        assert (name in edited) == (not torch.equal(tensor, before[name]))
    for part in old.components:
        if part.startswith("text_encoder"):
            ours, theirs = getattr(loaded, part), getattr(old, part)
            for name, tensor in ours.state_dict().items():
                assert torch.equal(tensor, theirs.state_dict()[name])


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("family", FAMILIES)
def test_every_method_edits_every_family(
    models: dict[Family, Path], tmp_path: Path, family: Family, method: str
) -> None:
    spec = METHODS[method]
    report = solve(models[family], [spec], tmp_path / "new", fmt="diffusers")
    check_stock(family, models[family], tmp_path / "new", report)
    [certificate] = report.edited.certificates
    assert not certificate.idle
    assert certificate.concepts[0].residual < 0.9


@pytest.mark.parametrize(
    ("dtype", "shard"),
    [
        (torch.float32, "20KB"),
        (torch.float16, "5GB"),
        (torch.bfloat16, "10KB"),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_dtypes_and_shards_are_kept(
    tmp_path: Path, family: Family, dtype: torch.dtype, shard: str
) -> None:
    model = build(tmp_path / "model", family, dtype=dtype, shard=shard, seed=8)
    folder = open_pipeline(model)
    assert (folder.variants(folder.denoiser)[0].index is None) == (shard == "5GB")
    specs = list(METHODS.values())
    report = solve(model, specs, tmp_path / "new", fmt="diffusers")
    check_stock(family, model, tmp_path / "new", report)
    changed = {one.path for one in verify_files(tmp_path / "new", folder.files)}
    assert changed == {split_key(key)[0] for key in report.edited.tensors}


@pytest.mark.parametrize("family", FAMILIES)
def test_one_file_and_many_give_the_same_numbers(
    models: dict[Family, Path], tmp_path: Path, family: Family
) -> None:
    sharded = build(tmp_path / "model", family, shard="15KB", seed=7)
    specs = list(METHODS.values())
    one = solve(models[family], specs, tmp_path / "one").edited.tensors
    many = solve(sharded, specs, tmp_path / "many").edited.tensors
    assert {"-of-" in split_key(key)[0] for key in many} == {True}
    assert {split_key(key)[1]: t.tolist() for key, t in one.items()} == {
        split_key(key)[1]: t.tolist() for key, t in many.items()
    }


@pytest.mark.parametrize("family", ["sd1", "sd3", "flux"])
def test_every_variant_is_edited_and_loads(
    models: dict[Family, Path], tmp_path: Path, family: Family
) -> None:
    model = copy(models[family], tmp_path / "model")
    for path in sorted(model.rglob("*.safetensors")):
        half = {name: tensor.half() for name, tensor in load_file(path).items()}
        save_file(half, path.with_suffix(".fp16.safetensors"), {"format": "pt"})
    report = solve(model, [METHODS["uce"]], tmp_path / "new", fmt="diffusers")
    assert len(report.edited.tensors) == 2 * SITES[family]
    weights = PipelineWeights(open_pipeline(tmp_path / "new"))
    full, half_sites = (
        {
            split_key(s.key)[1]: weights.read(s)
            for s in weights.sites
            if (".fp16." in s.key) == is_half
        }
        for is_half in (False, True)
    )
    for name, tensor in full.items():
        assert half_sites[name].dtype == torch.float16
        assert torch.allclose(tensor, half_sites[name].float(), rtol=2e-3, atol=1e-4)
    loaded = diffusers.DiffusionPipeline.from_pretrained(
        tmp_path / "new", variant="fp16", dtype=torch.float16
    )
    state = getattr(loaded, DENOISER.get(family, "unet")).state_dict()
    assert all(torch.equal(state[name], t) for name, t in half_sites.items())


PREFIX = "text_model."


@pytest.mark.parametrize("prefixed", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_names_of_text_encoders_are_read_as_they_are_and_kept(
    models: dict[Family, Path], tmp_path: Path, family: Family, *, prefixed: bool
) -> None:
    model = copy(models[family], tmp_path / "model")
    parts = [name for name, _ in open_pipeline(model).text_encoders]
    for path in (model / part / "model.safetensors" for part in parts):
        plain = {
            name.removeprefix(PREFIX): tensor
            for name, tensor in load_file(path).items()
        }
        named = {
            name
            if name.startswith("text_projection") or not prefixed
            else PREFIX + name: tensor
            for name, tensor in plain.items()
        }
        save_file(named, path, {"format": "pt"})
    specs = list(METHODS.values())
    wanted = solve(models[family], specs, tmp_path / "base").edited.tensors
    report = solve(model, specs, tmp_path / "new", fmt="diffusers")
    assert report.edited.tensors.keys() == wanted.keys()
    assert all(torch.equal(report.edited.tensors[key], wanted[key]) for key in wanted)
    for part in parts:
        names = load_file(tmp_path / "new" / part / "model.safetensors")
        assert names.keys() == load_file(model / part / "model.safetensors").keys()
        text = [name for name in names if not name.startswith("text_projection")]
        assert all(name.startswith(PREFIX) == prefixed for name in text)


def test_a_u_net_with_several_cross_attention_widths_is_refused_by_name(
    tmp_path: Path, models: dict[Family, Path]
) -> None:
    model = copy(models["sd1"], tmp_path / "model")
    path = model / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("attn2.to_k.weight"))
    tensors[name] = torch.zeros(len(tensors[name]), 21)
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(PipelineError, match=r"unet has .* of widths \[20, 21\]") as got:
        solve(model, [METHODS["uce"]], tmp_path / "new")
    assert got.value.exit_code is ExitCode.PIPELINE
    assert not (tmp_path / "new").exists()


def test_a_transformer_without_a_text_embedder_is_refused_by_name(
    tmp_path: Path, models: dict[Family, Path]
) -> None:
    model = copy(models["flux"], tmp_path / "model")
    path = model / "transformer" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors["other.weight"] = tensors.pop("context_embedder.weight")
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(PipelineError, match=r"transformer has context .* widths \[\]"):
        solve(model, [METHODS["uce"]], tmp_path / "new")
