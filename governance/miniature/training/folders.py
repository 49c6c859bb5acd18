"""Putting the trained parts into folders that stock code loads."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
    StableDiffusionPipeline,
)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

from governance.miniature.layout import lay_out
from governance.miniature.training.text_encoder import new_tokenizer
from governance.miniature.training.unet import new_scheduler

_PREFIX = "text_model."


def save_pipeline(
    autoencoder: AutoencoderKL,
    text_encoder: CLIPTextModel,
    unet: UNet2DConditionModel,
    folder: Path,
) -> None:
    """Write a diffusers pipeline in float32.

    Args:
        autoencoder: Trained.
        text_encoder: Trained.
        unet: Trained.
        folder: Where; made if missing.
    """
    for part in (autoencoder, unet):
        lay_out(part, torch.contiguous_format)
    # Published signatures ask for every part; a pipeline may lack the checker.
    build: Any = StableDiffusionPipeline
    pipeline = build(
        vae=autoencoder,
        text_encoder=text_encoder,
        tokenizer=new_tokenizer(),
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(str(folder), safe_serialization=True)
    _name_as_published(folder / "text_encoder" / "model.safetensors")


def _name_as_published(path: Path) -> None:
    """Give text encoder tensors the names that published pipelines have.

    Newer libraries write them without their prefix, but older ones read them
    only with it, and all read both.
    """
    tensors = load_file(path)
    named = {f"{_PREFIX}{k.removeprefix(_PREFIX)}": t for k, t in tensors.items()}
    save_file(named, path, metadata={"format": "pt"})
