"""Files that a request names: found beside it, read once, known by their digest."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from governance.canonical import sha256_hex
from governance.documents.fields import Field
from governance.domain.request import FileReference

MAX_PATH = 1024

Fetch: TypeAlias = Callable[[Field, int], bytes]


@dataclass(slots=True)
class References:
    """Reads files and remembers what was read.

    Args:
        fetch: Returns the bytes that a field names, at most so many.
        contents: Digest to bytes of every file read so far.
        digests: Field path to the digest of the file it names.
    """

    fetch: Fetch
    contents: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def read(self, place: Field, max_bytes: int) -> tuple[FileReference, bytes]:
        """Read the file that a field names.

        Args:
            place: The field.
            max_bytes: Largest file that is accepted.

        Raises:
            RequestError: It is absent, outside, too large or no regular file.
        """
        name = place.filled(MAX_PATH)
        data = self.fetch(place, max_bytes)
        digest = sha256_hex(data)
        self.contents[digest] = data
        self.digests[place.path] = digest
        return FileReference(name, digest, len(data)), data


def in_folder(folder: Path) -> Fetch:
    """Read files inside a folder; nothing outside it, symlinks followed.

    Args:
        folder: The request file's folder.

    Returns:
        What `References` fetches with.
    """

    def fetch(place: Field, max_bytes: int) -> bytes:
        path = _inside(folder.resolve(), place)
        return _limited(_read_regular(path, place, max_bytes), place, max_bytes)

    return fetch


def in_store(read: Callable[[str], bytes]) -> Fetch:
    """Read the copies that were stored when the request was proposed.

    Args:
        read: Returns the stored bytes of a digest.

    Returns:
        What `References` fetches with.
    """

    def fetch(place: Field, max_bytes: int) -> bytes:
        return _limited(read(place.filled(MAX_PATH)), place, max_bytes)

    return fetch


def _inside(root: Path, place: Field) -> Path:
    name = place.filled(MAX_PATH)
    try:
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError):
        place.refuse(
            f"expected a file in the request's folder, found none at '{name}'",
            "Put the file beside the request and name it relative to it.",
        )
    if not path.is_relative_to(root):
        place.refuse(
            f"expected a file inside the request's folder, '{name}' leads outside",
            "Copy the file into the request's folder.",
        )
    return path


def _read_regular(path: Path, place: Field, max_bytes: int) -> bytes:
    # The path is resolved: a link here now was swapped in after that. Opening
    # without blocking keeps a named pipe from holding the program for ever.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        place.refuse(f"the file cannot be read: {error.strerror}", "Check its rights.")
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            place.refuse("expected a regular file", "Name a file, no folder or pipe.")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(max_bytes + 1)
    finally:
        os.close(descriptor)


def _limited(data: bytes, place: Field, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        place.refuse(
            f"expected a file of at most {max_bytes:,} bytes, found more",
            "Split the request, or make the file smaller.",
        )
    return data
