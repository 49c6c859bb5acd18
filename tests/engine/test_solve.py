"""The engine alone, disk to disk, against formulas and against stock diffusers."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from governance.engine.edit import Attribute, Concept, EditSpec
from governance.errors import ExitCode, PipelineError, RequestError, UsageError
from governance.pipeline.folder import open_pipeline, verify_files
from governance.service.solve import solve
from tests.engine import oracles
from tests.pipeline.tiny import Family, build, copy, diffusers

Rows = NDArray[np.float64]
Encode = Callable[[str], Rows]
UNET = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Path]:
    root = tmp_path_factory.mktemp("models")
    families: list[Family] = ["sd1", "sd2", "sdxl"]
    return {name: build(root / name, name, seed=3) for name in families}


def own_encoder(folder: Path) -> Encode:
    """Encode through diffusers' own pipeline, in float64."""
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder).to(torch.float64)
    options = {"num_images_per_prompt": 1, "do_classifier_free_guidance": False}

    def encode(text: str) -> Rows:
        found = pipeline.encode_prompt([text], device="cpu", **options)[0][0]
        rows: Rows = found.detach().numpy()
        return rows

    return encode


def base_matrices(folder: Path) -> dict[str, Rows]:
    tensors = load_file(folder / "unet" / UNET)
    return {
        name: tensor.double().numpy()
        for name, tensor in tensors.items()
        if "attn2.to_k.weight" in name or "attn2.to_v.weight" in name
    }


def worst(folder: Path, delta: Path, expected: Callable[[Rows], Rows]) -> float:
    table = json.loads((delta / "delta.json").read_text())["weights"]
    tensors = load_file(delta / "delta.safetensors")
    matrices = base_matrices(folder)
    assert table.keys() == matrices.keys()
    errors = []
    for name, W in matrices.items():
        up, down = tensors[table[name]["up"]], tensors[table[name]["down"]]
        assert up.dtype == down.dtype == torch.float64
        assert up.shape[1] == down.shape[0] <= W.shape[1]
        change = expected(W) - W
        error = np.linalg.norm((up @ down).numpy() - change) / np.linalg.norm(change)
        errors.append(float(error))
    return max(errors)


def uce_case(encode: Encode) -> tuple[EditSpec, Callable[[Rows], Rows]]:
    spec = EditSpec(
        "1" * 64,
        "erase",
        "uce",
        (Concept("kora", "art"), Concept("old mayor", "")),
        preserve=("lume", "a red dog"),
        parameters={"lambda": 0.2, "templates": "art"},
    )
    edits = []
    for before in (
        "",
        "painting by ",
        "art by ",
        "artwork by ",
        "picture by ",
        "style of ",
    ):
        words = len(before.split())
        edits.append(
            (encode(f"{before}kora")[words + 1], encode(f"{before}art")[words + 1])
        )
        edits.append((encode(f"{before}old mayor")[words + 2], encode(before)[words]))
    kept = [encode("lume")[1], encode("a red dog")[3]]
    return spec, lambda W: oracles.uce(W, edits, kept, ridge=0.2)


def tail_case(encode: Encode) -> tuple[EditSpec, Callable[[Rows], Rows]]:
    spec = EditSpec(
        "2" * 64,
        "moderate",
        "uce-2023",
        (Concept("red rose", "a cat"), Concept("bela")),
        preserve=("lume", "mondo", "small town"),
    )
    edits = [
        *zip(encode("red rose")[2:], encode("a cat")[2:], strict=True),
        *zip(encode("bela")[1:], encode("")[:-1], strict=True),
    ]
    texts = ("", "lume", "mondo", "small town")
    kept = [row for text in texts for row in encode(text)]
    return spec, lambda W: oracles.uce(W, edits, kept, ridge=0.5, preserve_scale=0.25)


