"""The key that signs a ledger's heads: what its first entry says, what lies there."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from governance.errors import GovernanceError, IntegrityError, UsageError
from governance.ledger.log import Ledger
from governance.ledger.notary import PRIVATE, PUBLIC, Notary
from governance.ledger.note import NoteKey, parse_note_key
from governance.service.fields import text
from governance.service.layout import Layout
from governance.service.signers_file import FOLLOWS

_MAX_BYTES = 4096


def recorded_key(ledger: Ledger) -> NoteKey:
    """Return the key the first entry names: whose notes are this ledger's.

    Raises:
        IntegrityError: It names none.
    """
    try:
        return parse_note_key(text(ledger.entry(1).data, "ledger_key"))
    except UsageError as error:
        raise IntegrityError(f"entry 1: {error.message}") from error


def refuse_other_key(ledger: Ledger, notary: Notary) -> None:
    """Refuse to sign a ledger's heads with a key that its first entry does not name.

    Args:
        ledger: The ledger; it has entries.
        notary: Who would sign.

    Raises:
        IntegrityError: The key is another ledger's, or entry 1 names none.
    """
    problem = _difference(notary.folder / PRIVATE, recorded_key(ledger), notary)
    if problem:
        raise IntegrityError(
            problem,
            "Nothing was written. Put back the ledger.key of this ledger from where "
            "you keep it.",
        )


def _difference(path: Path, recorded: NoteKey, notary: Notary) -> str:
    if notary.public.text == recorded.text:
        return ""
    return (
        f"{path} is not the ledger key that entry 1 names: expected {recorded.text}, "
        f"found {notary.public.text}"
    )


def key_problem(layout: Layout, recorded: NoteKey, *, readonly: bool) -> str:
    """Say which key files are not those of the recorded key; empty where all are.

    Args:
        layout: Where the files lie.
        recorded: The key the first entry names.
        readonly: Whether there need be no private key, as where an auditor reads.
    """
    private = _private_problem(layout, recorded, readonly=readonly)
    return "; ".join(filter(None, (_public_problem(layout, recorded), private)))


def _private_problem(layout: Layout, recorded: NoteKey, *, readonly: bool) -> str:
    private = layout.root / PRIVATE
    if not os.path.lexists(private):
        if readonly:
            return ""
        return (
            f"{private} is not there: put it back from where you keep it (whoever only "
            "reads needs none, and gives --readonly)"
        )
    if not os.access(private, os.R_OK):
        return ""
    try:
        return _difference(private, recorded, Notary.open(layout.root))
    except GovernanceError as error:
        return error.message


def _public_problem(layout: Layout, recorded: NoteKey) -> str:
    public = layout.root / PUBLIC
    if not os.path.lexists(public):
        return f"{public} is not there: {FOLLOWS}"
    try:
        found = _public(public.read_bytes()[:_MAX_BYTES])
    except OSError as error:
        return f"{public} cannot be read: {error.strerror}"
    if found != recorded.key.public_bytes_raw():
        return f"{public} is not the ledger key that entry 1 names"
    return ""


def _public(pem: bytes) -> bytes:
    """Return a PEM's raw Ed25519 key, nothing where it holds none."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else b""
