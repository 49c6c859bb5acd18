"""A shipped policy with the suite it names, in a folder of one's own to be edited."""

import os
import secrets
import shutil
from pathlib import Path

from governance.errors import NotFoundError, UsageError
from governance.policy.files import load_policy, shipped_policies, suite_file
from governance.text import safe


def copy_policy(name: str, folder: Path) -> Path:
    """Copy a shipped policy and its suite into a new folder, both or nothing.

    Args:
        name: Name of the shipped policy.
        folder: A new folder.

    Returns:
        The copied policy's file.

    Raises:
        NotFoundError: No shipped policy has that name.
        UsageError: The folder exists, or cannot be written.
    """
    shipped = shipped_policies()
    if name not in shipped:
        raise NotFoundError(
            f"policy '{safe(name, 200)}': expected one of {', '.join(sorted(shipped))}",
            "Name a shipped policy.",
        )
    target = folder.absolute()
    if os.path.lexists(target):
        raise UsageError(
            f"{target} exists; expected the name of a new folder",
            "Give another name, or remove it first.",
        )
    source = shipped[name]
    suite = suite_file(source)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        beside.mkdir()
        _copy(source, beside / source.name)
        _copy(suite, beside / suite.relative_to(source.parent))
        load_policy(beside / source.name)
        beside.rename(target)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror}", "Give another place."
        ) from error
    finally:
        # Once it got its name there is nothing here to remove.
        shutil.rmtree(beside, ignore_errors=True)
    return target / source.name


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(source.read_bytes())
        file.flush()
        os.fsync(file.fileno())
