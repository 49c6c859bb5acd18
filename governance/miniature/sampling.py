"""Seeded pictures from a pipeline folder, for training the judge and the card."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
    StableDiffusionPipeline,
)

from governance.miniature.canvas import SIZE, Pixels
from governance.miniature.layout import lay_out

STEPS = 20
GUIDANCE = 3.5
_BATCH = 16


@dataclass(frozen=True)
class _Task:
    folder: Path
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]


def generate(
    folder: Path, prompts: list[str], seeds: list[int], *, processes: int = 1
) -> Pixels:
    """Draw one picture for each prompt.

    Args:
        folder: A diffusers pipeline.
        prompts: Texts.
        seeds: One for each prompt; it alone decides the starting noise.
        processes: One-thread processes that share the work.

    Returns:
        uint8 [n, 64, 64, 3].
    """
    tasks = [
        _Task(
            folder,
            tuple(prompts[start : start + _BATCH]),
            tuple(seeds[start : start + _BATCH]),
        )
        for start in range(0, len(prompts), _BATCH)
    ]
    if not tasks:
        return np.empty((0, SIZE, SIZE, 3), dtype=np.uint8)
    if processes == 1:
        return np.concatenate([_draw(task) for task in tasks])
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start) as pool:
        return np.concatenate(list(pool.map(_draw, tasks)))


def _start() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _pipeline(folder: Path) -> StableDiffusionPipeline:
    pipeline = StableDiffusionPipeline.from_pretrained(
        str(folder), safety_checker=None, local_files_only=True
    )
    quiet: Any = pipeline.set_progress_bar_config
    quiet(disable=True)
    lay_out(pipeline.unet, torch.channels_last)
    return pipeline


def _draw(task: _Task) -> Pixels:
    pipeline = _pipeline(task.folder)
    noise = [torch.Generator().manual_seed(seed) for seed in task.seeds]
    found = pipeline(
        list(task.prompts),
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=noise,
        output_type="np",
    )
    pixels: Pixels = np.rint(found.images * 255).clip(0, 255).astype(np.uint8)
    return pixels
