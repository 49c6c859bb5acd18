"""One edit by our own code, from disk to disk, each part timed."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from governance.benchmark.measured import MeasuredBase, Seconds
from governance.engine.apply import Edited
from governance.engine.edit import EditSpec
from governance.engine.joint import solve_jointly
from governance.pipeline.rewrite import rewrite
from governance.pipeline.tensors import tensor_view
from governance.pipeline.weights import split_key


@dataclass(frozen=True)
class Spent:
    """Times of one solve.

    Args:
        encode: Spent on tokens and text encoders.
        read: Spent reading matrices.
        solve: Everything else: planning, the system, new weights rounded, norms and
            certificates.
    """

    encode: Seconds
    read: Seconds
    solve: Seconds


def run_ours(spec: EditSpec, base: MeasuredBase) -> tuple[Edited, Spent]:
    """Solve an edit with the code that every command uses.

    Args:
        spec: The edit.
        base: The model; rows it encoded before are not encoded again.
    """
    encoding, reading = base.kept.watch, base.weights.watch
    encoded, read = encoding.seconds, reading.seconds
    start = Seconds.now()
    edited = solve_jointly([spec], base).edited
    total = Seconds.now() - start
    encode, reads = encoding.seconds - encoded, reading.seconds - read
    return edited, Spent(encode, reads, total - encode - reads)


def write_changed(base: MeasuredBase, edited: Edited, place: Path) -> float:
    """Write the files that an edit changes, and time it.

    Args:
        base: The model.
        edited: Its new matrices.
        place: An existing folder.

    Returns:
        Seconds, until the bytes are on the disk.
    """
    start = time.perf_counter()
    by_file: dict[str, dict[str, memoryview]] = {}
    for key, tensor in edited.tensors.items():
        file, name = split_key(key)
        by_file.setdefault(file, {})[name] = tensor_view(tensor)
    for file, replacements in by_file.items():
        target = place / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        rewrite(base.weights.path(file), target, replacements)
    return time.perf_counter() - start


def copy_plainly(
    base: MeasuredBase, tensors: Mapping[str, Tensor], place: Path
) -> tuple[float, float]:
    """Read the changed matrices' files and write them back, doing nothing to them.

    Args:
        base: The model.
        tensors: Changed matrices by key.
        place: An existing folder.

    Returns:
        Seconds to read and seconds to write, until the bytes are on the disk.
    """
    read = written = 0.0
    for number, file in enumerate(sorted({split_key(key)[0] for key in tensors})):
        start = time.perf_counter()
        content = base.weights.path(file).read_bytes()
        middle = time.perf_counter()
        with (place / f"plain-{number}").open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        read += middle - start
        written += time.perf_counter() - middle
    return read, written
