"""Signed notes (c2sp.org/signed-note) with Ed25519 keys.

A note is a text, an empty line and signature lines. Anybody with the public key can
check one, with this program or another.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from governance.errors import IntegrityError, UsageError

_DASH = "\N{EM DASH} "
_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_MAX_NOTE = 65_536
_MAX_LINES = 100


def check_name(name: str) -> str:
    """Return ``name`` if a note's key may have it.

    Raises:
        UsageError: If it is empty or holds a plus sign, a space or control characters.
    """
    if not _NAME.fullmatch(name):
        message = (
            f"no name for a ledger: {name[:64]!r}; expected 1 to 255 characters "
            "without spaces and +"
        )
        raise UsageError(message, "Use something like example.org/models.")
    return name


@dataclass(frozen=True)
class NoteKey:
    """A public key that notes can be checked with.

    Args:
        name: Whose it is; a ledger's is its origin.
        key: The Ed25519 public key.
    """

    name: str
    key: Ed25519PublicKey

    @property
    def identifier(self) -> bytes:
        """Four bytes that tell the keys of one name apart; no proof of anything."""
        data = self.name.encode() + b"\n" + _ED25519 + self.key.public_bytes_raw()
        return hashlib.sha256(data).digest()[:4]

    @property
    def text(self) -> str:
        """The key as other programs take it, ``name+identifier+key``."""
        encoded = base64.b64encode(_ED25519 + self.key.public_bytes_raw())
        return f"{self.name}+{self.identifier.hex()}+{encoded.decode('ascii')}"


def parse_note_key(text: str) -> NoteKey:
    """Read a public key in the form :attr:`NoteKey.text` writes.

    Raises:
        UsageError: If it is no such text.
    """
    name, _, rest = text.strip().partition("+")
    identifier, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
        key = NoteKey(check_name(name), Ed25519PublicKey.from_public_bytes(raw[1:]))
    except (binascii.Error, ValueError) as error:
        message = "no ledger key: expected name+identifier+key"
        raise UsageError(message) from error
    if raw[:1] != _ED25519 or key.identifier.hex() != identifier:
        message = "the ledger key does not fit its identifier"
        raise UsageError(message)
    return key


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Sign a text.

    Args:
        text: One or more lines, each ended; no empty one.
        name: Name of the key.
        key: The private key.

    Returns:
        The note.

    Raises:
        UsageError: If the text cannot stand in a note.
    """
    if not text.endswith("\n") or "\n\n" in f"\n{text}":
        message = "the text of a note is made of whole, non-empty lines"
        raise UsageError(message)
    public = NoteKey(check_name(name), key.public_key())
    signature = base64.b64encode(public.identifier + key.sign(text.encode()))
    return f"{text}\n{_DASH}{name} {signature.decode('ascii')}\n"


def open_note(note: str, key: NoteKey) -> str:
    """Return a note's text after checking its signature.

    Args:
        note: The note; signatures by other keys are passed over.
        key: The key that must have signed.

    Raises:
        IntegrityError: If the note is malformed or that key did not sign it.
    """
    text, lines = split_note(note)
    for line in lines:
        name, identifier, signature = _signature(line)
        if (name, identifier) == (key.name, key.identifier):
            try:
                key.key.verify(signature, text.encode())
            except InvalidSignature as error:
                message = f"the signature of {key.name!r} on the note does not verify"
                raise IntegrityError(message) from error
            return text
    message = f"the note is not signed by {key.text}"
    raise IntegrityError(message, "Check it with the key of the ledger it is from.")


def split_note(note: str) -> tuple[str, list[str]]:
    """Return a note's text and its signature lines; no signature is checked.

    Args:
        note: The note.

    Raises:
        IntegrityError: If it is no note.
    """
    text, separator, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    malformed = len(note) > _MAX_NOTE or len(lines) > _MAX_LINES
    if malformed or not separator or not text or lines.pop() != "":
        message = "no signed note: expected text, an empty line and signatures"
        raise IntegrityError(message)
    return f"{text}\n", lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Return name, identifier and signature of one signature line.

    Raises:
        IntegrityError: If it is none.
    """
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(raw) < 5:
        message = "the note has a malformed signature line"
        raise IntegrityError(message)
    return name, raw[:4], raw[4:]
