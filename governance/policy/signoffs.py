"""Judge sign-offs: who counts, who does not and why, and what is still missing.

Signatures are verified before; here only the facts they vouch for are weighed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.canonical import JSON
from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import Decision, Signed
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
class Proposal:
    """Who proposed an edit; no key where the proposal was not signed."""

    principal: str
    key: str | None


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

    def test(signed: Signed) -> str | None:
        return (
            _about(subject, signed)
            or _entitled(roster, at, signed)
            or _in_role(policy, roster, at, signed)
            or _expired(policy.spec.expires_days, now, signed)
            or (_same_hand(proposals, signed) if distinct else None)
        )

    distinct = policy.spec.distinct_from_proposer
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
        *_lacking(policy, counted, max(required or 0, policy.spec.required_approvals)),
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
            _entitled(roster, at, signed)
            or (None if signed.document.get("policy") == policy.digest else _POLICY)
            or _expired(policy.spec.expires_days, now, signed)
            or (None if rule.proposer_allowed else _same_hand(proposals, signed))
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
        reason = test(signed) or _repeated(counted, signed)
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


def _entitled(roster: Roster, at: int, signed: Signed) -> str | None:
    if signed.document.get("principal") != signed.principal:
        return "the statement names another principal"
    reviewer = roster.find(signed.principal, at)
    if reviewer is None:
        return "not on the roster, or revoked"
    if reviewer.key != signed.key:
        return "signed with a key that is not this person's"
    given = reviewer.active_at(signed.sequence)
    return None if given else "the key did not count yet when it signed"


def _in_role(policy: Policy, roster: Roster, at: int, signed: Signed) -> str | None:
    role = signed.document.get("role")
    reviewer: Reviewer | None = roster.find(signed.principal, at)
    if reviewer is None or role not in reviewer.roles:
        return f"not in the role '{safe(str(role), 80)}' it was given in"
    if role not in policy.spec.roles:
        return f"the policy asks for no '{safe(str(role), 80)}'"
    return None


def _expired(days: int, now: str, signed: Signed) -> str | None:
    age = datetime.fromisoformat(now) - datetime.fromisoformat(signed.time)
    if age < timedelta(0):
        return "signed later than now"
    return f"older than {days} days" if age > timedelta(days=days) else None


def _same_hand(proposals: Sequence[Proposal], signed: Signed) -> str | None:
    for proposal in proposals:
        if signed.principal == proposal.principal:
            return "given by the proposer"
        if signed.key == proposal.key:
            return "given with the proposer's key"
    return None


def _repeated(counted: Sequence[Signed], signed: Signed) -> str | None:
    for other in counted:
        if signed.principal == other.principal:
            return "a second approval by the same person"
        if signed.key == other.key:
            return "a second approval with the same key"
    return None


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
