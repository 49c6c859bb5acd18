"""Which text encoders make which rows of a prompt, and which of them pool it.

| family | rows of a prompt | pooled vector |
|---|---|---|
| sd1, sd2 | CLIP, last hidden state | read by nothing |
| sdxl | CLIP-L and CLIP-G side by side, penultimate states | not edited |
| sd3 | those two side by side, padded with zeros to T5's width; then T5's rows | both |
| flux | T5's rows | CLIP-L |
"""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.errors import PipelineError
from governance.pipeline.family import Family, read_object
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.sites import Projection

T5_ROWS: Mapping[Family, int] = {"sd3": 256, "flux": 512}
"""Rows that each pipeline's ``encode_prompt`` pads a T5 prompt to by default."""
_PROJECTED: Mapping[Family, frozenset[str]] = {
    "sdxl": frozenset({"text_encoder_2"}),
    "sd3": frozenset({"text_encoder", "text_encoder_2"}),
}


@dataclass(frozen=True)
class Stream:
    """Rows of a prompt that stand together and come from the same encoders.

    Args:
        encoders: (encoder, tokenizer) components whose states stand side by side.
        first: First row of the prompt they make.
        length: How many rows they make, padding included.
        width: Length of their states together; the rest of a row is zero.
        causal: Whether a row depends on no token after it.
    """

    encoders: tuple[tuple[str, str], ...]
    first: int
    length: int
    width: int
    causal: bool


@dataclass(frozen=True)
class PromptLayout:
    """What a pipeline's ``encode_prompt`` gives for one prompt.

    Args:
        streams: Its rows, in order.
        pooled: (encoder, tokenizer) components whose pooled vectors stand side by
            side; empty where the pipeline has none.
        length: Rows in all.
        width: Length of a row.
        pooled_widths: Length of each encoder's pooled vector.
        projections: Kinds of matrices that read them.
    """

    streams: tuple[Stream, ...]
    pooled: tuple[tuple[str, str], ...]
    length: int
    width: int
    pooled_widths: Mapping[str, int]
    projections: tuple[Projection, ...]

    @property
    def pooled_width(self) -> int:
        """Return the length of the pooled vector."""
        return sum(self.pooled_widths.values())


def projected(family: Family, component: str) -> bool:
    """Tell whether a CLIP encoder has a projection after its pooled state."""
    return component in _PROJECTED.get(family, ())


def prompt_layout(folder: PipelineFolder, clip_rows: int) -> PromptLayout:
    """Tell what a pipeline's ``encode_prompt`` gives.

    Args:
        folder: The opened folder.
        clip_rows: Tokens that its CLIP tokenizers pad a prompt to.

    Returns:
        The layout.

    Raises:
        PipelineError: A config gives no width.
    """
    clip, family = folder.text_encoders, folder.family
    states = sum(_size(folder, one, "hidden_size") for one, _ in clip)
    streams: list[Stream] = []
    if family != "flux":
        streams.append(Stream(clip, 0, clip_rows, states, causal=True))
    width, length = states, clip_rows
    if family in T5_ROWS:
        first = sum(stream.length for stream in streams)
        width, length = _joint_width(folder), first + T5_ROWS[family]
        if folder.t5 is not None:
            rows = T5_ROWS[family]
            streams.append(Stream((folder.t5,), first, rows, width, causal=False))
    pooling = tuple(
        pair for pair in clip if family == "flux" or projected(family, pair[0])
    )
    return PromptLayout(
        streams=tuple(streams),
        pooled=pooling,
        length=length,
        width=width,
        pooled_widths={one: _pooled_size(folder, one) for one, _ in pooling},
        projections=("context", "pooled") if family in T5_ROWS else ("k", "v"),
    )


def _pooled_size(folder: PipelineFolder, component: str) -> int:
    name = "projection_dim" if projected(folder.family, component) else "hidden_size"
    return _size(folder, component, name)


def _joint_width(folder: PipelineFolder) -> int:
    if folder.t5 is not None:
        return _size(folder, folder.t5[0], "d_model")
    # Without T5, SD3 attends to rows of zeros as wide as T5's would have been.
    return _size(folder, folder.denoiser, "joint_attention_dim", None)


def _size(
    folder: PipelineFolder, component: str, name: str, usual: int | None = 512
) -> int:
    shown = f"{component}/config.json"
    config = read_object(folder.root / component / "config.json", shown)
    size = config.get(name, usual)
    if not isinstance(size, int) or size < 1:
        raise PipelineError(f"{shown} gives no usable {name}")
    return size
