"""Was a signed rollback statement signed for the rollback that an entry tells."""

from collections.abc import Sequence

from governance.canonical import JSON
from governance.domain.events import EditReverted, Event, SnapshotRestored
from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import Signed
from governance.snapshots.verify_log import Told

Rollback = EditReverted | SnapshotRestored


def same(other: Event, event: Rollback) -> bool:
    """Say whether somebody signed for this very rollback, and waited for others."""
    return (
        isinstance(other, RollbackSigned)
        and (other.model, other.snapshot, other.previous)
        == (event.model, event.snapshot, event.previous)
        and other.action == _action(event)
    )


def refusal(told: Told, event: Rollback, own: Event, signed: Signed) -> str | None:
    """Say why a statement, however genuine, does not count for a rollback.

    Whoever ends a rollback that waits signs the same form for the same snapshot.

    Args:
        told: What the ledger says.
        event: The rollback.
        own: The event that holds the statement.
        signed: The statement.
    """
    said = signed.document
    wanted: dict[str, JSON] = {
        "action": _action(event),
        "snapshot": event.snapshot,
        "reason": own.reason
        if isinstance(own, RollbackSigned | EditReverted | SnapshotRestored)
        else None,
    }
    for name, value in wanted.items():
        if said.get(name) != value:
            return f"signed for another {name}"
    return None if _leave(told, event, said.get("edits")) else "signed for other edits"


def _action(event: Rollback) -> str:
    return "revert" if isinstance(event, EditReverted) else "activate"


def _leave(told: Told, event: Rollback, digests: JSON) -> bool:
    """Say whether exactly what a statement names leaves, and nothing of it stays."""
    if not isinstance(digests, Sequence) or isinstance(digests, str):
        return False
    proposals = told.proposals
    if isinstance(event, EditReverted):
        left = proposals.get(event.edit)
        gone = left is not None and event.edit not in event.live
        return gone and left is not None and list(digests) == [left[1].digest]
    leaving = {
        proposed.digest
        for name, (_, proposed) in proposals.items()
        if name not in event.live
    }
    return all(digest in leaving for digest in digests)
