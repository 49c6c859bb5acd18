"""The shapes are those of the real models, by name, size and count."""

from importlib import import_module
from typing import Any

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from governance.benchmark.shapes import SHAPES, TINY

diffusers: Any = import_module("diffusers")
CROSS = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
CLASSIC = {
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (CROSS[0],) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + (CROSS[1],) * 3,
    "layers_per_block": 2,
}
# What the published configs of these models say about their U-Nets.
UNETS: dict[str, dict[str, Any]] = {
    "sd14": {**CLASSIC, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sd2": {
        **CLASSIC,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    },
    "sdxl": {
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", *(CROSS[0],) * 2),
        "up_block_types": (*(CROSS[1],) * 2, "UpBlock2D"),
        "layers_per_block": 2,
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "transformer_layers_per_block": (1, 2, 10),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}


@pytest.mark.parametrize(("name", "count"), [("sd14", 32), ("sd2", 32), ("sdxl", 140)])
def test_matrices_are_those_of_the_real_unet(name: str, count: int) -> None:
    with torch.device("meta"):
        unet = diffusers.UNet2DConditionModel(sample_size=64, **UNETS[name])
    real = {
        key: tuple(value.shape)
        for key, value in unet.state_dict().items()
        if ".attn2.to_k." in key or ".attn2.to_v." in key
    }
    assert len(real) == count
    assert dict(SHAPES[name].matrices()) == real


@pytest.mark.parametrize(
    ("name", "millions"), [("sd14", [123]), ("sd2", [340]), ("sdxl", [123, 695])]
)
def test_text_encoders_are_as_large_as_the_real_ones(
    name: str, millions: list[int]
) -> None:
    counts = []
    for number, encoder in enumerate(SHAPES[name].encoders):
        config = CLIPTextConfig(
            hidden_size=encoder.width,
            intermediate_size=4 * encoder.width,
            num_hidden_layers=encoder.layers,
            num_attention_heads=encoder.heads,
            projection_dim=encoder.width,
        )
        with torch.device("meta"):
            made = (CLIPTextModelWithProjection if number else CLIPTextModel)(config)
        counts.append(round(sum(p.numel() for p in made.parameters()) / 1e6))
    assert counts == millions


def test_an_edit_of_sd14_changes_77_megabytes() -> None:
    assert round(SHAPES["sd14"].mib * 2**20 / 1e6) == 77


def test_no_two_sizes_of_the_tiny_shape_are_equal() -> None:
    sizes = [rows for _, (rows, _) in TINY.matrices()]
    sizes += [encoder.width for encoder in TINY.encoders]
    assert len(set(sizes)) == 5
    assert TINY.width not in sizes
