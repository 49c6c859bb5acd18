"""Do a derived export's files fit the signed snapshot they say they come from.

Their bytes are not what was signed, and an outsider without the base cannot derive
them again. What can be told offline: that they are the files of their form, and change
the weights the snapshot changes, no other and none less.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from governance.canonical import JSON
from governance.errors import IntegrityError, PipelineError
from governance.pipeline.header import TensorRecord, read_header
from governance.snapshots.differing import difference
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.forms import ADAPTER, DELTA, TABLE, Form
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import CARD, RECORD
from governance.snapshots.reading import read_document
from governance.snapshots.tensor_names import (
    adapter_endings,
    adapter_name,
    delta_name,
)

_FLOATS = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
_WEIGHTS = (".safetensors", ".safetensors.index.json")


def verify_derived(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    """Compare a derived export's files with its snapshot, by name and dtype.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says; others are reported.

    Yields:
        What does not fit.
    """
    if manifest.form.kind == "diffusers":
        yield from _verify_cast(folder, manifest, intact)
        return
    wanted = {ADAPTER} if manifest.form.kind == "lora" else {DELTA, TABLE}
    for path in sorted(_model_files(manifest) - wanted):
        yield finding(path, "proof", f"a {manifest.form.kind} has no such file")
    for path in sorted(wanted - manifest.files.keys()):
        yield finding(path, "missing", f"a {manifest.form.kind} has this file")
    path = ADAPTER if manifest.form.kind == "lora" else DELTA
    if path in intact:
        yield from _verify_names(folder, path, manifest)
    if wanted <= intact and TABLE in wanted:
        yield from _verify_table(folder, manifest)


def _model_files(manifest: Manifest) -> set[str]:
    record = f"{RECORD}/"
    return {p for p in manifest.files if p != CARD and not p.startswith(record)}


def _verify_names(
    folder: Path, path: str, manifest: Manifest
) -> Iterator[ExportFinding]:
    try:
        header = read_header(folder / path)
    except (PipelineError, OSError) as error:
        yield finding(path, "proof", str(error))
        return
    wanted = _wanted(manifest)
    found = {name for name in header if not _is_shared(name)}
    for name in sorted(wanted - found):
        yield finding(path, "proof", f"it lacks {name!r}, which the snapshot changes")
    for name in sorted(found - wanted):
        yield finding(path, "proof", f"it holds {name!r}, which no edit changes")
    dtype = "F32" if manifest.form.kind == "lora" else "F64"
    yield from _verify_dtype(path, header, dtype)


def _verify_table(folder: Path, manifest: Manifest) -> Iterator[ExportFinding]:
    """See that the table leads from each changed weight, and no other, to its factors."""
    try:
        weights = read_document(folder, TABLE).get("weights")
        shared = {name for name in read_header(folder / DELTA) if _is_shared(name)}
    except IntegrityError as error:
        yield finding(TABLE, "proof", error.message)
        return
    except (PipelineError, OSError):
        return  # Reported where its names are read.
    found = dict(weights) if isinstance(weights, Mapping) else {}
    wanted: dict[str, JSON] = {}
    for key in manifest.snapshot.tensors:
        file, _, name = key.partition(":")
        component = file.partition("/")[0]
        label = delta_name(component, name)
        row = found.get(label)
        down = row.get("down") if isinstance(row, Mapping) else None
        wanted[label] = {
            "component": component,
            "name": name,
            "up": f"{label}.up",
            "down": down if isinstance(down, str) and down in shared else "shared.",
        }
    odd = difference(wanted, found, "weights")
    if odd is not None:
        yield finding(TABLE, "proof", f"the snapshot says otherwise: {odd}")


def _is_shared(name: str) -> bool:
    return name.startswith("shared.")


def _wanted(manifest: Manifest) -> set[str]:
    """Return the tensors that change exactly what the snapshot changes."""
    found: set[str] = set()
    for key in manifest.snapshot.tensors:
        file, _, name = key.partition(":")
        component = file.partition("/")[0]
        if manifest.form.keys is None:
            found.add(f"{delta_name(component, name)}.up")
        else:
            keys = manifest.form.keys
            module = adapter_name(manifest.family, component, name, keys)
            found |= {f"{module}{ending}" for ending in adapter_endings(keys)}
    return found


def _verify_cast(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    """See that only weights differ from the base, and that they have one dtype."""
    base = manifest.base_files
    for path in sorted(_model_files(manifest)):
        if path not in base:
            yield finding(path, "proof", "the base model has no such file")
        elif path.endswith(".safetensors") and path in intact:
            yield from _verify_file(folder, path, manifest)
        elif (
            not path.endswith(_WEIGHTS)
            and manifest.files[path].sha256 != base[path].sha256
        ):
            yield finding(path, "proof", "it differs from the base, but is no weight")
    for path in sorted(base.keys() - manifest.files.keys() - manifest.left_out.keys()):
        yield finding(path, "missing", "the base model loads it")


def _verify_file(
    folder: Path, path: str, manifest: Manifest
) -> Iterator[ExportFinding]:
    try:
        header = read_header(folder / path)
    except (PipelineError, OSError) as error:
        yield finding(path, "proof", str(error))
        return
    for key in sorted(manifest.snapshot.tensors):
        file, _, name = key.partition(":")
        if file == path and name not in header:
            yield finding(path, "proof", f"it holds no tensor {name!r}")
    yield from _verify_dtype(path, header, _dtype(manifest.form))


def _dtype(form: Form) -> str:
    return _FLOATS[form.dtype or "float32"]


def _verify_dtype(
    path: str, header: Mapping[str, TensorRecord], dtype: str
) -> Iterator[ExportFinding]:
    floats = {"F64", "F32", "F16", "BF16"}
    for name, record in header.items():
        if record.dtype in floats and record.dtype != dtype:
            message = f"tensor {name!r} is {record.dtype}; expected {dtype}"
            yield finding(path, "proof", message)
