"""Verify what signs and describes an export as a whole: signature, bill, attestation."""

from collections.abc import Iterator
from pathlib import Path

from governance.canonical import canonical_bytes
from governance.domain.signing_key import SigningKeyRecorded
from governance.errors import IntegrityError
from governance.identity.model_key import PublicModelKey
from governance.ledger.entry import Entry
from governance.snapshots.attestation import ATTESTATION, statement
from governance.snapshots.bill import BILL, bill, stated
from governance.snapshots.dsse import opened
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.manifest import LIMIT, Manifest
from governance.snapshots.model_signature import MODEL_KEY, signed_digests
from governance.snapshots.names import MANIFEST, MODEL_SIGNATURE
from governance.snapshots.reading import hash_regular, read_document, read_limited
from governance.snapshots.record import EDITS
from governance.snapshots.told import Said, spoken_of

_KEY_LIMIT = 65_536
_LACKING = (LookupError, TypeError, AttributeError, ValueError, RecursionError)


def verify_seals(
    folder: Path, manifest: Manifest, intact: frozenset[str]
) -> Iterator[ExportFinding]:
    """Check the model signature, the attestation and the bill of materials.

    Args:
        folder: The export.
        manifest: What it says of itself.
        intact: Files whose bytes are as the manifest says.
    """
    for path in (MODEL_KEY, ATTESTATION, BILL):
        if path not in manifest.files:
            yield finding(path, "missing", "every export has it")
    key = None
    if MODEL_KEY in intact:
        try:
            key = _key(folder)
        except IntegrityError as error:
            yield finding(MODEL_KEY, "signature", error.message)
    yield from _verify_signature(folder, manifest, key)
    yield from _verify_documents(folder, manifest, intact, key)


def verify_recorded(
    folder: Path, intact: frozenset[str], entries: tuple[Entry, ...]
) -> Iterator[ExportFinding]:
    """See that the ledger names the model signing key.

    Args:
        folder: The export.
        intact: Files whose bytes are as the manifest says.
        entries: Entries proven to be in the ledger.
    """
    if MODEL_KEY not in intact:
        return
    # A forger's entry may hold anything, and not all of it goes into a set.
    recorded = [
        entry.data.get("key")
        for entry in entries
        if entry.event == SigningKeyRecorded.name
    ]
    try:
        known = _key(folder).pem.decode() in recorded
    except IntegrityError:
        return  # Reported where the key is read to check a signature.
    if not known:
        message = "no cited entry of the ledger records it"
        yield finding(MODEL_KEY, "signature", message)


def _key(folder: Path) -> PublicModelKey:
    return PublicModelKey.parse(read_limited(folder / MODEL_KEY, MODEL_KEY, _KEY_LIMIT))


def _verify_signature(
    folder: Path, manifest: Manifest, key: PublicModelKey | None
) -> Iterator[ExportFinding]:
    place = folder / MODEL_SIGNATURE
    if not place.exists():
        yield finding(MODEL_SIGNATURE, "missing", "every export has it")
        return
    if key is None:
        return
    try:
        signed = signed_digests(read_limited(place, MODEL_SIGNATURE, LIMIT), key)
        whole = hash_regular(folder / MANIFEST)
    except (IntegrityError, OSError) as error:
        yield finding(MODEL_SIGNATURE, "signature", str(error))
        return
    files = {path: record.sha256 for path, record in manifest.files.items()}
    there = {**files, MANIFEST: whole}
    odd = sorted(
        path for path in {*there, *signed} if there.get(path) != signed.get(path)
    )
    if odd:
        shown = ", ".join(odd[:3]) + (" ..." if len(odd) > 3 else "")
        message = f"it signs other files than the manifest names: {shown}"
        yield finding(MODEL_SIGNATURE, "signature", message)


def _verify_documents(
    folder: Path,
    manifest: Manifest,
    intact: frozenset[str],
    key: PublicModelKey | None,
) -> Iterator[ExportFinding]:
    """Make attestation and bill again, and compare."""
    if EDITS not in intact:
        return
    try:
        said = Said(
            read_document(folder, MANIFEST),
            read_document(folder, EDITS),
            spoken_of(manifest.files.values()),
        )
    except IntegrityError as error:
        yield finding(EDITS, "proof", error.message)
        return
    if ATTESTATION in intact and key is not None:
        yield from _verify_attestation(folder, said, key)
    if BILL in intact:
        yield from _verify_bill(folder, said)


def _verify_attestation(
    folder: Path, said: Said, key: PublicModelKey
) -> Iterator[ExportFinding]:
    try:
        message = opened(read_document(folder, ATTESTATION), key, key.hint)
    except IntegrityError as error:
        yield finding(ATTESTATION, "signature", error.message)
        return
    try:
        same = canonical_bytes(statement(said)) == message
    except _LACKING as error:
        yield finding(ATTESTATION, "proof", f"it cannot be made again: {error}")
        return
    if not same:
        yield finding(ATTESTATION, "proof", "it says otherwise than manifest and edits")


def _verify_bill(folder: Path, said: Said) -> Iterator[ExportFinding]:
    try:
        found = read_document(folder, BILL)
        made = bill(said, *stated(found))
        same = canonical_bytes(made) == canonical_bytes(found)
    except IntegrityError as error:
        yield finding(BILL, "proof", error.message)
        return
    except _LACKING as error:
        yield finding(BILL, "proof", f"it cannot be made again: {error}")
        return
    if not same:
        yield finding(BILL, "proof", "it says otherwise than manifest and edits")
