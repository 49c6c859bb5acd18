"""One text encoder, built from its config and its safetensors alone."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from torch import Tensor
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
)

from governance.errors import PipelineError
from governance.pipeline.family import read_object
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.streams import projected
from governance.pipeline.tensors import tensor_bytes, tensor_from
from governance.pipeline.weights import PipelineWeights

Overrides: TypeAlias = Mapping[str, "Tensor | bytes"]
Encoder: TypeAlias = CLIPTextModel | CLIPTextModelWithProjection | T5EncoderModel
_PREFIX = "text_model."
_EMBEDDINGS = ("shared.weight", "encoder.embed_tokens.weight")
"""Two names of T5's one table; files hold either."""


@dataclass(frozen=True)
class TextModel:
    """A text encoder ready to run, and how its rows enter the model.

    Args:
        module: The encoder, in evaluation mode.
        penultimate: Whether rows are the last layer's input rather than the
            normalised output, as SDXL and SD3 read them.
        masked: Whether the pipeline hands the padding mask to the encoder.
    """

    module: Encoder
    penultimate: bool
    masked: bool

    def rows(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Run the encoder as the pipeline does.

        Args:
            ids: Token ids [n, t], int64.
            mask: Which positions hold no padding [n, t], or None for all.

        Returns:
            Hidden states [n, t, d] in the encoder's dtype.
        """
        with torch.inference_mode():
            found = self.module(
                ids, attention_mask=mask, output_hidden_states=self.penultimate
            )
        states = (
            found.hidden_states[-2] if self.penultimate else found.last_hidden_state
        )
        return cast("Tensor", states)

    def pooled(self, ids: Tensor) -> Tensor:
        """Run a CLIP encoder for its pooled vector, projected where it can be.

        Args:
            ids: Token ids [n, t], int64; padding after the end token changes nothing.

        Returns:
            Vectors [n, d] in the encoder's dtype.
        """
        with torch.inference_mode():
            found = self.module(ids)
        projected = isinstance(self.module, CLIPTextModelWithProjection)
        return cast("Tensor", found.text_embeds if projected else found.pooler_output)


def load_text_model(
    folder: PipelineFolder,
    component: str,
    *,
    dtype: torch.dtype,
    device: str,
    overrides: Overrides,
) -> TextModel:
    """Build a text encoder from its safetensors, with some tensors replaced.

    Files with and without the ``text_model.`` prefix both work: transformers 5.6
    dropped it from the names ``CLIPTextModel`` uses.

    Args:
        folder: The opened pipeline folder.
        component: Its folder, such as ``text_encoder_2``.
        dtype: What to compute in.
        device: Where to compute.
        overrides: ``file:name`` to the tensor to use instead; keys of other
            components are ignored.

    Returns:
        The encoder.

    Raises:
        PipelineError: A tensor is missing, has another shape or is not finite.
    """
    config = read_object(
        folder.root / component / "config.json", f"{component}/config.json"
    )
    with torch.device("meta"):
        module = _empty(folder, component, config)
    read = _reader(folder, component, overrides)
    state: dict[str, Tensor] = {}
    for name, old in module.state_dict().items():
        if name == _EMBEDDINGS[1] and isinstance(module, T5EncoderModel):
            state[name] = state[_EMBEDDINGS[0]]
            continue
        # One tensor at a time: T5 alone may fill most of the memory there is.
        state[name] = read(name, tuple(old.shape)).to(device, dtype)
    module.load_state_dict(state, strict=True, assign=True)
    _restore_positions(module, device)
    module.train(mode=False)
    module.requires_grad_(requires_grad=False)
    masks = folder.family in {"sd1", "sd2"}
    return TextModel(
        module=module,
        penultimate=folder.family in {"sdxl", "sd3"} and component != _t5(folder),
        masked=masks and config.get("use_attention_mask") is True,
    )


def _t5(folder: PipelineFolder) -> str | None:
    return folder.t5[0] if folder.t5 is not None else None


def _empty(
    folder: PipelineFolder, component: str, config: Mapping[str, object]
) -> Encoder:
    if component == _t5(folder):
        return T5EncoderModel(T5Config.from_dict(dict(config)))
    clip = CLIPTextConfig.from_dict(dict(config))
    if projected(folder.family, component):
        return CLIPTextModelWithProjection(clip)
    return CLIPTextModel(clip)


def encoder_digest(folder: PipelineFolder, component: str, overrides: Overrides) -> str:
    """Return a digest of one text encoder's files and of what replaces them.

    Args:
        folder: The opened pipeline folder.
        component: Its folder, such as ``text_encoder_2``.
        overrides: ``file:name`` to replacement.
    """
    names = [f"{component}/config.json"]
    names += [f"{component}/{n}" for n in folder.variants(component)[0].files]
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name} {folder.sha256(name)}\n".encode())
    for key in sorted(overrides):
        if key.startswith(f"{component}/"):
            value = overrides[key]
            data = value if isinstance(value, bytes) else tensor_bytes(value)
            digest.update(f"{key} {hashlib.sha256(data).hexdigest()}\n".encode())
    return digest.hexdigest()


def _reader(
    folder: PipelineFolder, component: str, overrides: Overrides
) -> Callable[[str, tuple[int, ...]], Tensor]:
    """Return a function that reads one tensor by the name the encoder gives it."""
    weights = PipelineWeights(folder)
    keys: dict[str, str] = {}
    for file in folder.variants(component)[0].files:
        path = f"{component}/{file}"
        keys |= {name: f"{path}:{name}" for name in weights.header(path)}

    def read(name: str, shape: tuple[int, ...]) -> Tensor:
        spelled = [one for one in _spellings(name) if one in keys]
        if not spelled:
            raise PipelineError(
                f"tensor {name!r} of {component} is missing",
                "Fetch the complete model and try again.",
            )
        key = keys[spelled[0]]
        found = _value(weights, key, overrides.get(key))
        if tuple(found.shape) != shape:
            raise PipelineError(
                f"tensor {spelled[0]!r} of {component} has shape "
                f"{tuple(found.shape)}; expected {shape}"
            )
        return found

    return read


def _spellings(name: str) -> tuple[str, ...]:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS
    return (name, _PREFIX + name, name.removeprefix(_PREFIX))


def _value(
    weights: PipelineWeights, key: str, override: "Tensor | bytes | None"
) -> Tensor:
    if override is None:
        return weights.read_key(key)
    if isinstance(override, bytes):
        return tensor_from(override, weights.record(key))
    return override


def _restore_positions(module: torch.nn.Module, device: str) -> None:
    # The only buffer of a CLIP text encoder; it is never stored in files.
    for part in module.modules():
        found = getattr(part, "position_ids", None)
        if isinstance(found, Tensor):
            part.position_ids = torch.arange(found.shape[-1], device=device)[None]
