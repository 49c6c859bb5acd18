"""An audited export: a folder stock diffusers loads, with its whole record inside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from governance.domain.snapshot import Snapshot
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import FileRecord
from governance.snapshots.attestation import attestation_file
from governance.snapshots.bill import bill_file
from governance.snapshots.difference import diff
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.model_signature import key_file, signature_file
from governance.snapshots.names import (
    MANIFEST,
    LeftOut,
    check_name,
    left_behind,
)
from governance.snapshots.pages import card_part, report_part
from governance.snapshots.parts import Exporting, Part
from governance.snapshots.proofs import ledger_files
from governance.snapshots.record import (
    EVIDENCE,
    Derivation,
    check_inputs,
    manifest,
    record_files,
)
from governance.snapshots.staging import Disk, staged
from governance.snapshots.weights import CopyPlan, FileCopier, links, plan_copy
from governance.snapshots.writing import (
    Cancelled,
    Meter,
    Progress,
    Writer,
    check_place,
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Args:
        path: The folder.
        digest: Snapshot digest.
        files: Every file but the manifest, sorted by path.
    """

    path: Path
    digest: str
    files: tuple[FileRecord, ...]


def export_diffusers(
    inputs: ExportInputs,
    store: ObjectStore,
    target: Path,
    *,
    outside: Sequence[Path] = (),
    on_progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    disk: Disk | None = None,
) -> Exported:
    """Write a snapshot as a diffusers folder that carries its own record.

    Args:
        inputs: Everything the export says.
        store: Where new tensors and evidence lie.
        target: A new folder.
        outside: Folders the target must not lie in, besides the base.
        on_progress: Called with bytes copied so far and bytes in all.
        cancelled: Asked between pieces whether to stop.
        disk: What writes; the real disk where omitted.

    Returns:
        What was written.

    Raises:
        UsageError: If the target exists, lies in the base or a folder of ``outside``,
            or cannot be written.
        IntegrityError: If a base file, an object or an input is not what was recorded.
        InterruptedByUserError: If ``cancelled`` said so.
    """
    target = target.absolute()
    check_place(target, (inputs.folder.root, *outside))
    check_inputs(inputs)
    plan = plan_copy(inputs.folder, inputs.snapshot)
    for record in plan.files:
        check_name(record.path)
    meter = Meter(sum(record.size for record in plan.files), on_progress, cancelled)
    meter.add(0)
    real = disk or Disk()
    with staged(target, real) as staging:
        writer = Writer(staging, real)
        copier = FileCopier(inputs.folder.root, staging, store, real, meter.add)
        for record in plan.files:
            writer.make_parents(record.path)
            writer.files.append(copier.copy(record, plan.edited.get(record.path, {})))
        left_out = _left_out(inputs, plan)
        found = links(inputs.folder.root, plan.files)
        files = write_record(inputs, store, writer, left_out, found)
    return Exported(target, inputs.snapshot.digest, files)


def _left_out(inputs: ExportInputs, plan: CopyPlan) -> tuple[LeftOut, ...]:
    """Tell what stays in the base folder: unedited variants, pickles, code ..."""
    root, loaded = inputs.folder.root, {record.path for record in plan.files}
    unedited = {item.path for item in plan.left_out}
    behind = left_behind(root, frozenset(loaded))
    return (*plan.left_out, *(item for item in behind if item.path not in unedited))


def write_record(
    inputs: ExportInputs,
    store: ObjectStore,
    writer: Writer,
    left_out: Sequence[LeftOut],
    found: Mapping[str, str],
    derivation: Derivation | None = None,
) -> tuple[FileRecord, ...]:
    """Write everything beside the model; return what the manifest, its last, names.

    Args:
        inputs: Everything the export says.
        store: Where tensors and evidence lie.
        writer: Where the model's files were written already.
        left_out: What stayed behind in the base folder.
        found: Base files that were links, and where to.
        derivation: How the model's files were derived; ``None`` where they are the
            very bytes that were signed.
    """
    base = Snapshot(inputs.snapshot.base, (), {})
    norms = diff(store, inputs.folder, base, inputs.snapshot).tensors
    for path, digest in sorted(_evidence(inputs)):
        writer.write(path, store.get(digest))
    about = Exporting(inputs, norms, left_out, found, derivation, _written(writer))
    for part in (*PARTS, card_part(store), report_part(store)):
        for path, data in part(about):
            writer.write(path, data)
        about = replace(about, files=_written(writer))
    writer.write(MANIFEST, manifest(inputs, about.files, left_out, found, derivation))
    for seal in SEALS:
        for path, data in seal(replace(about, files=_written(writer))):
            writer.write(path, data)
    return about.files


def _written(writer: Writer) -> tuple[FileRecord, ...]:
    return tuple(sorted(writer.files, key=lambda record: record.path))


def _documents(about: Exporting) -> Iterator[tuple[str, bytes]]:
    yield from record_files(about.inputs, about.norms)


# The record in the order in which it is written; the manifest names all of it.
PARTS: tuple[Part, ...] = (
    *(_documents, ledger_files, key_file, bill_file, attestation_file),
)
# What is written after the manifest and covers it, and is therefore not in it.
SEALS: tuple[Part, ...] = (signature_file,)


def _evidence(inputs: ExportInputs) -> set[tuple[str, str]]:
    """Return path and digest of every evidence file; its name is its digest."""
    found = {(f"{EVIDENCE}/{e.digest}.json", e.digest) for e in inputs.evidence}
    for item in inputs.evidence:
        found |= {(f"{EVIDENCE}/{image}.png", image) for image in item.images}
    return found
