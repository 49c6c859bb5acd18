"""The header of one safetensors file, read without touching its tensors."""

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path

from governance.errors import PipelineError

LIMIT = 100_000_000
"""Largest header the safetensors format allows, in bytes."""

WIDTHS: Mapping[str, int] = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
}


@dataclass(frozen=True)
class TensorRecord:
    """Where one tensor lies in one file.

    Args:
        name: The tensor's name as it stands in the file.
        dtype: The safetensors name of its element type, such as ``F32``.
        shape: Its shape.
        start: First byte, counted from the beginning of the file.
        end: One past its last byte, counted from the beginning of the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_header(path: Path) -> dict[str, TensorRecord]:
    """Read where every tensor of a safetensors file lies.

    Args:
        path: The file.

    Returns:
        A record for each tensor, in the order of their bytes.

    Raises:
        PipelineError: The file is not a well-formed safetensors file.
    """
    size = path.stat().st_size
    text = _text(path, size)
    first = 8 + len(text)
    records = sorted(_records(path, text, first), key=lambda r: (r.start, r.end))
    _check_cover(path, records, first, size)
    return {record.name: record for record in records}


def read_metadata(path: Path) -> dict[str, str]:
    """Read the words that a safetensors file says about itself.

    Args:
        path: The file.

    Returns:
        Its metadata; empty where it has none.

    Raises:
        PipelineError: The header is not a well-formed one.
    """
    header = _header(path, _text(path, path.stat().st_size))
    found = header.get("__metadata__", {})
    if not isinstance(found, dict):
        raise _malformed(path, "its metadata is not an object")
    if not all(isinstance(value, str) for value in found.values()):
        raise _malformed(path, "its metadata holds more than words")
    return found


def _text(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        prefix = stream.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
        if not 2 <= length <= min(LIMIT, size - 8):
            raise _malformed(path, f"its header length does not fit {size} bytes")
        return stream.read(length)


def _malformed(path: Path, reason: str) -> PipelineError:
    return PipelineError(
        f"{path.name} is not a well-formed safetensors file: {reason}",
        "Fetch the file again; it is damaged or not what its name says.",
    )


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _header(path: Path, text: bytes) -> dict[str, object]:
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _malformed(path, "its header is not JSON with unique keys") from error
    if not isinstance(header, dict):
        raise _malformed(path, "its header is not an object")
    return header


def _records(path: Path, text: bytes, base: int) -> Iterable[TensorRecord]:
    for name, entry in _header(path, text).items():
        if name != "__metadata__":
            yield _record(path, name, entry, base)


def _record(path: Path, name: str, entry: object, base: int) -> TensorRecord:
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [start, end]}:
            numbers = [*shape, start, end]
        case _:
            raise _malformed(path, f"the entry of {name!r} has unknown fields")
    if any(type(n) is not int or n < 0 for n in numbers) or dtype not in WIDTHS:
        raise _malformed(path, f"the entry of {name!r} has no valid dtype or shape")
    if end - start != prod(shape) * WIDTHS[dtype]:
        raise _malformed(path, f"the bytes of {name!r} do not fit its shape")
    return TensorRecord(name, dtype, tuple(shape), base + start, base + end)


def _check_cover(
    path: Path, records: list[TensorRecord], first: int, size: int
) -> None:
    edges = [first, *(edge for r in records for edge in (r.start, r.end)), size]
    if any(a != b for a, b in list(pairwise(edges))[::2]):
        raise _malformed(path, "its tensors do not cover its bytes exactly once")
