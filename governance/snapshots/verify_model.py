"""Is the model in an export the snapshot that its digest names."""

from collections.abc import Iterator
from pathlib import Path

from governance.canonical import digest_of
from governance.errors import PipelineError
from governance.pipeline.header import read_header
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import CARD, MANIFEST, RECORD
from governance.snapshots.reading import hash_span, open_regular
from governance.snapshots.verify_derived import verify_derived


def verify_model(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    """Follow the digests from the snapshot down to the tensors in the files.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says; others are reported.

    Yields:
        What does not lead to one another.
    """
    snapshot = manifest.snapshot
    if snapshot.digest != manifest.digest:
        message = f"the snapshot's digest is {snapshot.digest}, not {manifest.digest}"
        yield finding(MANIFEST, "proof", message)
    base = digest_of({r.path: r.sha256 for r in manifest.base_files.values()})
    if base != snapshot.base:
        message = f"the base files have the model digest {base}, not {snapshot.base}"
        yield finding(MANIFEST, "proof", message)
    if manifest.form.derived:
        yield from verify_derived(folder, manifest, intact)
        return
    edited = _edited(manifest)
    for path, tensors in sorted(edited.items()):
        if path not in manifest.files:
            yield finding(path, "missing", "the snapshot edits it")
        elif path in intact:
            yield from _verify_tensors(folder, path, tensors)
    yield from _verify_untouched(manifest, frozenset(edited))


def _edited(manifest: Manifest) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for key, digest in manifest.snapshot.tensors.items():
        file, _, name = key.partition(":")
        found.setdefault(file, {})[name] = digest
    return found


def _verify_tensors(
    folder: Path, path: str, tensors: dict[str, str]
) -> Iterator[ExportFinding]:
    try:
        header = read_header(folder / path)
        with open_regular(folder / path) as file:
            for name, digest in sorted(tensors.items()):
                record = header.get(name)
                if record is None:
                    yield finding(path, "proof", f"it holds no tensor {name!r}")
                elif hash_span(file, record.start, record.end) != digest:
                    message = f"tensor {name!r} is not the one the snapshot names"
                    yield finding(path, "proof", message)
    except (PipelineError, OSError) as error:
        yield finding(path, "proof", str(error))


def _verify_untouched(
    manifest: Manifest, edited: frozenset[str]
) -> Iterator[ExportFinding]:
    """See that every other model file is the base's own, and that none is lost."""
    base = manifest.base_files
    for path, record in manifest.files.items():
        if path == CARD or path.startswith(f"{RECORD}/"):
            continue
        if path not in base:
            yield finding(path, "proof", "the base model has no such file")
        elif path not in edited and record.sha256 != base[path].sha256:
            yield finding(
                path, "proof", "it differs from the base, but no edit says so"
            )
        elif record.size != base[path].size:
            yield finding(path, "proof", "it has another size than in the base model")
    for path in sorted(base.keys() - manifest.files.keys() - manifest.left_out.keys()):
        yield finding(path, "missing", "the base model loads it")
