"""Sign: one person's decision on exactly one candidate and its evidence."""

from dataclasses import dataclass, replace

from governance.domain.events import SignOffGiven, SnapshotActivated
from governance.domain.lifecycle import Step, allowed
from governance.domain.roster import Reviewer
from governance.domain.signoff import (
    SIGNOFF_NAMESPACE,
    Decision,
    Head,
    Signed,
    Statement,
)
from governance.domain.state import Candidate, EditRecord, WorkspaceState
from governance.errors import PolicyRefusedError, WrongStateError
from governance.policy.model import Policy
from governance.service.authority import check_heads, earlier_heads, heads_of
from governance.service.identity import Identity, find_identity
from governance.service.readiness import (
    Matter,
    approval_refusal,
    matter_of,
    recheck,
    verify_hands,
    weigh,
)
from governance.service.reasons import checked_reason
from governance.service.selecting import over_hint, the_edit
from governance.service.statements import (
    as_signed,
    keep_statement,
    refuse_dismissed,
)
from governance.service.views import Acted
from governance.service.workspace import Workspace, Writing


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to sign.

    Args:
        decision: Approve or reject.
        comment: Their reason.
        role: Role they sign in, where they named one.
        candidate: Candidate digest they looked at, where they named one.
        evidence: Evidence digest they looked at, where they named one.
        seen: Ledger head they looked at, where it is known.
    """

    decision: Decision
    comment: str
    role: str | None = None
    candidate: str | None = None
    evidence: str | None = None
    seen: Head | None = None


def sign(workspace: Workspace, name: str, wish: Wish) -> Acted:
    """Sign a decision; the last approval the policy asks for makes it live.

    Args:
        workspace: The workspace.
        name: Edit id.
        wish: What is to be signed.

    Returns:
        Where the edits stand then, and what is still missing.

    Raises:
        WrongStateError: There is nothing to sign, or not what was looked at.
        PolicyRefusedError: This person may not, or the evidence did not pass.
        IntegrityError: What was to be signed changed on disk.
    """
    workspace.refuse_readonly("sign")
    comment = checked_reason(wish.comment, "sign")
    state = workspace.state
    record = the_edit(state, name)
    matter = _matter(workspace, state, record, wish)
    identity = find_identity(
        workspace.settings, workspace.layout, state.roster, state.size + 1
    )
    policy = workspace.policy(state)
    role = _role(policy, state, identity.reviewer, matter, wish)
    head = wish.seen or workspace.ledger.head()
    given = _signoffs(state.candidates.get(matter.candidate))
    own = earlier_heads(state, identity.principal)
    check_heads(workspace.ledger, (head, *own, *heads_of(given)))
    now = workspace.now()
    statement = Statement(
        origin=state.origin,
        head=head,
        edits=matter.digests,
        candidate=matter.candidate,
        evidence=matter.evidence,
        policy=policy.digest,
        decision=wish.decision,
        role=role,
        comment=comment,
        principal=identity.principal,
        time=now,
    )
    if wish.decision is Decision.APPROVE:
        _refuse_uncounted(workspace, state, record, identity, statement)
    signature = identity.signer.sign(statement.message(), SIGNOFF_NAMESPACE)
    with workspace.writing(now=now) as writing:
        again = the_edit(writing.state, record.id)
        _refuse_moved(workspace, writing, again, matter, wish, policy, head)
        writing.append(
            SignOffGiven(
                edits=list(matter.edits),
                candidate=matter.candidate,
                decision=wish.decision.value,
                key=identity.key,
                statement=statement.document(),
                signature=signature,
            ),
            identity.principal,
        )
        missing = _settle(workspace, writing, record.id, identity, wish.decision)
        keep_statement(workspace.store, statement, signature)
        acted = _acted(writing.state, matter, record.id, missing)
        return replace(acted, signed=identity.signatory)


def _matter(
    workspace: Workspace, state: WorkspaceState, record: EditRecord, wish: Wish
) -> Matter:
    """Return what is signed, once it is what was looked at and may be signed."""
    _refuse_over(record, wish.decision)
    matter = matter_of(state, record)
    for kind in ("candidate", "evidence"):
        given, found = getattr(wish, kind), getattr(matter, kind)
        if given is not None and given.strip().lower() != found:
            begun = given.strip() and (found or "").startswith(given.strip().lower())
            raise WrongStateError(
                f"sign {record.id}: expected {kind} {given.strip()[:64]}, found "
                f"{found or 'none'}",
                "Nothing was signed. Give all 64 characters of the digest."
                if begun
                else "Nothing was signed. Look at the edit as it is now.",
            )
    if wish.decision is Decision.APPROVE:
        recheck(workspace, state, record)
    return matter


def _refuse_over(record: EditRecord, decision: Decision) -> None:
    """Refuse to decide on what is decided."""
    if not allowed(record.state, Step.REJECT):
        raise WrongStateError(
            f"{decision.value} {record.id}: it is {record.state}, expected PROPOSED or "
            "APPLIED",
            over_hint(record.state),
        )


def _role(
    policy: Policy,
    state: WorkspaceState,
    reviewer: Reviewer,
    matter: Matter,
    wish: Wish,
) -> str:
    """Return the role to sign in: the one named, else one the policy still needs."""
    if wish.role is not None:
        if wish.role not in reviewer.roles:
            held = ", ".join(reviewer.roles) or "none"
            raise PolicyRefusedError(
                f"{reviewer.principal!r} is not in the role {wish.role[:80]!r}; found "
                f"{held}",
                "Sign in a role you hold.",
            )
        return wish.role
    candidate = state.candidates.get(matter.candidate)
    given = [signed.document.get("role") for signed in _signoffs(candidate)]
    asked = [role for role in policy.spec.roles if role in reviewer.roles]
    short = [role for role in asked if given.count(role) < policy.spec.roles[role]]
    return next(iter((*short, *asked, *reviewer.roles)), "")


def _signoffs(candidate: Candidate | None) -> tuple[Signed, ...]:
    return () if candidate is None else candidate.signoffs


def _refuse_moved(
    workspace: Workspace,
    writing: Writing,
    record: EditRecord,
    matter: Matter,
    wish: Wish,
    policy: Policy,
    seen: Head,
) -> None:
    """Refuse when the log moved on between looking and signing.

    Whoever approves has seen the check, even where it was repeated to the same end.
    """
    state = writing.state
    _refuse_over(record, wish.decision)
    refusal = approval_refusal(state, policy, record)
    if wish.decision is Decision.APPROVE and refusal is not None:
        raise refusal
    candidate = state.candidates.get(matter.candidate)
    again = candidate is not None and (candidate.check_sequence or 0) > seen.size
    moved = again and wish.decision is Decision.APPROVE
    same = matter_of(state, record) == matter and workspace.policy(state) is policy
    if moved or not same:
        raise WrongStateError(
            f"sign {record.id}: it changed while you were signing",
            "Nothing was recorded. Look at the edit as it is now.",
        )


def _refuse_uncounted(
    workspace: Workspace,
    state: WorkspaceState,
    record: EditRecord,
    identity: Identity,
    statement: Statement,
) -> None:
    """Refuse an approval that would not count, before a key is asked for it."""
    candidate = state.candidates[statement.candidate]
    own = as_signed(identity, statement, state.size + 1)
    signed = replace(candidate, signoffs=(*candidate.signoffs, own))
    approval = weigh(workspace, state, signed, statement.time)
    refuse_dismissed(approval, record.id, own.sequence)


def _settle(
    workspace: Workspace,
    writing: Writing,
    name: str,
    identity: Identity,
    decision: Decision,
) -> tuple[str, ...]:
    """Refuse what does not count; make the candidate live when nothing is missing."""
    if decision is Decision.REJECT:
        return ()
    record = writing.state.edits[name]
    candidate = writing.state.candidates[record.candidate or ""]
    approval = weigh(workspace, writing.state, candidate, writing.now)
    refuse_dismissed(approval, name, writing.state.size)
    if approval.missing:
        return approval.missing
    _activate(workspace, writing, record, identity)
    return ()


def _activate(
    workspace: Workspace, writing: Writing, record: EditRecord, identity: Identity
) -> None:
    state = writing.state
    candidate = recheck(workspace, state, record)
    verify_hands(state, candidate)
    model = state.models[record.model]
    live = {item.id for item in state.live_edits(model.name)} | set(candidate.edits)
    writing.append(
        SnapshotActivated(
            model=model.name,
            snapshot=candidate.digest,
            previous=model.live,
            live=sorted(live),
        ),
        identity.principal,
    )


def _acted(
    state: WorkspaceState, matter: Matter, name: str, missing: tuple[str, ...]
) -> Acted:
    record = state.edits[name]
    live = state.models[record.model].live
    return Acted(matter.edits, record.state.value, live, missing)
