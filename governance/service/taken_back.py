"""Every signature ever given for taking an edit out, and what came of each."""

from governance.domain.lifecycle import EditState
from governance.domain.rollback import WITHDRAWALS, PendingRollback
from governance.domain.signoff import Signed
from governance.domain.state import EditRecord, WorkspaceState
from governance.service import views
from governance.service.book import Book
from governance.service.signed_views import rollback_view, signoff_view
from governance.service.workspace import Workspace

_WITHDRAWN = frozenset(WITHDRAWALS.values())


def taking_back(book: Book, record: EditRecord) -> tuple[views.RollbackHand, ...]:
    """Return every signature on what took an edit out, would have, or ended that.

    Args:
        book: The ledger folded.
        record: The edit.

    Returns:
        In the ledger's order; empty where nobody ever asked for it.
    """
    if not record.rollbacks:
        return ()
    lived = sorted(
        at
        for snapshot in book.snapshots.values()
        if snapshot.model == record.model
        for at in snapshot.lived
    )
    return tuple(
        views.RollbackHand(
            signoff=signoff_view(signed),
            reason=_said(signed, "reason"),
            snapshot=_said(signed, "snapshot"),
            sequence=signed.sequence,
            fate=_fate(record, signed, lived),
        )
        for signed in record.rollbacks
    )


def _fate(record: EditRecord, signed: Signed, lived: list[int]) -> str:
    """Say what came of one signature."""
    if _said(signed, "action") in _WITHDRAWN:
        return "ended what waited"
    last = record.rollbacks[-1]
    done = record.state is EditState.REVERTED
    if done and signed == last:
        return "took it out"
    # What waits ends when anything goes live on the model.
    end = next((at for at in lived if at > signed.sequence), None)
    for other in record.rollbacks:
        ended = _said(other, "action") == WITHDRAWALS.get(_said(signed, "action"))
        behind = signed.sequence < other.sequence < (end or other.sequence + 1)
        if ended and behind and _same(other, signed):
            return f"ended by {other.principal} at entry {other.sequence}"
    if end is None:
        return "waits"
    if (
        done
        and end == last.sequence
        and _said(last, "action") == _said(signed, "action")
    ):
        return "helped to take it out" if _same(last, signed) else _overtaken(end)
    return _overtaken(end)


def _overtaken(entry: int) -> str:
    return f"overtaken by what went live at entry {entry}"


def _same(one: Signed, other: Signed) -> bool:
    """Say whether two statements are about the same edits and the same snapshot."""
    return all(
        one.document.get(name) == other.document.get(name)
        for name in ("edits", "snapshot")
    )


def _said(signed: Signed, name: str) -> str:
    return str(signed.document.get(name, ""))


def waiting_mark(state: WorkspaceState, edit: str) -> str:
    """Say in a line which rollbacks of an edit wait, and who signed; empty for none."""
    found = [item for item in state.rollbacks.values() if edit in item.leaving]
    return "; ".join(waiting_words(item) for item in found)


def waiting_words(pending: PendingRollback) -> str:
    """Say what waits, and who signed for it."""
    who = ", ".join(signed.principal for signed in pending.signatures)
    return f"{pending.wanted[0]} waits, signed by {who}"


def waiting_to(
    workspace: Workspace, state: WorkspaceState, model: str, snapshot: str
) -> tuple[views.RollbackView, ...]:
    """Return the rollbacks to a snapshot that wait for signatures.

    Args:
        workspace: The workspace.
        state: The state.
        model: Model name.
        snapshot: Digest that would go live.
    """
    return tuple(
        rollback_view(workspace, state, item)
        for item in state.rollbacks.values()
        if (item.model, item.snapshot) == (model, snapshot)
    )
