"""A single person cannot talk a two-person workspace into anything."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from governance.canonical import JSON
from governance.domain.change import change_digest
from governance.domain.change_events import (
    ChangeActivated,
    ChangeProposed,
    ChangeSigned,
)
from governance.domain.event import Event
from governance.domain.signoff import (
    PROPOSAL_NAMESPACE,
    SIGNOFF_NAMESPACE,
    ChangeStatement,
    Decision,
    Head,
)
from governance.errors import (
    GovernanceError,
    IntegrityError,
    NotFoundError,
    PolicyRefusedError,
    SignOffMissingError,
    WrongStateError,
)
from governance.identity.keys import generate_key, read_key_file, read_public_key
from governance.identity.sshsig import sign_with_key
from governance.service import opening
from governance.service.facade import JobKind
from governance.service.ports import Parts
from governance.service.verification import verify
from tests.service.fakes import FakeChecker
from tests.service.house import House, build
from tests.service.test_changes import APPROVE, REJECT, add, join, leave, newer

LATER = "2026-06-01T00:00:00Z"


def refused(
    house: House,
    act: Callable[[], object],
    kind: type[GovernanceError],
    match: str,
) -> None:
    """Let something be tried: it is refused and nothing is recorded."""
    size = house.size()
    with pytest.raises(kind, match=match):
        act()
    assert house.size() == size


def forge(house: House, actor: str, *events: Event, time: str = LATER) -> None:
    """Write entries past the program, as somebody with database and key could."""
    with opening.open_existing(house.settings, house.parts).ledger as ledger:
        for event in events:
            ledger.append(event.name, actor, event.data(), now=time)


def unverified(house: House, match: str) -> None:
    """Let an outsider read it all, from the first entry."""
    settings = replace(house.settings, readonly=True)
    opened = opening.open_existing(settings, house.parts, fold=False)
    with opened.ledger:
        verdict = verify(opened)
    assert not verdict.ok
    assert verdict.first_bad is not None
    assert match in verdict.message


def signature(house: House, who: str, message: bytes, namespace: str) -> str:
    return sign_with_key(read_key_file(house.keys[who]).load(), message, namespace)


def proposal(house: House, who: str, name: str, key: Path) -> ChangeProposed:
    """Return a genuine proposal of ``who`` that ``name`` joins."""
    origin = house.as_("ana").header().origin
    subject: Mapping[str, JSON] = {
        "principal": name,
        "key": read_public_key(key).text,
        "roles": ["reviewer"],
    }
    change = f"C-{len(house.as_('ana').changes()) + 1:04d}"
    digest = change_digest(origin, change, "reviewer-add", subject)
    return ChangeProposed(
        change=change,
        kind="reviewer-add",
        subject=subject,
        digest=digest,
        key=read_public_key(house.keys[who]).text,
        signature=signature(house, who, digest.encode(), PROPOSAL_NAMESPACE),
    )


def approval(
    house: House, who: str, event: ChangeProposed, head: Head | None = None
) -> ChangeSigned:
    """Return a genuine approval of ``who`` of a proposed change."""
    application = house.as_("ana")
    statement = ChangeStatement(
        origin=application.header().origin,
        head=head or application.head(),
        change=event.change,
        digest=event.digest,
        policy=application.policy().digest,
        decision=Decision.APPROVE,
        role="reviewer",
        comment="",
        principal=who,
        time=LATER,
    )
    return ChangeSigned(
        change=event.change,
        decision="approve",
        key=read_public_key(house.keys[who]).text,
        statement=statement.document(),
        signature=signature(house, who, statement.message(), SIGNOFF_NAMESPACE),
    )


def activation(event: ChangeProposed) -> ChangeActivated:
    return ChangeActivated(event.change, event.kind, event.digest, "0" * 64)


# -- the roster ----------------------------------------------------------------


def test_nobody_adds_a_reviewer_alone(house: House) -> None:
    change = add(house, "mask")
    refused(
        house,
        lambda: house.as_("ana").sign_change(change.id, APPROVE),
        PolicyRefusedError,
        "given by the proposer",
    )
    edit = house.ready("ana")
    refused(
        house,
        lambda: house.approve("mask", edit),
        PolicyRefusedError,
        "nobody on the roster",
    )


def test_whoever_would_join_cannot_vote_themselves_in(house: House) -> None:
    change = add(house, "mask")
    refused(
        house,
        lambda: house.as_("mask").sign_change(change.id, APPROVE),
        PolicyRefusedError,
        "nobody on the roster",
    )


def test_nobody_joins_under_a_second_name_with_the_same_key(house: House) -> None:
    for name in ("ana", "ben"):
        public = house.root / "people" / f"{name}.pub"
        refused(
            house,
            lambda public=public: house.as_("ana").propose_reviewer(  # type: ignore[misc]
                "mask", public, ["reviewer"]
            ),
            PolicyRefusedError,
            f"this key is, or was, that of '{name}'",
        )


def test_nobody_joins_under_a_name_that_looks_like_anothers(house: House) -> None:
    generate_key(house.root / "people" / "twin", comment="twin")
    public = house.root / "people" / "twin.pub"
    for name in ("Ben", "b\u0435n", "BEN"):
        refused(
            house,
            lambda name=name: house.as_("ana").propose_reviewer(  # type: ignore[misc]
                name, public, ["reviewer"]
            ),
            PolicyRefusedError,
            "a reader would take it for 'ben'",
        )


def test_a_second_key_of_the_same_person_is_no_second_person(house: House) -> None:
    generate_key(house.root / "people" / "second", comment="ana")
    public = house.root / "people" / "second.pub"
    refused(
        house,
        lambda: house.as_("ana").propose_reviewer("ana", public, ["reviewer"]),
        PolicyRefusedError,
        "on the roster already, with another key",
    )


def test_nobody_takes_another_off_the_roster_alone(house: House) -> None:
    change = house.as_("ana").propose_revocation("cleo", "in my way")
    refused(
        house,
        lambda: house.as_("ana").sign_change(change.id, APPROVE),
        PolicyRefusedError,
        "given by the proposer",
    )


def test_nobody_has_a_say_in_their_own_revocation(house: House) -> None:
    change = house.as_("ana").propose_revocation("cleo", "key was stolen")
    for wish in (APPROVE, REJECT):
        refused(
            house,
            lambda wish=wish: house.as_("cleo").sign_change(change.id, wish),  # type: ignore[misc]
            PolicyRefusedError,
            "who has no say in it",
        )


def test_a_roster_that_could_approve_nothing_is_refused(house: House) -> None:
    leave(house, "cleo")
    refused(
        house,
        lambda: house.as_("ana").propose_revocation("ben", "alone at last"),
        PolicyRefusedError,
        "nothing could be approved any more: it takes 2 people",
    )


def test_two_revocations_at_once_do_not_leave_one_person(house: House) -> None:
    first = house.as_("ana").propose_revocation("cleo", "left")
    second = house.as_("cleo").propose_revocation("ana", "left")
    house.as_("ben").sign_change(first.id, APPROVE)
    refused(
        house,
        lambda: house.as_("ben").sign_change(second.id, APPROVE),
        PolicyRefusedError,
        "nothing could be approved any more",
    )
    (waiting,) = [row for row in house.as_("ben").changes() if row.id == second.id]
    assert "nothing could be approved" in waiting.missing[0]


# -- a revoked key -------------------------------------------------------------


def test_an_approval_of_a_key_revoked_since_does_not_count(
    tmp_path: Path, parts: Parts
) -> None:
    house = two_approvals(tmp_path, parts)
    join(house, "dora", by=("ben", "cleo"))
    edit = house.ready("ana")
    assert house.approve("cleo", edit).missing == ("1 more approval",)
    change = house.as_("ana").propose_revocation("cleo", "key was stolen")
    for name in ("ben", "dora"):
        house.as_(name).sign_change(change.id, APPROVE)
    assert house.approve("ben", edit).missing == ("1 more approval",)
    assert house.approve("dora", edit).state == "LIVE"
    assert house.as_("ana").verify().ok


def test_an_approval_of_a_change_by_a_key_revoked_since_does_not_count(
    tmp_path: Path, parts: Parts
) -> None:
    house = two_approvals(tmp_path, parts)
    join(house, "dora", by=("ben", "cleo"))
    pending = add(house, "mask")
    house.as_("cleo").sign_change(pending.id, APPROVE)
    change = house.as_("ana").propose_revocation("cleo", "key was stolen")
    for name in ("ben", "dora"):
        house.as_(name).sign_change(change.id, APPROVE)
    assert house.as_("ben").sign_change(pending.id, APPROVE).state == "PROPOSED"


def test_a_revoked_key_never_comes_back(house: House) -> None:
    leave(house, "cleo")
    public = house.root / "people" / "cleo.pub"
    for name in ("cleo", "mask"):
        refused(
            house,
            lambda name=name: house.as_("ana").propose_reviewer(  # type: ignore[misc]
                name, public, ["reviewer"]
            ),
            PolicyRefusedError,
            "this key is, or was, that of 'cleo'",
        )


# -- the policy ----------------------------------------------------------------


def test_nobody_puts_a_policy_in_force_alone(house: House) -> None:
    lax = newer(house, distinct_from_proposer=False)
    house.as_("ana").propose_policy(lax)
    refused(
        house,
        lambda: house.as_("ana").sign_change("C-0001", APPROVE),
        PolicyRefusedError,
        "given by the proposer",
    )
    edit = house.ready("ana")
    refused(
        house,
        lambda: house.approve("ana", edit),
        PolicyRefusedError,
        "given by the proposer",
    )


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_policy_does_not_come_back(house: House, version: int) -> None:
    older = Path(newer(house, version, expires_days=365)).read_text(encoding="utf-8")
    house.as_("ana").propose_policy(newer(house, 2, expires_days=3))
    house.as_("ben").sign_change("C-0001", APPROVE)
    path = house.root / "older.yaml"
    path.write_text(older, encoding="utf-8")
    refused(
        house,
        lambda: house.as_("ana").propose_policy(str(path)),
        PolicyRefusedError,
        "versions only grow, and version 2 is in force",
    )


def test_an_approved_policy_overtaken_by_a_newer_one_does_not_come_into_force(
    house: House,
) -> None:
    house.as_("ana").propose_policy(newer(house, 2, expires_days=365))
    house.as_("ana").propose_policy(newer(house, 3, expires_days=3))
    house.as_("ben").sign_change("C-0002", APPROVE)
    refused(
        house,
        lambda: house.as_("ben").sign_change("C-0001", APPROVE),
        PolicyRefusedError,
        "versions only grow",
    )


def test_an_approval_under_an_older_policy_does_not_count_for_a_change(
    tmp_path: Path, parts: Parts
) -> None:
    house = two_approvals(tmp_path, parts)
    pending = add(house, "mask")
    house.as_("ben").sign_change(pending.id, APPROVE)
    house.as_("ana").propose_policy(newer(house, 2, required_approvals=2))
    for name in ("ben", "cleo"):
        house.as_(name).sign_change("C-0002", APPROVE)
    assert house.as_("cleo").sign_change(pending.id, APPROVE).missing == (
        "1 more approval",
    )
    assert house.as_("ben").sign_change(pending.id, APPROVE).state == "ACTIVE"
    assert house.as_("ana").verify().ok


def test_a_new_policy_does_not_approve_itself(house: House) -> None:
    """It is weighed by the policy in force, however few signatures it asks for."""
    join(house, "dora")
    house.as_("ana").propose_policy(newer(house, 2, required_approvals=2))
    house.as_("ben").sign_change("C-0002", APPROVE)
    house.as_("ana").propose_policy(newer(house, 3, required_approvals=1))
    assert house.as_("ben").sign_change("C-0003", APPROVE).state == "PROPOSED"
    assert house.as_("ana").policy().version == 2


def test_protection_is_not_lifted_from_a_word_alone(house: House) -> None:
    house.as_("ana").propose_policy(newer(house, 2, protected_concepts=[]))
    refused(
        house,
        lambda: house.propose("ana", "child", source="a child"),
        PolicyRefusedError,
        "protected",
    )


def test_a_threshold_counts_who_signed_and_not_who_could_have(
    tmp_path: Path, parts: Parts
) -> None:
    house = two_approvals(tmp_path, parts)
    for name in ("dora", "elsa", "fred"):
        join(house, name, by=("ben", "cleo"))
    change = add(house, "mask")
    assert house.as_("dora").sign_change(change.id, APPROVE).missing == (
        "1 more approval",
    )
    edit = house.ready("ana")
    assert house.approve("dora", edit).missing == ("1 more approval",)


def test_a_lenient_rule_never_stands_in_for_a_strict_one(
    tmp_path: Path, parts: Parts
) -> None:
    def both(spec: dict[str, JSON]) -> None:
        spec["protected_concepts"] = [
            {
                "name": name,
                "words": ["kora"],
                "rule": "approvals",
                "required_approvals": approvals,
            }
            for name, approvals in (("strict", 2), ("lenient", 0))
        ]

    house = build(tmp_path, parts, change=both)
    edit = house.ready("ana")
    assert house.approve("ben", edit).missing == ("1 more approval",)
    assert house.approve("cleo", edit).state == "LIVE"


# -- evidence ------------------------------------------------------------------


def test_evidence_of_ones_own_suite_lets_nothing_be_approved(
    house: House, tmp_path: Path
) -> None:
    from governance.policy.files import find_suite

    own = tmp_path / "own.yaml"
    text = find_suite("quick").read_text(encoding="utf-8")
    own.write_text(text.replace("version: 1", "version: 9", 1), encoding="utf-8")
    edit = house.ready("ana")
    house.job("ana", JobKind.CHECK, edit=edit, suite=str(own))
    refused(house, lambda: house.approve("ben", edit), WrongStateError, "of suite")


def test_evidence_of_ones_own_seeds_is_not_recorded(
    house: House, checker: FakeChecker
) -> None:
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    checker.own_seed = 7
    refused(
        house,
        lambda: house.job("ana", JobKind.CHECK, edit=edit),
        IntegrityError,
        "somebody chose the seeds",
    )


def test_imported_targets_are_refused(house: House, tmp_path: Path) -> None:
    path = tmp_path / "alpha.yaml"
    path.write_text(
        """\
