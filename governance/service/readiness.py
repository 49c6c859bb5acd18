"""May this candidate be approved, and go live? Facts in, a reason out."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.events import EditsChecked
from governance.domain.lifecycle import EditState
from governance.domain.signoff import SIGNOFF_NAMESPACE
from governance.domain.state import Candidate, EditRecord, WorkspaceState
from governance.errors import (
    GovernanceError,
    PolicyRefusedError,
    WrongStateError,
)
from governance.policy.evaluate import required_approvals
from governance.policy.model import Policy
from governance.policy.signoffs import Approval, Proposal, Subject, judge_signoffs
from governance.service.authority import (
    check_origin,
    verify_proposal,
    verify_signed,
)
from governance.service.evidence import check_evidence, judged
from governance.service.planning import candidate_broken
from governance.service.stored import check_snapshot, request_of
from governance.service.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Matter:
    """What a sign-off is about.

    Args:
        edits: Ids.
        digests: Their request digests.
        candidate: Snapshot digest; empty where nothing was applied.
        evidence: Evidence digest; empty where nothing was measured.
    """

    edits: tuple[str, ...]
    digests: tuple[str, ...]
    candidate: str
    evidence: str


def matter_of(state: WorkspaceState, record: EditRecord) -> Matter:
    """Say what a sign-off on an edit is about: everything solved together with it."""
    candidate = state.candidates.get(record.candidate or "")
    if candidate is None or record.state is not EditState.APPLIED:
        return Matter((record.id,), (record.digest,), "", "")
    together = [
        state.edits[name]
        for name in candidate.edits
        if state.edits[name].candidate == candidate.digest
        and state.edits[name].state is EditState.APPLIED
    ]
    return Matter(
        edits=tuple(item.id for item in together),
        digests=tuple(item.digest for item in together),
        candidate=candidate.digest,
        evidence=candidate.check.evidence if candidate.check else "",
    )


def approval_refusal(
    state: WorkspaceState, policy: Policy, record: EditRecord
) -> GovernanceError | None:
    """Return the error an approval meets before anybody's name is known.

    Args:
        state: The state.
        policy: The policy in force.
        record: The edit.

    Returns:
        The error, or ``None`` where an approval may be given.
    """
    candidate = state.candidates.get(record.candidate or "")
    if record.state is EditState.PROPOSED or candidate is None:
        return WrongStateError(
            f"{record.id} is {record.state} and has no candidate to approve",
            f"Run `governance edit apply {record.id}`, then check it.",
        )
    broken = candidate_broken(state, record)
    if broken is not None:
        again = "Apply and check it again."
        return WrongStateError(broken, again if _open(record) else "")
    return evidence_refusal(policy, candidate, record)


def _open(record: EditRecord) -> bool:
    return record.state is EditState.APPLIED


def evidence_refusal(
    policy: Policy, candidate: Candidate, record: EditRecord
) -> GovernanceError | None:
    """Return the error a candidate's evidence stands for, if it is not enough."""
    return check_refusal(policy, candidate.check, record.id)


def check_refusal(
    policy: Policy, check: EditsChecked | None, name: str
) -> GovernanceError | None:
    """Return the error that stands between recorded evidence and an approval.

    Args:
        policy: The policy in force.
        check: What was recorded; ``None`` where nothing was measured.
        name: Edit id, for messages.

    Returns:
        The error, or ``None`` where the evidence is the policy's and passed.
    """
    hint = f"Run `governance edit check {name}`."
    if check is None:
        return WrongStateError(f"{name}: there is no evidence yet", hint)
    if check.suite != policy.suite.digest:
        return WrongStateError(
            f"{name}: the newest evidence is of suite {check.suite[:12]}, expected "
            f"the policy's {policy.suite.name} {policy.suite.digest[:12]}",
            hint,
        )
    if check.policy != policy.digest:
        return WrongStateError(
            f"{name}: the evidence was judged by another policy", hint
        )
    if check.outcome != "PASS" and policy.spec.enforcement == "enforce":
        return PolicyRefusedError(
            f"{name}: its check did not pass: {_failures(check.rules)}",
            "It cannot be approved. Reject or withdraw it, or propose a better one.",
        )
    return None


def _failures(rules: "list[Mapping[str, JSON]] | object") -> str:
    rows = rules if isinstance(rules, list | tuple) else ()
    failed = [row for row in rows if row.get("outcome") != "PASS"]
    return "; ".join(f"{row.get('rule')} {row.get('message')}" for row in failed)


def weigh(
    workspace: Workspace,
    state: WorkspaceState,
    candidate: Candidate,
    now: str,
    required: int | None = None,
) -> Approval:
    """Weigh a candidate's sign-offs by the policy in force.

    Args:
        workspace: The workspace.
        state: The state.
        candidate: The candidate.
        now: Time the approvals are used at.
        required: How many approvals it needs; what its requests ask for where omitted.
    """
    policy = workspace.policy(state)
    records = [state.edits[name] for name in candidate.edits]
    if required is None:
        requests = [request_of(workspace.store, item) for item in records]
        required = required_approvals(policy, requests)
    return judge_signoffs(
        policy,
        Subject(
            edits=tuple(item.digest for item in records),
            candidate=candidate.digest,
            evidence=candidate.check.evidence if candidate.check else "",
            policy=policy.digest,
        ),
        candidate.signoffs,
        [Proposal(item.proposer, item.key) for item in records],
        state.roster,
        at=state.size,
        now=now,
        required=required,
    )


def recheck(
    workspace: Workspace, state: WorkspaceState, record: EditRecord
) -> Candidate:
    """Re-hash and re-evaluate everything an approval rests on.

    Args:
        workspace: The workspace.
        state: The state.
        record: The edit.

    Returns:
        Its candidate.

    Raises:
        GovernanceError: Something no longer holds.
    """
    policy = workspace.policy(state)
    refusal = approval_refusal(state, policy, record)
    if refusal is not None:
        raise refusal
    candidate = state.candidates[record.candidate or ""]
    check_snapshot(workspace.store, candidate.digest)
    digest = candidate.check.evidence if candidate.check else ""
    evidence = check_evidence(workspace.store, digest)
    outcome, _ = judged(workspace.store, state, policy, candidate.edits, evidence)
    if outcome != "PASS" and policy.spec.enforcement == "enforce":
        raise PolicyRefusedError(
            f"{record.id}: judged again, its evidence does not pass", "Check it again."
        )
    return candidate


def verify_hands(state: WorkspaceState, candidate: Candidate) -> None:
    """Verify every signature a candidate's activation rests on.

    Raises:
        IntegrityError: One of them does not verify.
    """
    for name in candidate.edits:
        verify_proposal(state.edits[name], state.roster)
    for signed in candidate.signoffs:
        verify_signed(signed, state.roster, SIGNOFF_NAMESPACE)
        check_origin(signed, state.origin)
