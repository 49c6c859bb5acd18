from collections.abc import Sequence
from dataclasses import replace

import pytest

from governance.canonical import JSON
from governance.domain.roster import Reviewer, Roster
from governance.domain.signoff import Signed
from governance.policy.model import Policy
from governance.policy.signoffs import (
    Approval,
    Proposal,
    Subject,
    judge_rollback,
    judge_signoffs,
)
from tests.policy.conftest import LoadPolicy

SUBJECT = Subject(("e1", "e2"), "candidate", "evidence", "policy")
ANA = Proposal("ana", "key-ana")
ROSTER = Roster(
    (
        Reviewer("ana", "key-ana", ("reviewer",), since=1),
        Reviewer("ben", "key-ben", ("reviewer", "lawyer"), since=1),
        Reviewer("cleo", "key-cleo", ("lawyer",), since=1),
        Reviewer("dan", "key-dan", ("reviewer",), since=1, until=8),
        Reviewer("eva", "key-eva", ("reviewer",), since=7),
    )
)
NOW = "2025-03-10T00:00:00Z"


def signed(person: str, /, **changes: JSON) -> Signed:
    """Return an approval of the subject; ``changes`` alter the statement."""
    document: dict[str, JSON] = {
        "edits": ["e2", "e1"],
        "candidate": "candidate",
        "evidence": "evidence",
        "policy": "policy",
        "decision": "approve",
        "role": "reviewer",
        "principal": person,
        **changes,
    }
    return Signed(person, f"key-{person}", document, "sig", 5, "2025-03-09T00:00:00Z")


def judge(
    policy: Policy,
    *signoffs: Signed,
    proposals: Sequence[Proposal] = (ANA,),
    at: int = 9,
    required: int | None = None,
) -> Approval:
    return judge_signoffs(
        policy, SUBJECT, signoffs, proposals, ROSTER, at=at, now=NOW, required=required
    )


def reason(approval: Approval) -> str:
    [(_, why)] = approval.dismissed
    assert approval.counted == ()
    assert approval.missing == ("1 more approval", "1 approval as reviewer")
    return why


def test_one_approval_by_another_person_is_enough(trial: LoadPolicy) -> None:
    approval = judge(trial(), signed("ben"))

    assert approval.missing == ()
    assert [item.principal for item in approval.counted] == ["ben"]


def test_without_sign_offs_it_says_what_is_missing(trial: LoadPolicy) -> None:
    assert judge(trial()).missing == ("1 more approval", "1 approval as reviewer")


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        (signed("ben", candidate="other"), "signed for another candidate"),
        (signed("ben", evidence="other"), "signed for other evidence"),
        (signed("ben", policy="older"), "signed under another policy"),
        (signed("ben", edits=["e1"]), "signed for other edits"),
        (signed("ben", edits=["e1", "e2", "e3"]), "signed for other edits"),
        (signed("ben", edits="e1"), "signed for other edits"),
        (signed("ben", principal="cleo"), "the statement names another principal"),
        (signed("mallory"), "not on the roster, or revoked"),
        (signed("dan"), "not on the roster, or revoked"),
        (signed("eva"), "the key did not count yet when it signed"),
        (
            replace(signed("ben"), key="key-new"),
            "signed with a key that is not this person's",
        ),
        (signed("cleo"), "not in the role 'reviewer' it was given in"),
        (
            signed("ben", role="ruler\x1b"),
            "not in the role 'ruler\\x1b' it was given in",
        ),
        (
            replace(signed("ben"), time="2025-02-07T00:00:00Z"),
            "older than 30 days",
        ),
        *(
            (signed("ben", time=said), "older than 30 days")
            for said in ("2025-02-07T00:00:00Z", "2025-02-07", "2025-02-07T01:00:00+09")
        ),
        (replace(signed("ben"), time="2025-03-11T00:00:00Z"), "signed later than now"),
        (signed("ana"), "given by the proposer"),
    ],
)
def test_an_approval_does_not_count_when(
    trial: LoadPolicy, approval: Signed, why: str
) -> None:
    assert reason(judge(trial(), approval)) == why


def test_another_name_with_the_proposers_key_is_the_proposer(trial: LoadPolicy) -> None:
    proposal = Proposal("mask", "key-ben")

    approval = judge(trial(), signed("ben"), proposals=[proposal])

    assert reason(approval) == "given with the proposer's key"


def test_whoever_proposed_any_edit_of_the_candidate_cannot_approve_it(
    trial: LoadPolicy,
) -> None:
    approval = judge(
        trial(), signed("ben"), proposals=[ANA, Proposal("ben", "key-ben")]
    )

    assert reason(approval) == "given by the proposer"


