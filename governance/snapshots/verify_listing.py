"""Does an export hold what every export holds, and nothing beside it."""

import re
from collections.abc import Iterator
from pathlib import Path

from governance.errors import IntegrityError
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.measured import images_of
from governance.snapshots.names import CARD, RECORD, REPORT
from governance.snapshots.reading import read_document
from governance.snapshots.record import EVIDENCE

_REQUIRED = (CARD, REPORT)
_DIGEST = "[0-9a-f]{64}"
_KNOWN = re.compile(
    rf"{RECORD}/(?:report\.html|edits\.json|policy\.yaml|allowed_signers|checkpoint"
    rf"|proofs\.json|bom\.cdx\.json|attestation\.json"
    rf"|keys/(?:ledger|model-signing)\.pub|evidence/{_DIGEST}\.(?:json|png)"
    rf"|signoffs/[1-9][0-9]*\.json(?:\.sshsig)?"
    rf"|(?:policies|suites)/{_DIGEST}\.json|files/{_DIGEST})"
)


def verify_listing(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    """See that nothing for people is missing, and nothing unknown lies beside it.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says; others are reported.

    Yields:
        A missing card or report, a file no export writes, a picture no evidence names.
    """
    for path in _REQUIRED:
        if path not in manifest.files:
            yield finding(path, "missing", "every export has it")
    for path in sorted(manifest.files):
        if path.startswith(f"{RECORD}/") and _KNOWN.fullmatch(path) is None:
            yield finding(path, "added", "no export writes such a file")
    yield from _verify_pictures(folder, manifest, intact)


def _verify_pictures(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    """See that the pictures are those that evidence names: all of them, no other."""
    documents = [path for path in manifest.files if _is_evidence(path, ".json")]
    named: dict[str, str] = {}
    for path in sorted(documents):
        if path not in intact:
            return  # Reported; what it names cannot be told.
        try:
            document = read_document(folder, path)
        except IntegrityError as error:
            yield finding(path, "proof", error.message)
            return
        named |= {f"{EVIDENCE}/{name}.png": path for name in images_of(document)}
    there = {path for path in manifest.files if _is_evidence(path, ".png")}
    for path in sorted(there - named.keys()):
        yield finding(path, "added", "no evidence names this picture")
    for path in sorted(named.keys() - there):
        yield finding(path, "missing", f"{named[path]} names this picture")


def _is_evidence(path: str, ending: str) -> bool:
    return path.startswith(f"{EVIDENCE}/") and path.endswith(ending)
