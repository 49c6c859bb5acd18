"""What every rollback shares: a signed statement, and the policy's rule on it.

Where the policy asks for several signatures, everybody runs the same command: what
all but the last sign is recorded and waits, and the last one makes it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.event import Document
from governance.domain.rollback import PendingRollback, RollbackSigned
from governance.domain.signoff import (
    ROLLBACK_NAMESPACE,
    Head,
    RollbackStatement,
    Signed,
)
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import IntegrityError, SignOffMissingError, WrongStateError
from governance.policy.signoffs import Approval, Proposal, judge_rollback
from governance.service.authority import (
    check_heads,
    earlier_heads,
    heads_of,
    verify_signed,
)
from governance.service.collecting import refuse_incomplete
from governance.service.identity import Identity, find_identity
from governance.service.reasons import checked_reason
from governance.service.workspace import Workspace, Writing


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


@dataclass(frozen=True, slots=True)
class Given:
    """One person's signature on a rollback.

    Args:
        identity: Who signed.
        statement: What.
        signature: Armored SSHSIG.
        time: When.
    """

    identity: Identity
    statement: RollbackStatement
    signature: str
    time: str


def sign_rollback(
    workspace: Workspace,
    state: WorkspaceState,
    wanted: Return,
    reason: str,
    seen: Head | None,
) -> Given:
    """Sign for a rollback, having checked the heads its signer saw.

    Args:
        workspace: The workspace.
        state: The state it was decided on.
        wanted: What it would do.
        reason: Why; it is signed.
        seen: Ledger head its signer saw.
    """
    reason = checked_reason(reason, wanted.action)
    identity = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    head = seen or workspace.ledger.head()
    own = earlier_heads(state, identity.principal)
    others = heads_of(waiting(state, wanted))
    check_heads(workspace.ledger, (head, *own, *others))
    now = workspace.now()
    statement = RollbackStatement(
        origin=state.origin,
        head=head,
        action=wanted.action,
        edits=tuple(item.digest for item in wanted.leaving),
        snapshot=wanted.snapshot,
        policy=workspace.policy(state).digest,
        reason=reason,
        principal=identity.principal,
        time=now,
    )
    signature = identity.signer.sign(statement.message(), ROLLBACK_NAMESPACE)
    workspace.store.put_bytes(statement.message())
    workspace.store.put_bytes(signature.encode("ascii"))
    return Given(identity, statement, signature, now)


def settle_rollback(
    workspace: Workspace, writing: Writing, wanted: Return, given: Given
) -> tuple[str, ...]:
    """Judge a rollback in the transaction that records it.

    Args:
        workspace: The workspace.
        writing: The transaction; one more signature is appended where others are
            still missing.
        wanted: What it would do.
        given: The newest signature.

    Returns:
        What is still missing; empty where it may go live.

    Raises:
        WrongStateError: Something else went live, or this person signed already.
        SignOffMissingError: This signature does not count.
        IntegrityError: An earlier signature does not verify.
    """
    state = writing.state
    refuse_moved(state, wanted)
    refuse_incomplete(workspace.store, wanted.snapshot)
    own = Signed(
        principal=given.identity.principal,
        key=given.identity.key,
        document=given.statement.document(),
        signature=given.signature,
        sequence=state.size + 1,
        time=given.time,
    )
    signatures = (*waiting(state, wanted), own)
    for signed in signatures:
        verify_signed(signed, state.roster, ROLLBACK_NAMESPACE)
        check_said(signed.document, state.origin, wanted)
    approval = weigh_rollback(
        workspace, state, wanted.leaving, signatures, at=own.sequence, now=own.time
    )
    _refuse_dismissed(wanted.action, approval, own)
    if approval.missing:
        event = RollbackSigned(
            action=wanted.action,
            model=wanted.model,
            snapshot=wanted.snapshot,
            previous=wanted.previous,
            leaving=[item.id for item in wanted.leaving],
            live=list(wanted.live),
            reason=given.statement.reason,
            key=own.key,
            statement=own.document,
            signature=own.signature,
        )
        writing.append(event, own.principal)
    return approval.missing


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
        raise SignOffMissingError(
            f"{action}: the policy is not satisfied: a signature by "
            f"{own.principal!r} does not count: {why}",
            "`governance policy show` prints its rollback rule.",
        )
