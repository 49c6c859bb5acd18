"""The key that signs exported folders: its event, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from governance.domain.event import Event, RecordedEvent
from governance.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class SigningKeyRecorded(Event):
    """A key signs exports from here on; earlier ones keep what they signed.

    Args:
        key: Public key, PEM, P-256.
    """

    name: ClassVar[str] = "SigningKeyRecorded"
    key: str


def fold_signing_key(
    known: Mapping[str, int], event: SigningKeyRecorded, entry: RecordedEvent
) -> Mapping[str, int]:
    """Remember which entry recorded a key.

    Args:
        known: Public key to the entry that recorded it.
        event: The event.
        entry: Its entry.

    Raises:
        IntegrityError: There is no workspace yet, or the key was recorded before.
    """
    if entry.sequence == 1 or event.key in known:
        raise IntegrityError(
            f"entry {entry.sequence}: a model signing key is recorded once, and after "
            "the first entry",
            "Run `governance ledger verify`.",
        )
    return {**known, event.key: entry.sequence}
