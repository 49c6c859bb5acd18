"""``attestation.json``: which files came of which edits, as a signed in-toto statement.

A DSSE envelope signed with the model signing key. Titles and names in it are data of
whoever wrote them, and JSON escapes all that is not ASCII.
"""

import json
from collections.abc import Iterator

from governance.canonical import JSON, canonical_bytes
from governance.snapshots.dsse import envelope
from governance.snapshots.model_signature import STATEMENT
from governance.snapshots.names import RECORD
from governance.snapshots.parts import Exporting
from governance.snapshots.told import Document, Said, said_by

ATTESTATION = f"{RECORD}/attestation.json"
PREDICATE = "urn:x-governance:edited-model:v1"


def attestation_file(about: Exporting) -> Iterator[tuple[str, bytes]]:
    """Yield the attestation."""
    signer = about.inputs.signer
    if signer is None:
        return
    payload = canonical_bytes(statement(said_by(about)))
    document = envelope(payload, signer, signer.public.hint)
    yield ATTESTATION, (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def statement(said: Said) -> dict[str, JSON]:
    """Return the in-toto statement of an export.

    Args:
        said: What its manifest and its edits say.
    """
    found = said.manifest
    names = ("created", "program", "kind", "ledger", "policy", "signoffs")
    base = found["base"]
    return {
        "_type": STATEMENT,
        "subject": [_resource(item) for item in said.model],
        "predicateType": PREDICATE,
        "predicate": {
            **{name: found[name] for name in names},
            "snapshot": found["snapshot"]["digest"],
            "base": {key: base[key] for key in ("model", "source", "family", "digest")},
            "derived": found.get("derived"),
            "edits": [_edit(item) for item in said.edits["edits"]],
            "evidence": [_resource(item) for item in said.evidence],
        },
    }


def _resource(item: Document) -> dict[str, JSON]:
    return {"name": item["path"], "digest": {"sha256": item["sha256"]}}


def _edit(item: Document) -> dict[str, JSON]:
    request, proposal = item["request"], item["proposal"]
    return {
        "id": item["id"],
        "title": request["metadata"]["title"],
        "action": request["spec"]["action"],
        "method": request["spec"]["method"],
        "request": item["digest"],
        "resolved": item["resolved_digest"],
        "proposer": {key: proposal[key] for key in ("principal", "key", "time")},
    }
