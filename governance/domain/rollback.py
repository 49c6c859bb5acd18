"""A rollback that waits for more people than the one who asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from governance.domain.event import Document, Event, RecordedEvent
from governance.domain.signoff import Signed, signed_at
from governance.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class RollbackSigned(Event):
    """Somebody signed for a rollback that needs more signatures than theirs.

    Args:
        action: ``revert`` or ``activate``.
        model: Model name.
        snapshot: Digest that would go live.
        previous: Digest that was live.
        leaving: Ids of the edits that would leave.
        live: Ids of every edit it would hold.
        reason: Why.
        key: Public key.
        statement: Signed rollback statement.
        signature: SSHSIG over its canonical bytes.
    """

    name: ClassVar[str] = "RollbackSigned"
    action: str
    model: str
    snapshot: str
    previous: str
    leaving: Sequence[str]
    live: Sequence[str]
    reason: str
    key: str
    statement: Document
    signature: str


@dataclass(frozen=True, slots=True)
class RollbackWithdrawn(Event):
    """Somebody ended a rollback that waited for signatures.

    Args:
        action: ``revert`` or ``activate``.
        model: Model name.
        snapshot: Digest that would have gone live.
        leaving: Ids of the edits that would have left.
        reason: Why.
        key: Public key.
        statement: Signed rollback statement; its action begins with ``withdraw``.
        signature: SSHSIG over its canonical bytes.
    """

    name: ClassVar[str] = "RollbackWithdrawn"
    action: str
    model: str
    snapshot: str
    leaving: Sequence[str]
    reason: str
    key: str
    statement: Document
    signature: str


WITHDRAWALS = {"revert": "withdraw revert", "activate": "withdraw activate"}
"""By action of what waits, the action that whoever ends it signs for."""

Wanted = tuple[str, str, str, tuple[str, ...]]
"""Action, model, snapshot that would go live, and ids of the edits that would leave."""


@dataclass(frozen=True, slots=True)
class PendingRollback:
    """What some have signed for and nobody has completed.

    Args:
        wanted: What it would do.
        previous: Digest it is decided on; it ends when something else goes live.
        signatures: Every signature so far, in the ledger's order.
    """

    wanted: Wanted
    previous: str
    signatures: tuple[Signed, ...]

    @property
    def model(self) -> str:
        """Model name."""
        return self.wanted[1]

    @property
    def leaving(self) -> tuple[str, ...]:
        """Ids of the edits that would leave."""
        return self.wanted[3]

    @property
    def snapshot(self) -> str:
        """Digest that would go live."""
        return self.wanted[2]


Pending = Mapping[Wanted, PendingRollback]


def fold_rollback(
    pending: Pending, live: str, event: RollbackSigned, entry: RecordedEvent
) -> Pending:
    """Add one signature to what waits.

    Args:
        pending: What waits already.
        live: Digest that is live on the model.
        event: The signature.
        entry: Its entry.

    Raises:
        IntegrityError: It was decided on something that is not live.
    """
    if event.action not in WITHDRAWALS:
        raise IntegrityError(
            f"entry {entry.sequence}: a rollback by an unknown action was signed",
            "Open this workspace with the program version that wrote it.",
        )
    if event.previous != live:
        raise IntegrityError(
            f"entry {entry.sequence}: a rollback of {event.previous[:12]} was signed, "
            f"which was not live on {event.model!r}",
            "Run `governance ledger verify`.",
        )
    wanted = (event.action, event.model, event.snapshot, tuple(event.leaving))
    signed = signed_at(event, entry)
    known = pending.get(wanted) or PendingRollback(wanted, event.previous, ())
    held = replace(known, signatures=(*known.signatures, signed))
    return {**pending, wanted: held}


def fold_withdrawn(
    pending: Pending, event: RollbackWithdrawn, entry: RecordedEvent
) -> Pending:
    """Drop one rollback that waits, with every signature on it.

    Args:
        pending: What waits.
        event: What ended it.
        entry: Its entry.

    Raises:
        IntegrityError: No such rollback waits.
    """
    wanted = (event.action, event.model, event.snapshot, tuple(event.leaving))
    if wanted not in pending:
        raise IntegrityError(
            f"entry {entry.sequence}: a rollback to {event.snapshot[:12]} was "
            "withdrawn, which did not wait",
            "Run `governance ledger verify`.",
        )
    return {key: item for key, item in pending.items() if key != wanted}


def overtaken(pending: Pending, model: str) -> Pending:
    """Drop what waits on a model on which something went live."""
    return {key: item for key, item in pending.items() if item.model != model}
