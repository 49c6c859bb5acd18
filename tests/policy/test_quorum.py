"""A policy nobody could satisfy is noticed before it is in force."""

import pytest

from governance.domain.roster import Reviewer, Roster
from governance.policy.quorum import lacking_people
from tests.policy.conftest import LoadPolicy

TWO = ("  required_approvals: 1", "  required_approvals: 2")
BOTH = ("lawyer: 0", "lawyer: 1")
ALONE = ("proposer: true", "proposer: false")


def roster(*roles: str) -> Roster:
    """Return people by their roles: ``reviewer+lawyer`` holds two."""
    return Roster(
        tuple(
            Reviewer(f"p{at}", f"k{at}", tuple(held.split("+")), since=1)
            for at, held in enumerate(roles)
        )
    )


@pytest.mark.parametrize(
    ("changes", "people", "enough"),
    [
        ((), ("reviewer", "reviewer"), True),
        ((), ("reviewer", "guest"), True),
        ((), ("reviewer",), False),
        ((), ("guest", "guest"), False),
        ((), (), False),
        ((ALONE,), ("reviewer",), True),
        ((TWO, BOTH), ("reviewer", "lawyer", "guest"), True),
        ((TWO, BOTH), ("reviewer+lawyer", "reviewer+lawyer", "guest"), True),
        ((TWO, BOTH), ("reviewer+lawyer", "guest", "guest"), False),
        ((TWO, BOTH), ("lawyer", "lawyer", "lawyer"), False),
        ((TWO, BOTH, ALONE), ("reviewer+lawyer", "lawyer"), True),
        ((TWO, BOTH, ALONE), ("reviewer+lawyer",), False),
        ((TWO,), ("reviewer", "lawyer", "reviewer"), True),
        ((TWO,), ("reviewer", "guest", "guest"), False),
    ],
)
def test_enough_people_of_the_right_roles_are_there(
    trial: LoadPolicy,
    changes: tuple[tuple[str, str], ...],
    people: tuple[str, ...],
    enough: bool,  # noqa: FBT001 - a column of the table
) -> None:
    lacking = lacking_people(trial(*changes), roster(*people), 1)
    assert (lacking is None) == enough


def test_whoever_no_longer_counts_is_not_there(trial: LoadPolicy) -> None:
    people = roster("reviewer", "reviewer")
    left = people.without(people.reviewers[0], 5, "2026-01-01T00:00:00Z")
    assert lacking_people(trial(), left, 4) is None
    said = lacking_people(trial(), left, 5)
    assert said is not None
    assert "it takes 2 people (a proposer, 1 to approve" in said
    assert "the 1 on the roster" in said
