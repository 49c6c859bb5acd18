"""Does an export hold what every export holds, and nothing beside it."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from governance.errors import IntegrityError
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.names import CARD, RECORD, REPORT
from governance.snapshots.reading import DOCUMENT_LIMIT, read_limited
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
_QUOTED = re.compile(rf'"({_DIGEST})"'.encode())


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
    pictures = {
        path
        for path in manifest.files
        if path.startswith(f"{EVIDENCE}/") and path.endswith(".png")
    }
    named: set[str] = set()
    for path in sorted(intact):
        if path.startswith(f"{EVIDENCE}/") and path.endswith(".json"):
            try:
                text = read_limited(folder / path, path, DOCUMENT_LIMIT)
            except IntegrityError as error:
                yield finding(path, "proof", error.message)
                return
            named.update(found.decode() for found in _QUOTED.findall(text))
    for path in sorted(pictures):
        if PurePosixPath(path).stem not in named:
            yield finding(path, "added", "no evidence names this picture")
