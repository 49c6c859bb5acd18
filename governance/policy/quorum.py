"""Are there enough people to satisfy a policy at all?"""

from collections.abc import Sequence

from governance.domain.roster import Reviewer, Roster
from governance.policy.model import Policy
from governance.text import safe


def lacking_people(policy: Policy, roster: Roster, at: int) -> str | None:
    """Say whom a policy would wait for in vain, if it would.

    A workspace in which no set of people can give the approvals could never change
    anything again, its policy and roster included.

    Args:
        policy: The policy.
        roster: The roster.
        at: Ledger sequence.

    Returns:
        The reason, or ``None`` where enough people of the right roles are there.
    """
    return lacking_to_approve(policy, roster, at) or lacking_to_take_back(
        policy, roster, at
    )


def lacking_to_approve(policy: Policy, roster: Roster, at: int) -> str | None:
    """Say whom every approval would wait for in vain, if it would.

    Args:
        policy: The policy.
        roster: The roster.
        at: Ledger sequence.
    """
    people = _people(roster, at)
    seats = _seats(policy)
    holders = [[i for i, who in enumerate(people) if _fits(who, s)] for s in seats]
    taken: dict[int, int] = {}
    empty = [
        seat
        for number, seat in enumerate(seats)
        if not _seated(number, holders, taken, set())
    ]
    if not empty:
        return None
    return (
        f"it takes {len(seats)} people ({_in_words(policy)}), and the "
        f"{len(people)} on the roster are not enough; missing: "
        f"{', '.join(map(_wanted, empty))}"
    )


def lacking_to_take_back(policy: Policy, roster: Roster, at: int) -> str | None:
    """Say that harm could not be taken back, if it could not.

    Args:
        policy: The policy.
        roster: The roster.
        at: Ledger sequence.
    """
    people = _people(roster, at)
    rule = policy.spec.rollback
    found = sum(_fits(who, frozenset(policy.spec.roles)) for who in people)
    needed = rule.required_approvals + (not rule.proposer_allowed)
    if found >= needed:
        return None
    return (
        f"a rollback takes {needed} {'person' if needed == 1 else 'people'} in the "
        f"roles that may sign, and there are {found}"
    )


def _people(roster: Roster, at: int) -> list[Reviewer]:
    return [item for item in roster.reviewers if item.active_at(at)]


_Seat = frozenset[str] | None


def _seats(policy: Policy) -> list[_Seat]:
    """List who is needed: each a set of roles of which one must be held."""
    spec = policy.spec
    named = [
        frozenset({role}) for role, least in spec.roles.items() for _ in range(least)
    ]
    free = spec.required_approvals - len(named)
    proposer: list[_Seat] = [None] if spec.distinct_from_proposer else []
    return [*named, *[frozenset(spec.roles)] * free, *proposer]


def _wanted(seat: _Seat) -> str:
    """Say who would fill a seat."""
    if seat is None:
        return "one more person, to propose"
    return f"one more as {' or '.join(safe(role, 80) for role in sorted(seat))}"


def _fits(person: Reviewer, seat: _Seat) -> bool:
    return seat is None or not seat.isdisjoint(person.roles)


def _seated(
    seat: int, holders: Sequence[Sequence[int]], taken: dict[int, int], seen: set[int]
) -> bool:
    """Seat somebody, moving others to seats they fit as well (bipartite matching)."""
    for person in holders[seat]:
        if person in seen:
            continue
        seen.add(person)
        if person not in taken or _seated(taken[person], holders, taken, seen):
            taken[person] = seat
            return True
    return False


def _in_words(policy: Policy) -> str:
    spec = policy.spec
    roles = [f"{least} as {safe(role, 80)}" for role, least in spec.roles.items()]
    proposer = "a proposer, " if spec.distinct_from_proposer else ""
    return f"{proposer}{spec.required_approvals} to approve: {', '.join(roles)}"
