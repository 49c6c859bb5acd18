"""Verify what the ledger says of rollbacks: who signed, for what, and whether enough."""

from governance.domain.events import EditReverted, SnapshotRestored
from governance.domain.rollback import WITHDRAWALS, RollbackSigned, RollbackWithdrawn
from governance.domain.signoff import ROLLBACK_NAMESPACE, Signed, signed_at
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import IntegrityError, SignOffMissingError
from governance.ledger.entry import Entry
from governance.service.authority import Check, check_claim, verify_signed
from governance.service.book import wanted_of
from governance.service.rollback import Return, check_said, weigh_rollback
from governance.service.workspace import Workspace
from governance.text import safe

RollbackEvent = EditReverted | SnapshotRestored | RollbackSigned


def check_rollback(
    workspace: Workspace,
    before: WorkspaceState,
    event: RollbackEvent,
    entry: Entry,
    check: Check = check_claim,
) -> None:
    """Verify one rollback's signature, and judge it again.

    Args:
        workspace: The workspace.
        before: The state before its entry.
        event: The rollback, or one of the signatures it waits for.
        entry: Its entry.
        check: Verifies the signature itself.

    Raises:
        IntegrityError: The signature, or what was signed, is another.
        SignOffMissingError: The policy's rule was not met.
    """
    signed = signed_at(event, entry)
    verify_signed(signed, before.roster, ROLLBACK_NAMESPACE, check)
    leaving = [
        item for item in before.live_edits(event.model) if item.id not in event.live
    ]
    named = [item.id for item in leaving]
    if isinstance(event, EditReverted) and named != [event.edit]:
        raise IntegrityError(
            f"the entry reverts {safe(event.edit, 40)}, and takes out others"
        )
    wanted = Return(
        action=_action(event),
        model=event.model,
        snapshot=event.snapshot,
        previous=event.previous,
        leaving=tuple(leaving),
        live=tuple(event.live),
    )
    check_said(event.statement, before.origin, wanted)
    if event.statement.get("reason") != event.reason:
        raise IntegrityError("the entry gives another reason than was signed")
    if isinstance(event, RollbackSigned) and list(event.leaving) != named:
        raise IntegrityError("the entry names other edits than would leave")
    signatures: tuple[Signed, ...] = (signed,)
    if not isinstance(event, RollbackSigned):
        waiting = before.rollbacks.get(wanted_of(before, event))
        signatures = (*(waiting.signatures if waiting else ()), signed)
    _check_enough(workspace, before, event, leaving, signatures)


def check_withdrawal(
    workspace: Workspace,
    before: WorkspaceState,
    event: RollbackWithdrawn,
    entry: Entry,
    check: Check = check_claim,
) -> None:
    """Verify who ended a rollback that waited, and judge whether they might.

    Args:
        workspace: The workspace.
        before: The state before its entry; the rollback waits in it.
        event: What ended it.
        entry: Its entry.
        check: Verifies the signature itself.

    Raises:
        IntegrityError: The signature, or what was signed, is another.
        SignOffMissingError: This person had no say in it.
    """
    signed = signed_at(event, entry)
    verify_signed(signed, before.roster, ROLLBACK_NAMESPACE, check)
    leaving = [before.edits[name] for name in event.leaving]
    wanted = Return(
        action=WITHDRAWALS[event.action],
        model=event.model,
        snapshot=event.snapshot,
        previous=before.models[event.model].live,
        leaving=tuple(leaving),
        live=(),
    )
    check_said(event.statement, before.origin, wanted)
    if event.statement.get("reason") != event.reason:
        raise IntegrityError("the entry gives another reason than was signed")
    approval = weigh_rollback(
        workspace, before, leaving, (signed,), at=signed.sequence, now=signed.time
    )
    for _, why in approval.dismissed:
        raise SignOffMissingError(f"withdraw: the policy was not satisfied: {why}")


def _action(event: RollbackEvent) -> str:
    if isinstance(event, RollbackSigned):
        return event.action
    return "revert" if isinstance(event, EditReverted) else "activate"


def _check_enough(
    workspace: Workspace,
    before: WorkspaceState,
    event: RollbackEvent,
    leaving: list[EditRecord],
    signatures: tuple[Signed, ...],
) -> None:
    own = signatures[-1]
    approval = weigh_rollback(
        workspace, before, leaving, signatures, at=own.sequence, now=own.time
    )
    refused = [why for who, why in approval.dismissed if who is own]
    missing = () if isinstance(event, RollbackSigned) else approval.missing
    if refused or missing:
        found = "; ".join((*missing, *refused))
        raise SignOffMissingError(f"rollback: the policy was not satisfied: {found}")
