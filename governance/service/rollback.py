"""What every rollback shares: a signed statement, and the policy's rule on it."""

from collections.abc import Iterable

from governance.domain.signoff import (
    ROLLBACK_NAMESPACE,
    Head,
    RollbackStatement,
    Signed,
)
from governance.domain.state import EditRecord, WorkspaceState
from governance.errors import SignOffMissingError, WrongStateError
from governance.ledger.entry import Entry
from governance.policy.signoffs import Proposal, judge_rollback
from governance.service.authority import check_heads
from governance.service.fields import table, text
from governance.service.identity import Identity, find_identity
from governance.service.reasons import checked_reason
from governance.service.workspace import Workspace


class Rollback:
    """A rollback on its way to a signature.

    Args:
        workspace: The workspace.
        state: The state it was decided on.
        action: ``revert`` or ``activate``.
        edits: The edits that leave.
        snapshot: Digest that goes live.
        reason: Why; it is signed.
    """

    def __init__(
        self,
        workspace: Workspace,
        state: WorkspaceState,
        action: str,
        edits: Iterable[EditRecord],
        snapshot: str,
        reason: str,
    ) -> None:
        self.workspace = workspace
        self.state = state
        self.action = action
        self.edits = tuple(item.digest for item in edits)
        self.snapshot = snapshot
        self.reason = checked_reason(reason, action)

    def sign(self, seen: Head | None) -> tuple[RollbackStatement, Identity, str, str]:
        """Sign the statement, having checked the head its signer saw."""
        workspace, state = self.workspace, self.state
        identity = find_identity(
            workspace.settings, workspace.layout, state.roster, state.size + 1
        )
        head = seen or workspace.ledger.head()
        check_heads(workspace.ledger, (head,))
        now = workspace.now()
        statement = RollbackStatement(
            origin=state.origin,
            head=head,
            action=self.action,
            edits=self.edits,
            snapshot=self.snapshot,
            policy=workspace.policy(state).digest,
            reason=self.reason,
            principal=identity.principal,
            time=now,
        )
        signature = identity.signer.sign(statement.message(), ROLLBACK_NAMESPACE)
        workspace.store.put_bytes(statement.message())
        workspace.store.put_bytes(signature.encode("ascii"))
        return statement, identity, signature, now


def refuse_moved(state: WorkspaceState, model: str, previous: str, action: str) -> None:
    """Refuse when something else went live since a rollback was decided.

    Args:
        state: The state as it is.
        model: Model name.
        previous: Digest that was live when it was decided.
        action: What it is called.

    Raises:
        WrongStateError: It did.
    """
    live = state.models[model].live
    if live != previous:
        raise WrongStateError(
            f"{action}: another snapshot went live meanwhile; expected "
            f"{previous[:12]}, found {live[:12]}",
            "Nothing was recorded. Look again, then repeat it.",
        )


def check_rollback(
    workspace: Workspace,
    state: WorkspaceState,
    entry: Entry,
    edits: Iterable[EditRecord],
) -> None:
    """Hold a signed rollback against the policy's rule.

    Args:
        workspace: The workspace.
        state: The state after its entry.
        entry: The entry.
        edits: The edits that leave.

    Raises:
        SignOffMissingError: The rule is not met.
    """
    signed = Signed(
        principal=entry.actor,
        key=text(entry.data, "key"),
        document=table(entry.data, "statement"),
        signature=text(entry.data, "signature"),
        sequence=entry.sequence,
        time=entry.time,
    )
    approval = judge_rollback(
        workspace.policy(state),
        [signed],
        [Proposal(item.proposer, item.key) for item in edits],
        state.roster,
        reason=text(entry.data, "reason"),
        at=state.size,
        now=entry.time,
    )
    if approval.missing:
        why = [f"{who.principal!r}: {said}" for who, said in approval.dismissed]
        raise SignOffMissingError(
            "rollback: the policy is not satisfied: missing "
            f"{', '.join(approval.missing)}{'; ' if why else ''}{'; '.join(why)}",
            "`governance policy show` prints its rollback rule.",
        )
