"""A copy of a pipeline folder with some tensors replaced, for any stock loader."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from governance.errors import IntegrityError
from governance.pipeline.folder import FileRecord, PipelineFolder, hash_file
from governance.pipeline.rewrite import rewrite
from governance.pipeline.tensors import tensor_bytes
from governance.pipeline.weights import PipelineWeights, split_key

_CHUNK = 1 << 20


def fill_folder(
    folder: PipelineFolder,
    target: Path,
    tensors: Mapping[str, Tensor | bytes],
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[FileRecord, ...]:
    """Copy what a pipeline loads into a folder, replacing tensors in place.

    File names, shard layout, dtypes and every untouched byte stay; links become
    regular files; pickles and code are left out.

    Args:
        folder: The base, whose recorded digests the copied bytes must match.
        target: An existing empty folder.
        tensors: ``file:name`` to the new tensor, or its bytes.
        on_progress: Called with bytes written and bytes in all.

    Returns:
        What was written.

    Raises:
        PipelineError: A key names no tensor, or a replacement does not fit.
        IntegrityError: A base file is not what was recorded.
    """
    by_file = _by_file(folder, tensors)
    total = sum(record.size for record in folder.files)
    written: list[FileRecord] = []
    for record in folder.files:
        place = target / record.path
        place.parent.mkdir(parents=True, exist_ok=True)
        source = folder.root / record.path
        if record.path in by_file:
            _same(record, hash_file(source))
            rewrite(source, place, by_file[record.path])
            digest = hash_file(place)
        else:
            digest = _copy(source, place)
            _same(record, digest)
        written.append(FileRecord(record.path, record.size, digest))
        if on_progress is not None:
            on_progress(sum(one.size for one in written), total)
    return tuple(written)


def _by_file(
    folder: PipelineFolder, tensors: Mapping[str, Tensor | bytes]
) -> dict[str, dict[str, bytes]]:
    weights = PipelineWeights(folder)
    found: dict[str, dict[str, bytes]] = {}
    for key, value in tensors.items():
        weights.record(key)
        file, name = split_key(key)
        data = value if isinstance(value, bytes) else tensor_bytes(value)
        found.setdefault(file, {})[name] = data
    return found


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as old, target.open("xb") as new:
        while piece := old.read(_CHUNK):
            digest.update(piece)
            new.write(piece)
    return digest.hexdigest()


def _same(record: FileRecord, digest: str) -> None:
    if digest != record.sha256:
        raise IntegrityError(
            f"base file {record.path} has changed: its digest is {digest[:12]}, "
            f"expected {record.sha256[:12]}",
            "Run `governance model verify` and restore the model.",
        )
