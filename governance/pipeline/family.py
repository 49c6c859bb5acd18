"""Which architecture a pipeline folder holds, told from its configs alone."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from governance.errors import PipelineError

Family: TypeAlias = Literal["sd1", "sd2", "sdxl", "sd3", "flux"]

CONFIG_LIMIT = 64_000_000
"""Largest JSON file read from a model folder, in bytes."""

_EXPECTED = (
    "expected a Stable Diffusion 1.x, 2.x, SDXL, 3.x or FLUX text-to-image pipeline"
)
_VAE = frozenset({"AutoencoderKL", "AutoencoderTiny"})
_UNET = frozenset({"UNet2DConditionModel"})
_CLIP = frozenset({"CLIPTextModel"})
_PROJECTED = frozenset({"CLIPTextModelWithProjection"})
_T5 = frozenset({"T5EncoderModel"})
_CLIP_TOKENS = frozenset({"CLIPTokenizer", "CLIPTokenizerFast"})
_T5_TOKENS = frozenset({"T5Tokenizer", "T5TokenizerFast"})
_CLASSES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "StableDiffusionPipeline": {
        "unet": _UNET,
        "vae": _VAE,
        "text_encoder": _CLIP,
        "tokenizer": _CLIP_TOKENS,
    },
    "StableDiffusionXLPipeline": {
        "unet": _UNET,
        "vae": _VAE,
        "text_encoder": _CLIP,
        "tokenizer": _CLIP_TOKENS,
        "text_encoder_2": _PROJECTED,
        "tokenizer_2": _CLIP_TOKENS,
    },
    "StableDiffusion3Pipeline": {
        "transformer": frozenset({"SD3Transformer2DModel"}),
        "vae": _VAE,
        "text_encoder": _PROJECTED,
        "tokenizer": _CLIP_TOKENS,
        "text_encoder_2": _PROJECTED,
        "tokenizer_2": _CLIP_TOKENS,
    },
    "FluxPipeline": {
        "transformer": frozenset({"FluxTransformer2DModel"}),
        "vae": _VAE,
        "text_encoder": _CLIP,
        "tokenizer": _CLIP_TOKENS,
        "text_encoder_2": _T5,
        "tokenizer_2": _T5_TOKENS,
    },
}
_OPTIONAL: Mapping[str, Mapping[str, frozenset[str]]] = {
    # T5 is the largest part of SD3, and many folders go without it.
    "StableDiffusion3Pipeline": {"text_encoder_3": _T5, "tokenizer_3": _T5_TOKENS},
}
_FAMILIES: Mapping[str, Family] = {
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusion3Pipeline": "sd3",
    "FluxPipeline": "flux",
}
_LIBRARIES = ("diffusers", "transformers", "stable_diffusion")


def read_object(path: Path, shown: str) -> dict[str, object]:
    """Read one JSON object from a model folder.

    Args:
        path: The file.
        shown: How messages name it, relative to the model folder.

    Returns:
        The object.

    Raises:
        PipelineError: The file is missing, too large, or not a JSON object.
    """
    if not path.is_file():
        raise PipelineError(
            f"{shown} is missing; expected it in the model folder",
            "Fetch the complete model and try again.",
        )
    if path.stat().st_size > CONFIG_LIMIT:
        raise PipelineError(f"{shown} is larger than {CONFIG_LIMIT} bytes")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise PipelineError(f"{shown} is not JSON", "Fetch the model again.") from error
    if not isinstance(content, dict):
        raise PipelineError(f"{shown} is not a JSON object", "Fetch the model again.")
    return content


def components(index: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """List the components a model index names, each with its library and class.

    Args:
        index: Content of ``model_index.json``.

    Returns:
        Component folder to (library, class), in sorted order.

    Raises:
        PipelineError: A component has a hostile name or needs foreign code.
    """
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(index):
        match index[name]:
            case [str(library), str(kind)] if not name.startswith("_"):
                found[name] = _component(name, library, kind)
            case _:
                pass  # an option of the pipeline, or a component it goes without
    return found


def _component(name: str, library: str, kind: str) -> tuple[str, str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name):
        raise PipelineError(
            f"model_index.json names the component {name[:60]!r}; expected a plain "
            "lower-case folder name"
        )
    if library not in _LIBRARIES:
        raise PipelineError(
            f"component {name} comes from {library[:60]!r}; expected diffusers or "
            "transformers",
            "Models that bring their own code are not loaded.",
        )
    return library, kind


def family_of(root: Path, index: Mapping[str, object]) -> Family:
    """Tell the architecture of a pipeline folder.

    Args:
        root: The pipeline folder.
        index: Content of its ``model_index.json``.

    Returns:
        The family.

    Raises:
        PipelineError: The architecture is not one that can be edited; it is named.
    """
    kind = str(index.get("_class_name"))[:80]
    if kind not in _CLASSES:
        raise PipelineError(
            f"unsupported architecture {kind!r}; {_EXPECTED}", "Register another model."
        )
    _check_classes(kind, components(index))
    return _FAMILIES.get(kind) or _single_family(root)


def _check_classes(kind: str, parts: Mapping[str, tuple[str, str]]) -> None:
    optional = _OPTIONAL.get(kind, {})
    for name, allowed in {**_CLASSES[kind], **optional}.items():
        found = parts.get(name, ("", "nothing"))[1]
        if found not in allowed and not (name in optional and name not in parts):
            raise PipelineError(
                f"component {name} of {kind} is {found[:60]!r}; expected "
                f"{' or '.join(sorted(allowed))}",
                "Register another model; this one is of an unsupported architecture.",
            )


def _single_family(root: Path) -> Family:
    unet = read_object(root / "unet" / "config.json", "unet/config.json")
    linear = unet.get("use_linear_projection") is True
    return "sd2" if linear or unet.get("cross_attention_dim") == 1024 else "sd1"
