"""Whose hand is it? What keeps one signature from counting, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import Signed
from governance.policy.model import Policy
from governance.text import safe

LATER = "signed later than now"
"""Why a signature does not count yet."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who proposed an edit; no key where the proposal was not signed."""

    principal: str
    key: str | None


def entitled(roster: Roster, at: int, signed: Signed) -> str | None:
    """Say why a signer does not count by the roster, if they do not."""
    if signed.document.get("principal") != signed.principal:
        return "the statement names another principal"
    reviewer = roster.find(signed.principal, at)
    if reviewer is None:
        return "not on the roster, or revoked"
    if reviewer.key != signed.key:
        return "signed with a key that is not this person's"
    given = reviewer.active_at(signed.sequence)
    return None if given else "the key did not count yet when it signed"


def in_role(policy: Policy, roster: Roster, at: int, signed: Signed) -> str | None:
    """Say why an approval does not count in its role, if it does not."""
    role = signed.document.get("role")
    reviewer: Reviewer | None = roster.find(signed.principal, at)
    if reviewer is None or role not in reviewer.roles:
        return f"not in the role '{safe(str(role), 80)}' it was given in"
    if role not in policy.spec.roles:
        return f"the policy asks for no '{safe(str(role), 80)}'"
    return None


def in_any_role(policy: Policy, roster: Roster, at: int, signed: Signed) -> str | None:
    """Say that a signer holds none of the roles that may sign, if so."""
    reviewer = roster.find(signed.principal, at)
    if reviewer is None or policy.spec.roles.keys().isdisjoint(reviewer.roles):
        asked = ", ".join(safe(role, 80) for role in policy.spec.roles)
        return f"in none of the roles that may sign: {asked}"
    return None


def expired(days: int, now: str, signed: Signed) -> str | None:
    """Say why an approval is too old, or of the future, if it is.

    The time its signer gave counts where it is earlier: entering it again later does
    not make it younger.
    """
    age = datetime.fromisoformat(now) - _given(signed)
    if age < timedelta(0):
        return LATER
    return f"older than {days} days" if age > timedelta(days=days) else None


def _given(signed: Signed) -> datetime:
    said = signed.document.get("time")
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return datetime.fromisoformat(signed.time)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(aware, datetime.fromisoformat(signed.time))


def same_hand(proposals: Sequence[Proposal], signed: Signed) -> str | None:
    """Say that an approval is a proposer's own, by name or by key, if it is."""
    for proposal in proposals:
        if signed.principal == proposal.principal:
            return "given by the proposer"
        if signed.key == proposal.key:
            return "given with the proposer's key"
    return None


def repeated(counted: Sequence[Signed], signed: Signed) -> str | None:
    """Say that somebody approved before, by name or by key, if they did."""
    for other in counted:
        if signed.principal == other.principal:
            return "a second approval by the same person"
        if signed.key == other.key:
            return "a second approval with the same key"
    return None
