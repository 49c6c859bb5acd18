"""Adapters: exact, whole, and what stock loaders load and unload."""

import json
from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from governance.errors import EngineError, PipelineError
from governance.pipeline.export import fill_folder
from governance.pipeline.folder import PipelineFolder, open_pipeline
from governance.snapshots.adapters import Adapter, build_adapter
from governance.snapshots.delta import build_delta
from governance.snapshots.factors import Factor, loaded_factors
from governance.snapshots.forms import ADAPTER, Keys
from governance.snapshots.staging import Disk
from governance.snapshots.tensor_file import write_tensors
from tests.pipeline.tiny import Family, build
from tests.snapshots import stock

ALL_KEYS: tuple[Keys, ...] = get_args(Keys)
FAMILIES: tuple[Family, ...] = ("sd1", "sd2", "sdxl")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, PipelineFolder]:
    root = tmp_path_factory.mktemp("adapters")
    return {name: open_pipeline(build(root / name, name)) for name in FAMILIES}


def written(place: Path, adapter: Adapter) -> Path:
    place.mkdir()
    disk = Disk()
    with disk.create(place / ADAPTER) as file:
        write_tensors(file, disk, adapter.tensors)
    return place


def adapter_of(folder: PipelineFolder, factors: stock.Factors, keys: Keys) -> Adapter:
    return build_adapter(folder.family, loaded_factors(folder, factors), keys)


def one(up: Tensor, down: Tensor) -> Factor:
    return Factor("unet", "a.attn2.to_k.weight", up, down)


