"""Activate: return to the base, or to what was live before, and sign for it."""

from governance.domain.events import SnapshotRestored
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Head
from governance.domain.state import WorkspaceState
from governance.errors import SignOffMissingError, WrongStateError
from governance.service.book import SnapshotRecord
from governance.service.rollback import Rollback, check_rollback, refuse_moved
from governance.service.selecting import the_snapshot
from governance.service.stored import check_snapshot
from governance.service.views import Acted
from governance.service.workspace import Workspace


def activate(
    workspace: Workspace, name: str, reason: str, model: str | None, seen: Head | None
) -> Acted:
    """Return to the base, or to what was live before.

    Args:
        workspace: The workspace.
        name: Snapshot, as a person names it.
        reason: Why; it is signed.
        model: Model name, where it is needed.
        seen: Ledger head its signer saw.

    Returns:
        The edits that are live then.

    Raises:
        WrongStateError: It is live already.
        SignOffMissingError: It was never live, or holds an edit that was taken back.
        IntegrityError: It changed on disk.
    """
    workspace.refuse_readonly("activate")
    book = workspace.book
    state = book.state
    target = the_snapshot(book, name, model)
    _refuse_unreturnable(state, target)
    check_snapshot(workspace.store, target.digest)
    leaving = [
        item for item in state.live_edits(target.model) if item.id not in target.edits
    ]
    signing = Rollback(workspace, state, "activate", leaving, target.digest, reason)
    statement, identity, signature, now = signing.sign(seen)
    previous = state.models[target.model].live
    with workspace.writing(now=now) as writing:
        refuse_moved(writing.state, target.model, previous, "activate")
        entry = writing.append(
            SnapshotRestored(
                model=target.model,
                snapshot=target.digest,
                previous=previous,
                live=list(target.edits),
                reason=statement.reason,
                key=identity.key,
                statement=statement.document(),
                signature=signature,
            ),
            identity.principal,
        )
        check_rollback(workspace, writing.state, entry, leaving)
    return Acted(target.edits, EditState.LIVE.value, target.digest)


def return_refusal(state: WorkspaceState, target: SnapshotRecord) -> str | None:
    """Say why a snapshot cannot be made live again, if it cannot."""
    if not target.was_live:
        return "it was never live: its edits need approvals"
    gone = [
        name for name in target.edits if state.edits[name].state is not EditState.LIVE
    ]
    if gone:
        return f"it holds {', '.join(gone)}, which was taken back: propose it again"
    return None


def _refuse_unreturnable(state: WorkspaceState, target: SnapshotRecord) -> None:
    shown = f"snapshot {target.digest[:12]}"
    if state.models[target.model].live == target.digest:
        raise WrongStateError(f"activate: {shown} is live already")
    refusal = return_refusal(state, target)
    if refusal is not None:
        raise SignOffMissingError(
            f"activate: {shown} cannot go live: {refusal}",
            "Edits go live by `governance edit sign`, with every approval.",
        )
