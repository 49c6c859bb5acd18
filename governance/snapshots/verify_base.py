"""Is what no edit touched the base model's own, byte for byte."""

from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import BinaryIO

from governance.errors import NotFoundError, PipelineError, UsageError
from governance.pipeline.header import read_header
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import printable
from governance.snapshots.reading import hash_span, open_regular


def check_base(base: Path | None) -> None:
    """Refuse a base folder that is not there.

    Raises:
        NotFoundError: If so.
    """
    if base is not None and not base.is_dir():
        raise NotFoundError(
            f"there is no model folder {base}", "Give the base model's folder."
        )


def check_whole(base: Path, manifest: Manifest) -> None:
    """Refuse a folder that is not the base model's at all.

    Args:
        base: The folder.
        manifest: What an export says of its base.

    Raises:
        UsageError: If it lacks a file of the base.
    """
    files = sorted(manifest.base_files)
    lacking = [path for path in files if not (base / path).is_file()]
    if lacking:
        raise UsageError(
            f"--base {base} is not the base model: it lacks {len(lacking)} of its "
            f"{len(files)} files, first {printable(lacking[0])!r}",
            f"Give the folder of {manifest.model!r}, as it was registered.",
        )


def verify_base(
    folder: Path, manifest: Manifest, intact: frozenset[str], base: Path
) -> Iterator[ExportFinding]:
    """Compare edited files with the base's, outside the tensors the snapshot names.

    A snapshot's digest names the edited tensors and the base; the rest of a file that
    holds an edited tensor can only be compared with the base itself.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says; others are reported.
        base: The base model's folder.

    Yields:
        A base file that is not the registered one; an edited file that differs from
        the base elsewhere too.
    """
    edited: dict[str, set[str]] = {}
    for key in manifest.snapshot.tensors:
        path, _, name = key.partition(":")
        edited.setdefault(path, set()).add(name)
    for path, record in sorted(manifest.base_files.items()):
        try:
            with (base / path).open("rb") as own:
                if hash_span(own, 0, None) != record.sha256:
                    message = "the base you gave has another file there"
                    yield finding(path, "changed", message)
                elif path in edited and path in intact and not manifest.form.derived:
                    with open_regular(folder / path) as file:
                        names = edited[path]
                        yield from _rest(path, base / path, own, file, names)
        except (PipelineError, OSError) as error:
            yield finding(path, "missing", f"in the base you gave: {error}")


def _rest(
    path: str, place: Path, own: BinaryIO, file: BinaryIO, names: set[str]
) -> Iterator[ExportFinding]:
    header = read_header(place)
    spans = sorted((r.start, r.end) for n, r in header.items() if n in names)
    size = place.stat().st_size
    edges = [0, *chain.from_iterable(spans), size]
    # What lies between an end and the next start is nobody's edit.
    for start, end in list(pairwise(edges))[::2]:
        if hash_span(own, start, end) != hash_span(file, start, end):
            message = "it differs from the base where no edit says so"
            yield finding(path, "proof", message)
            return