@pytest.mark.parametrize("keys", ALL_KEYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_stock_diffusers_hits_every_edited_weight_and_takes_all_off_again(
    family: Family,
    keys: Keys,
    folders: dict[Family, PipelineFolder],
    tmp_path: Path,
) -> None:
    folder = folders[family]
    factors = stock.random_factors(folder, rows=5, text_rows=(3, 1))
    place = written(tmp_path / "lora", adapter_of(folder, factors, keys))
    wanted = stock.merged(folder, factors)
    pipeline = stock.load(folder.root)
    before = stock.state(pipeline)
    pipeline.load_lora_weights(place)
    assert stock.adapted(pipeline) == len(wanted)
    for key, tensor in wanted.items():
        found = stock.effective(stock.module_of(pipeline, key))
        assert torch.allclose(found, tensor.double(), atol=1e-6, rtol=0), key
    assert stock.untouched(pipeline, before)
    pipeline.unload_lora_weights()
    assert stock.adapted(pipeline) == 0
    assert stock.untouched(pipeline, before)


@pytest.mark.parametrize("family", FAMILIES)
def test_base_with_adapter_draws_what_the_merged_model_draws(
    family: Family, folders: dict[Family, PipelineFolder], tmp_path: Path
) -> None:
    folder = folders[family]
    factors = stock.random_factors(folder, rows=5, text_rows=(3, 1))
    place = written(tmp_path / "lora", adapter_of(folder, factors, "kohya"))
    (tmp_path / "merged").mkdir()
    fill_folder(folder, tmp_path / "merged", stock.merged(folder, factors))
    pipeline = stock.load(folder.root)
    base = stock.image(pipeline, "a photo of kora")
    pipeline.load_lora_weights(place / ADAPTER)
    adapted = stock.image(pipeline, "a photo of kora")
    pipeline.unload_lora_weights()
    assert torch.equal(stock.image(pipeline, "a photo of kora"), base)
    whole = stock.image(stock.load(tmp_path / "merged"), "a photo of kora")
    assert float((adapted - whole).abs().max()) < 1e-4
    assert float((adapted - base).abs().max()) > 1e-3


@pytest.mark.parametrize("keys", ALL_KEYS)
def test_names_do_not_depend_on_how_the_base_spells_its_text_encoder(
    keys: Keys, folders: dict[Family, PipelineFolder]
) -> None:
    folder = folders["sdxl"]
    factors = stock.random_factors(folder, rows=2, text_rows=(2,))
    spelt = []
    for spelling in ("text_model.", ""):
        other = [
            (key.replace(":text_model.", ":").replace(":", f":{spelling}"), up, down)
            if key.startswith("text")
            else (key, up, down)
            for key, up, down in factors
        ]
        spelt.append(adapter_of(folder, other, keys).tensors)
    assert spelt[0].keys() == spelt[1].keys()
    encoders = {name.split("text_model")[0] for name in spelt[0] if "fc2" in name}
    wanted = {
        "kohya": {"lora_te1_", "lora_te2_"},
        "diffusers": {"text_encoder.", "text_encoder_2."},
    }
    assert encoders == wanted[keys]


def test_names_are_those_other_programs_know(
    folders: dict[Family, PipelineFolder],
) -> None:
    folder = folders["sd1"]
    factors = stock.random_factors(folder, rows=2, text_rows=(2,))
    kohya = adapter_of(folder, factors, "kohya").tensors
    stem = "lora_te_text_model_encoder_layers_1_mlp_fc2"
    assert {n for n in kohya if n.startswith(stem)} == {
        f"{stem}.lora_down.weight",
        f"{stem}.lora_up.weight",
        f"{stem}.alpha",
    }
    cross = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    assert float(kohya[f"{cross}.alpha"]) == len(kohya[f"{cross}.lora_down.weight"])
    named = adapter_of(folder, factors, "diffusers").tensors
    text = "text_encoder.text_model.encoder.layers.1.mlp.fc2.lora_linear_layer"
    unet = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora"
    assert {f"{text}.down.weight", f"{unet}.up.weight"} <= named.keys()


def test_more_rows_than_width_give_the_change_itself_and_an_identity(
    folders: dict[Family, PipelineFolder], tmp_path: Path
) -> None:
    folder = folders["sd1"]
    factors = stock.random_factors(folder, rows=31, text_rows=(53, 2))
    adapter = adapter_of(folder, factors, "diffusers")
    assert adapter.ranks == {"text_encoder": 44, "unet": 20}
    name = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora.down"
    assert torch.equal(adapter.tensors[f"{name}.weight"], torch.eye(20))
    assert "rank text_encoder 44, unet 20" in adapter.words
    pipeline = stock.load(folder.root)
    pipeline.load_lora_weights(written(tmp_path / "lora", adapter))
    for key, tensor in stock.merged(folder, factors).items():
        found = stock.effective(stock.module_of(pipeline, key))
        assert torch.allclose(found, tensor.double(), atol=1e-6, rtol=0), key
    delta = build_delta(loaded_factors(folder, factors))
    assert all(
        t.shape[0] <= t.shape[1] for n, t in delta.tensors.items() if "down" in n
    )


def test_factors_far_larger_than_their_product_lose_no_digits() -> None:
    generator = torch.Generator().manual_seed(2)
    up = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    down = torch.randn(3, 11, generator=generator, dtype=torch.float64)
    # A third row against nearly the same third row: 1e6 of each cancels to 1.
    up = torch.cat([up, up[:, :1] * 1e6, up[:, :1] * -1e6], dim=1)
    down = torch.cat([down, down[:1], down[:1] + 1e-6 * down[1:2]])
    exact = up @ down
    naive = up.float() @ down.float()
    tensors = build_adapter("sd1", [one(up, down)], "diffusers").tensors
    ours = tensors["unet.a.attn2.to_k.lora.up.weight"].double() @ (
        tensors["unet.a.attn2.to_k.lora.down.weight"].double()
    )
    assert float((naive.double() - exact).norm() / exact.norm()) > 1e-3
    assert float((ours - exact).norm() / exact.norm()) < 1e-6


def test_a_weight_that_does_not_change_is_left_out() -> None:
    down = torch.ones(1, 4, dtype=torch.float64)
    still = Factor("unet", "b.attn2.to_v.weight", torch.zeros(3, 1).double(), down)
    moved = one(torch.ones(3, 1, dtype=torch.float64), down)
    adapter = build_adapter("sd1", [still, moved], "kohya")
    assert adapter.modules == 1
    assert all("to_k" in name for name in adapter.tensors)
    with pytest.raises(EngineError, match="change nothing"):
        build_adapter("sd1", [still], "kohya")


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_an_architecture_without_adapters_is_named(family: str) -> None:
    change = one(torch.ones(3, 1).double(), torch.ones(1, 4).double())
    with pytest.raises(PipelineError, match=rf"not written for {family}"):
        build_adapter(family, [change], "kohya")


def test_a_change_that_overflows_float32_is_refused() -> None:
    change = one(
        torch.full((3, 1), 1e39, dtype=torch.float64), torch.ones(1, 4).double()
    )
    with pytest.raises(EngineError, match="overflows float32"):
        build_adapter("sd1", [change], "kohya")


def test_the_order_of_factors_leaves_no_trace_in_the_file(
    folders: dict[Family, PipelineFolder], tmp_path: Path
) -> None:
    folder = folders["sdxl"]
    factors = stock.random_factors(folder, rows=5, text_rows=(3, 1))
    first = written(tmp_path / "a", adapter_of(folder, factors, "kohya"))
    second = written(tmp_path / "b", adapter_of(folder, factors[::-1], "kohya"))
    assert (first / ADAPTER).read_bytes() == (second / ADAPTER).read_bytes()
    with safe_open(first / ADAPTER, "pt") as file:
        assert file.metadata() == {"format": "pt"}
    assert {t.dtype for t in load_file(first / ADAPTER).values()} == {torch.float32}


def test_a_delta_keeps_the_two_text_encoders_apart(
    folders: dict[Family, PipelineFolder], tmp_path: Path
) -> None:
    folder = folders["sdxl"]
    factors = stock.random_factors(folder, rows=5, text_rows=(3, 1))
    delta = build_delta(loaded_factors(folder, factors))
    assert len(delta.table) == len(factors)
    assert len([name for name in delta.tensors if name.startswith("shared.")]) == 6
    for (key, up, down), row in zip(factors, delta.table.values(), strict=True):
        assert key.endswith(f":{row['name']}")
        assert key.startswith(f"{row['component']}/")
        assert torch.equal(delta.tensors[row["up"]], up)
        assert torch.equal(delta.tensors[row["down"]], down)
    disk = Disk()
    with disk.create(tmp_path / "delta.safetensors") as file:
        write_tensors(file, disk, delta.tensors)
    read = load_file(tmp_path / "delta.safetensors")
    assert read.keys() == delta.tensors.keys()
    assert all(torch.equal(read[name], delta.tensors[name]) for name in read)


def test_a_variant_the_pipeline_does_not_load_is_no_module(
    folders: dict[Family, PipelineFolder], tmp_path: Path
) -> None:
    folder = folders["sd1"]
    place = tmp_path / "variants"
    place.mkdir()
    fill_folder(folder, place, {})
    unet = place / "unet" / "diffusion_pytorch_model.safetensors"
    half = {name: tensor.half() for name, tensor in load_file(unet).items()}
    save_file(half, unet.with_suffix(".fp16.safetensors"), {"format": "pt"})
    twice = open_pipeline(place)
    factors = stock.random_factors(twice, rows=2, text_rows=(2,))
    assert any(".fp16." in key for key, _, _ in factors)
    names = [found.name for found in loaded_factors(twice, factors)]
    assert len(names) == len(set(names)) == len(stock.random_factors(folder, 2, (2,)))


def test_the_header_is_what_the_library_would_read(tmp_path: Path) -> None:
    tensors = {"b": torch.ones(3), "a": torch.zeros(2, 2, dtype=torch.float64)}
    disk = Disk()
    with disk.create(tmp_path / "t.safetensors") as file:
        write_tensors(file, disk, tensors)
    data = (tmp_path / "t.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    assert list(json.loads(data[8 : 8 + length])) == ["__metadata__", "a", "b"]
