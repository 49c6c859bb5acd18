"""Single tensors in and out of safetensors files, read lazily, byte for byte."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from governance.errors import PipelineError
from governance.pipeline.header import TensorRecord, read_header

DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@cache
def _header(path: Path, stamp: tuple[int, int]) -> Mapping[str, TensorRecord]:
    del stamp  # part of the key: a file replaced under its name is read again
    return read_header(path)


def header_of(path: Path) -> Mapping[str, TensorRecord]:
    """Return where every tensor of a file lies, reading the header once.

    Args:
        path: A safetensors file.

    Returns:
        A record for each tensor.

    Raises:
        PipelineError: The file is missing or malformed.
    """
    if not path.is_file():
        raise PipelineError(
            f"{path.parent.name}/{path.name} is missing",
            "Fetch the complete model and try again.",
        )
    found = path.stat()
    return _header(path, (found.st_size, found.st_mtime_ns))


def read_tensor(path: Path, record: TensorRecord) -> Tensor:
    """Read one tensor, and refuse it if it holds NaN or infinity.

    Args:
        path: The safetensors file.
        record: Where the tensor lies in it.

    Returns:
        A tensor of the file's own dtype that owns its memory.

    Raises:
        PipelineError: Its dtype cannot be computed with, the file is cut short,
            or a value is not finite.
    """
    place = f"tensor {record.name!r} of {path.parent.name}/{path.name}"
    dtype = DTYPES.get(record.dtype)
    if dtype is None:
        raise PipelineError(f"{place} has dtype {record.dtype}, which is not supported")
    tensor = torch.empty(record.shape, dtype=dtype)
    with path.open("rb") as stream:
        stream.seek(record.start)
        buffer = tensor.reshape(-1).view(torch.uint8).numpy()
        read = stream.readinto(buffer.data) if record.end > record.start else 0
    if read != record.end - record.start:
        raise PipelineError(f"{place} is cut short", "Fetch the file again.")
    if dtype.is_floating_point and not _finite(tensor):
        raise PipelineError(
            f"{place} holds NaN or infinity; expected finite numbers",
            "Do not use this model: its weights are broken.",
        )
    return tensor


def _finite(tensor: Tensor) -> bool:
    # One pass without a mask: NaN goes through to both ends, infinity is one of them.
    return not tensor.numel() or bool(
        torch.isfinite(torch.stack(torch.aminmax(tensor))).all()
    )


def tensor_bytes(tensor: Tensor) -> bytes:
    """Return a tensor's bytes as a safetensors file holds them.

    Args:
        tensor: Any tensor; it is brought to the CPU and made contiguous.

    Returns:
        Row-major bytes, in the machine's (little-endian) order.
    """
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()


def tensor_view(tensor: Tensor) -> memoryview:
    """Return a tensor's bytes like ``tensor_bytes``, without copying them.

    Args:
        tensor: Any tensor; it must not change while the view is in use.

    Returns:
        Row-major bytes; they keep the tensor's memory alive.
    """
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


def tensor_from(data: bytes, record: TensorRecord) -> Tensor:
    """Rebuild a tensor from its bytes.

    Args:
        data: What ``tensor_bytes`` gave.
        record: The tensor's dtype and shape.

    Returns:
        A tensor that owns its memory.

    Raises:
        PipelineError: The bytes do not fit the shape.
    """
    if len(data) != record.end - record.start:
        raise PipelineError(
            f"replacement for tensor {record.name!r} has {len(data)} bytes; expected "
            f"{record.end - record.start}"
        )
    tensor = torch.empty(record.shape, dtype=DTYPES[record.dtype])
    flat = tensor.reshape(-1).view(torch.uint8)
    flat.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    return tensor
