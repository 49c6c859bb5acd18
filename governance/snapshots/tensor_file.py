"""Writing a safetensors file: the same tensors, the same bytes, on any disk."""

import json
from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import BinaryIO, NamedTuple

import torch
from torch import Tensor

from governance.pipeline.header import WIDTHS
from governance.pipeline.tensors import tensor_bytes
from governance.snapshots.staging import Disk

_NAMES = {torch.float64: "F64", torch.float32: "F32"}
_ALIGN = 8


class Entry(NamedTuple):
    """One tensor of a file: its name, safetensors dtype and shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def write_tensors(file: BinaryIO, disk: Disk, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as one safetensors file with a single metadata entry.

    Args:
        file: Where to write; synced when this returns.
        disk: What writes.
        tensors: Name to float32 or float64 tensor.
    """
    entries = [Entry(n, _NAMES[t.dtype], tuple(t.shape)) for n, t in tensors.items()]
    stream_tensors(
        file, disk, entries, lambda name: tensor_bytes(tensors[name]), {"format": "pt"}
    )


def stream_tensors(
    file: BinaryIO,
    disk: Disk,
    entries: Iterable[Entry],
    read: Callable[[str], bytes],
    metadata: Mapping[str, str],
) -> None:
    """Write a safetensors file, one tensor in memory at a time.

    Nothing depends on the order in which tensors come, so that two runs write the same
    bytes; wide elements come first, so that none is misaligned. A full disk raises
    what the disk raises.

    Args:
        file: Where to write; synced when this returns.
        disk: What writes.
        entries: What the file holds.
        read: From a name to the tensor's bytes.
        metadata: What stands beside the tensors.
    """
    ordered = sorted(entries, key=lambda entry: (-WIDTHS[entry.dtype], entry.name))
    header: dict[str, object] = {}
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    end = 0
    for entry in ordered:
        start, end = end, end + prod(entry.shape) * WIDTHS[entry.dtype]
        header[entry.name] = {
            "dtype": entry.dtype,
            "shape": list(entry.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % _ALIGN)
    disk.write(file, len(text).to_bytes(8, "little") + text)
    for entry in ordered:
        disk.write(file, read(entry.name))
    disk.sync(file)
