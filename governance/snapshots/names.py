"""Which names may stand in an export, and what stays behind in the base folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from governance.errors import PipelineError
from governance.pipeline.layout import PICKLES

RECORD = "governance"
CARD = "README.md"
MODEL_SIGNATURE = "model.sig"
MANIFEST = f"{RECORD}/manifest.json"
REPORT = f"{RECORD}/report.html"
PAGES_FORM = 1
"""How card and report are written: it counts up with every change of what they say."""
_RESERVED = {RECORD, CARD.casefold(), MODEL_SIGNATURE}
_LONGEST = 1024
_CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".ipynb")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of the base folder that is not in the export.

    Args:
        path: Path relative to the base folder; a folder ends in a slash.
        reason: Why it stays behind.
    """

    path: str
    reason: str


def is_plain(path: str) -> bool:
    """Say whether a path is relative POSIX, stays inside, and is one printable line."""
    parts = path.split("/")
    return (
        0 < len(path) <= _LONGEST
        and path.isprintable()
        and "\\" not in path
        and not any(part in ("", ".", "..") for part in parts)
    )


def check_name(path: str) -> None:
    """Refuse the name of a base file that could not stand in an export.

    Args:
        path: Path relative to the base folder.

    Raises:
        PipelineError: If it leaves the folder or takes the place of the record.
    """
    if not is_plain(path):
        raise PipelineError(
            f"the model holds a file named {printable(path)!r}; expected a plain "
            "relative name",
            "Rename it, or fetch the model again.",
        )
    if path.split("/", 1)[0].casefold() in _RESERVED:
        raise PipelineError(
            f"the model loads {path!r}; an export keeps that name for its own record",
            "Register a model without that name.",
        )


def printable(path: str) -> str:
    """Return a file name as text that any encoding can hold."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def left_behind(root: Path, loaded: frozenset[str]) -> Iterator[LeftOut]:
    """Tell what lies in the base folder and is not loaded by the pipeline.

    Args:
        root: The base folder.
        loaded: Relative paths of what is loaded.

    Yields:
        Every other file, and every hidden or linked folder as one.
    """
    opened = {parent for path in loaded for parent in _parents(path)}
    pending = [root]
    while pending:
        folder = pending.pop()
        for path in sorted(folder.iterdir()):
            name = path.relative_to(root).as_posix()
            if name in loaded:
                continue
            if not path.is_dir():
                yield LeftOut(printable(name), reason_of(printable(name)))
            elif name in opened or not _closed(path):
                pending.append(path)
            else:
                yield LeftOut(f"{printable(name)}/", reason_of(f"{printable(name)}/"))


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count])


def _closed(folder: Path) -> bool:
    # A hidden folder is a tool's own; a link may lead anywhere, even in a circle.
    return folder.name.startswith(".") or folder.is_symlink()


OTHER_VARIANT = "another variant; this export holds one dtype"


def unedited(variant: str, component: str) -> str:
    """Say why a variant of an edited component stays behind.

    Args:
        variant: Its name.
        component: The component.
    """
    return (
        f"the variant {variant} of {component} could not be edited, and would carry "
        "the unedited concept"
    )


def reason_of(path: str) -> str:
    """Say why something that the pipeline does not load stays behind.

    Args:
        path: Path relative to the base folder; a folder ends in a slash.
    """
    suffix = "" if path.endswith("/") else PurePosixPath(path).suffix
    if suffix in PICKLES:
        return "a pickle: it would carry the unedited weights, and can run code"
    if suffix in _CODE:
        return "code: an export holds none"
    if suffix == ".safetensors":
        return "weights the pipeline does not load: they would carry the unedited ones"
    return "not loaded by the pipeline"
