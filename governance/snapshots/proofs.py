"""The ledger's part of an export: checkpoint, cited entries, proofs, policies."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.canonical import JSON, sha256_hex
from governance.ledger.checkpoint import open_checkpoint
from governance.ledger.note import NoteKey, parse_note_key
from governance.snapshots.inputs import CitedEntry, CitedHead
from governance.snapshots.names import RECORD
from governance.snapshots.parts import Exporting
from governance.snapshots.record import readable

PROOFS_FORMAT = "governance/proofs/v1"
CHECKPOINT = f"{RECORD}/checkpoint"
PROOFS = f"{RECORD}/proofs.json"
LEDGER_KEY = f"{RECORD}/keys/ledger.pub"
POLICIES = f"{RECORD}/policies"
SUITES = f"{RECORD}/suites"
FILES = f"{RECORD}/files"


def ledger_files(about: Exporting) -> Iterator[tuple[str, bytes]]:
    """Yield what proves an export's record by the ledger.

    Args:
        about: The export; without a log, it has none of these files.
    """
    log = about.inputs.log
    if log is None:
        return
    key = parse_note_key(log.key)
    head = open_checkpoint(log.checkpoint, key)
    yield CHECKPOINT, log.checkpoint.encode()
    yield LEDGER_KEY, pem(key)
    document: dict[str, JSON] = {
        "format": PROOFS_FORMAT,
        "origin": key.name,
        **head.document(),
        "entries": [_entry(item) for item in log.entries],
        "heads": [_head(item) for item in log.heads],
        "leaves": list(log.leaves),
    }
    yield PROOFS, readable(document)
    for folder, ending, contents in (
        (POLICIES, ".json", log.policies),
        (SUITES, ".json", log.suites),
        (FILES, "", log.files),
    ):
        for data in contents:
            yield f"{folder}/{sha256_hex(data)}{ending}", data


def pem(key: NoteKey) -> bytes:
    """Return a ledger's public key as openssl reads it."""
    return key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _entry(item: CitedEntry) -> dict[str, JSON]:
    return {
        "sequence": item.entry.sequence,
        "event": item.entry.event,
        "hash": item.entry.digest,
        # As text, so that its very bytes can be hashed by whoever reads this.
        "payload": item.entry.payload.decode(),
        "proof": list(item.proof),
    }


def _head(item: CitedHead) -> dict[str, JSON]:
    return {**item.head.document(), "proof": list(item.proof)}
