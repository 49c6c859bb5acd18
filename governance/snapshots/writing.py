"""What every kind of export does to a disk: small files, bytes counted, a free place."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeAlias

from governance.canonical import sha256_hex
from governance.errors import InterruptedByUserError, UsageError
from governance.pipeline.folder import FileRecord, hash_file
from governance.snapshots.staging import Disk, check_free

Progress: TypeAlias = Callable[[int, int], None]
Cancelled: TypeAlias = Callable[[], bool]
Fill: TypeAlias = Callable[[BinaryIO, Disk], None]
"""Writes a file's content and syncs it."""


def check_place(target: Path, outside: Sequence[Path]) -> None:
    """Refuse a target that exists, or lies where an export never writes to.

    Args:
        target: A new folder, absolute.
        outside: Folders it must not lie in.

    Raises:
        UsageError: If so.
    """
    check_free(target)
    # Links on the way are followed: a target that only looks outside is inside.
    real = target.parent.resolve() / target.name
    for folder in outside:
        if real.is_relative_to(folder.resolve()):
            raise UsageError(
                f"{target} lies inside {folder}, which an export never writes to",
                "Give a folder outside the model and the workspace.",
            )


class Meter:
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


class Writer:
    """Writes files into the staging folder and remembers them.

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

    def fill(self, path: str, fill: Fill) -> None:
        """Let somebody write one large file, and remember it."""
        self.make_parents(path)
        place = self._root / path
        with self._disk.create(place) as file:
            fill(file, self._disk)
        self.files.append(FileRecord(path, place.stat().st_size, hash_file(place)))
