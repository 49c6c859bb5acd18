"""Checkpoints (c2sp.org/tlog-checkpoint): a ledger's head, to be signed and held."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.domain.signoff import Head
from governance.errors import IntegrityError, UsageError
from governance.ledger.merkle import HASH_BYTES
from governance.ledger.note import NoteKey, check_name, open_note, split_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Held:
    """A head that somebody holds, to compare a ledger with.

    Args:
        head: The head.
        holder: Who or what holds it, for messages.
    """

    head: Head
    holder: str


def checkpoint_text(origin: str, head: Head) -> str:
    """Return the text a checkpoint signs.

    Args:
        origin: Name of the ledger.
        head: Its head.
    """
    root = base64.b64encode(bytes.fromhex(head.root)).decode("ascii")
    return f"{check_name(origin)}\n{head.size}\n{root}\n"


def parse_checkpoint(text: str, origin: str) -> Head:
    """Read a checkpoint's text; lines after the third are left to others.

    Args:
        text: The text of an opened note.
        origin: The ledger it must be from.

    Raises:
        IntegrityError: If it is malformed or from another ledger.
    """
    lines = text.split("\n")
    if len(lines) < 4 or not _SIZE.fullmatch(lines[1]):
        message = "no checkpoint: expected lines of origin, size and root"
        raise IntegrityError(message)
    if lines[0] != origin:
        message = (
            f"the checkpoint is of another ledger: expected {origin!r}, "
            f"found {lines[0][:64]!r}"
        )
        raise IntegrityError(message)
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES:
        message = "the checkpoint's root is no SHA-256 hash"
        raise IntegrityError(message)
    return Head(int(lines[1]), root.hex())


def open_checkpoint(note: str, key: NoteKey) -> Head:
    """Return the head of a checkpoint after checking its signature.

    Args:
        note: The signed note.
        key: The ledger's key.

    Raises:
        IntegrityError: If it is malformed, not signed by that key or of another ledger.
    """
    return parse_checkpoint(open_note(note, key), key.name)


def check_is_checkpoint(note: str, shown: str) -> None:
    """Refuse a file that is no checkpoint of any ledger; whose it is, is not asked.

    Args:
        note: Its content.
        shown: How messages name it.

    Raises:
        UsageError: If it is none.
    """
    try:
        text, _ = split_note(note)
        parse_checkpoint(text, text.partition("\n")[0])
    except IntegrityError as error:
        raise UsageError(
            f"{shown} holds no checkpoint: {error.message}",
            "`governance ledger checkpoint > FILE` writes one.",
        ) from error


def disagreement(held: Held, head: Head) -> str | None:
    """Say how a held head contradicts the ledger at the same size, if it does.

    Args:
        held: The held head.
        head: The ledger's own head over as many entries.
    """
    if held.head == head:
        return None
    return (
        f"the first {head.size} entries are not the ones {held.holder} was made for: "
        f"expected root {held.head.root[:16]}, found {head.root[:16]}"
    )


def beyond(held: Sequence[Held], size: int) -> str | None:
    """Say which held head covers entries the ledger does not have, if one does.

    Args:
        held: Held heads.
        size: How many entries the ledger has.
    """
    for one in held:
        if one.head.size > size:
            return (
                f"is missing: {one.holder} was made for {one.head.size} entries, "
                f"the ledger has {size}"
            )
    return None
