"""Which of the rollbacks that wait somebody means, and what to do with a second one."""

from collections.abc import Callable

from governance.domain.rollback import PendingRollback
from governance.domain.state import WorkspaceState
from governance.errors import NotFoundError, UsageError, WrongStateError

_SHORTEST_PREFIX = 4


def waiting_reverts(state: WorkspaceState, edit: str) -> tuple[PendingRollback, ...]:
    """Return every revert of an edit that waits; each leads to other bytes."""
    return tuple(
        item
        for item in state.rollbacks.values()
        if item.wanted[0] == "revert" and item.leaving == (edit,)
    )


def waiting_revert(
    state: WorkspaceState, edit: str, snapshot: str | None = None
) -> PendingRollback:
    """Return the revert of an edit that waits.

    Args:
        state: The state.
        edit: Id of the edit that would leave.
        snapshot: Digest it would lead to, or its beginning; ``None`` for the only one.

    Raises:
        WrongStateError: None waits.
        UsageError: Several do, and none was named.
        NotFoundError: None of that digest waits.
    """
    found = waiting_reverts(state, edit)
    if not found:
        raise WrongStateError(
            f"revert {edit}: none waits for signatures",
            f"`governance edit show {edit}` lists what waits.",
        )
    listed = ", ".join(f"{item.snapshot} (signed by {signers(item)})" for item in found)
    if snapshot is None:
        if len(found) == 1:
            return found[0]
        raise UsageError(
            f"revert {edit}: several wait: {listed}", "Name one with --snapshot."
        )
    start = snapshot.strip().lower()
    named = [item for item in found if item.snapshot.startswith(start)]
    if len(start) >= _SHORTEST_PREFIX and len(named) == 1:
        return named[0]
    raise NotFoundError(
        f"revert {edit}: expected a snapshot that waits, found {snapshot.strip()[:64]!r}; "
        f"there is {listed}",
        "Give its digest, or at least its first characters.",
    )


def waiting_return(state: WorkspaceState, model: str, snapshot: str) -> PendingRollback:
    """Return the return to a snapshot that waits.

    Args:
        state: The state.
        model: Model name.
        snapshot: Its digest.

    Raises:
        WrongStateError: None waits.
    """
    for item in state.rollbacks.values():
        if item.wanted[:3] == ("activate", model, snapshot):
            return item
    raise WrongStateError(
        f"activate: no return to snapshot {snapshot[:12]} waits for signatures",
        "`governance edit show ID` of a live edit lists what would take it out.",
    )


def refuse_other_bytes(
    state: WorkspaceState,
    edit: str,
    snapshot: str,
    compare: Callable[[str, str], str] = lambda _ours, _theirs: "",
) -> None:
    """Refuse to begin a second revert of an edit that leads to other bytes.

    Two machines may round differently; each of two people would then wait for the
    other for ever.

    Args:
        state: The state.
        edit: Id of the edit that leaves.
        snapshot: Digest of the own solve.
        compare: Says in words how far two snapshots differ.

    Raises:
        WrongStateError: One waits, and it is not this.
    """
    found = waiting_reverts(state, edit)
    if not found or any(item.snapshot == snapshot for item in found):
        return
    other = found[0]
    raise WrongStateError(
        f"revert {edit}: solved here it leads to snapshot {snapshot}, and the one that "
        f"waits, signed by {signers(other)}, to {other.snapshot}"
        f"{compare(other.snapshot, snapshot)}",
        f"Nothing was recorded. Sign for theirs with `governance edit revert {edit} "
        f"--reason R --snapshot {other.snapshot}`, or end theirs with --withdraw and "
        "begin anew.",
    )


def signers(pending: PendingRollback) -> str:
    """Name who signed for a rollback that waits."""
    return ", ".join(signed.principal for signed in pending.signatures)
