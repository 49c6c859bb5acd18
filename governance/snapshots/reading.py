"""Reading files that somebody hostile may have put there."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from governance.canonical import JSON, digest_of
from governance.errors import IntegrityError

DOCUMENT_LIMIT = 64 * 1024 * 1024
"""Most bytes that are read of a document."""
_CHUNK = 1 << 20


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


def read_limited(path: Path, shown: str, limit: int) -> bytes:
    """Read a whole small file.

    Args:
        path: The file.
        shown: How messages name it.
        limit: Most bytes that are read.

    Raises:
        IntegrityError: If it is missing, no regular file, unreadable or larger.
    """
    try:
        with open_regular(path) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise IntegrityError(f"{shown} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise IntegrityError(f"{shown} is larger than {limit} bytes")
    return data


def read_document(folder: Path, path: str) -> Mapping[str, JSON]:
    """Read a JSON object of an export.

    Args:
        folder: The export.
        path: Relative path of the file.

    Raises:
        IntegrityError: If it cannot be read, or is none.
    """
    found = parse_json(read_limited(folder / path, path, DOCUMENT_LIMIT), path)
    if not isinstance(found, dict):
        raise IntegrityError(f"{path} is no object")
    return found


def parse_json(data: bytes, shown: str) -> JSON:
    """Parse JSON without duplicate keys.

    Args:
        data: Bytes.
        shown: How messages name them.

    Raises:
        IntegrityError: If it is none, or nested too deep.
    """
    try:
        found: JSON = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{shown} is no JSON with unique keys") from error
    return found


def digest_or_none(value: JSON) -> str | None:
    """Return a value's digest, or ``None`` where it has no canonical form."""
    try:
        return digest_of(value)
    except (ValueError, TypeError, RecursionError):
        # NaN, a lone surrogate, an integer beyond 2^53, a date, a bottomless list.
        return None


def hash_regular(path: Path) -> str:
    """Return the SHA-256 of a regular file that is no link.

    Raises:
        OSError: If it cannot be read.
    """
    with open_regular(path) as file:
        return hash_span(file, 0, None)


def hash_span(file: BinaryIO, start: int, end: int | None) -> str:
    """Return the SHA-256 of a part of a file.

    Args:
        file: An open file.
        start: First byte.
        end: One past the last byte; the file's end where ``None``.
    """
    file.seek(start)
    hasher = hashlib.sha256()
    left = _CHUNK if end is None else end - start
    while left > 0 and (piece := file.read(min(_CHUNK, left))):
        hasher.update(piece)
        left -= 0 if end is None else len(piece)
    return hasher.hexdigest()


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
