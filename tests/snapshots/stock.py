"""Adapters through stock diffusers: load, compare every weight, take off again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from governance.pipeline.folder import PipelineFolder
from governance.pipeline.weights import PipelineWeights, split_key
from tests.pipeline.tiny import diffusers

Factors = list[tuple[str, Tensor, Tensor]]
State = dict[str, dict[str, Tensor]]
PARTS = ("unet", "text_encoder", "text_encoder_2")


def random_factors(
    folder: PipelineFolder, rows: int, text_rows: tuple[int, ...]
) -> Factors:
    """A change of every editable matrix, with as many rows as asked for."""
    weights = PipelineWeights(folder)
    generator = torch.Generator().manual_seed(5)

    def matrix(height: int, width: int) -> Tensor:
        return torch.randn(height, width, generator=generator, dtype=torch.float64)

    found: Factors = []
    for number, text in enumerate(weights.text_sites):
        count = text_rows[number % len(text_rows)]
        up, down = matrix(text.shape[0], count), matrix(count, text.shape[1])
        found.append((text.key, 0.02 * up, down / count**0.5))
    shared = matrix(rows, weights.sites[0].shape[1]) / rows**0.5
    for site in weights.sites:
        found.append((site.key, 0.02 * matrix(site.shape[0], rows), shared))
    return found


def merged(folder: PipelineFolder, factors: Factors) -> dict[str, Tensor]:
    """What merging gives: the change added in float64, rounded once."""
    weights = PipelineWeights(folder)
    found = {}
    for key, up, down in factors:
        old = weights.read_key(key)
        found[key] = (old.double() + up @ down).to(old.dtype)
    return found


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def parts(pipeline: Any) -> Iterator[tuple[str, Any]]:
    for name in PARTS:
        if (part := pipeline.components.get(name)) is not None:
            yield name, part


def state(pipeline: Any) -> State:
    return {
        name: {key: value.clone() for key, value in part.state_dict().items()}
        for name, part in parts(pipeline)
    }


def module_of(pipeline: Any, key: str) -> Any:
    """The module a tensor of a file belongs to, whatever transformers calls it."""
    file, name = split_key(key)
    part = pipeline.components[file.partition("/")[0]]
    module = name.removesuffix(".weight")
    if not hasattr(part, "text_model"):
        module = module.removeprefix("text_model.")
    elif module.startswith("encoder."):
        module = f"text_model.{module}"
    return part.get_submodule(module)


def adapted(pipeline: Any) -> int:
    return sum(
        hasattr(module, "get_delta_weight")
        for _, part in parts(pipeline)
        for module in part.modules()
    )


def effective(module: Any) -> Tensor:
    """The weight a module with one adapter computes with, in float64."""
    (name,) = module.active_adapters
    up, down = module.lora_B[name].weight, module.lora_A[name].weight
    change = module.scaling[name] * (up.double() @ down.double())
    weight: Tensor = module.base_layer.weight.double()
    found: Tensor = (weight + change).detach()
    return found


def untouched(pipeline: Any, before: State) -> bool:
    """Whether every tensor that was there before is what it was."""
    for name, part in parts(pipeline):
        now = {
            key.replace(".base_layer.", "."): value
            for key, value in part.state_dict().items()
            if ".lora_" not in key
        }
        if now.keys() != before[name].keys():
            return False
        if not all(torch.equal(now[key], before[name][key]) for key in now):
            return False
    return True


def image(pipeline: Any, prompt: str, *, steps: int = 2, size: int = 16) -> Tensor:
    """One picture, before it is rounded to bytes; [h, w, 3] float32."""
    found = pipeline(
        prompt,
        num_inference_steps=steps,
        height=size,
        width=size,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(1),
        output_type="np",
    ).images[0]
    return torch.from_numpy(found)
