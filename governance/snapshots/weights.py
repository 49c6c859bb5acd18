"""Base files copied into an export, with the snapshot's tensors in their place."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from governance.domain.snapshot import Snapshot
from governance.errors import IntegrityError
from governance.ledger.store import ObjectStore
from governance.pipeline.folder import FileRecord, PipelineFolder, hash_file
from governance.pipeline.header import TensorRecord, read_header
from governance.pipeline.layout import WeightSet
from governance.snapshots.names import LeftOut, printable, unedited
from governance.snapshots.staging import Disk

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """Which base files go into an export, and what changes in them.

    Args:
        files: Base files to copy, sorted by path.
        edited: File to tensor name to the digest of the new bytes.
        left_out: Weights that would carry the unedited concept.
    """

    files: tuple[FileRecord, ...]
    edited: Mapping[str, Mapping[str, str]]
    left_out: tuple[LeftOut, ...]


def plan_copy(folder: PipelineFolder, snapshot: Snapshot) -> CopyPlan:
    """Decide what is copied: all that is loaded, but no unedited variant of an edit.

    Args:
        folder: The base pipeline.
        snapshot: What is exported.

    Raises:
        IntegrityError: If the snapshot names a file the base does not load, or edits
            a variant without the one the pipeline loads first.
    """
    edited: dict[str, dict[str, str]] = defaultdict(dict)
    for key, digest in snapshot.tensors.items():
        file, _, name = key.partition(":")
        edited[file][name] = digest
    held = {f"{found.component}/{n}" for found in folder.weights for n in found.files}
    if odd := sorted(set(edited) - held):
        raise IntegrityError(
            f"snapshot {snapshot.digest} edits {printable(odd[0])}, which the base "
            "does not load",
            "Verify the model folder.",
        )
    behind = {
        path: unedited(found.variant or "default", found.component)
        for found in _unedited(folder, edited)
        for path in _paths(found)
    }
    return CopyPlan(
        files=tuple(record for record in folder.files if record.path not in behind),
        edited=edited,
        left_out=tuple(LeftOut(path, behind[path]) for path in sorted(behind)),
    )


def _unedited(
    folder: PipelineFolder, edited: Mapping[str, Mapping[str, str]]
) -> Iterator[WeightSet]:
    """Yield the variants that do not get every tensor the first variant gets."""
    wanted: dict[str, set[str]] = {}
    for found in folder.weights:
        names = {
            name
            for file in found.files
            for name in edited.get(f"{found.component}/{file}", {})
        }
        first = wanted.setdefault(found.component, names)
        if names - first:
            raise IntegrityError(
                f"the snapshot edits the variant {found.variant!r} of "
                f"{found.component} elsewhere than the one the pipeline loads"
            )
        if first - names:
            yield found


def _paths(weights: WeightSet) -> Iterator[str]:
    for name in (*weights.files, *([weights.index] if weights.index else [])):
        yield f"{weights.component}/{name}"


@dataclass(frozen=True, slots=True)
class FileCopier:
    """Copies base files into a folder, hashing what it reads.

    Args:
        root: The base folder; links in it are followed.
        target: The new folder.
        store: Where new tensors lie.
        disk: What writes.
        on_bytes: Called with the number of bytes after each piece; may raise to stop.
    """

    root: Path
    target: Path
    store: ObjectStore
    disk: Disk
    on_bytes: Callable[[int], None]

    def copy(self, record: FileRecord, tensors: Mapping[str, str]) -> FileRecord:
        """Copy one file, then put new tensors over the old ones in the copy.

        Args:
            record: The base file as it was registered.
            tensors: Tensor name to the digest of its new bytes.

        Returns:
            The file as it is in the export.

        Raises:
            IntegrityError: If the base file or a new tensor is not what was recorded.
        """
        place = self.target / record.path
        with self.disk.create(place) as new:
            found = self._stream(record.path, new)
            if found != record.sha256:
                raise IntegrityError(
                    f"base file {record.path} changed: expected {record.sha256}, "
                    f"found {found}",
                    "Run `governance model verify`; restore the file.",
                )
            if not tensors:
                self.disk.sync(new)
                return record
            new.flush()
            header = read_header(place)
            for name, digest in sorted(tensors.items()):
                self._put(new, record.path, header.get(name), name, digest)
            self.disk.sync(new)
        return FileRecord(record.path, record.size, hash_file(place))

    def _stream(self, path: str, new: BinaryIO) -> str:
        hasher = hashlib.sha256()
        with reading(path, self.root / path) as old:
            while piece := old.read(CHUNK):
                hasher.update(piece)
                self.disk.write(new, piece)
                self.on_bytes(len(piece))
        return hasher.hexdigest()

    def _put(
        self,
        new: BinaryIO,
        path: str,
        record: TensorRecord | None,
        name: str,
        digest: str,
    ) -> None:
        data = self.store.get(digest)
        if record is None or len(data) != record.end - record.start:
            raise IntegrityError(
                f"tensor {name!r} of the snapshot does not fit {path}: it is missing "
                "there, or of another size",
                "Verify the model folder.",
            )
        new.seek(record.start)
        self.disk.write(new, data)


@contextmanager
def reading(path: str, place: Path) -> Iterator[BinaryIO]:
    """Open a base file; only opening it is the base's fault, the rest is the disk's.

    Args:
        path: How messages name it.
        place: Where it lies.

    Raises:
        IntegrityError: If it cannot be opened.
    """
    try:
        file = place.open("rb")
    except OSError as error:
        raise IntegrityError(
            f"base file {path} cannot be read: {error.strerror}",
            "Run `governance model verify`; restore the file.",
        ) from error
    with file:
        yield file


def links(root: Path, files: Sequence[FileRecord]) -> dict[str, str]:
    """Tell which files, or folders on their way, are links in the base folder.

    Args:
        root: The base folder.
        files: Files that are copied.

    Returns:
        Relative path to what the link says, sorted.
    """
    found: dict[str, str] = {}
    for record in files:
        parts = record.path.split("/")
        for count in range(1, len(parts) + 1):
            place = "/".join(parts[:count])
            if (root / place).is_symlink():
                found[place] = printable(str((root / place).readlink()))
    return dict(sorted(found.items()))
