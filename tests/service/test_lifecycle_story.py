"""From a proposal to life, and back."""

from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.domain.signoff import Decision
from governance.service.facade import JobKind
from tests.service.fakes import FakeSolver
from tests.service.house import House


def test_an_edit_goes_from_proposal_to_life_and_back(house: House) -> None:
    base = house.as_("ana").model("mini").base
    edit = house.ready("ana")
    acted = house.approve("ben", edit)
    live = house.as_("ana")
    assert (acted.state, acted.missing) == ("LIVE", ())
    assert live.edit(edit).state is EditState.LIVE
    assert live.model("mini").live == acted.live != base
    reverted = house.job("ben", JobKind.REVERT, edit=edit, reason="settled")
    after = house.as_("ana")
    assert reverted["live"] == after.model("mini").live == base
    assert after.edit(edit).state is EditState.REVERTED
    assert after.verify().ok, after.verify()


def test_every_step_leaves_its_own_entry(house: House) -> None:
    house.live()
    events = [row.event for row in house.as_("ana").log()]
    assert events == [
        "WorkspaceCreated",
        "ModelRegistered",
        "EditProposed",
        "EditsApplied",
        "EditsChecked",
        "SignOffGiven",
        "SnapshotActivated",
    ]


def test_applying_never_moves_what_is_live(house: House) -> None:
    before = house.as_("ana").model("mini").live
    edit = house.propose("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    assert house.as_("ana").model("mini").live == before


def test_reverting_equals_never_having_applied(house: House) -> None:
    first = house.live("kora")
    only_first = house.as_("ana").model("mini").live
    house.live("lume", destination="blue")
    house.job("ben", JobKind.REVERT, edit="E-0002", reason="settled")
    application = house.as_("ana")
    assert application.model("mini").live == only_first
    assert application.snapshot("live").edits == (first,)
    assert application.verify().ok, application.verify()


def test_removing_the_older_of_two_keeps_the_newer(house: House) -> None:
    house.live("kora")
    second = house.live("lume", destination="blue")
    house.job("ben", JobKind.REVERT, edit="E-0001", reason="settled")
    application = house.as_("ana")
    assert application.snapshot("live").edits == (second,)
    assert [row.edit for row in application.edit(second).certificate][-1] == second


def test_reverting_searches_nothing_again(house: House, solver: FakeSolver) -> None:
    house.live("kora")
    house.live("lume", destination="blue")
    searched = solver.resolutions
    house.job("ben", JobKind.REVERT, edit="E-0001", reason="settled")
    assert solver.resolutions == searched == 2


def test_two_edits_applied_together_live_or_fall_together(house: House) -> None:
    first = house.propose("ana", "kora")
    second = house.propose("ana", "lume", destination="blue")
    house.job("ana", JobKind.APPLY, edits=[first, second])
    house.job("ana", JobKind.CHECK, edit=second)
    acted = house.approve("ben", first)
    states = [house.as_("ana").edit(name).state for name in (first, second)]
    assert acted.edits == (first, second)
    assert states == [EditState.LIVE, EditState.LIVE]


def test_one_rejection_is_final_for_all_that_were_solved_together(
    house: House,
) -> None:
    first = house.propose("ana", "kora")
    second = house.propose("ana", "lume", destination="blue")
    house.job("ana", JobKind.APPLY, edits=[first, second])
    house.as_("ben").sign(second, Decision.REJECT, "no")
    states = [house.as_("ana").edit(name).state for name in (first, second)]
    assert states == [EditState.REJECTED, EditState.REJECTED]


def test_a_withdrawn_edit_frees_its_request_for_another_try(house: House) -> None:
    edit = house.propose("ana")
    acted = house.as_("ana").withdraw(edit, "mistyped")
    assert (acted.edits, acted.state) == ((edit,), "WITHDRAWN")
    assert house.propose("ana") == "E-0002"


def test_a_candidate_holds_a_certificate_of_every_live_edit(house: House) -> None:
    first = house.live("kora")
    second = house.propose("ana", "lume", destination="blue")
    house.job("ana", JobKind.APPLY, edits=[second])
    rows = house.as_("ana").edit(second).certificate
    assert {row.edit for row in rows} == {first, second}


def test_applying_again_drops_evidence_and_approvals(house: House) -> None:
    edit = house.ready("ana")
    house.job("ana", JobKind.APPLY, edits=[edit])
    detail = house.as_("ana").edit(edit)
    assert detail.evidence is EvidenceStatus.NOT_RUN
    assert detail.signoffs == ()


def test_a_snapshot_that_was_live_can_be_returned_to(house: House) -> None:
    first = house.live("kora")
    older = house.as_("ana").model("mini").live
    second = house.live("lume", destination="blue")
    acted = house.as_("ben").activate(older[:12], "the second misbehaves")
    application = house.as_("ana")
    assert (acted.live, acted.edits) == (older, (first,))
    assert application.edit(second).state is EditState.REVERTED
    assert application.verify().ok, application.verify()


def test_the_base_can_always_be_returned_to(house: House) -> None:
    edit = house.live()
    house.as_("ben").activate("base", "back to the start")
    application = house.as_("ana")
    assert application.edit(edit).state is EditState.REVERTED
    assert application.snapshot("live").is_base
