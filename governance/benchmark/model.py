"""A folder of random weights that an edit cannot tell from a real model's.

Text encoders and the matrices that read text have their real names, shapes and order;
what an edit never opens (the rest of the U-Net, the autoencoder) is left out.
"""

import json
import math
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from governance.benchmark.shapes import EncoderShape, Shape
from governance.benchmark.words import LENGTH, tokenizer
from governance.errors import UsageError
from governance.snapshots.staging import Disk, staged

MARK = "benchmark.json"
_SEED = 20230828
_UNET = "unet/diffusion_pytorch_model.safetensors"

Named = tuple[str, tuple[int, ...]]
Progress = Callable[[int, int], None]


def model_folder(shape: Shape, folder: Path, on_progress: Progress) -> Path:
    """Make a model of random weights, or find the one made here earlier.

    Args:
        shape: What it looks like.
        folder: Where; absent, or what an earlier call made for the same shape.
        on_progress: Called with components done and components in all.

    Returns:
        The folder.

    Raises:
        UsageError: Something else is there, or it cannot be written.
    """
    if folder.exists():
        _check_mark(shape, folder)
        return folder
    with staged(folder, Disk()) as place:
        _fill(shape, place, on_progress)
        _write_json(place / MARK, {"shape": shape.name, "seed": _SEED})
    return folder


def _check_mark(shape: Shape, folder: Path) -> None:
    mark = folder / MARK
    found = json.loads(mark.read_bytes()) if mark.is_file() else {}
    if found != {"shape": shape.name, "seed": _SEED}:
        raise UsageError(
            f"{folder} is not what this benchmark made for shape {shape.name}",
            "Name a folder that does not exist yet.",
        )


def _fill(shape: Shape, place: Path, on_progress: Progress) -> None:
    index: dict[str, object] = {"_class_name": shape.pipeline}
    total = len(shape.encoders) + 1
    for number, encoder in enumerate(shape.encoders):
        suffix = "" if number == 0 else f"_{number + 1}"
        kind = "CLIPTextModelWithProjection" if number else "CLIPTextModel"
        index[f"text_encoder{suffix}"] = ["transformers", kind]
        index[f"tokenizer{suffix}"] = ["transformers", "CLIPTokenizer"]
        _write_encoder(shape, encoder, place / f"text_encoder{suffix}", number)
        tokenizer(shape.vocabulary).save_pretrained(place / f"tokenizer{suffix}")
        on_progress(number + 1, total)
    index["unet"] = ["diffusers", "UNet2DConditionModel"]
    index["vae"] = ["diffusers", "AutoencoderKL"]
    single = len(shape.encoders) == 1
    linear = single and shape.width != SD1_WIDTH
    _write_json(
        place / "unet" / "config.json",
        {
            "_class_name": "UNet2DConditionModel",
            "cross_attention_dim": shape.width,
            "use_linear_projection": linear,
        },
    )
    _write_json(place / "vae" / "config.json", {"_class_name": "AutoencoderKL"})
    write_random(place / _UNET, shape.matrices(), 100)
    vae = place / "vae" / "diffusion_pytorch_model.safetensors"
    write_random(vae, [("quant_conv.weight", (8, 8, 1, 1))], 200)
    _write_json(place / "model_index.json", index)
    on_progress(total, total)


SD1_WIDTH = 768


def _write_encoder(
    shape: Shape, encoder: EncoderShape, place: Path, number: int
) -> None:
    config = CLIPTextConfig(
        vocab_size=shape.vocabulary,
        hidden_size=encoder.width,
        intermediate_size=4 * encoder.width,
        num_hidden_layers=encoder.layers,
        num_attention_heads=encoder.heads,
        max_position_embeddings=LENGTH,
        hidden_act=encoder.activation,
        projection_dim=encoder.width,
        bos_token_id=shape.vocabulary - 2,
        eos_token_id=shape.vocabulary - 1,
        pad_token_id=shape.vocabulary - 1,
    )
    with torch.device("meta"):
        model = (CLIPTextModelWithProjection if number else CLIPTextModel)(config)
    _write_json(place / "config.json", config.to_dict())
    named = [(name, tuple(t.shape)) for name, t in model.state_dict().items()]
    write_random(place / "model.safetensors", named, number)


def write_random(path: Path, tensors: Iterable[Named], seed: int) -> None:
    """Write float32 tensors of random numbers, one in memory at a time.

    Args:
        path: The safetensors file to make.
        tensors: Names and shapes, in the order of their bytes.
        seed: Which numbers.
    """
    given = list(tensors)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in given:
        start, end = end, end + 4 * math.prod(shape)
        entry = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
        header[name] = entry
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for values in _random(given, seed):
            stream.write(values.view(-1).view(torch.uint8).numpy().data)
        stream.flush()
        os.fsync(stream.fileno())


def _random(tensors: Iterable[Named], seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(_SEED + seed)
    for name, shape in tensors:
        values = torch.randn(shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            yield values.mul_(0.1).add_(1)
        elif "embedding" in name or len(shape) == 1:
            yield values.mul_(0.02)
        else:
            yield values.mul_(math.prod(shape[1:]) ** -0.5)


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "ascii")
