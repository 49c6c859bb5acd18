"""A page written where somebody asked for it: the old one or the new one, whole."""

import os
from pathlib import Path

from governance.errors import UsageError

_PAGE = b"<!doctype html>"


def write_page(path: Path, data: bytes) -> Path:
    """Write a file so that a crash leaves the old one or the new one.

    Args:
        path: Where it goes; an older page of that name is replaced, nothing else.
        data: Its bytes.

    Returns:
        Its absolute path.

    Raises:
        UsageError: It cannot be written there.
    """
    target = path.absolute()
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.is_dir():
            raise UsageError(
                f"{path} is a folder; expected the name of a file",
                "Give the name of the file to write.",
            )
        _refuse_other(target)
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
        _sync(target.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", "Give another place."
        ) from error
    return target


def _refuse_other(target: Path) -> None:
    """Refuse to replace what is no page."""
    if not target.exists():
        return
    with target.open("rb") as file:
        if file.read(len(_PAGE)).lower() != _PAGE:
            raise UsageError(
                f"{target} exists and is no page; it is not replaced",
                "Give another name, or remove it first.",
            )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
