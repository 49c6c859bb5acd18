"""End a rollback that waits for signatures: signed by whoever could sign for it.

As one rejection ends a change. Nothing was live yet, and it may be begun anew.
"""

from dataclasses import replace

from governance.domain.rollback import (
    WITHDRAWALS,
    PendingRollback,
    RollbackWithdrawn,
)
from governance.domain.signoff import Head
from governance.domain.state import WorkspaceState
from governance.errors import WrongStateError
from governance.service.rollback import Return, refuse_uncounted
from governance.service.rollback_signing import sign_rollback
from governance.service.rollback_waiting import waiting_return, waiting_revert
from governance.service.selecting import the_edit, the_snapshot
from governance.service.statements import keep_statement
from governance.service.views import Acted
from governance.service.workspace import Workspace


def withdraw_revert(
    workspace: Workspace,
    name: str,
    reason: str,
    snapshot: str | None = None,
    seen: Head | None = None,
) -> Acted:
    """End a revert that waits.

    Args:
        workspace: The workspace.
        name: Id of the edit that stays.
        reason: Why; it is signed.
        snapshot: Digest it would lead to, or its beginning, where several wait.
        seen: Ledger head its signer saw.

    Returns:
        The edit, where it stands, and what is live.

    Raises:
        WrongStateError: No revert of it waits.
        UsageError: Several do, and none was named.
        PolicyRefusedError: This person has no say in it.
    """
    workspace.refuse_readonly("withdraw")
    state = workspace.state
    record = the_edit(state, name)
    pending = waiting_revert(state, record.id, snapshot)
    return _end(workspace, state, pending, reason, seen)


def withdraw_return(
    workspace: Workspace,
    name: str,
    reason: str,
    model: str | None = None,
    seen: Head | None = None,
) -> Acted:
    """End a return to an earlier snapshot that waits.

    Args:
        workspace: The workspace.
        name: Snapshot, as a person names it.
        reason: Why; it is signed.
        model: Model name, where it is needed.
        seen: Ledger head its signer saw.

    Returns:
        The edits that stay, where they stand, and what is live.

    Raises:
        WrongStateError: No return to it waits.
        PolicyRefusedError: This person has no say in it.
    """
    workspace.refuse_readonly("withdraw")
    book = workspace.book
    target = the_snapshot(book, name, model)
    pending = waiting_return(book.state, target.model, target.digest)
    return _end(workspace, book.state, pending, reason, seen)


def _end(
    workspace: Workspace,
    state: WorkspaceState,
    pending: PendingRollback,
    reason: str,
    seen: Head | None,
) -> Acted:
    action, model, snapshot, leaving = pending.wanted
    wanted = Return(
        action=action,
        model=model,
        snapshot=snapshot,
        previous=pending.previous,
        leaving=tuple(state.edits[name] for name in leaving),
        live=(),
    )
    signing = replace(wanted, action=WITHDRAWALS[action])
    given = sign_rollback(workspace, state, signing, reason, seen)
    with workspace.writing(now=given.time) as writing:
        if pending.wanted not in writing.state.rollbacks:
            raise WrongStateError(
                f"{signing.action}: it no longer waits",
                "Nothing was recorded. Look again.",
            )
        own = given.at(writing.state.size + 1)
        refuse_uncounted(workspace, writing.state, signing, own)
        event = RollbackWithdrawn(
            action=action,
            model=model,
            snapshot=snapshot,
            leaving=list(leaving),
            reason=given.statement.reason,
            key=given.identity.key,
            statement=given.statement.document(),
            signature=given.signature,
        )
        writing.append(event, given.identity.principal)
        keep_statement(workspace.store, given.statement, given.signature)
        after = writing.state
    stands = after.edits[leaving[0]].state.value if leaving else "LIVE"
    return Acted(
        leaving,
        stands,
        after.models[model].live,
        snapshot=snapshot,
        signed=given.identity.signatory,
    )
