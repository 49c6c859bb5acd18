"""A snapshot as a whole pipeline in another dtype."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import BinaryIO

import torch

from governance.canonical import JSON
from governance.errors import EngineError, IntegrityError
from governance.ledger.store import ObjectStore
from governance.pipeline.family import read_object
from governance.pipeline.folder import FileRecord, PipelineFolder, hash_file
from governance.pipeline.header import WIDTHS, TensorRecord, read_header
from governance.pipeline.layout import WeightSet
from governance.pipeline.tensors import read_tensor, tensor_bytes, tensor_from
from governance.snapshots.derived import Payload
from governance.snapshots.forms import Dtype, Form
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.names import OTHER_VARIANT, LeftOut, left_behind
from governance.snapshots.record import readable
from governance.snapshots.staging import Disk
from governance.snapshots.tensor_file import Entry, stream_tensors
from governance.snapshots.weights import CHUNK, links, plan_copy, reading

_FLOATS = ("F64", "F32", "F16", "BF16")
_TORCH = {
    "float32": (torch.float32, "F32"),
    "float16": (torch.float16, "F16"),
    "bfloat16": (torch.bfloat16, "BF16"),
}


def cast_payload(inputs: ExportInputs, store: ObjectStore, dtype: Dtype) -> Payload:
    """Plan a whole pipeline whose floating-point tensors are cast to one dtype.

    Edited tensors are cast from the snapshot's own bytes, so nothing is solved again.
    Names and the layout of shards stay; only the variant the pipeline loads is there.

    Args:
        inputs: Everything the export says.
        store: Where the snapshot's tensors lie.
        dtype: What to cast to.

    Returns:
        Files in the base's order; a file is checked against the base's record and
        cast when it is written.

    Raises:
        IntegrityError: If the snapshot does not fit the base.
    """
    folder = inputs.folder
    plan = plan_copy(folder, inputs.snapshot)
    weights = {f"{w.component}/{n}" for w in folder.loaded for n in w.files}
    indexes = {f"{w.component}/{w.index}": w for w in folder.loaded if w.index}
    others = {
        path: OTHER_VARIANT
        for found in folder.weights
        if found not in folder.loaded
        for path in _paths(found)
    }
    files: dict[str, Callable[[BinaryIO, Disk], None]] = {}
    kept = [record for record in folder.files if record.path not in others]
    for record in kept:
        if record.path in weights:
            edited = plan.edited.get(record.path, {})
            files[record.path] = partial(_cast, folder, store, dtype, record, edited)
        elif record.path in indexes:
            found = indexes[record.path]
            files[record.path] = partial(_index, folder, dtype, record, found)
        else:
            files[record.path] = partial(_copy, folder.root, record)
    loaded = frozenset(record.path for record in kept)
    left_out = [LeftOut(path, others[path]) for path in sorted(others)]
    behind = (i for i in left_behind(folder.root, loaded) if i.path not in others)
    return Payload(
        form=Form("diffusers", None, dtype),
        files=files,
        left_out=(*left_out, *behind),
        links=links(folder.root, kept),
    )


def _paths(weights: WeightSet) -> Iterator[str]:
    for name in (*weights.files, *([weights.index] if weights.index else [])):
        yield f"{weights.component}/{name}"


def _checked(root: Path, record: FileRecord) -> Path:
    path = root / record.path
    with reading(record.path, path):
        found = hash_file(path)
    if found != record.sha256:
        raise IntegrityError(
            f"base file {record.path} changed: expected {record.sha256}, found {found}",
            "Run `governance model verify`; restore the file.",
        )
    return path


def _copy(root: Path, record: FileRecord, file: BinaryIO, disk: Disk) -> None:
    with _checked(root, record).open("rb") as source:
        while piece := source.read(CHUNK):
            disk.write(file, piece)
    disk.sync(file)


def _cast(
    folder: PipelineFolder,
    store: ObjectStore,
    dtype: Dtype,
    record: FileRecord,
    edited: Mapping[str, str],
    file: BinaryIO,
    disk: Disk,
) -> None:
    path = _checked(folder.root, record)
    header = read_header(path)
    if odd := sorted(set(edited) - set(header)):
        raise IntegrityError(
            f"tensor {odd[0]!r} of the snapshot does not fit {record.path}: it is "
            "missing there",
            "Verify the model folder.",
        )

    def read(name: str) -> bytes:
        found = header[name]
        new = store.get(edited[name]) if name in edited else None
        return _tensor(path, record.path, found, new, dtype)

    stream_tensors(file, disk, _entries(header, dtype), read, _metadata(path))


def _tensor(
    path: Path, shown: str, record: TensorRecord, new: bytes | None, dtype: Dtype
) -> bytes:
    tensor = read_tensor(path, record) if new is None else tensor_from(new, record)
    if record.dtype not in _FLOATS:
        return tensor_bytes(tensor)
    cast = tensor.to(_TORCH[dtype][0])
    if not bool(torch.isfinite(cast).all()):
        raise EngineError(
            f"tensor {record.name!r} of {shown} overflows {dtype}",
            "Use --dtype bfloat16 or float32.",
        )
    return tensor_bytes(cast)


def _entries(header: Mapping[str, TensorRecord], dtype: Dtype) -> Iterator[Entry]:
    for record in header.values():
        kind = _TORCH[dtype][1] if record.dtype in _FLOATS else record.dtype
        yield Entry(record.name, kind, record.shape)


def _metadata(path: Path) -> dict[str, str]:
    """Return what stands beside the tensors in a file whose header is known good."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        found = json.loads(file.read(length)).get("__metadata__") or {}
    return {str(key): str(value) for key, value in found.items()}


def _index(
    folder: PipelineFolder,
    dtype: Dtype,
    record: FileRecord,
    weights: WeightSet,
    file: BinaryIO,
    disk: Disk,
) -> None:
    """Write a shard index whose total is that of the cast tensors."""
    document = read_object(_checked(folder.root, record), record.path)
    total = sum(
        prod(entry.shape) * WIDTHS[entry.dtype]
        for name in weights.files
        for entry in _entries(
            read_header(folder.root / weights.component / name), dtype
        )
    )
    kept = document.get("metadata")
    metadata = kept if isinstance(kept, Mapping) else {}
    said: dict[str, JSON] = {
        "metadata": {**metadata, "total_size": total},
        "weight_map": _plain(document.get("weight_map")),
    }
    disk.write(file, readable(said))
    disk.sync(file)


def _plain(value: object) -> JSON:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
