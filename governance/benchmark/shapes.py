"""The shapes of real models: text encoders, and matrices that read text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from governance.errors import UsageError


@dataclass(frozen=True)
class EncoderShape:
    """One CLIP text encoder.

    Args:
        width: Length of a row.
        layers: How many layers it has.
        heads: Attention heads of a layer.
        activation: What its feed-forward layers use.
    """

    width: int
    layers: int
    heads: int
    activation: Literal["quick_gelu", "gelu"]


@dataclass(frozen=True)
class Shape:
    """One model, as far as an edit of it is concerned.

    Args:
        name: How the command line calls it.
        pipeline: Class its folder names.
        encoders: Its text encoders.
        blocks: Blocks of the U-Net that attend to text, in their own order: the
            block's name, width, attentions, and transformer layers of each.
        vocabulary: Tokens of its text encoders.
    """

    name: str
    pipeline: str
    encoders: tuple[EncoderShape, ...]
    blocks: tuple[tuple[str, int, int, int], ...]
    vocabulary: int = 49408

    @property
    def width(self) -> int:
        """Return the length of the rows that the matrices read."""
        return sum(encoder.width for encoder in self.encoders)

    def matrices(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Yield name and (d_out, d_in) of every cross-attention K and V matrix."""
        for block, out, attentions, layers in self.blocks:
            for attention in range(attentions):
                for layer in range(layers):
                    place = f"{block}.attentions.{attention}"
                    for kind in "kv":
                        name = f"transformer_blocks.{layer}.attn2.to_{kind}.weight"
                        yield f"{place}.{name}", (out, self.width)

    @property
    def mib(self) -> float:
        """Return the size of those matrices in float32, in MiB."""
        return sum(4 * rows * columns for _, (rows, columns) in self.matrices()) / 2**20


_CLIP_L = EncoderShape(768, 12, 12, "quick_gelu")
_SINGLE = "StableDiffusionPipeline"
_CLASSIC = (
    ("down_blocks.0", 320, 2, 1),
    ("down_blocks.1", 640, 2, 1),
    ("down_blocks.2", 1280, 2, 1),
    ("mid_block", 1280, 1, 1),
    ("up_blocks.1", 1280, 3, 1),
    ("up_blocks.2", 640, 3, 1),
    ("up_blocks.3", 320, 3, 1),
)
_LARGE = (
    ("down_blocks.1", 640, 2, 2),
    ("down_blocks.2", 1280, 2, 10),
    ("mid_block", 1280, 1, 10),
    ("up_blocks.0", 1280, 3, 10),
    ("up_blocks.1", 640, 3, 2),
)
SHAPES: Mapping[str, Shape] = {
    "sd14": Shape("sd14", _SINGLE, (_CLIP_L,), _CLASSIC),
    "sd2": Shape("sd2", _SINGLE, (EncoderShape(1024, 23, 16, "gelu"),), _CLASSIC),
    "sdxl": Shape(
        "sdxl",
        "StableDiffusionXLPipeline",
        (_CLIP_L, EncoderShape(1280, 32, 20, "gelu")),
        _LARGE,
    ),
}
TINY = Shape(
    "tiny",
    "StableDiffusionXLPipeline",
    (EncoderShape(20, 3, 4, "quick_gelu"), EncoderShape(24, 2, 4, "gelu")),
    (("down_blocks.1", 9, 2, 1), ("mid_block", 11, 1, 2), ("up_blocks.0", 14, 1, 1)),
    vocabulary=6000,
)
"""For tests: every dimension is another one."""


def shape_named(name: str) -> Shape:
    """Return a shape by name.

    Raises:
        UsageError: There is none of that name.
    """
    if name == TINY.name:
        return TINY
    if name not in SHAPES:
        raise UsageError(
            f"shape {ascii(name)[:40]} is unknown; expected {' or '.join(SHAPES)}"
        )
    return SHAPES[name]
