"""Text-encoder edits from a model folder to files, against transformers' own encoder."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from governance.engine.edit import Concept, EditSpec
from governance.service.solve import solve
from tests.engine import oracles as outer
from tests.engine.text import oracles
from tests.pipeline.tiny import Family, build, diffusers

Rows = NDArray[np.float64]
SAID = ["{}", "a photo of {}", "the {} in town"]
STATISTICS = "5" * 64
RIDGE, ALPHA = 3.0, 0.4


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    families: list[Family] = ["sd1", "sd2", "sdxl"]
    found = {
        f"{name}-double": build(root / f"{name}64", name, seed=3, dtype=torch.float64)
        for name in families
    }
    return {**found, "sd1-single": build(root / "sd1", "sd1", seed=4)}


class Stock:
    """One of a pipeline's text encoders, run by transformers in float64."""

    def __init__(self, folder: Path, component: str) -> None:
        pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        self.encoder: Any = getattr(pipeline, component).to(torch.float64)
        self.tokenizer: Any = getattr(
            pipeline, component.replace("text_encoder", "tokenizer")
        )
        self.clip: Any = getattr(self.encoder, "text_model", self.encoder)
        self.layers: Any = self.clip.encoder.layers
        self.base = {
            n: block.mlp.fc2.weight.detach().numpy().copy()
            for n, block in enumerate(self.layers)
        }

    def bias(self, layer: int) -> Rows:
        bias: Rows = self.layers[layer].mlp.fc2.bias.detach().numpy()
        return bias

    def at(self, weights: Mapping[int, Rows], text: str, index: int, layer: int) -> Any:
        """Run the whole padded prompt and read one token of one layer."""
        for number, weight in weights.items():
            fc2 = self.layers[number].mlp.fc2
            fc2.weight.data = torch.from_numpy(weight.copy())
        seen: dict[str, Rows] = {}

        def fc2_seen(_: Any, given: Any, out: Tensor) -> None:
            seen["key"] = given[0][0, index].numpy()
            seen["out"] = out[0, index].numpy()

        def block_seen(_: Any, __: Any, out: Any) -> None:
            rows = out[0] if isinstance(out, tuple) else out
            seen["block"] = rows.reshape(-1, rows.shape[-1])[index].numpy()

        block = self.layers[layer]
        hooks = [
            block.mlp.fc2.register_forward_hook(fc2_seen),
            block.register_forward_hook(block_seen),
        ]
        with torch.no_grad():
            self.encoder(
                **self.tokenizer([text], padding="max_length", return_tensors="pt")
            )
        for hook in hooks:
            hook.remove()
        return seen["key"], seen["out"], seen["block"]

    def network(self, phrase: str) -> oracles.Network:
        def network(
            weights: Mapping[int, Rows], text: str, layer: int
        ) -> tuple[Rows, Rows, Rows]:
            said = text[: text.index(phrase) + len(phrase)]
            last = len(self.tokenizer(said).input_ids) - 2  # begin and end
            found: tuple[Rows, Rows, Rows] = self.at(weights, text, last, layer)
            return found

        return network


