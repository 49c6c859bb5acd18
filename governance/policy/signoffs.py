"""Judge sign-offs: who counts, who does not and why, and what is still missing.

Signatures are verified before; here only the facts they vouch for are weighed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from governance.canonical import JSON
from governance.domain.roster import Roster
from governance.domain.signoff import Decision, Signed
from governance.policy.hands import Proposal as Proposal
from governance.policy.hands import (
    entitled,
    expired,
    in_any_role,
    in_role,
    repeated,
    same_hand,
)
from governance.policy.model import Policy
from governance.text import safe


@dataclass(frozen=True, slots=True)
class Subject:
    """What exactly must have been signed.

    Args:
        edits: Request digests of every edit that is new in the candidate.
        candidate: Snapshot digest.
        evidence: Evidence digest.
        policy: Digest of the policy in force.
    """

    edits: tuple[str, ...]
    candidate: str
    evidence: str
    policy: str


@dataclass(frozen=True, slots=True)
class Approval:
    """What a set of sign-offs amounts to.

    Args:
        counted: Approvals that count, one per person and key.
        dismissed: The others, each with the reason.
        missing: What is still missing, in words; empty where nothing is.
    """

    counted: tuple[Signed, ...]
    dismissed: tuple[tuple[Signed, str], ...]
    missing: tuple[str, ...]


_Test = Callable[[Signed], str | None]


def judge_signoffs(
    policy: Policy,
    subject: Subject,
    signoffs: Sequence[Signed],
    proposals: Sequence[Proposal],
    roster: Roster,
    *,
    at: int,
    now: str,
    required: int | None = None,
) -> Approval:
    """Weigh the sign-offs of one candidate.

    Args:
        policy: The policy in force.
        subject: What must have been signed.
        signoffs: Every sign-off given for the candidate's edits.
        proposals: Who proposed the edits that are new in it.
        roster: The roster.
        at: Ledger sequence the approvals are used at.
        now: Time they are used at, RFC 3339 UTC.
        required: Approvals needed; the policy's own number where omitted, and
            never fewer.

    Returns:
        What counts, what does not, and what is missing.
    """
    return _judged(
        policy,
        lambda signed: _about(subject, signed),
        signoffs,
        proposals,
        roster,
        at=at,
        now=now,
        required=max(required or 0, policy.spec.required_approvals),
    )


def judge_change(
    policy: Policy,
    change: str,
    digest: str,
    signoffs: Sequence[Signed],
    proposal: Proposal,
    roster: Roster,
    *,
    at: int,
    now: str,
) -> Approval:
    """Weigh the sign-offs of one change of policy or roster.

    It needs what an edit needs: as many approvals, in the same roles, from others
    than its proposer where the policy says so.

    Args:
        policy: The policy in force; never the one that is proposed.
        change: Change id.
        digest: Change digest.
        signoffs: Every sign-off given for it by somebody it does not concern.
        proposal: Who proposed it.
        roster: The roster in force.
        at: Ledger sequence the approvals are used at.
        now: Time they are used at, RFC 3339 UTC.
    """

    def about(signed: Signed) -> str | None:
        document = signed.document
        if (document.get("change"), document.get("digest")) != (change, digest):
            return "signed for another change"
        return None if document.get("policy") == policy.digest else _POLICY

    return _judged(
        policy,
        about,
        signoffs,
        [proposal],
        roster,
        at=at,
        now=now,
        required=policy.spec.required_approvals,
    )


def _judged(
    policy: Policy,
    about: _Test,
    signoffs: Sequence[Signed],
    proposals: Sequence[Proposal],
    roster: Roster,
    *,
    at: int,
    now: str,
    required: int,
) -> Approval:
    distinct = policy.spec.distinct_from_proposer

    def test(signed: Signed) -> str | None:
        return (
            about(signed)
            or entitled(roster, at, signed)
            or in_role(policy, roster, at, signed)
            or expired(policy.spec.expires_days, now, signed)
            or (same_hand(proposals, signed) if distinct else None)
        )

    rejected = tuple(
        f"rejected by {safe(signed.principal, 80)}"
        for signed in signoffs
        if signed.document.get("decision") == Decision.REJECT
    )
    approvals = [s for s in signoffs if s.document.get("decision") == Decision.APPROVE]
    counted, dismissed = _weigh(approvals, test)
    unsigned = distinct and any(proposal.key is None for proposal in proposals)
    missing = (
        *rejected,
        *(("a signed proposal: nobody vouches for the proposer",) if unsigned else ()),
        *_lacking(policy, counted, required),
    )
    return Approval(counted, dismissed, missing)


def judge_rollback(
    policy: Policy,
    signoffs: Sequence[Signed],
    proposals: Sequence[Proposal],
    roster: Roster,
    *,
    reason: str,
    at: int,
    now: str,
) -> Approval:
    """Weigh the signatures on a revert, or on the return to an earlier snapshot.

    Args:
        policy: The policy in force.
        signoffs: The signed rollback statements.
        proposals: Who proposed the edits that leave or return.
        roster: The roster.
        reason: Why.
        at: Ledger sequence they are used at.
        now: Time they are used at, RFC 3339 UTC.

    Returns:
        What counts, what does not, and what is missing.
    """
    rule = policy.spec.rollback

    def test(signed: Signed) -> str | None:
        return (
            entitled(roster, at, signed)
            or in_any_role(policy, roster, at, signed)
            or (None if signed.document.get("policy") == policy.digest else _POLICY)
            or expired(policy.spec.expires_days, now, signed)
            or (None if rule.proposer_allowed else same_hand(proposals, signed))
        )

    counted, dismissed = _weigh(signoffs, test)
    lacking = rule.required_approvals - len(counted)
    missing = []
    if lacking > 0:
        missing.append(f"{lacking} more {_plural(lacking, 'signature')}")
    if rule.reason_required and not reason.strip():
        missing.append("a reason")
    return Approval(counted, dismissed, tuple(missing))


_POLICY = "signed under another policy"


def _weigh(
    signoffs: Sequence[Signed], test: _Test
) -> tuple[tuple[Signed, ...], tuple[tuple[Signed, str], ...]]:
    counted: list[Signed] = []
    dismissed: list[tuple[Signed, str]] = []
    for signed in signoffs:
        reason = test(signed) or repeated(counted, signed)
        if reason is None:
            counted.append(signed)
        else:
            dismissed.append((signed, reason))
    return tuple(counted), tuple(dismissed)


def _about(subject: Subject, signed: Signed) -> str | None:
    document = signed.document
    if document.get("candidate") != subject.candidate:
        return "signed for another candidate"
    if document.get("evidence") != subject.evidence:
        return "signed for other evidence"
    if document.get("policy") != subject.policy:
        return _POLICY
    return None if _edits(document.get("edits")) == set(subject.edits) else _OTHER


_OTHER = "signed for other edits"


def _edits(value: JSON) -> set[str]:
    return {str(item) for item in value} if isinstance(value, list | tuple) else set()


def _lacking(policy: Policy, counted: Sequence[Signed], required: int) -> list[str]:
    missing = []
    if (lacking := required - len(counted)) > 0:
        missing.append(f"{lacking} more {_plural(lacking, 'approval')}")
    for role, least in policy.spec.roles.items():
        given = sum(signed.document.get("role") == role for signed in counted)
        if (short := least - given) > 0:
            shown = safe(role, 80)
            missing.append(f"{short} {_plural(short, 'approval')} as {shown}")
    return missing


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
