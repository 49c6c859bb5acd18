"""Sign for a rollback, and judge it where it is recorded."""

from dataclasses import dataclass

from governance.domain.rollback import RollbackSigned
from governance.domain.signoff import (
    ROLLBACK_NAMESPACE,
    Head,
    RollbackStatement,
    Signed,
)
from governance.domain.state import WorkspaceState
from governance.service.authority import (
    check_heads,
    earlier_heads,
    heads_of,
    verify_signed,
)
from governance.service.collecting import refuse_incomplete
from governance.service.identity import Identity, find_identity
from governance.service.reasons import checked_reason
from governance.service.rollback import (
    Return,
    check_said,
    refuse_moved,
    refuse_uncounted,
    waiting,
)
from governance.service.statements import as_signed
from governance.service.workspace import Workspace, Writing


@dataclass(frozen=True, slots=True)
class Given:
    """One person's signature on a rollback.

    Args:
        identity: Who signed.
        statement: What.
        signature: Armored SSHSIG.
    """

    identity: Identity
    statement: RollbackStatement
    signature: str

    @property
    def time(self) -> str:
        """When they signed, as they signed it."""
        return self.statement.time

    def at(self, sequence: int) -> Signed:
        """Return it as an entry of a sequence would hold it."""
        return as_signed(self.identity, self.statement, sequence, self.signature)


def sign_rollback(
    workspace: Workspace,
    state: WorkspaceState,
    wanted: Return,
    reason: str,
    seen: Head | None,
) -> Given:
    """Sign for a rollback that the signature would count for.

    Args:
        workspace: The workspace.
        state: The state it was decided on.
        wanted: What it would do.
        reason: Why; it is signed.
        seen: Ledger head its signer saw; the log must still hold it.

    Raises:
        WrongStateError: This person signed already.
        PolicyRefusedError: The policy would not count it; no key was asked.
        IntegrityError: The log no longer holds what was seen.
    """
    reason = checked_reason(reason, wanted.action)
    identity = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    head = seen or workspace.ledger.head()
    own = earlier_heads(state, identity.principal)
    others = heads_of(waiting(state, wanted))
    check_heads(workspace.ledger, (head, *own, *others))
    statement = _statement(workspace, state, wanted, reason, identity, head)
    weighed = as_signed(identity, statement, state.size + 1)
    refuse_uncounted(workspace, state, wanted, weighed)
    signature = identity.signer.sign(statement.message(), ROLLBACK_NAMESPACE)
    return Given(identity, statement, signature)


def refuse_hand(
    workspace: Workspace, state: WorkspaceState, wanted: Return, reason: str
) -> None:
    """Refuse whoever could not sign for a rollback, before the work it takes.

    Args:
        workspace: The workspace.
        state: The state.
        wanted: What it would do; a snapshot that is not known yet is empty.
        reason: Why.

    Raises:
        GovernanceError: Nobody can sign here, or their signature would not count.
    """
    identity = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    statement = _statement(
        workspace, state, wanted, reason, identity, workspace.ledger.head()
    )
    weighed = as_signed(identity, statement, state.size + 1)
    refuse_uncounted(workspace, state, wanted, weighed)


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
        PolicyRefusedError: This signature does not count.
        IntegrityError: An earlier signature does not verify.
    """
    state = writing.state
    refuse_moved(state, wanted)
    refuse_incomplete(workspace.store, wanted.snapshot)
    own = given.at(state.size + 1)
    signatures = (*waiting(state, wanted), own)
    for signed in signatures:
        verify_signed(signed, state.roster, ROLLBACK_NAMESPACE)
        check_said(signed.document, state.origin, wanted)
    approval = refuse_uncounted(workspace, state, wanted, own)
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


def _statement(
    workspace: Workspace,
    state: WorkspaceState,
    wanted: Return,
    reason: str,
    identity: Identity,
    head: Head,
) -> RollbackStatement:
    return RollbackStatement(
        origin=state.origin,
        head=head,
        action=wanted.action,
        edits=tuple(item.digest for item in wanted.leaving),
        snapshot=wanted.snapshot,
        policy=workspace.policy(state).digest,
        reason=reason,
        principal=identity.principal,
        time=workspace.now(),
    )
