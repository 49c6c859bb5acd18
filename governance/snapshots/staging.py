"""A folder that appears whole or not at all."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from governance.errors import UsageError

_MARK = ".partial-"


class Disk:
    """The few things an export does to a disk; tests put one in that fails."""

    def make_folder(self, path: Path) -> None:
        """Make one folder."""
        path.mkdir(mode=0o755)

    def create(self, path: Path) -> BinaryIO:
        """Create a file that was not there, to be written and read."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW
        return os.fdopen(os.open(path, flags, 0o644), "w+b")

    def write(self, file: BinaryIO, data: bytes) -> None:
        """Write bytes where the file stands."""
        file.write(data)

    def sync(self, file: BinaryIO) -> None:
        """Make what was written survive a power cut."""
        file.flush()
        os.fsync(file.fileno())

    def sync_folder(self, path: Path) -> None:
        """Make a folder's names survive a power cut."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a folder its final name."""
        source.rename(target)


@contextmanager
def staged(target: Path, disk: Disk) -> Iterator[Path]:
    """Yield a new folder beside ``target`` that gets its name at the end.

    Whatever goes wrong before, an interruption included, removes the folder again.
    What an earlier, killed process left beside the same target is removed too.

    Args:
        target: The final name; nothing may be there.
        disk: What writes.

    Raises:
        UsageError: If the target exists, its parent does not, or it cannot be written.
    """
    check_free(target)
    staging = target.with_name(f".{target.name}{_MARK}{secrets.token_hex(8)}")
    try:
        remove_abandoned(target)
        disk.make_folder(staging)
        with _locked(staging):
            yield staging
            _publish(staging, target, disk)
    except OSError as error:
        raise _explain(error, target) from error
    finally:
        # Once the folder got its name, there is nothing here to remove. A disk that
        # fails at this too keeps a hidden folder; the next export removes it.
        shutil.rmtree(staging, ignore_errors=True)


def check_free(target: Path) -> None:
    """Refuse a target that exists, or whose parent does not.

    Raises:
        UsageError: If so.
    """
    if os.path.lexists(target):
        raise UsageError(
            f"{target} exists; expected the name of a new folder",
            "Give another name, or remove it first.",
        )
    if not target.parent.is_dir():
        raise UsageError(
            f"{target} cannot be made: there is no folder {target.parent}",
            "Make that folder first.",
        )


def remove_abandoned(target: Path) -> tuple[Path, ...]:
    """Remove half-written folders of processes that are gone.

    Args:
        target: The name they were meant to get.

    Returns:
        What was removed. A folder somebody still writes is locked and stays.
    """
    prefix = f".{target.name}{_MARK}"
    removed: list[Path] = []
    for path in sorted(target.parent.iterdir()):
        if not path.name.startswith(prefix) or path.is_symlink() or not path.is_dir():
            continue
        with _locked(path) as free:
            if free:
                shutil.rmtree(path)
                removed.append(path)
    return tuple(removed)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder; yield whether nobody else holds the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _publish(staging: Path, target: Path, disk: Disk) -> None:
    for folder, _, _ in os.walk(staging):
        disk.sync_folder(Path(folder))
    check_free(target)
    disk.rename(staging, target)
    try:
        disk.sync_folder(target.parent)
    except OSError:
        # Whole, but perhaps gone after a power cut: better not there than doubtful.
        target.rename(staging)
        raise


def _explain(error: OSError, target: Path) -> UsageError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hint = "Make room" if full else "Check the permissions of its folder"
    return UsageError(
        f"{target} cannot be written: {error.strerror or error}; nothing was left there",
        f"{hint}, or give another place.",
    )
