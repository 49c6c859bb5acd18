"""One text encoder read layer by layer, against transformers with hooks."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from governance.errors import RequestError
from governance.pipeline import text_probe
from governance.pipeline.folder import open_pipeline
from governance.pipeline.text_probe import PipelineTextProbe, open_text_probes
from tests.pipeline.tiny import Family, build, diffusers

PLACES = [
    ("a painting by kora", 4),
    ("a painting by lume", 4),
    ("kora", 1),
    ("", 0),
    ("the old mayor of a small town", 3),
]


def stock_encoders(folder: Path) -> list[Any]:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder).to(torch.float64)
    found = [pipeline.text_encoder]
    if getattr(pipeline, "text_encoder_2", None) is not None:
        found.append(pipeline.text_encoder_2)
    return found


def stock_rows(
    encoder: Any, tokenizer: Any, layer: int, place: tuple[str, int]
) -> tuple[Tensor, Tensor]:
    """fc2 input and block output from the whole padded prompt, through hooks."""
    clip = getattr(encoder, "text_model", encoder)
    block = clip.encoder.layers[layer]
    seen: dict[str, Tensor] = {}
    hooks = [
        block.mlp.fc2.register_forward_hook(
            lambda _, given, __: seen.update(key=given[0][0, place[1]])
        ),
        block.register_forward_hook(
            lambda _, __, out: seen.update(
                out=(out[0] if isinstance(out, tuple) else out)[..., place[1], :]
            )
        ),
    ]
    with torch.no_grad():
        encoder(**tokenizer([place[0]], padding="max_length", return_tensors="pt"))
    for hook in hooks:
        hook.remove()
    return seen["key"], seen["out"].reshape(-1)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_rows_are_those_of_transformers_in_every_layer(
    tiny: dict[Family, Path], family: Family
) -> None:
    folder = open_pipeline(tiny[family])
    pipeline = diffusers.DiffusionPipeline.from_pretrained(tiny[family])
    probes = open_text_probes(folder, dtype="float64")
    for number, encoder in enumerate(stock_encoders(tiny[family])):
        probe = probes[number]
        tokenizer = pipeline.tokenizer_2 if number else pipeline.tokenizer
        for layer in range(probe.depth):
            keys, outs = probe.keys(layer, PLACES), probe.blocks(layer, PLACES)
            assert keys.shape == (5, probe.d_ff)
            assert outs.shape == (5, probe.d_model)
            for place, key, out in zip(PLACES, keys, outs, strict=True):
                stock = stock_rows(encoder, tokenizer, layer, place)
                assert torch.allclose(key, stock[0], atol=1e-12)
                assert torch.allclose(out, stock[1], atol=1e-12)


def test_an_fc2_output_is_the_key_through_weight_and_bias(
    tiny: dict[Family, Path],
) -> None:
    folder = open_pipeline(tiny["sd1"])
    (probe,) = open_text_probes(folder, dtype="float64")
    (encoder,) = stock_encoders(tiny["sd1"])
    clip = getattr(encoder, "text_model", encoder)
    for layer in range(probe.depth):
        fc2 = clip.encoder.layers[layer].mlp.fc2
        assert torch.equal(probe.bias(layer), fc2.bias.detach())
        (site,) = probe.sites(layer)
        assert torch.equal(probe.read(site.key).double(), fc2.weight.detach())


def test_a_replaced_weight_acts_above_its_layer_and_not_below(
    tiny: dict[Family, Path],
) -> None:
    folder = open_pipeline(tiny["sd1"])
    (probe,) = open_text_probes(folder, dtype="float64")
    (encoder,) = stock_encoders(tiny["sd1"])
    pipeline = diffusers.DiffusionPipeline.from_pretrained(tiny["sd1"])
    clip = getattr(encoder, "text_model", encoder)
    before = [probe.blocks(layer, PLACES) for layer in range(probe.depth)]
    probe.keys(2, PLACES)  # kept states that the new weight makes wrong
    generator = torch.Generator().manual_seed(1)
    new = torch.randn(probe.d_model, probe.d_ff, generator=generator).double()
    probe.replace(1, new)
    clip.encoder.layers[1].mlp.fc2.weight.data = new
    assert torch.equal(probe.blocks(0, PLACES), before[0])
    for layer in (1, 2):
        rows = probe.blocks(layer, PLACES)
        assert not torch.allclose(rows, before[layer], atol=1e-3)
        for place, row, key in zip(
            PLACES, rows, probe.keys(layer, PLACES), strict=True
        ):
            stock = stock_rows(encoder, pipeline.tokenizer, layer, place)
            assert torch.allclose(row, stock[1], atol=1e-12)
            assert torch.allclose(key, stock[0], atol=1e-12)


def read_all(probe: PipelineTextProbe, places: list[tuple[str, int]]) -> list[Tensor]:
    found = []
    for layer in range(probe.depth):
        found += [probe.keys(layer, places), probe.blocks(layer, places)]
    return found


def test_bits_depend_on_the_prompt_alone(
    tiny: dict[Family, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_pipeline(tiny["sdxl"])
    crowd = [
        (f"{a} {b} of {c}", 4)
        for a in ("a", "the")
        for b in ("cat", "dog")
        for c in ("art", "town", "kora", "lume", "bela")
    ]
    for number in range(2):
        together = read_all(open_text_probes(folder)[number], [*crowd, *PLACES])
        for start in (0, 7, 21):
            some = [*crowd, *PLACES][start : start + 2]
            alone = read_all(open_text_probes(folder)[number], some)
            for one, other in zip(alone, together, strict=True):
                assert torch.equal(one, other[start : start + 2])
        # Nothing is kept between reads: every row is run from its tokens again.
        monkeypatch.setattr(text_probe, "ROOM", 0)
        forgetful = read_all(open_text_probes(folder)[number], [*crowd, *PLACES])
        monkeypatch.undo()
        assert all(map(torch.equal, forgetful, together))


def test_layers_read_in_any_order_give_the_same_bits(
    tiny: dict[Family, Path],
) -> None:
    folder = open_pipeline(tiny["sd2"])
    (one,), (other,) = open_text_probes(folder), open_text_probes(folder)
    up = [one.keys(layer, PLACES) for layer in range(one.depth)]
    down = [other.keys(layer, PLACES) for layer in reversed(range(other.depth))]
    assert all(map(torch.equal, up, reversed(down)))


def test_the_layer_the_pipeline_reads_is_told(tiny: dict[Family, Path]) -> None:
    layers = {
        family: [p.depth - p.read_layer for p in open_text_probes(open_pipeline(path))]
        for family, path in tiny.items()
    }
    wanted = {"sd1": [1], "sd2": [1], "sdxl": [2, 2], "sd3": [2, 2], "flux": [1]}
    assert layers == {family: wanted[family] for family in tiny}


def test_every_variant_is_a_site_the_loaded_one_first(tmp_path: Path) -> None:
    folder = build(tmp_path / "model", "sd1")
    half = folder / "text_encoder" / "model.fp16.safetensors"
    half.write_bytes((folder / "text_encoder" / "model.safetensors").read_bytes())
    (probe,) = open_text_probes(open_pipeline(folder))
    files = [site.key.partition(":")[0] for site in probe.sites(1)]
    assert files == [
        "text_encoder/model.safetensors",
        "text_encoder/model.fp16.safetensors",
    ]


def test_no_places_give_no_rows_and_a_long_prompt_is_refused(
    tiny: dict[Family, Path],
) -> None:
    (probe,) = open_text_probes(open_pipeline(tiny["sd1"]))
    assert probe.keys(1, []).shape == (0, probe.d_ff)
    with pytest.raises(RequestError, match="tokens; expected at most 13"):
        probe.keys(0, [("a photo of " * 8, 1)])
