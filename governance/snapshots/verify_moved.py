"""How far did each tensor move: only the base itself can tell."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from governance.canonical import JSON, sha256_hex
from governance.errors import GovernanceError, IntegrityError
from governance.pipeline.header import TensorRecord, read_header
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.reading import open_regular, read_document
from governance.snapshots.record import EDITS
from governance.snapshots.request_words import objects
from governance.snapshots.verify_solved import close


def verify_moved(
    folder: Path, manifest: Manifest, intact: frozenset[str], base: Path
) -> Iterator[ExportFinding]:
    """Hash and measure again every tensor that ``edits.json`` says moved.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says; others are reported.
        base: The base model's folder.

    Yields:
        A digest that is not of the base's tensor, a norm that is not of the change.
    """
    if EDITS not in intact:
        return
    try:
        sites = objects(read_document(folder, EDITS), "sites")
    except IntegrityError:
        return  # Reported where the edits are read.
    for number, item in enumerate(sites):
        file, _, name = str(item.get("name")).partition(":")
        if file not in manifest.base_files:
            continue  # Reported where sites are compared with the snapshot.
        try:
            before = _bytes(base / file, name)
            if sha256_hex(before[1]) != item.get("before"):
                message = f"sites[{number}].before: the base you gave has another"
                yield finding(EDITS, "proof", message)
            elif file in intact and not manifest.form.derived:
                after = _bytes(folder / file, name)
                yield from _verify_norm(number, item, before, after)
        except (GovernanceError, OSError, ValueError) as error:
            yield finding(EDITS, "proof", f"sites[{number}]: {error}")


def _bytes(path: Path, name: str) -> tuple[TensorRecord, bytes]:
    record = read_header(path).get(name)
    if record is None:
        raise IntegrityError(f"there is no such tensor in {path.name}")
    # A base may lie in a hub's cache, where its files are links.
    with open_regular(path.resolve()) as file:
        file.seek(record.start)
        return record, file.read(record.end - record.start)


def _verify_norm(
    number: int,
    item: Mapping[str, JSON],
    before: tuple[TensorRecord, bytes],
    after: tuple[TensorRecord, bytes],
) -> Iterator[ExportFinding]:
    # Late, so that verifying without a base needs no tensors.
    from torch import float64, linalg

    from governance.pipeline.tensors import tensor_from

    first, second = (
        tensor_from(data, record).to(float64) for record, data in (before, after)
    )
    norm = float(linalg.vector_norm(second - first))
    if not close(norm, item.get("norm")):
        message = (
            f"sites[{number}].norm: the base you gave is {norm} away, "
            f"found {item.get('norm')!s:.40}"
        )
        yield finding(EDITS, "proof", message)