apiVersion: governance/v1
kind: ConceptEdit
metadata: {title: Doctors, model: mini, rationale: balance}
spec:
  action: debias
  method: uce
  concepts: [{source: doctor}]
  attributes:
    - {name: female, prompt: "a female {}", ratio: 0.5, alpha: [0.9]}
    - {name: male, prompt: "a male {}", ratio: 0.5, alpha: [0.1]}
""",
        encoding="utf-8",
    )
    refused(
        house,
        lambda: house.as_("ana").propose([path]),
        PolicyRefusedError,
        "allows no imported targets",
    )


# -- candidates and what was live ----------------------------------------------


def test_a_candidate_is_neither_activated_nor_exported(
    house: House, tmp_path: Path
) -> None:
    edit = house.ready("ana")
    candidate = house.as_("ana").edit(edit).candidate or ""
    refused(
        house,
        lambda: house.as_("ana").activate(candidate, "looks fine"),
        SignOffMissingError,
        "was never live",
    )
    refused(
        house,
        lambda: house.job(
            "ana",
            JobKind.EXPORT,
            snapshot=candidate,
            output=str(tmp_path / "out"),
            format="diffusers",
            model=None,
        ),
        SignOffMissingError,
        "was never live",
    )
    assert not (tmp_path / "out").exists()


def test_a_signature_on_an_old_candidate_does_not_carry_over(
    tmp_path: Path, parts: Parts
) -> None:
    house = two_approvals(tmp_path, parts)
    edit = house.ready("ana")
    old = house.as_("ana").edit(edit)
    house.approve("ben", edit)
    house.job("ana", JobKind.APPLY, edits=[edit])
    house.job("ana", JobKind.CHECK, edit=edit)
    assert house.approve("cleo", edit).missing == ("1 more approval",)
    assert old.candidate is not None
    assert house.as_("ana").edit(edit).state == "APPLIED"


def test_what_was_erased_is_not_brought_back_by_reverting_alone(
    tmp_path: Path, parts: Parts
) -> None:
    """Where the policy asks two people to take back, one cannot."""

    def two(spec: dict[str, JSON]) -> None:
        spec["rollback"] = {"required_approvals": 2}

    house = build(tmp_path, parts, change=two)
    edit = house.live()
    live = house.as_("ana").model("mini").live
    done = house.job("ana", JobKind.REVERT, edit=edit, reason="changed my mind")
    assert (done["state"], done["live"]) == ("LIVE", live)
    assert done["missing"] == ["1 more signature"]
    acted = house.as_("ana").activate("base", "changed my mind")
    assert (acted.live, acted.missing) == (live, ("1 more signature",))
    assert house.as_("ana").model("mini").live == live
    assert house.as_("ana").verify().ok


def test_the_proposer_does_not_take_back_where_the_policy_forbids_it(
    tmp_path: Path, parts: Parts
) -> None:
    def others(spec: dict[str, JSON]) -> None:
        spec["rollback"] = {"proposer_allowed": False}

    house = build(tmp_path, parts, change=others)
    edit = house.live()
    refused(
        house,
        lambda: house.job("ana", JobKind.REVERT, edit=edit, reason="changed my mind"),
        PolicyRefusedError,
        "given by the proposer",
    )


def test_a_reverted_edit_comes_back_by_full_approvals_only(house: House) -> None:
    edit = house.live()
    live = house.as_("ana").model("mini").live
    house.job("ben", JobKind.REVERT, edit=edit, reason="harm")
    refused(
        house,
        lambda: house.as_("ana").activate(live, "it was fine"),
        SignOffMissingError,
        "which was taken back",
    )


# -- races ---------------------------------------------------------------------


def test_of_two_approvals_of_a_change_at_once_one_activates_it(house: House) -> None:
    change = add(house, "dora")
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def approve(who: str) -> None:
        application = house.as_(who)
        start.wait()
        try:
            outcomes.append(application.sign_change(change.id, APPROVE).state)
        except WrongStateError as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=approve, args=(who,)) for who in ("ben", "cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "ACTIVE" in outcomes
    (other,) = [item for item in outcomes if item != "ACTIVE"]
    assert "C-0001: it is ACTIVE" in other
    rows = [row.event for row in house.as_("ana").log()]
    assert rows.count("ChangeActivated") == 1
    assert house.as_("ana").verify().ok


def test_of_two_changes_proposed_at_once_none_takes_the_others_signature(
    house: House,
) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def propose(who: str) -> None:
        application = house.as_(who)
        start.wait()
        try:
            outcomes.append(application.propose_revocation("cleo", f"says {who}").id)
        except WrongStateError as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=propose, args=(who,)) for who in ("ana", "ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "C-0001" in outcomes
    assert house.as_("ana").verify().ok


# -- past the program: whoever can write the database ----------------------------


def test_a_change_without_approvals_is_found_by_verify(house: House) -> None:
    event = proposal(house, "ana", "mask", house.keys["mallory"])
    forge(house, "ana", event, activation(event))
    unverified(house, "took effect without 1 more approval")


def test_a_proposers_own_approval_is_found_by_verify(house: House) -> None:
    event = proposal(house, "ana", "mask", house.keys["mallory"])
    forge(
        house,
        "ana",
        event,
        approval(house, "ana", event),
        activation(event),
    )
    unverified(house, "took effect without 1 more approval")


def test_an_approval_in_anothers_name_is_found_by_verify(house: House) -> None:
    event = proposal(house, "ana", "mask", house.keys["mallory"])
    forge(house, "ana", event)
    forge(house, "ben", approval(house, "ana", event))
    unverified(house, "the statement names another principal")


def test_another_copy_of_the_roster_than_was_recorded_is_found_by_verify(
    house: House,
) -> None:
    event = proposal(house, "ana", "dora", house.keys["mallory"])
    forge(house, "ana", event)
    forge(house, "ben", approval(house, "ben", event), activation(event))
    unverified(house, "C-0001: expected allowed_signers")


def test_an_approval_of_another_log_is_found_by_verify(house: House) -> None:
    event = proposal(house, "ana", "mask", house.keys["mallory"])
    forge(house, "ana", event)
    forge(house, "ben", approval(house, "ben", event, Head(1, "0" * 64)))
    unverified(house, "its signer saw another log")


def test_a_proposal_in_anothers_name_is_found_by_verify(house: House) -> None:
    forge(house, "ben", proposal(house, "ana", "mask", house.keys["mallory"]))
    unverified(house, "the roster gave 'ben' no such key")


def test_an_approval_of_another_change_is_found_by_verify(house: House) -> None:
    harmless = add(house, "dora")
    house.as_("ben").sign_change(harmless.id, APPROVE)
    row = next(r for r in house.as_("ana").log() if r.event == "ChangeSigned")
    data = row.payload["data"]
    assert isinstance(data, dict)
    event = proposal(house, "ana", "mask", house.keys["mallory"])
    forge(house, "ana", event)
    forge(house, "ben", ChangeSigned(**{**data, "change": event.change}))
    unverified(house, "says something else than what was signed")


def test_a_proposal_moved_to_another_ledger_is_found_by_verify(
    house: House, tmp_path: Path
) -> None:
    change = add(house, "dora")
    row = next(r for r in house.as_("ana").log() if r.event == "ChangeProposed")
    (tmp_path / "other").mkdir()
    other = build(tmp_path / "other", house.parts)
    data = row.payload["data"]
    assert isinstance(data, dict)
    forge(other, "ana", ChangeProposed(**data))
    unverified(other, f"{change.id}: expected digest")


def test_an_older_policy_put_in_force_past_the_program_opens_nothing(
    house: House,
) -> None:
    house.as_("ana").propose_policy(newer(house, 2))
    house.as_("ana").propose_policy(newer(house, 3))
    house.as_("ben").sign_change("C-0002", APPROVE)
    digest = house.as_("ana").change("C-0001").digest
    forge(house, "ana", ChangeActivated("C-0001", "policy", digest, "0" * 64))
    with pytest.raises(IntegrityError, match="versions only grow"):
        house.as_("ana")


def test_a_stored_policy_that_was_changed_is_found_by_verify(house: House) -> None:
    house.as_("ana").propose_policy(newer(house, 2))
    house.as_("ben").sign_change("C-0001", APPROVE)
    digest = house.as_("ana").policy().digest
    path = house.settings.workspace / "objects" / digest[:2] / digest[2:]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"version":2', b'"version":9'))
    with pytest.raises((IntegrityError, NotFoundError)):
        house.as_("ana").policy()
    unverified(house, digest[:12])


def two_approvals(root: Path, parts: Parts) -> House:
    """A workspace whose policy asks for two approvals."""

    def two(spec: dict[str, JSON]) -> None:
        spec["required_approvals"] = 2

    return build(root, parts, change=two)
