"""Every policy that was ever in force, read back from an export."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from governance.documents.limits import LIST_FILE_BYTES
from governance.documents.request import request_from_document
from governance.domain.events import EditProposed
from governance.domain.request import EditRequest
from governance.errors import GovernanceError, IntegrityError
from governance.policy.files import policy_from_document
from governance.policy.model import Policy
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.proofs import FILES, POLICIES, SUITES
from governance.snapshots.reading import (
    POLICY_LIMIT,
    POLICY_MARKS_LIMIT,
    SUITE_LIMIT,
    SUITE_MARKS_LIMIT,
    parse_json,
    read_limited,
    refuse_crowded,
)

# Bytes and marks; a list that a request names is no JSON.
_LIMITS = {
    POLICIES: (POLICY_LIMIT, POLICY_MARKS_LIMIT),
    SUITES: (SUITE_LIMIT, SUITE_MARKS_LIMIT),
    FILES: (LIST_FILE_BYTES, LIST_FILE_BYTES),
}
_BROKEN = (GovernanceError, ValueError, TypeError, KeyError, RecursionError)


class Kept:
    """Documents an export holds under their own digest.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, intact: frozenset[str]
    ) -> None:
        self._folder = folder
        # By what the bytes are, not by what they are called.
        self._paths = {
            (path.rpartition("/")[0], manifest.files[path].sha256): path
            for path in sorted(intact)
            if path.rpartition("/")[0] in (POLICIES, SUITES, FILES)
        }

    def read(self, place: str, digest: str) -> bytes:
        """Return a document.

        Raises:
            IntegrityError: If the export does not hold it.
        """
        path = self._paths.get((place, digest))
        if path is None:
            raise IntegrityError(f"{place}/{digest[:80]} is not in the export")
        size, marks = _LIMITS[place]
        data = read_limited(self._folder / path, path, size)
        refuse_crowded(data, path, marks)
        return data

    def policies(self) -> tuple[Mapping[str, Policy], tuple[ExportFinding, ...]]:
        """Read every policy.

        Returns:
            Digest to policy, and what is no policy.
        """
        found: dict[str, Policy] = {}
        findings = []
        for (place, digest), path in self._paths.items():
            if PurePosixPath(path).name.removesuffix(".json") != digest:
                findings.append(finding(path, "proof", "its name is not its SHA-256"))
            if place != POLICIES:
                continue
            try:
                found[digest] = self._policy(path, digest)
            except _BROKEN as error:
                findings.append(finding(path, "proof", f"it is no policy: {error}"))
        return found, tuple(findings)

    def _policy(self, path: str, digest: str) -> Policy:
        document = parse_json(self.read(POLICIES, digest), path)
        if not isinstance(document, Mapping):
            raise IntegrityError("it is no object")
        policy = policy_from_document(document, lambda name: self.read(SUITES, name))
        if policy.digest != digest:
            raise IntegrityError("it is not in canonical form")
        return policy

    def request(self, event: EditProposed) -> EditRequest:
        """Rebuild a proposed request, without the weights and images it brings.

        Raises:
            IntegrityError: If it is none, or a text file it names is not there.
        """
        spec = event.request.get("spec")
        texts = [
            spec.get(name)
            for name in ("concepts_file", "preserve_file")
            if isinstance(spec, Mapping)
        ]
        try:
            return request_from_document(
                event.request,
                lambda name: self.read(FILES, name) if name in texts else b"",
            )
        except _BROKEN as error:
            raise IntegrityError(f"its request cannot be read: {error}") from error
