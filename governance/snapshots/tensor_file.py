"""Writing a safetensors file: the same tensors, the same bytes, on any disk."""

import json
from collections.abc import Mapping
from typing import BinaryIO

import torch
from torch import Tensor

from governance.pipeline.tensors import tensor_bytes
from governance.snapshots.staging import Disk

_NAMES = {torch.float64: "F64", torch.float32: "F32"}
_ALIGN = 8


def write_tensors(file: BinaryIO, disk: Disk, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as one safetensors file, sorted by name.

    The header has a single metadata entry, and nothing depends on the order in which
    tensors were made, so that two runs write the same bytes. A full disk raises what
    the disk raises, so that a folder being staged is removed as a whole.

    Args:
        file: Where to write; synced when this returns.
        disk: What writes.
        tensors: Name to float32 or float64 tensor.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % _ALIGN)
    disk.write(file, len(text).to_bytes(8, "little") + text)
    for name in sorted(tensors):
        disk.write(file, tensor_bytes(tensors[name]))
    disk.sync(file)
