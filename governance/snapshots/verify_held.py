"""What a verifier brings along: the ledger's key, and a head kept from before."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from governance.domain.signoff import Head
from governance.errors import IntegrityError, NotFoundError, UsageError
from governance.identity.allowed_signers import AllowedSigner
from governance.ledger.checkpoint import check_is_checkpoint, open_checkpoint
from governance.ledger.merkle import root_of
from governance.ledger.note import NoteKey, parse_note_key
from governance.snapshots.findings import ExportFinding, finding
from governance.snapshots.proofs import CHECKPOINT, LEDGER_KEY
from governance.snapshots.verify_proofs import ProvenLog
from governance.snapshots.verify_signatures import read_signers

_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A ledger key somebody brought.

    Args:
        raw: Its 32 bytes.
        name: The ledger it is of, where the file says so.
    """

    raw: bytes
    name: str | None

    def is_of(self, key: NoteKey) -> bool:
        """Say whether this is a ledger's key."""
        same = key.key.public_bytes_raw() == self.raw
        return same and self.name in (None, key.name)


@dataclass(frozen=True, slots=True)
class Held:
    """What a verifier brings along, besides reviewers' keys.

    Args:
        key: The ledger's key, if it is known.
        checkpoint: A checkpoint kept from before, if there is one.
    """

    key: HeldKey | None = None
    checkpoint: str | None = None


def read_held(ledger_key: Path | None, against: Path | None) -> Held:
    """Read what a verifier brings along.

    Args:
        ledger_key: A key as ``governance/keys/ledger.pub`` has it (PEM), or as a
            checkpoint's verifiers write it (``name+identifier+key``).
        against: A checkpoint.

    Raises:
        NotFoundError: If a file is not there.
        UsageError: If one cannot be read, or holds no ledger key or no checkpoint.
    """
    return Held(
        None if ledger_key is None else _key(_text(ledger_key), ledger_key),
        None if against is None else _checkpoint(against),
    )


def read_pinned(path: Path) -> tuple[AllowedSigner, ...]:
    """Read reviewers' keys that a verifier brings along.

    Args:
        path: An ``allowed_signers`` file.

    Raises:
        NotFoundError: If it is not there.
        UsageError: If it cannot be read, or is malformed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return read_signers(data, str(path))
    except IntegrityError as error:
        raise UsageError(
            error.message, "See ALLOWED SIGNERS in man ssh-keygen."
        ) from error


def _checkpoint(path: Path) -> str:
    note = _text(path)
    check_is_checkpoint(note, str(path))
    return note


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _key(text: str, path: Path) -> HeldKey:
    if not text.lstrip().startswith("-----BEGIN"):
        try:
            key = parse_note_key(text)
        except UsageError:
            # What is wrong with it would quote it, and it may be a secret.
            raise UsageError(
                f"{path} holds no ledger key: expected PEM, or name+identifier+key"
            ) from None
        return HeldKey(key.key.public_bytes_raw(), key.name)
    try:
        found = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no public key") from error
    if not isinstance(found, Ed25519PublicKey):
        raise UsageError(
            f"{path}: expected an Ed25519 public key",
            "A ledger's is governance/keys/ledger.pub, from a source you trust.",
        )
    return HeldKey(found.public_bytes_raw(), None)


def verify_held(log: ProvenLog, held: Held) -> Iterator[ExportFinding]:
    """Hold an export's ledger against what the verifier brought.

    Args:
        log: What the export proves of its ledger.
        held: What was brought along.
    """
    if held.key is not None and not held.key.is_of(log.key):
        yield finding(LEDGER_KEY, "signature", "it is not the ledger key you gave")
    elif held.checkpoint is not None:
        yield from _verify_continues(log, held.checkpoint)


def _verify_continues(log: ProvenLog, note: str) -> Iterator[ExportFinding]:
    try:
        kept = open_checkpoint(note, log.key)
    except IntegrityError as error:
        message = f"the checkpoint you gave: {error.message}"
        yield finding(CHECKPOINT, "proof", message)
        return
    reason = _disagreement(log, kept)
    if reason is not None:
        yield finding(CHECKPOINT, "proof", reason)


def _disagreement(log: ProvenLog, kept: Head) -> str | None:
    if kept.size > log.head.size:
        return (
            f"the checkpoint you gave is newer than the export ({kept.size} entries, "
            f"the export's ledger {log.head.size}) and cannot be compared offline: the "
            "export cannot show that one became the other; an export made later, or "
            "`governance ledger verify --against`, can"
        )
    if kept == log.head or kept in log.heads:
        return None
    if kept.size == log.head.size or log.leaves or _same_size(log, kept):
        root = root_of(log.leaves[: kept.size]).hex() if log.leaves else ""
        if root == kept.root:
            return None
        return f"its ledger does not continue the checkpoint of {kept.size} entries"
    return (
        f"the export holds no proof from {kept.size} entries on, because its ledger is "
        "long: `governance ledger verify --against` has one"
    )


def _same_size(log: ProvenLog, kept: Head) -> bool:
    return any(head.size == kept.size for head in log.heads)
