"""Copies of what people give, under the names they gave: messages then say those."""

import tempfile
from pathlib import Path


def place_named(folder: Path, given: Path) -> Path:
    """Make an empty place for a copy, alone in folders of its own.

    Readers name a file by its folder and its name, so both are kept.

    Args:
        folder: Where to make it.
        given: Path of the file as given.
    """
    inner = Path(tempfile.mkdtemp(dir=folder))
    above = given.parent.name
    if above in ("", ".."):
        return inner / given.name
    (inner / above).mkdir()
    return inner / above / given.name


def copy_named(folder: Path, given: Path, content: bytes) -> Path:
    """Write a copy under the name of what it is a copy of.

    Args:
        folder: Where to make it.
        given: Path of the file as given.
        content: Its bytes.
    """
    path = place_named(folder, given)
    path.write_bytes(content)
    return path