def test_an_unsigned_proposal_can_never_go_live(trial: LoadPolicy) -> None:
    approval = judge(trial(), signed("ben"), proposals=[Proposal("ana", None)])

    assert approval.missing == ("a signed proposal: nobody vouches for the proposer",)


def test_where_the_policy_lets_it_the_proposer_approves(trial: LoadPolicy) -> None:
    policy = trial(("proposer: true", "proposer: false"))

    assert judge(policy, signed("ana"), proposals=[ANA]).missing == ()
    assert judge(policy, signed("ana"), proposals=[Proposal("x", None)]).missing == ()


def test_one_person_counts_once(trial: LoadPolicy) -> None:
    policy = trial(("  required_approvals: 1", "  required_approvals: 2"))

    approval = judge(policy, signed("ben"), signed("ben", role="lawyer"))

    assert approval.missing == ("1 more approval",)
    assert approval.dismissed[0][1] == "a second approval by the same person"


def test_one_key_counts_once(trial: LoadPolicy) -> None:
    policy = trial(("  required_approvals: 1", "  required_approvals: 2"))
    twin = Reviewer("twin", "key-ben", ("reviewer",), since=1)
    roster = Roster((*ROSTER.reviewers, twin))
    signoffs = [signed("ben"), replace(signed("twin"), key="key-ben")]

    approval = judge_signoffs(policy, SUBJECT, signoffs, [ANA], roster, at=9, now=NOW)

    assert approval.missing == ("1 more approval",)
    assert approval.dismissed[0][1] == "a second approval with the same key"


def test_roles_are_counted_apart(trial: LoadPolicy) -> None:
    policy = trial(
        ("  required_approvals: 1", "  required_approvals: 2"),
        ("lawyer: 0", "lawyer: 1"),
    )

    assert judge(policy, signed("ben")).missing == (
        "1 more approval",
        "1 approval as lawyer",
    )
    assert judge(policy, signed("ben"), signed("cleo", role="lawyer")).missing == ()


def test_a_role_without_a_least_number_may_sign(trial: LoadPolicy) -> None:
    approval = judge(trial(), signed("cleo", role="lawyer"))

    assert [item.principal for item in approval.counted] == ["cleo"]
    assert approval.missing == ("1 approval as reviewer",)


def test_protected_concepts_raise_the_number_and_never_lower_it(
    trial: LoadPolicy,
) -> None:
    policy = trial()
    two = (signed("ben"), signed("cleo", role="lawyer"))

    assert judge(policy, *two, required=3).missing == ("1 more approval",)
    assert judge(policy, required=0).missing[0] == "1 more approval"


def test_a_rejection_stands_in_the_way_of_any_approval(trial: LoadPolicy) -> None:
    approval = judge(trial(), signed("ben"), signed("cleo", decision="reject"))

    assert approval.missing == ("rejected by cleo",)


def test_a_key_revoked_after_it_signed_no_longer_counts(trial: LoadPolicy) -> None:
    assert judge(trial(), signed("dan"), at=7).missing == ()
    assert judge(trial(), signed("dan"), at=8).missing != ()


def rollback(policy: Policy, *signoffs: Signed, reason: str = "harm") -> Approval:
    return judge_rollback(policy, signoffs, [ANA], ROSTER, reason=reason, at=9, now=NOW)


def test_one_signature_and_a_reason_take_an_edit_back(trial: LoadPolicy) -> None:
    policy = trial()
    by_proposer = signed("ana", policy=policy.digest)

    assert rollback(policy, by_proposer).missing == ()
    assert rollback(policy, by_proposer, reason=" ").missing == ("a reason",)
    assert rollback(policy).missing == ("1 more signature",)


def test_a_rollback_signed_under_another_policy_does_not_count(
    trial: LoadPolicy,
) -> None:
    approval = rollback(trial(), signed("ben"))

    assert approval.dismissed[0][1] == "signed under another policy"
    assert approval.missing == ("1 more signature",)


def test_the_policy_may_keep_proposers_from_taking_back(trial: LoadPolicy) -> None:
    policy = trial(
        ("  suite: quick", "  suite: quick\n  rollback: {proposer_allowed: false}")
    )

    approval = rollback(policy, signed("ana", policy=policy.digest))

    assert approval.dismissed[0][1] == "given by the proposer"


def test_a_stranger_cannot_take_back(trial: LoadPolicy) -> None:
    policy = trial()

    approval = rollback(policy, signed("mallory", policy=policy.digest))

    assert approval.dismissed[0][1] == "not on the roster, or revoked"
