"""Activate: return to the base, or to what was live before, and sign for it."""

from governance.domain.events import SnapshotRestored
from governance.domain.lifecycle import EditState
from governance.domain.signoff import Head
from governance.domain.state import WorkspaceState
from governance.errors import SignOffMissingError, WrongStateError
from governance.service.book import SnapshotRecord
from governance.service.rollback import Return
from governance.service.rollback_signing import settle_rollback, sign_rollback
from governance.service.selecting import the_snapshot
from governance.service.statements import keep_statement
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
        The edits that are live then; what is still missing where others have to sign.

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
    live = state.live_edits(target.model)
    wanted = Return(
        action="activate",
        model=target.model,
        snapshot=target.digest,
        previous=state.models[target.model].live,
        leaving=tuple(item for item in live if item.id not in target.edits),
        live=target.edits,
    )
    given = sign_rollback(workspace, state, wanted, reason, seen)
    with workspace.writing(now=given.time) as writing:
        missing = settle_rollback(workspace, writing, wanted, given)
        if not missing:
            writing.append(
                SnapshotRestored(
                    model=wanted.model,
                    snapshot=wanted.snapshot,
                    previous=wanted.previous,
                    live=list(wanted.live),
                    reason=given.statement.reason,
                    key=given.identity.key,
                    statement=given.statement.document(),
                    signature=given.signature,
                ),
                given.identity.principal,
            )
        keep_statement(workspace.store, given.statement, given.signature)
        live_now = writing.state.models[wanted.model].live
    return Acted(
        target.edits,
        EditState.LIVE.value,
        live_now,
        missing,
        snapshot=wanted.snapshot,
        signed=given.identity.signatory,
    )


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
