"""What every rollback shares: what it would do, and the policy's rule on it.

Where the policy asks for several signatures, everybody runs the same command: what
all but the last sign is recorded and waits, and the last one makes it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.event import Document
from governance.domain.rollback import WITHDRAWALS, PendingRollback
from governance.domain.signoff import Signed
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import IntegrityError, PolicyRefusedError, WrongStateError
from governance.policy.signoffs import Approval, Proposal, judge_rollback
from governance.service.statements import refuse_behind
from governance.service.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Return:
    """What a rollback would do.

    Args:
        action: ``revert`` or ``activate``.
        model: Model name.
        snapshot: Digest that goes live.
        previous: Digest that is live.
        leaving: The edits that leave.
        live: Ids of every edit that stays.
    """

    action: str
    model: str
    snapshot: str
    previous: str
    leaving: tuple[EditRecord, ...]
    live: tuple[str, ...]


def refuse_uncounted(
    workspace: Workspace, state: WorkspaceState, wanted: Return, own: Signed
) -> Approval:
    """Refuse a signature that would count for nothing; no key needs to be asked.

    Args:
        workspace: The workspace.
        state: The state it is given on.
        wanted: What it is for.
        own: The newest signature, or what would be signed.

    Returns:
        What it amounts to together with those that wait for the same.

    Raises:
        WrongStateError: This person signed already, or the clock is behind another's.
        PolicyRefusedError: The policy does not count it.
    """
    approval = weigh_rollback(
        workspace,
        state,
        wanted.leaving,
        (*waiting(state, wanted), own),
        at=own.sequence,
        now=own.time,
    )
    _refuse_dismissed(wanted.action, approval, own)
    refuse_behind(approval, wanted.action)
    return approval


def waiting(state: WorkspaceState, wanted: Return) -> tuple[Signed, ...]:
    """Return the signatures that wait for exactly this rollback."""
    leaving = tuple(item.id for item in wanted.leaving)
    key = (wanted.action, wanted.model, wanted.snapshot, leaving)
    known = state.rollbacks.get(key)
    return () if known is None else known.signatures


def waiting_for(state: WorkspaceState, edit: str) -> tuple[PendingRollback, ...]:
    """Return every rollback that waits to take an edit out."""
    return tuple(item for item in state.rollbacks.values() if edit in item.leaving)


def still_missing(
    workspace: Workspace, state: WorkspaceState, pending: PendingRollback
) -> tuple[str, ...]:
    """Say what a rollback waits for, as its signatures count now.

    Args:
        workspace: The workspace.
        state: The state.
        pending: The rollback.
    """
    leaving = [state.edits[name] for name in pending.leaving]
    return weigh_rollback(
        workspace,
        state,
        leaving,
        pending.signatures,
        at=state.size + 1,
        now=workspace.now(),
    ).missing


def weigh_rollback(
    workspace: Workspace,
    state: WorkspaceState,
    leaving: Sequence[EditRecord],
    signatures: Sequence[Signed],
    *,
    at: int,
    now: str,
) -> Approval:
    """Weigh the signatures on a rollback by the policy in force.

    Args:
        workspace: The workspace.
        state: The state.
        leaving: The edits that leave.
        signatures: Every signature; the last one is the newest.
        at: Ledger sequence they are used at.
        now: Time they are used at, RFC 3339 UTC.
    """
    return judge_rollback(
        workspace.policy(state),
        signatures,
        [Proposal(item.proposer, item.key) for item in leaving],
        state.roster,
        reason=str(signatures[-1].document.get("reason", "")),
        at=at,
        now=now,
    )


def check_said(said: Document, origin: str, wanted: Return) -> None:
    """Refuse a signature, however genuine, that is for another rollback.

    Args:
        said: The signed statement.
        origin: Ledger origin.
        wanted: What it is used for.

    Raises:
        IntegrityError: It says something else.
    """
    expected: dict[str, JSON] = {
        "origin": origin,
        "action": wanted.action,
        "edits": [item.digest for item in wanted.leaving],
        "snapshot": wanted.snapshot,
    }
    if {name: said.get(name) for name in expected} != expected:
        raise IntegrityError(
            f"{wanted.action}: the entry says something else than what was signed",
            "Run `governance ledger verify`.",
        )


def refuse_moved(state: WorkspaceState, wanted: Return) -> None:
    """Refuse when something else went live since a rollback was decided.

    Raises:
        WrongStateError: It did.
    """
    live = state.models[wanted.model].live
    if live != wanted.previous:
        raise WrongStateError(
            f"{wanted.action}: another snapshot went live meanwhile; expected "
            f"{wanted.previous[:12]}, found {live[:12]}",
            "Nothing was recorded. Look again, then repeat it.",
        )


def _refuse_dismissed(action: str, approval: Approval, own: Signed) -> None:
    for signed, why in approval.dismissed:
        if signed is not own:
            continue
        if why.startswith("a second approval"):
            raise WrongStateError(
                f"{action}: {own.principal!r} signed for it already",
                "Somebody else has to sign.",
            )
        if action in WITHDRAWALS.values():
            raise PolicyRefusedError(
                f"{action}: a signature by {own.principal!r} does not count: {why}",
                "Whoever could sign for it can end it. `governance policy show` prints "
                "the rollback rule.",
            )
        raise PolicyRefusedError(
            f"{action}: the policy is not satisfied: a signature by "
            f"{own.principal!r} does not count: {why}",
            "`governance policy show` prints its rollback rule.",
        )
