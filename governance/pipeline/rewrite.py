"""Copying a safetensors file with some of its tensors replaced in place."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from governance.errors import PipelineError
from governance.pipeline.header import TensorRecord, read_header

_CHUNK = 1 << 20


def rewrite(
    source: Path, target: Path, replacements: Mapping[str, bytes | memoryview]
) -> None:
    """Copy a safetensors file, byte for byte but for the named tensors.

    Header, order, dtypes and every other byte stay as they are. The target must
    not exist; it is flushed to the disk before this returns.

    Args:
        source: The file to copy.
        target: Where to write it.
        replacements: Tensor name to its new bytes, of exactly the old length.

    Raises:
        PipelineError: A name is unknown or a length differs; nothing is written.
    """
    header = read_header(source)
    for name, data in replacements.items():
        _check(source, name, data, header.get(name))
    ordered = sorted(replacements, key=lambda name: header[name].start)
    with source.open("rb") as old, target.open("xb") as new:
        for name in ordered:
            _copy(old, new, header[name].start - old.tell())
            new.write(replacements[name])
            old.seek(header[name].end)
        _copy(old, new, source.stat().st_size - old.tell())
        new.flush()
        os.fsync(new.fileno())


def _check(
    source: Path, name: str, data: bytes | memoryview, record: TensorRecord | None
) -> None:
    if record is None:
        raise PipelineError(f"{source.name} holds no tensor {name!r}")
    if len(data) != record.end - record.start:
        raise PipelineError(
            f"replacement for tensor {name!r} of {source.name} has {len(data)} bytes; "
            f"expected {record.end - record.start}"
        )


def _copy(old: BinaryIO, new: BinaryIO, count: int) -> None:
    while count > 0:
        piece = old.read(min(_CHUNK, count))
        if not piece:
            raise PipelineError(f"{old.name} was cut short while it was copied")
        new.write(piece)
        count -= len(piece)
