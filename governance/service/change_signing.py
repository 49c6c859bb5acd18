"""Sign a change; with its last approval it takes effect."""

from dataclasses import replace

from governance.canonical import sha256_hex
from governance.domain.change import ChangeRecord, ChangeState
from governance.domain.change_events import ChangeActivated, ChangeSigned
from governance.domain.change_fold import roster_after
from governance.domain.signoff import (
    SIGNOFF_NAMESPACE,
    ChangeStatement,
    Decision,
)
from governance.domain.state import WorkspaceState
from governance.errors import PolicyRefusedError, UsageError, WrongStateError
from governance.policy.model import Policy
from governance.service.authority import (
    allowed_signers_text,
    check_heads,
    earlier_heads,
    verify_proposal,
    verify_signed,
)
from governance.service.change_records import ChangeWish
from governance.service.change_rules import change_refusal, role_for, weigh_change
from governance.service.identity import Identity, find_identity
from governance.service.reasons import LONGEST_REASON
from governance.service.selecting import the_change
from governance.service.signers_file import write_signers
from governance.service.statements import (
    as_signed,
    keep_statement,
    refuse_dismissed,
)
from governance.service.workspace import Workspace, Writing


def sign_change(workspace: Workspace, name: str, wish: ChangeWish) -> str:
    """Sign a decision on a change; the last approval makes it active.

    Args:
        workspace: The workspace.
        name: Change id.
        wish: What is to be signed.

    Returns:
        The change's id.

    Raises:
        WrongStateError: It is decided, or not what was looked at.
        PolicyRefusedError: This person may not, or the change can take no effect.
    """
    workspace.refuse_readonly("sign")
    if len(wish.comment) > LONGEST_REASON:
        raise UsageError(f"sign: expected a comment of at most {LONGEST_REASON}")
    state = workspace.state
    record = the_change(state, name)
    _refuse_unsignable(workspace, state, record, wish)
    identity = _identity(workspace, state, record)
    policy = workspace.policy(state)
    head = wish.seen or workspace.ledger.head()
    heads = (head, *earlier_heads(state, identity.principal))
    check_heads(workspace.ledger, heads)
    now = workspace.now()
    statement = ChangeStatement(
        origin=state.origin,
        head=head,
        change=record.id,
        digest=record.digest,
        policy=policy.digest,
        decision=wish.decision,
        role=_role(policy, identity, record, wish),
        comment=wish.comment.strip(),
        principal=identity.principal,
        time=now,
    )
    if wish.decision is Decision.APPROVE:
        _refuse_uncounted(workspace, state, record, identity, statement)
    signature = identity.signer.sign(statement.message(), SIGNOFF_NAMESPACE)
    event = ChangeSigned(
        change=record.id,
        decision=wish.decision.value,
        key=identity.key,
        statement=statement.document(),
        signature=signature,
    )
    with workspace.writing(now=now) as writing:
        _refuse_moved(workspace, writing.state, record, wish, policy)
        writing.append(event, identity.principal)
        active = wish.decision is Decision.APPROVE and _settle(
            workspace, writing, record.id, identity
        )
        keep_statement(workspace.store, statement, signature)
    if active:
        # Whoever changed the roster meanwhile is in it too.
        write_signers(workspace.layout, workspace.state.roster)
    return record.id


def _refuse_unsignable(
    workspace: Workspace, state: WorkspaceState, record: ChangeRecord, wish: ChangeWish
) -> None:
    if record.state is not ChangeState.PROPOSED:
        raise WrongStateError(
            f"{wish.decision.value} {record.id}: it is {record.state}, expected "
            "PROPOSED",
            "Propose it again if it should still happen.",
        )
    given = (wish.digest or record.digest).strip().lower()
    if given != record.digest:
        raise WrongStateError(
            f"sign {record.id}: expected digest {given[:64]}, found {record.digest}",
            "Nothing was signed. Look at the change as it is now.",
        )
    if wish.decision is Decision.APPROVE:
        refusal = change_refusal(workspace, state, record.kind, record.subject)
        if refusal is not None:
            raise refusal


def _identity(
    workspace: Workspace, state: WorkspaceState, record: ChangeRecord
) -> Identity:
    identity = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    if record.concerns(identity.principal, identity.key):
        raise PolicyRefusedError(
            f"sign {record.id}: it is about {identity.principal!r}, who has no say in "
            "it",
            "Somebody else has to sign.",
        )
    return identity


def _role(
    policy: Policy, identity: Identity, record: ChangeRecord, wish: ChangeWish
) -> str:
    if wish.role is None:
        return role_for(policy, identity.reviewer, record)
    if wish.role not in identity.reviewer.roles:
        held = ", ".join(identity.reviewer.roles) or "none"
        raise PolicyRefusedError(
            f"{identity.principal!r} is not in the role {wish.role[:80]!r}; found "
            f"{held}",
            "Sign in a role you hold.",
        )
    return wish.role


def _refuse_moved(
    workspace: Workspace,
    state: WorkspaceState,
    record: ChangeRecord,
    wish: ChangeWish,
    policy: Policy,
) -> None:
    """Refuse when the log moved on between looking and signing."""
    now = state.changes[record.id]
    _refuse_unsignable(workspace, state, now, wish)
    if workspace.policy(state).digest != policy.digest:
        raise WrongStateError(
            f"sign {record.id}: another policy came into force while you were signing",
            "Nothing was recorded. Look at the change again.",
        )


def _refuse_uncounted(
    workspace: Workspace,
    state: WorkspaceState,
    record: ChangeRecord,
    identity: Identity,
    statement: ChangeStatement,
) -> None:
    """Refuse an approval that would not count, before a key is asked for it."""
    own = as_signed(identity, statement, state.size + 1)
    signed = replace(record, signoffs=(*record.signoffs, own))
    approval = weigh_change(workspace, state, signed, statement.time)
    refuse_dismissed(approval, record.id, own.sequence)


def _settle(
    workspace: Workspace, writing: Writing, name: str, identity: Identity
) -> bool:
    """Refuse what does not count; activate the change when nothing is missing."""
    state = writing.state
    record = state.changes[name]
    approval = weigh_change(workspace, state, record, writing.now)
    refuse_dismissed(approval, name, state.size)
    if approval.missing:
        return False
    verify_proposal(record, state.roster)
    for signed in record.signoffs:
        verify_signed(signed, state.roster, SIGNOFF_NAMESPACE)
    roster = roster_after(state.roster, record, state.size + 1, writing.now)
    writing.append(
        ChangeActivated(
            change=name,
            kind=record.kind.value,
            digest=record.digest,
            allowed_signers=sha256_hex(allowed_signers_text(roster).encode()),
        ),
        identity.principal,
    )
    return True
