"""May this change take effect? Facts in, a reason out."""

from collections.abc import Iterator

from governance.domain.change import ChangeKind, ChangeRecord, ChangeState
from governance.domain.event import Document
from governance.domain.roster import Reviewer, Roster
from governance.domain.state import WorkspaceState
from governance.errors import GovernanceError, PolicyRefusedError, WrongStateError
from governance.policy.model import Policy
from governance.policy.quorum import (
    lacking_people,
    lacking_to_approve,
    lacking_to_take_back,
)
from governance.policy.signoffs import Approval, Proposal, judge_change
from governance.service.fields import table, text, texts, whole
from governance.service.stored import stored_policy
from governance.service.workspace import Workspace
from governance.text import normalise, safe


def change_refusal(
    workspace: Workspace, state: WorkspaceState, kind: ChangeKind, subject: Document
) -> GovernanceError | None:
    """Return the error a change meets before anybody's signature is looked at.

    Args:
        workspace: The workspace.
        state: The state it would take effect on.
        kind: What it changes.
        subject: What it would put in force.

    Returns:
        The error, or ``None`` where it may take effect.
    """
    match kind:
        case ChangeKind.POLICY:
            policy = stored_policy(workspace.store, text(subject, "digest"))
            return policy_refusal(state, policy)
        case ChangeKind.REVIEWER_ADD:
            return _joining_refusal(state, subject)
        case ChangeKind.REVIEWER_REVOKE:
            return _leaving_refusal(workspace, state, subject)


def policy_refusal(state: WorkspaceState, policy: Policy) -> GovernanceError | None:
    """Return the error a proposed policy meets, if it cannot come into force.

    Args:
        state: The state it would come into force on.
        policy: The policy.
    """
    before = whole(state.policy, "version")
    if policy.version <= before:
        return PolicyRefusedError(
            f"policy {safe(policy.name, 80)!r} has version {policy.version}: versions "
            f"only grow, and version {before} is in force",
            f"Set metadata.version to {before + 1} or more; `governance policy show "
            "NAME --output DIR` copies a shipped policy to be edited.",
        )
    return _quorum(policy, state.roster, state.size)


def shortages(workspace: Workspace) -> Iterator[str]:
    """Say what the roster lacks for the policy in force, and how to add it.

    Args:
        workspace: The workspace.

    Yields:
        One sentence or two for each thing that is lacking.
    """
    state = workspace.state
    policy, roster = workspace.policy(state), state.roster
    lacking = stuck = lacking_to_approve(policy, roster, state.size)
    if lacking:
        yield (
            f"as it is, nothing can be approved here: {lacking}. Nor can anybody be "
            "added, which takes the same approvals: make another workspace with "
            "more --reviewer PRINCIPAL=PUBLIC_KEY_FILE:ROLE"
        )
    if lacking := lacking_to_take_back(policy, roster, state.size):
        # Adding somebody takes approvals, which nobody could give then.
        add = "" if stuck else ", or add them with `governance reviewer add`"
        yield (
            f"as it is, nothing can be taken back here: {lacking}. Name more people "
            f"with --reviewer{add}"
        )
    for person in roster.reviewers:
        unknown = [role for role in person.roles if role not in policy.spec.roles]
        if unknown:
            roles = ", ".join(safe(role, 80) for role in unknown)
            known = ", ".join(safe(role, 80) for role in policy.spec.roles)
            yield (
                f"{person.principal} has no say as {roles}: policy "
                f"{safe(policy.name, 80)} asks for {known}"
            )


def roles_known(workspace: Workspace, state: WorkspaceState) -> tuple[str, ...]:
    """Return the roles that the policy in force, or one that waits, names.

    Args:
        workspace: The workspace.
        state: The state.
    """
    waiting = [
        stored_policy(workspace.store, text(change.subject, "digest"))
        for change in state.changes.values()
        if change.kind is ChangeKind.POLICY and change.state is ChangeState.PROPOSED
    ]
    found = [role for p in (workspace.policy(state), *waiting) for role in p.spec.roles]
    return tuple(dict.fromkeys(found))


def _joining_refusal(
    state: WorkspaceState, subject: Document
) -> GovernanceError | None:
    principal, key = text(subject, "principal"), text(subject, "key")
    taken = state.roster.taken(principal, key, state.size + 1)
    if taken is not None:
        return PolicyRefusedError(
            f"add {principal!r}: {taken}",
            "One key belongs to one person, and a person has one key. Revoke the old "
            "one first, or use a new key.",
        )
    for reviewer in state.roster.reviewers:
        other = reviewer.principal
        if other != principal and normalise(other) == normalise(principal):
            return PolicyRefusedError(
                f"add {principal!r}: a reader would take it for {other!r}",
                "Use a name that nobody can mix up.",
            )
    return None


def _leaving_refusal(
    workspace: Workspace, state: WorkspaceState, subject: Document
) -> GovernanceError | None:
    principal = text(subject, "principal")
    at = state.size + 1
    found = state.roster.find(principal, at)
    if found is None or found.key != text(subject, "key"):
        return WrongStateError(
            f"revoke {principal!r}: not on the roster with that key, or no longer",
            "`governance reviewer list` shows who is.",
        )
    left = state.roster.without(found, at, workspace.now())
    return _quorum(workspace.policy(state), left, at)


def _quorum(policy: Policy, roster: Roster, at: int) -> GovernanceError | None:
    lacking = lacking_people(policy, roster, at)
    if lacking is None:
        return None
    return PolicyRefusedError(
        f"under policy {policy.name} {policy.version} nothing could be approved any "
        f"more: {lacking}",
        "Add people with `governance reviewer add` first.",
    )


def weigh_change(
    workspace: Workspace, state: WorkspaceState, record: ChangeRecord, now: str
) -> Approval:
    """Weigh a change's sign-offs by the policy and roster in force.

    Args:
        workspace: The workspace.
        state: The state before the change takes effect.
        record: The change.
        now: Time the approvals are used at.
    """
    return judge_change(
        workspace.policy(state),
        record.id,
        record.digest,
        record.signoffs,
        Proposal(record.proposer, record.key),
        state.roster,
        at=state.size,
        now=now,
    )


def role_for(policy: Policy, reviewer: Reviewer, record: ChangeRecord) -> str:
    """Return the role to sign a change in: one the policy still needs, if any."""
    given = [signed.document.get("role") for signed in record.signoffs]
    asked = [role for role in policy.spec.roles if role in reviewer.roles]
    short = [role for role in asked if given.count(role) < policy.spec.roles[role]]
    return next(iter((*short, *asked, *reviewer.roles)), "")


def in_words(kind: ChangeKind, subject: Document) -> str:
    """Say in a line what a change would do."""
    match kind:
        case ChangeKind.POLICY:
            suite = text(table(subject, "suite"), "name")
            return (
                f"put policy {text(subject, 'name')} version "
                f"{whole(subject, 'version')} in force, with suite {suite}"
            )
        case ChangeKind.REVIEWER_ADD:
            roles = ", ".join(texts(subject, "roles"))
            return f"add {text(subject, 'principal')} as {roles}"
        case ChangeKind.REVIEWER_REVOKE:
            return f"revoke {text(subject, 'principal')}: {text(subject, 'reason')}"
