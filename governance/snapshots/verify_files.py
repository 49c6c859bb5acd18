"""The first half of verifying: is every byte the one the manifest names."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.errors import UsageError
from governance.pipeline.folder import FileRecord
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import MANIFEST, MODEL_SIGNATURE
from governance.snapshots.proofs import CHECKPOINT, PROOFS
from governance.snapshots.reading import hash_regular
from governance.snapshots.record import EDITS

# Any of them makes a folder an export, if one from which something was taken.
_RECORD = (MANIFEST, MODEL_SIGNATURE, CHECKPOINT, PROOFS, EDITS)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a folder.

    Args:
        files: Regular files, by relative path.
        folders: Folders, by relative path.
        odd: Links, pipes, devices and what cannot be listed, with what is wrong.
    """

    files: frozenset[str]
    folders: frozenset[str]
    odd: tuple[tuple[str, str], ...]


def look(folder: Path) -> Found:
    """List a folder, following no link and opening no file."""
    files: set[str] = set()
    folders: set[str] = set()
    odd: list[tuple[str, str]] = []
    pending = [folder]
    while pending:
        place = pending.pop()
        for path in _entries(place, folder, odd):
            name = path.relative_to(folder).as_posix()
            mode = _mode(path)
            if stat.S_ISREG(mode):
                files.add(name)
            elif stat.S_ISDIR(mode):
                folders.add(name)
                pending.append(path)
            else:
                odd.append((name, "is a link or a special file, or vanished"))
    return Found(frozenset(files), frozenset(folders), tuple(odd))


def _entries(place: Path, root: Path, odd: list[tuple[str, str]]) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(place)]
    except OSError as error:
        odd.append((place.relative_to(root).as_posix(), f"cannot be listed: {error}"))
        return []


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        # Gone since it was listed: whoever changes the folder now gets a finding.
        return 0


def check_is_export(folder: Path) -> None:
    """Refuse a folder without a manifest and without the rest of a record.

    Args:
        folder: The folder.

    Raises:
        UsageError: If it is no export, or nothing of one is left in it.
    """
    if not any(os.path.lexists(folder / path) for path in _RECORD):
        raise UsageError(
            f"{folder}: this folder is no export: {MANIFEST} is missing",
            "Give a folder that `governance snapshot export` wrote.",
        )


def verify_files(
    folder: Path, manifest: Manifest
) -> tuple[frozenset[str], tuple[ExportFinding, ...]]:
    """Hash every file again.

    Args:
        folder: The export.
        manifest: What it should hold.

    Returns:
        The paths whose bytes are as the manifest says, and what is not as it should.
    """
    found = look(folder)
    # Neither can be in the manifest; the signature covers it.
    expected = {MANIFEST, MODEL_SIGNATURE, *manifest.files}
    odd = dict(found.odd)
    findings = [
        finding(path, "changed" if path in expected else "added", reason)
        for path, reason in odd.items()
    ]
    findings += [
        finding(path, "added", "the manifest does not name it")
        for path in found.files - expected
    ]
    findings += _idle_folders(found, expected)
    intact: set[str] = set()
    for path, record in manifest.files.items():
        if path in odd:
            continue
        problem = _problem(folder, record) if path in found.files else None
        if path not in found.files:
            findings.append(finding(path, "missing", "the manifest names it"))
        elif problem:
            findings.append(finding(path, "changed", problem))
        else:
            intact.add(path)
    return frozenset(intact), tuple(findings)


def _problem(folder: Path, record: FileRecord) -> str | None:
    path = folder / record.path
    try:
        size = path.lstat().st_size
        digest = hash_regular(path) if size == record.size else None
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if digest is None:
        return f"expected {record.size} bytes, found {size}"
    if digest != record.sha256:
        return f"expected SHA-256 {record.sha256}, found {digest}"
    return None


def _idle_folders(found: Found, expected: set[str]) -> Iterator[ExportFinding]:
    """Yield folders that no file of the manifest needs."""
    needed = {
        "/".join(parts[:count])
        for parts in (path.split("/") for path in expected)
        for count in range(1, len(parts))
    }
    for path in found.folders - needed:
        yield finding(f"{path}/", "added", "the manifest names no file in this folder")
