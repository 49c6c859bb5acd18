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
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
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
Family = Literal["sd1", "sd2", "sdxl", "sd3", "flux"]
FAMILIES: list[Family] = ["sd1", "sd2", "sdxl", "sd3", "flux"]
DENOISER = {"sd3": "transformer", "flux": "transformer"}


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


def t5_tokenizer() -> T5Tokenizer:
    """Words as CLIP has them, but for some that T5 reads as two pieces."""
    words = [word for word in WORDS if word not in {"mayor", "portrait"}]
    words += ["may", "port", "A", "An"]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -9.0)]
    pieces += [(f"▁{word}", -1.0 - number / 100) for number, word in enumerate(words)]
    pieces += [("or", -2.0), ("rait", -2.0)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=21)


def t5(vocabulary: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=vocabulary,
        d_model=52,
        d_kv=6,
        d_ff=28,
        num_layers=2,
        num_heads=3,
        feed_forward_proj="gated-gelu",
        initializer_factor=0.1,
        pad_token_id=0,
        eos_token_id=1,
    )
    return T5EncoderModel(config)


def text_config(
    width: int, layers: int, vocabulary: int, act: str, projection: int | None = None
) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=width * 2 + 4,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        hidden_act=act,
        projection_dim=projection or width,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def vae(**options: float) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=1,
        latent_channels=4,
        sample_size=16,
        **options,
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


def sd3_pipeline(*, with_t5: bool) -> Any:
    first, third = tokenizer(), t5_tokenizer()
    return diffusers.StableDiffusion3Pipeline(
        vae=vae(shift_factor=0.06, scaling_factor=1.5),
        text_encoder=CLIPTextModelWithProjection(
            text_config(20, 3, len(first), "quick_gelu", projection=28)
        ),
        text_encoder_2=CLIPTextModelWithProjection(
            text_config(24, 2, len(first), "gelu", projection=36)
        ),
        text_encoder_3=t5(len(third)) if with_t5 else None,
        tokenizer=first,
        tokenizer_2=tokenizer("!"),
        tokenizer_3=third if with_t5 else None,
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=52,
            caption_projection_dim=16,
            pooled_projection_dim=64,
            pos_embed_max_size=12,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def flux_pipeline() -> Any:
    first, second = tokenizer(), t5_tokenizer()
    return diffusers.FluxPipeline(
        vae=vae(shift_factor=0.1, scaling_factor=0.36),
        text_encoder=CLIPTextModel(text_config(20, 3, len(first), "quick_gelu")),
        tokenizer=first,
        text_encoder_2=t5(len(second)),
        tokenizer_2=second,
        transformer=diffusers.FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=52,
            pooled_projection_dim=20,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=True,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def build(
    folder: Path,
    family: Family = "sd1",
    *,
    dtype: torch.dtype = torch.float32,
    shard: str = "5GB",
    variant: str | None = None,
    seed: int = 0,
    with_t5: bool = True,
) -> Path:
    """Save a tiny random pipeline of one architecture."""
    torch.manual_seed(seed)
    pipeline = made(family, with_t5=with_t5)
    _vary_norms(pipeline)
    pipeline.to(dtype)
    pipeline.save_pretrained(folder, max_shard_size=shard, variant=variant)
    return folder


def made(family: Family, *, with_t5: bool = True) -> Any:
    """Make a pipeline of one architecture in memory."""
    if family == "sd3":
        return sd3_pipeline(with_t5=with_t5)
    if family == "flux":
        return flux_pipeline()
    first = tokenizer()
    scheduler = diffusers.DDIMScheduler(clip_sample=False, steps_offset=1)
    act = "quick_gelu" if family == "sd1" else "gelu"
    encoder = CLIPTextModel(text_config(20, 3, len(first), act))
    if family == "sdxl":
        return diffusers.StableDiffusionXLPipeline(
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
    return diffusers.StableDiffusionPipeline(
        vae=vae(),
        text_encoder=encoder,
        tokenizer=first,
        unet=unet(family, 20),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _vary_norms(pipeline: Any) -> None:
    # Fresh normalisations are the identity; a test with them would not notice one
    # that is skipped or applied twice.
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            for name, value in part.named_parameters():
                if "norm" in name:
                    size = 0.3 * (float(value.data.abs().max()) or 1.0)
                    value.data += size * torch.randn_like(value)


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
