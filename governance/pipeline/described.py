"""Safetensors files that say what they are of; equal content is equal bytes."""

import json
import re
from collections.abc import Mapping
from typing import BinaryIO

import torch
from torch import Tensor

from governance.errors import UsageError
from governance.pipeline.tensors import tensor_view

FIRST = "text_encoder"
_NAMES = {torch.float64: "F64", torch.float32: "F32"}
_HINT = "Use a file that was made with this model."


def write_described(
    file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors and the words about them.

    Metadata stand in one order, which the safetensors library does not promise.

    Args:
        file: Where to write.
        tensors: Name to float64 or float32 tensor.
        metadata: What stands beside them.
    """
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    # Wide elements come first, so that none is misaligned.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    end = 0
    for name in names:
        tensor = tensors[name]
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in names:
        file.write(tensor_view(tensors[name]))


def refuse_other_encoder(
    what: str, component: str, named: str | None, own: Mapping[str, str]
) -> None:
    """Refuse what was made with another encoder than a model's.

    Args:
        what: What it is, in the plural.
        component: The encoder it is of.
        named: The digest its metadata give; None without one.
        own: Component to digest of the model's encoders.

    Raises:
        UsageError: The encoder is another one, or none of the model's.
        UnnamedEncoderError: No digest is given.
    """
    if component not in own:
        raise UsageError(
            f"{what} are of {component}; expected one of {', '.join(sorted(own))}",
            _HINT,
        )
    if named is None:
        raise UnnamedEncoderError(
            f"{what} do not say which {component} they were made with; expected "
            f"metadata `{component}`: {own[component]}",
            _HINT,
        )
    if named != own[component]:
        raise UsageError(
            f"{what} are of another {component}: expected {own[component]}, found "
            f"{_shown(named)}",
            _HINT,
        )


class UnnamedEncoderError(UsageError):
    """A file does not say which encoder it was made with."""


def _shown(digest: str) -> str:
    return digest if re.fullmatch(r"[0-9a-f]{64}", digest) else ascii(digest[:64])