def time_case(encode: Encode) -> tuple[EditSpec, Callable[[Rows], Rows]]:
    spec = EditSpec(
        "3" * 64,
        "update",
        "time",
        (Concept("an image in town", "a red image in town"),),
        parameters={"templates": False},
    )
    # "an" counts as "a"; "red" is skipped; pads follow pads.
    matched = [0, 1, *range(3, 13), 12]
    pairs = [(encode("an image in town"), encode("a red image in town")[matched])]
    return spec, lambda W: oracles.time(W, pairs, ridge=0.1)


def debias_case(encode: Encode) -> tuple[EditSpec, Callable[[Rows], Rows]]:
    spec = EditSpec(
        "4" * 64,
        "debias",
        "uce",
        (Concept("doctor"), Concept("old nurse")),
        (Attribute("f", "a female {}", 0.4), Attribute("m", "male {}", 0.6)),
        alphas=((0.75, -0.75), (-0.5, 0.5)),
    )
    edits = []
    for name, (f, m) in (("doctor", (0.75, -0.75)), ("old nurse", (-0.5, 0.5))):
        size = len(name.split())
        key = encode(name)[size]
        lean = (
            f * encode(f"a female {name}")[size + 2]
            + m * encode(f"male {name}")[size + 1]
        )
        edits.append((key, key + lean))
    return spec, lambda W: oracles.uce(W, edits, [], ridge=0.5)


@pytest.mark.parametrize("case", [uce_case, tail_case, time_case, debias_case])
@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_written_deltas_equal_the_published_formulas(
    models: dict[Family, Path],
    tmp_path: Path,
    family: Family,
    case: Callable[[Encode], tuple[EditSpec, Callable[[Rows], Rows]]],
) -> None:
    spec, expected = case(own_encoder(models[family]))
    report = solve(models[family], [spec], tmp_path / "delta", precision="float64")
    assert worst(models[family], tmp_path / "delta", expected) <= 1e-9
    assert report.edited.certificates[0].digest == spec.digest


def specs() -> list[EditSpec]:
    return [
        EditSpec("5" * 64, "erase", "uce-2023", (Concept("kora", "art"),)),
        EditSpec(
            "6" * 64,
            "update",
            "time",
            (Concept("a rose", "a blue rose"),),
            parameters={"projections": ["v"]},
        ),
    ]


def test_two_key_sets_store_two_shared_factors(
    models: dict[Family, Path], tmp_path: Path
) -> None:
    solve(models["sd1"], specs(), tmp_path / "delta")
    table = json.loads((tmp_path / "delta" / "delta.json").read_text())["weights"]
    downs = {name: entry["down"] for name, entry in table.items()}
    assert set(downs.values()) == {"shared.0.down", "shared.1.down"}
    assert len({down for name, down in downs.items() if "to_k" in name}) == 1
    with safe_open(tmp_path / "delta" / "delta.safetensors", "pt") as file:
        assert list(file.metadata()) == ["format"]