def noise(name: str, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def covariances(width: Mapping[str, int]) -> Callable[[str, str, int], Tensor]:
    def find(digest: str, component: str, layer: int) -> Tensor:
        assert digest == STATISTICS
        rows = noise(f"{component}{layer}", 3 * width[component], width[component])
        return rows.T @ rows / len(rows)

    return find


def components(name: str) -> list[str]:
    return ["text_encoder", *(["text_encoder_2"] if "sdxl" in name else [])]


def changes_in(folder: Path, component: str) -> dict[int, Rows]:
    """Read the changes of one text encoder's layers from a delta on disk."""
    table = json.loads((folder / "delta.json").read_text())["weights"]
    tensors = load_file(folder / "delta.safetensors")
    found = {}
    for label, entry in table.items():
        if entry["component"] == component:
            up, down = tensors[entry["up"]], tensors[entry["down"]]
            assert up.dtype == down.dtype == torch.float64
            assert up.shape[1] == down.shape[0] <= down.shape[1]
            layer = int(label.partition("layers.")[2].partition(".")[0])
            found[layer] = (up @ down).numpy()
    return found


def error(found: Rows, wanted: Rows) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def emcid_edit(
    stocks: Sequence[Stock], phrases: Sequence[str], layers: list[int], residual: str
) -> EditSpec:
    names = ("z", "z.text_encoder_2")
    return EditSpec(
        "e" * 64,
        "update",
        "emcid",
        tuple(Concept("shown", "wanted", prompt=text) for text in phrases),
        parameters={
            "layers": layers,
            "templates": SAID,
            "lambda": RIDGE,
            "alpha": ALPHA,
            "residual": residual,
        },
        values={
            name: 2 * noise(name, len(phrases), len(stock.bias(0)))
            for name, stock in zip(names, stocks, strict=False)
        },
        statistics=STATISTICS,
    )


def refact_edit(stocks: Sequence[Stock], phrase: str, layer: int) -> EditSpec:
    names = (f"value.{layer}", f"value.text_encoder_2.{layer}")
    return EditSpec(
        "d" * 64,
        "update",
        "refact",
        (Concept("shown", "wanted", prompt=phrase),),
        parameters={"layer": layer, "templates": SAID},
        values={
            name: 2 * noise(name, 1, len(stock.bias(0)))
            for name, stock in zip(names, stocks, strict=False)
        },
        statistics=STATISTICS,
    )


def emcid_by_hand(
    stock: Stock,
    spec: EditSpec,
    z: str,
    prior: Callable[[int], Rows],
) -> dict[int, Rows]:
    layers = spec.parameters["layers"]
    assert spec.values is not None
    assert isinstance(layers, list)
    networks = {c.phrase: stock.network(c.phrase) for c in spec.concepts}
    phrases = sorted(networks, key=len, reverse=True)

    def network(
        weights: Mapping[int, Rows], text: str, layer: int
    ) -> tuple[Rows, Rows, Rows]:
        phrase = next(p for p in phrases if p in text)
        return networks[phrase](weights, text, layer)

    return oracles.emcid(
        network,
        stock.base,
        layers,
        [[t.replace("{}", c.phrase) for t in SAID] for c in spec.concepts],
        spec.values[z].numpy(),
        {layer: prior(layer) for layer in layers},
        ridge=RIDGE,
        alpha=ALPHA,
        published=spec.parameters["residual"] == "published",
    )


@pytest.mark.parametrize(
    ("name", "phrases", "layers", "residual"),
    [
        ("sd1-double", ["old mayor"], [0, 1, 2], "consistent"),
        ("sd1-double", ["rose", "kora", "bela"], [1, 2], "published"),
        ("sd2-double", ["old mayor", "rose"], [0, 2], "consistent"),
        ("sd2-double", ["dog"], [0, 1, 2], "published"),
        ("sdxl-double", ["small cat", "lume"], [0, 1], "consistent"),
        ("sd1-single", ["old mayor", "rose"], [0, 1, 2], "consistent"),
        ("sd1-single", ["dog", "kora"], [0, 1, 2], "published"),
    ],
)
def test_emcid_on_disk_equals_its_formula_on_the_stock_encoder(
    models: dict[str, Path],
    tmp_path: Path,
    name: str,
    phrases: list[str],
    layers: list[int],
    residual: str,
) -> None:
    stocks = [Stock(models[name], component) for component in components(name)]
    spec = emcid_edit(stocks, phrases, layers, residual)
    widths = {
        component: stock.base[0].shape[1]
        for component, stock in zip(components(name), stocks, strict=True)
    }
    find = covariances(widths)
    solve(
        models[name],
        [spec],
        tmp_path / "out",
        precision="float64",
        statistics=find,
    )
    for component, stock in zip(components(name), stocks, strict=True):
        wanted = emcid_by_hand(
            stock,
            spec,
            "z" if component == "text_encoder" else "z.text_encoder_2",
            lambda layer, own=component: find(STATISTICS, own, layer).numpy(),  # type: ignore[misc]
        )
        found = changes_in(tmp_path / "out", component)
        assert found.keys() == wanted.keys()
        assert max(error(found[n], wanted[n]) for n in wanted) <= 1e-9


@pytest.mark.parametrize(
    ("name", "phrase", "layer"),
    [
        ("sd1-double", "old mayor", 1),
        ("sd1-single", "rose", 2),
        ("sd2-double", "small red dog", 0),
        ("sdxl-double", "kora", 1),
    ],
)
def test_refact_on_disk_equals_its_formula_on_the_stock_encoder(
    models: dict[str, Path], tmp_path: Path, name: str, phrase: str, layer: int
) -> None:
    stocks = [Stock(models[name], component) for component in components(name)]
    spec = refact_edit(stocks, phrase, layer)
    widths = {
        component: stock.base[0].shape[1]
        for component, stock in zip(components(name), stocks, strict=True)
    }
    find = covariances(widths)
    report = solve(
        models[name], [spec], tmp_path / "out", precision="float64", statistics=find
    )
    for component, stock in zip(components(name), stocks, strict=True):
        network = stock.network(phrase)
        said = [text.replace("{}", phrase) for text in SAID]
        keys = [network(stock.base, text, layer)[0] for text in said]
        infix = "" if component == "text_encoder" else ".text_encoder_2"
        assert spec.values is not None
        wanted = oracles.refact(
            stock.base[layer],
            stock.bias(layer),
            find(STATISTICS, component, layer).numpy(),
            np.mean(keys, axis=0),
            network(stock.base, phrase, layer)[0],
            spec.values[f"value{infix}.{layer}"][0].numpy(),
        )
        found = changes_in(tmp_path / "out", component)
        assert list(found) == [layer]
        assert error(found[layer], wanted) <= 1e-9
    assert report.edited.certificates[0].concepts[0].residual <= 1e-6


@pytest.mark.parametrize("name", ["sd1-double", "sdxl-double"])
def test_cross_attention_is_solved_on_the_encoder_as_composed(
    models: dict[str, Path], tmp_path: Path, name: str
) -> None:
    stocks = [Stock(models[name], component) for component in components(name)]
    widths = {
        component: stock.base[0].shape[1]
        for component, stock in zip(components(name), stocks, strict=True)
    }
    inner = [
        refact_edit(stocks, "old mayor", 1),
        emcid_edit(stocks, ["kora"], [0, 1], "consistent"),
    ]
    uce = EditSpec(
        "a" * 64,
        "erase",
        "uce",
        (Concept("kora", "art"), Concept("old mayor", "dog")),
        preserve=("lume",),
        parameters={"lambda": 0.2},
    )
    out = tmp_path / "out"
    solve(
        models[name],
        [uce, *inner],
        out,
        fmt="diffusers",
        precision="float64",
        statistics=covariances(widths),
    )
    errors = {}
    for source in (out, models[name]):
        pipeline = diffusers.DiffusionPipeline.from_pretrained(source)
        pipeline.to(torch.float64)

        def row(text: str, index: int, pipeline: Any = pipeline) -> Rows:
            found = pipeline.encode_prompt(
                [text],
                device="cpu",
                num_images_per_prompt=1,
                do_classifier_free_guidance=False,
            )
            rows: Rows = found[0][0, index].detach().numpy()
            return rows

        edits = [
            (row("kora", 1), row("art", 1)),
            (row("old mayor", 2), row("dog", 1)),
        ]
        file = "unet/diffusion_pytorch_model.safetensors"
        old, new = load_file(models[name] / file), load_file(out / file)
        each = []
        for key, tensor in old.items():
            if "attn2.to_k.weight" in key or "attn2.to_v.weight" in key:
                W = tensor.numpy()
                wanted = outer.uce(W, edits, [row("lume", 1)], ridge=0.2) - W
                each.append(error(new[key].numpy() - W, wanted))
        errors[source] = max(each)
    assert errors[out] <= 1e-9
    # Rows of the base's own encoder are not what the composed model reads.
    assert errors[models[name]] > 1e-3
