"""Do an export's documents say what their digests say: edits, policy, evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from governance.canonical import JSON
from governance.documents.yaml import parse_documents
from governance.errors import IntegrityError, RequestError
from governance.snapshots import shapes_of
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import Manifest
from governance.snapshots.reading import (
    EDITS_MARKS_LIMIT,
    POLICY_LIMIT,
    POLICY_MARKS_LIMIT,
    digest_or_none,
    read_document,
    read_limited,
    refuse_crowded,
)
from governance.snapshots.record import EDITS, EDITS_FORMAT, EVIDENCE, POLICY
from governance.snapshots.request_words import objects
from governance.text import safe

_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
# Nested lists need no more than a dash each.
_YAML_MARKS = b",:[{-\n"


@dataclass(frozen=True, slots=True)
class ProposedEdit:
    """One edit of ``edits.json``.

    Args:
        id: Edit id, as the file says.
        digest: Digest of its request, computed.
        resolved: Digest of its resolution, computed.
        proposer: Who proposed it, as the file says.
        key: Who signed the proposal, ``None`` where nobody did.
        signature: The proposal's signature, ``None`` where there is none.
        time: When it was proposed, as the file says.
    """

    id: str
    digest: str
    resolved: str
    proposer: str
    key: str | None
    signature: str | None
    time: str


def read_edits(folder: Path, manifest: Manifest) -> tuple[ProposedEdit, ...]:
    """Read ``edits.json``, computing every digest anew.

    Args:
        folder: The export; the file's bytes have been checked already.
        manifest: What the export says of itself.

    Raises:
        IntegrityError: If the file is malformed, a digest is not that of what it
            names, or the edits are not those of the snapshot.
    """
    document = read_document(folder, EDITS, EDITS_MARKS_LIMIT)
    try:
        shapes_of.EDITS(document, "")
    except IntegrityError as error:
        raise IntegrityError(f"{EDITS} is malformed: {error.message}") from error
    if document["format"] != EDITS_FORMAT:
        raise IntegrityError(f"{EDITS} is malformed: expected {EDITS_FORMAT}")
    if document["snapshot"] != manifest.digest:
        raise IntegrityError("snapshot: it is not the one the manifest names")
    listed = objects(document, "edits")
    edits = tuple(_edit(item) for item in listed)
    if sorted(edit.resolved for edit in edits) != list(manifest.snapshot.edits):
        raise IntegrityError("the edits are not those of the snapshot")
    return edits


def _edit(item: JSON) -> ProposedEdit:
    match item:
        case {
            "id": str(name),
            "digest": str(digest),
            "request": request,
            "resolved": {"request": str(resolved_request)} as resolved,
            "resolved_digest": str(resolved_digest),
            "proposal": {
                "principal": str(proposer),
                "key": str() | None as key,
                "signature": str() | None as signature,
                "time": str(time),
            },
        }:
            shown = safe(name, 40)
        case _:
            raise IntegrityError(f"{EDITS} is malformed: an edit lacks a field")
    if digest_or_none(request) != digest or resolved_request != digest:
        raise IntegrityError(f"edit {shown}: its request has another digest")
    if digest_or_none(resolved) != resolved_digest:
        raise IntegrityError(f"edit {shown}: its resolution has another digest")
    if (key is None) != (signature is None):
        raise IntegrityError(f"edit {shown}: a key without a signature, or the reverse")
    return ProposedEdit(shown, digest, resolved_digest, proposer, key, signature, time)


def check_policy(folder: Path, manifest: Manifest) -> bool:
    """Read ``policy.yaml`` and compare its digest.

    Args:
        folder: The export; the file's bytes have been checked already.
        manifest: What the export says of itself.

    Returns:
        True; whatever is wrong is raised.

    Raises:
        IntegrityError: If it is no strict YAML, or has another digest.
    """
    data = read_limited(folder / POLICY, POLICY, POLICY_LIMIT)
    refuse_crowded(data, POLICY, POLICY_MARKS_LIMIT, _YAML_MARKS)
    document = _yaml(data)
    found = digest_or_none(document)
    if found != manifest.policy:
        raise IntegrityError(f"the policy's digest is {found}, not {manifest.policy}")
    return True


def _yaml(data: bytes) -> JSON:
    try:
        text = data.decode()
        # Refuses duplicate keys, tags and aliases, which the loader would let pass.
        (_,) = parse_documents(text, POLICY)
        document: JSON = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe one
    except (RequestError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise IntegrityError(f"{POLICY} is no strict YAML document") from error
    return document


def verify_evidence(manifest: Manifest) -> Iterator[ExportFinding]:
    """See that every file of evidence is named by its own digest."""
    for path, record in manifest.files.items():
        if (
            path.startswith(f"{EVIDENCE}/")
            and PurePosixPath(path).stem != record.sha256
        ):
            yield finding(path, "proof", "its name is not its SHA-256")
