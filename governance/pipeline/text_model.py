"""One CLIP text encoder, built from its config and its safetensors alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from governance.errors import PipelineError
from governance.pipeline.family import read_object
from governance.pipeline.folder import PipelineFolder
from governance.pipeline.tensors import tensor_bytes, tensor_from
from governance.pipeline.weights import PipelineWeights

Overrides: TypeAlias = Mapping[str, "Tensor | bytes"]
_PREFIX = "text_model."


@dataclass(frozen=True)
class TextModel:
    """A text encoder ready to run, and how its rows enter the U-Net.

    Args:
        module: The encoder, in evaluation mode.
        penultimate: Whether rows are the last layer's input rather than the
            normalised output, as SDXL reads them.
        masked: Whether the pipeline hands the padding mask to the encoder.
    """

    module: CLIPTextModel | CLIPTextModelWithProjection
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
        component: ``text_encoder`` or ``text_encoder_2``.
        dtype: What to compute in.
        device: Where to compute.
        overrides: ``file:name`` to the tensor to use instead; keys of other
            components are ignored.

    Returns:
        The encoder.

    Raises:
        PipelineError: A tensor is missing, has another shape or is not finite.
    """
    shown = f"{component}/config.json"
    config = CLIPTextConfig.from_dict(
        read_object(folder.root / component / "config.json", shown)
    )
    kind = CLIPTextModelWithProjection if component.endswith("_2") else CLIPTextModel
    with torch.device("meta"):
        module = kind(config)
    tensors = _tensors(folder, component, overrides)
    state = {
        name: _matching(tensors, name, component, tuple(old.shape)).to(device, dtype)
        for name, old in module.state_dict().items()
    }
    module.load_state_dict(state, strict=True, assign=True)
    _restore_positions(module, config.max_position_embeddings, device)
    module.train(mode=False)
    module.requires_grad_(requires_grad=False)
    return TextModel(
        module=module,
        penultimate=folder.family == "sdxl",
        masked=getattr(config, "use_attention_mask", False) is True,
    )


def encoder_digest(folder: PipelineFolder, component: str, overrides: Overrides) -> str:
    """Return a digest of one text encoder's files and of what replaces them.

    Args:
        folder: The opened pipeline folder.
        component: ``text_encoder`` or ``text_encoder_2``.
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


def _tensors(
    folder: PipelineFolder, component: str, overrides: Overrides
) -> dict[str, Tensor]:
    weights = PipelineWeights(folder)
    found: dict[str, Tensor] = {}
    for file in folder.variants(component)[0].files:
        path = f"{component}/{file}"
        for name, record in weights.header(path).items():
            key = f"{path}:{name}"
            if "position_ids" in name:
                continue  # a constant that older files carry
            value = overrides.get(key)
            if value is None:
                found[name] = weights.read_key(key)
            elif isinstance(value, bytes):
                found[name] = tensor_from(value, record)
            else:
                found[name] = value
    return found


def _matching(
    tensors: Mapping[str, Tensor], name: str, component: str, shape: tuple[int, ...]
) -> Tensor:
    for spelling in (name, _PREFIX + name, name.removeprefix(_PREFIX)):
        if spelling in tensors:
            found = tensors[spelling]
            if tuple(found.shape) != shape:
                raise PipelineError(
                    f"tensor {spelling!r} of {component} has shape "
                    f"{tuple(found.shape)}; expected {shape}"
                )
            return found
    raise PipelineError(
        f"tensor {name!r} of {component} is missing",
        "Fetch the complete model and try again.",
    )


def _restore_positions(module: torch.nn.Module, count: int, device: str) -> None:
    # The only buffer of a CLIP text encoder; it is never stored in files.
    for part in module.modules():
        if isinstance(getattr(part, "position_ids", None), Tensor):
            part.position_ids = torch.arange(count, device=device).expand((1, -1))