def test_the_same_solve_writes_the_same_bytes(
    models: dict[Family, Path], tmp_path: Path
) -> None:
    for name, edits in (("one", specs()), ("two", specs()[::-1])):
        solve(models["sd1"], edits, tmp_path / name, cache=tmp_path / "cache")
    for file in ("delta.safetensors", "delta.json"):
        assert (tmp_path / "one" / file).read_bytes() == (
            tmp_path / "two" / file
        ).read_bytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_written_pipeline_is_the_base_plus_the_rounded_delta(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    model = build(tmp_path / "model", dtype=dtype)
    report = solve(model, specs(), tmp_path / "new", fmt="diffusers")
    solve(model, specs(), tmp_path / "delta")
    table = json.loads((tmp_path / "delta" / "delta.json").read_text())["weights"]
    factors = load_file(tmp_path / "delta" / "delta.safetensors")
    old, new = (
        load_file(model / "unet" / UNET),
        load_file(tmp_path / "new" / "unet" / UNET),
    )
    for name, tensor in new.items():
        expected = old[name]
        if name in table:
            change = factors[table[name]["up"]] @ factors[table[name]["down"]]
            expected = old[name].double() + change
            assert torch.allclose(tensor.double(), expected, rtol=1e-2, atol=1e-4)
            assert not torch.equal(tensor, old[name])
        else:
            assert torch.equal(tensor, expected)
        assert tensor.dtype == old[name].dtype
    recorded = open_pipeline(model).files
    changed = [finding.path for finding in verify_files(tmp_path / "new", recorded)]
    assert changed == [f"unet/{UNET}"]
    assert len(report.digest) == 64


def test_stock_diffusers_loads_the_result(
    models: dict[Family, Path], tmp_path: Path
) -> None:
    solve(models["sdxl"], specs(), tmp_path / "new", fmt="diffusers")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(tmp_path / "new")
    state = pipeline.unet.state_dict()
    for name, tensor in load_file(tmp_path / "new" / "unet" / UNET).items():
        assert torch.equal(state[name], tensor)


def test_a_solve_never_builds_the_u_net(
    models: dict[Family, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the U-Net was built")

    monkeypatch.setattr(diffusers.UNet2DConditionModel, "__init__", fail)
    monkeypatch.setattr(diffusers.AutoencoderKL, "__init__", fail)
    solve(models["sdxl"], specs(), tmp_path / "delta")


def test_the_report_holds_what_the_contract_names(
    models: dict[Family, Path], tmp_path: Path
) -> None:
    report = solve(models["sd1"], specs(), tmp_path / "delta").as_json()
    json.dumps(report, allow_nan=False)
    assert report.keys() >= {
        "output",
        "digest",
        "sites",
        "certificate",
        "seconds",
        "peak_mib",
    }
    seconds, rows, sites = report["seconds"], report["certificate"], report["sites"]
    assert isinstance(seconds, dict)
    assert seconds.keys() == {"encode", "solve", "write"}
    assert isinstance(rows, list)
    assert [row["source"] for row in rows if isinstance(row, dict)] == [
        "kora",
        "a rose",
    ]
    for row in rows:
        assert isinstance(row, dict)
        assert row.keys() >= {"source", "residual", "drift", "condition"}
    assert isinstance(sites, list)
    assert len(sites) == 8


def test_a_debias_without_alpha_is_refused(
    models: dict[Family, Path], tmp_path: Path
) -> None:
    searching = EditSpec(
        "7" * 64,
        "debias",
        "uce",
        (Concept("doctor"),),
        (Attribute("f", "female {}", 0.5), Attribute("m", "male {}", 0.5)),
    )
    with pytest.raises(
        RequestError, match="expected alpha for every attribute"
    ) as caught:
        solve(models["sd1"], [searching], tmp_path / "delta")
    assert caught.value.exit_code is ExitCode.USAGE
    assert not list(tmp_path.iterdir())


def test_an_existing_output_is_refused_and_left_alone(
    models: dict[Family, Path], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="mine exists"):
        solve(models["sd1"], specs(), tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def nan_weights(folder: Path) -> None:
    tensors = load_file(folder / "unet" / UNET)
    name = next(name for name in tensors if name.endswith("attn2.to_v.weight"))
    tensors[name][0, 0] = float("nan")
    save_file(tensors, folder / "unet" / UNET)


def missing_weights(folder: Path) -> None:
    (folder / "unet" / UNET).unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (nan_weights, r"attn2\.to_v\.weight.*holds NaN"),
        (missing_weights, "unet has no"),
    ],
)
def test_a_broken_model_leaves_nothing_behind(
    models: dict[Family, Path],
    tmp_path: Path,
    spoil: Callable[[Path], None],
    message: str,
) -> None:
    model = copy(models["sd1"], tmp_path / "model")
    spoil(model)
    outputs: Sequence[str] = ("delta", "diffusers")
    for name in outputs:
        with pytest.raises(PipelineError, match=message):
            solve(model, specs(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
