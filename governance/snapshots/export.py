"""An audited export: a folder stock diffusers loads, with its whole record inside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from governance.canonical import sha256_hex
from governance.domain.snapshot import Snapshot
from governance.errors import InterruptedByUserError, UsageError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import FileRecord
from governance.snapshots.card import model_card
from governance.snapshots.difference import diff
from governance.snapshots.inputs import ExportInputs
from governance.snapshots.names import (
    CARD,
    MANIFEST,
    check_name,
    left_behind,
)
from governance.snapshots.record import EVIDENCE, check_inputs, manifest, record_files
from governance.snapshots.staging import Disk, check_free, staged
from governance.snapshots.weights import CopyPlan, FileCopier, links, plan_copy

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


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
    _check_place(target, (inputs.folder.root, *outside))
    check_inputs(inputs)
    plan = plan_copy(inputs.folder, inputs.snapshot)
    for record in plan.files:
        check_name(record.path)
    meter = _Meter(sum(record.size for record in plan.files), on_progress, cancelled)
    meter.add(0)
    real = disk or Disk()
    with staged(target, real) as staging:
        writer = _Writer(staging, real)
        copier = FileCopier(inputs.folder.root, staging, store, real, meter.add)
        for record in plan.files:
            writer.make_parents(record.path)
            writer.files.append(copier.copy(record, plan.edited.get(record.path, {})))
        files = _write_record(inputs, plan, store, writer)
    return Exported(target, inputs.snapshot.digest, files)


def _write_record(
    inputs: ExportInputs, plan: CopyPlan, store: ObjectStore, writer: "_Writer"
) -> tuple[FileRecord, ...]:
    """Write everything beside the model; return what the manifest, its last, names."""
    base = Snapshot(inputs.snapshot.base, (), {})
    norms = diff(store, inputs.folder, base, inputs.snapshot).tensors
    root, loaded = inputs.folder.root, {record.path for record in plan.files}
    unedited = {item.path for item in plan.left_out}
    left_out = [
        *plan.left_out,
        *(i for i in left_behind(root, frozenset(loaded)) if i.path not in unedited),
    ]
    for path, digest in sorted(_evidence(inputs)):
        writer.write(path, store.get(digest))
    for path, data in record_files(inputs, norms):
        writer.write(path, data)
    writer.write(CARD, model_card(inputs, norms, left_out))
    files = tuple(sorted(writer.files, key=lambda record: record.path))
    found = links(root, plan.files)
    writer.write(MANIFEST, manifest(inputs, files, left_out, found))
    return files


def _evidence(inputs: ExportInputs) -> set[tuple[str, str]]:
    """Return path and digest of every evidence file; its name is its digest."""
    found = {(f"{EVIDENCE}/{e.digest}.json", e.digest) for e in inputs.evidence}
    for item in inputs.evidence:
        found |= {(f"{EVIDENCE}/{image}.png", image) for image in item.images}
    return found


def _check_place(target: Path, outside: Sequence[Path]) -> None:
    check_free(target)
    # Links on the way are followed: a target that only looks outside is inside.
    real = target.parent.resolve() / target.name
    for folder in outside:
        if real.is_relative_to(folder.resolve()):
            raise UsageError(
                f"{target} lies inside {folder}, which an export never writes to",
                "Give a folder outside the model and the workspace.",
            )


class _Meter:
    """Counts bytes, tells how far the copy is, and stops it where asked.

    Args:
        total: Bytes in all.
        on_progress: Whom to tell.
        cancelled: Whom to ask.
    """

    def __init__(
        self, total: int, on_progress: Progress | None, cancelled: Cancelled | None
    ) -> None:
        self._total = total
        self._done = 0
        self._on_progress = on_progress
        self._cancelled = cancelled

    def add(self, count: int) -> None:
        """Count bytes.

        Raises:
            InterruptedByUserError: If somebody asked to stop.
        """
        self._done += count
        if self._cancelled is not None and self._cancelled():
            raise InterruptedByUserError(
                "the export was stopped; nothing was left", "Start it again."
            )
        if self._on_progress is not None:
            self._on_progress(self._done, self._total)


class _Writer:
    """Writes small files into the staging folder and remembers them.

    Args:
        root: Staging folder.
        disk: What writes.
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        self.files: list[FileRecord] = []
        self._root = root
        self._disk = disk

    def make_parents(self, path: str) -> None:
        """Make the folders on the way to a relative path."""
        missing = [self._root / parent for parent in PurePosixPath(path).parents]
        for folder in reversed(missing):
            if not folder.is_dir():
                self._disk.make_folder(folder)

    def write(self, path: str, data: bytes) -> None:
        """Write one file, durably, and remember it."""
        self.make_parents(path)
        with self._disk.create(self._root / path) as file:
            self._disk.write(file, data)
            self._disk.sync(file)
        self.files.append(FileRecord(path, len(data), sha256_hex(data)))
