"""Files handled so that links are not followed and content is hashed on the way."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from governance.errors import UsageError

_CHUNK = 1024 * 1024


def hash_rest(source: BinaryIO) -> str:
    """Return the digest of a stream's rest."""
    hasher = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()


def copy_hashed(source: BinaryIO, target: BinaryIO, limit: int, name: str) -> str:
    """Copy a stream and return its digest.

    Raises:
        UsageError: If there are more than ``limit`` bytes.
    """
    hasher, total = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        total += len(chunk)
        if total > limit:
            message = f"{name} is too large: expected at most {limit} bytes"
            raise UsageError(message, "Use a smaller file.")
        hasher.update(chunk)
        target.write(chunk)
    return hasher.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked_folder(folder: Path, *, alone: bool) -> Iterator[bool]:
    """Lock a folder; a process that is killed gives its lock back.

    Args:
        folder: The folder.
        alone: Lock it only if nobody else holds it; otherwise share it with others.

    Yields:
        Whether it is locked.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if alone:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file that is no link, without waiting on pipes.

    Raises:
        OSError: If it cannot be opened; ELOOP where it is a link or no file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
