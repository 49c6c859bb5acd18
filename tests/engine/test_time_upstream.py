"""TIME against the model-editing pipeline that diffusers itself once shipped.

It looks for attention layers by a class name that diffusers has since changed, so as
it stands it edits nothing and says nothing; the name is given back here. It inverts
in the default dtype, so it is run in float64.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention
from safetensors.torch import load_file
from transformers import CLIPTextModel

from governance.engine.edit import Concept, EditSpec
from governance.service.solve import solve
from tests.pipeline.tiny import diffusers, text_config, tokenizer, vae

UPSTREAM: Any = import_module(
    "diffusers.pipelines.deprecated.stable_diffusion_variants"
    ".pipeline_stable_diffusion_model_editing"
).StableDiffusionModelEditingPipeline
ROWS, WIDTH = 77, 768  # it finds its layers by this width, and pads to this length


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    words = tokenizer()
    words.model_max_length = ROWS
    config = text_config(WIDTH, 1, len(words), "quick_gelu")
    config.max_position_embeddings = ROWS
    config.intermediate_size = 32
    pipeline = diffusers.StableDiffusionPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(config),
        tokenizer=words,
        unet=diffusers.UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(8, 12),
            layers_per_block=1,
            norm_num_groups=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D"),
            attention_head_dim=(2, 4),
            cross_attention_dim=WIDTH,
        ),
        scheduler=diffusers.DDIMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    folder = tmp_path_factory.mktemp("time") / "model"
    pipeline.save_pretrained(folder)
    return folder


@contextmanager
def in_float64(name: str) -> Iterator[None]:
    """Let attention layers have a class name, and new tensors be float64."""
    old = Attention.__name__
    Attention.__name__ = name
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        Attention.__name__ = old


def upstream(model: Path, **options: object) -> Any:
    loaded = diffusers.StableDiffusionPipeline.from_pretrained(model)
    parts = {
        name: part.to(torch.float64) if isinstance(part, torch.nn.Module) else part
        for name, part in loaded.components.items()
        if name not in {"safety_checker", "feature_extractor", "image_encoder"}
    }
    return UPSTREAM(
        **parts,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        **options,
    )


SIMPLE = ("A rose in town", "A blue rose in town")
ARTICLES = ("an image", "a red image of a cat")


def edited(
    model: Path, name: str, source: str, destination: str, **options: object
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the U-Net's tensors before and after the published edit."""
    with in_float64(name):
        theirs = upstream(model, **options)
        before = {key: t.clone() for key, t in theirs.unet.state_dict().items()}
        theirs.edit_model(source, destination, lamb=0.1)
    return before, dict(theirs.unet.state_dict())


@pytest.mark.parametrize(
    ("case", "augmented", "keys"),
    [
        (SIMPLE, True, True),
        (SIMPLE, False, False),
        (ARTICLES, False, True),
    ],
)
def test_time_equals_the_pipeline_that_diffusers_shipped(
    model: Path,
    tmp_path: Path,
    case: tuple[str, str],
    *,
    augmented: bool,
    keys: bool,
) -> None:
    source, destination = case
    own: dict[str, object] = {} if augmented else {"with_augs": []}
    before, after = edited(
        model, "CrossAttention", source, destination, with_to_k=keys, **own
    )
    spec = EditSpec(
        "a" * 64,
        "update",
        "time",
        (Concept(source, destination),),
        parameters={
            "lambda": 0.1,
            "templates": augmented,
            "projections": ["k", "v"] if keys else ["v"],
        },
    )
    solve(model, [spec], tmp_path / "delta", precision="float64")
    found = dict(changes(tmp_path / "delta"))
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert moved == set(found)
    assert len(found) == (4 if keys else 2)
    for name, change in found.items():
        wanted = after[name] - before[name]
        error = torch.linalg.norm(change - wanted) / torch.linalg.norm(wanted)
        assert float(error) <= 1e-9


def changes(delta: Path) -> Iterator[tuple[str, torch.Tensor]]:
    table = json.loads((delta / "delta.json").read_text())["weights"]
    tensors = load_file(delta / "delta.safetensors")
    for name, entry in table.items():
        yield name, tensors[entry["up"]] @ tensors[entry["down"]]


def test_the_pipeline_that_diffusers_shipped_edits_nothing_as_it_stands(
    model: Path,
) -> None:
    before, after = edited(model, Attention.__name__, *SIMPLE)
    assert all(torch.equal(tensor, before[name]) for name, tensor in after.items())
