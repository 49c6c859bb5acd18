"""A forger who holds the model signing key: signature and bills fit what is said."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from governance.canonical import canonical_bytes, sha256_hex
from governance.errors import GovernanceError
from governance.identity.model_key import ModelKey
from governance.pipeline.folder import FileRecord
from governance.snapshots import shapes_of
from governance.snapshots.attestation import ATTESTATION, statement
from governance.snapshots.bill import BILL, bill, stated
from governance.snapshots.dsse import envelope
from governance.snapshots.model_signature import bundle
from governance.snapshots.names import CARD, MANIFEST, MODEL_SIGNATURE, REPORT
from governance.snapshots.record import EDITS
from governance.snapshots.shapes import many
from governance.snapshots.told import Said, spoken_of
from governance.snapshots.verify_pages import card_again, report_again
from tests.snapshots.logs import SIGNER

_MALFORMED = (GovernanceError, LookupError, TypeError, ValueError, RecursionError)


def record(path: Path, name: str) -> FileRecord:
    data = path.read_bytes()
    return FileRecord(name, len(data), sha256_hex(data))


def all_files(export: Path) -> Iterator[FileRecord]:
    """Every file but the two that cannot name themselves."""
    for path in sorted(item for item in export.rglob("*") if item.is_file()):
        name = path.relative_to(export).as_posix()
        if name not in (MANIFEST, MODEL_SIGNATURE):
            yield record(path, name)


def describe(
    export: Path, manifest: dict[str, Any], signer: ModelKey = SIGNER
) -> tuple[str, ...]:
    """Write bill and attestation anew, where manifest and edits can be read."""
    try:
        edits = json.loads((export / EDITS).read_bytes())
        files = spoken_of(FileRecord(**item) for item in manifest["files"])
        said = Said(manifest, edits, files)
        told = json.loads((export / BILL).read_bytes())
        found = json.dumps(bill(said, *stated(told)))
        payload = canonical_bytes(statement(said))
    except (*_MALFORMED, AttributeError, OSError):
        return ()
    (export / BILL).write_text(found)
    signed = envelope(payload, signer, signer.public.hint)
    (export / ATTESTATION).write_text(json.dumps(signed))
    return BILL, ATTESTATION


def sign(export: Path, signer: ModelKey = SIGNER) -> None:
    """Sign what the manifest names, where it can be read."""
    place = export / MANIFEST
    try:
        listed = json.loads(place.read_bytes())["files"]
        digests = {item["path"]: item["sha256"] for item in listed}
        digests[MANIFEST] = sha256_hex(place.read_bytes())
        signed = bundle("forged", digests, signer)
    except (*_MALFORMED, AttributeError):
        return
    (export / MODEL_SIGNATURE).write_bytes(signed)


def check_files(listed: Any) -> None:
    """Leave a list of files alone that was made to be no list of files."""
    many(shapes_of.FILE)(listed, "files")
    if len({item["path"] for item in listed}) != len(listed):
        raise ValueError("a file stands twice")


def write_pages(export: Path, manifest: dict[str, Any]) -> tuple[str, ...]:
    """Write card and report anew, where they are and the record can be read."""
    place = export / MANIFEST
    before = place.read_bytes()
    place.write_text(json.dumps(manifest))
    written: list[str] = []
    try:
        check_files(manifest["files"])
        for path, page in ((CARD, card_again), (REPORT, report_again)):
            if (export / path).exists():
                (export / path).write_bytes(page(export))
                written.append(path)
                found = asdict(record(export / path, path))
                files = [f for f in manifest["files"] if f["path"] != path]
                manifest["files"] = sorted([*files, found], key=lambda f: f["path"])
                place.write_text(json.dumps(manifest))
    except (*_MALFORMED, AttributeError, OSError):
        pass
    place.write_bytes(before)
    return tuple(written)
