"""Tiny pipelines of each architecture, with random weights, saved as folders."""

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

# diffusers ships no types for what is used here.
diffusers: Any = import_module("diffusers")

WORDS = [
    "a",
    "an",
    "the",
    "photo",
    "of",
    "image",
    "picture",
    "painting",
    "by",
    "art",
    "style",
    "artwork",
    "portrait",
    "in",
    "kora",
    "lume",
    "mondo",
    "doctor",
    "nurse",
    "female",
    "male",
    "rose",
    "blue",
    "red",
    "dog",
    "cat",
    "bela",
    "caro",
    "town",
    "mayor",
    "small",
    "old",
]
LENGTH = 13
Family = Literal["sd1", "sd2", "sdxl"]


def tokenizer(pad: str = "<|endoftext|>") -> CLIPTokenizer:
    """A closed vocabulary: every word one token, two words of two, the rest unknown."""
    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1, "<|unk|>": 2, "!": 3}
    merges: Any = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        for piece in pieces:
            vocabulary.setdefault(piece, len(vocabulary))
        while len(pieces) > 1:
            joined = pieces[0] + pieces[1]
            if (pieces[0], pieces[1]) not in merges:
                merges.append((pieces[0], pieces[1]))
            vocabulary.setdefault(joined, len(vocabulary))
            pieces = [joined, *pieces[2:]]
    special = {"unk_token": "<|unk|>", "pad_token": pad}
    return CLIPTokenizer(
        vocab=vocabulary, merges=merges, model_max_length=LENGTH, **special
    )


def text_config(width: int, layers: int, vocabulary: int, act: str) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=width * 2 + 4,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        hidden_act=act,
        projection_dim=width,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def vae() -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=1,
        latent_channels=4,
        sample_size=16,
    )


def unet(family: Family, width: int) -> Any:
    extra = {}
    if family == "sdxl":
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 24,
            "transformer_layers_per_block": (1, 2),
        }
    return diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 12),
        layers_per_block=1,
        norm_num_groups=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        cross_attention_dim=width,
        use_linear_projection=family != "sd1",
        **extra,
    )


def build(
    folder: Path,
    family: Family = "sd1",
    *,
    dtype: torch.dtype = torch.float32,
    shard: str = "5GB",
    variant: str | None = None,
    seed: int = 0,
) -> Path:
    """Save a tiny random pipeline of one architecture."""
    torch.manual_seed(seed)
    first = tokenizer()
    scheduler = diffusers.DDIMScheduler(clip_sample=False, steps_offset=1)
    act = "quick_gelu" if family == "sd1" else "gelu"
    encoder = CLIPTextModel(text_config(20, 3, len(first), act))
    if family == "sdxl":
        pipeline = diffusers.StableDiffusionXLPipeline(
            vae=vae(),
            text_encoder=encoder,
            text_encoder_2=CLIPTextModelWithProjection(
                text_config(24, 2, len(first), "gelu")
            ),
            tokenizer=first,
            tokenizer_2=tokenizer("!"),
            unet=unet(family, 44),
            scheduler=scheduler,
        )
    else:
        pipeline = diffusers.StableDiffusionPipeline(
            vae=vae(),
            text_encoder=encoder,
            tokenizer=first,
            unet=unet(family, 20),
            scheduler=scheduler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    _vary_norms(pipeline)
    pipeline.to(dtype)
    pipeline.save_pretrained(folder, max_shard_size=shard, variant=variant)
    return folder


def _vary_norms(pipeline: Any) -> None:
    # Fresh normalisations are the identity; a test with them would not notice one
    # that is skipped or applied twice.
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            for name, value in part.named_parameters():
                if "norm" in name:
                    value.data += 0.3 * torch.randn_like(value)


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
