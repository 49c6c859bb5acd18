"""Open a file that somebody names, without waiting on what is none."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_plain(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading.

    A pipe would be waited on for ever, a device read without end.

    Args:
        path: The file.
        follow: Whether a link to one counts.

    Raises:
        OSError: It cannot be opened, or is no regular file (``EINVAL``).
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
