"""The key that signs a ledger's heads: what its first entry says, what lies there."""

import os

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from governance.errors import GovernanceError, IntegrityError, UsageError
from governance.ledger.log import Ledger
from governance.ledger.notary import PRIVATE, PUBLIC, Notary
from governance.ledger.note import NoteKey, parse_note_key
from governance.service.fields import text
from governance.service.layout import Layout

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


def key_problem(layout: Layout, recorded: NoteKey) -> str:
    """Say which key file is not that of the recorded key; empty where all are.

    Args:
        layout: Where the files lie. An auditor's workspace may hold no private key.
        recorded: The key the first entry names.
    """
    public, private = layout.root / PUBLIC, layout.root / PRIVATE
    try:
        found = _public(public.read_bytes()[:_MAX_BYTES])
    except OSError as error:
        return f"{public} cannot be read: {error.strerror}"
    if found != recorded.key.public_bytes_raw():
        return f"{public} is not the ledger key that entry 1 names"
    if not os.access(private, os.R_OK):
        return ""
    try:
        same = Notary.open(layout.root).public.text == recorded.text
    except GovernanceError as error:
        return error.message
    return "" if same else f"{private} is not the ledger key that entry 1 names"


def _public(pem: bytes) -> bytes:
    """Return a PEM's raw Ed25519 key, nothing where it holds none."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else b""
