import pytest

from governance.domain.fold import fold
from governance.domain.lifecycle import EditState, EvidenceStatus
from governance.errors import IntegrityError
from tests.domain.ledger_lines import (
    Line,
    activated,
    applied,
    checked,
    created,
    folded,
    lines,
    proposed,
    registered,
    reverted,
    signed,
)

START = (created(), registered())


def test_an_edit_walks_from_proposal_to_live_and_back() -> None:
    story = [
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        checked("c1", "E-0001"),
        signed("c1", "E-0001"),
        activated("c1", ["E-0001"]),
        reverted("E-0001", "base", [], "c1"),
    ]
    states = [folded(*story[:end]).edits["E-0001"].state for end in range(3, 9)]
    assert states == [
        EditState.PROPOSED,
        EditState.APPLIED,
        EditState.APPLIED,
        EditState.APPLIED,
        EditState.LIVE,
        EditState.REVERTED,
    ]
    models = [folded(*story[:end]).models["mini"] for end in (7, 8)]
    assert [model.live for model in models] == ["c1", "base"]
    assert [model.holds for model in models] == [("E-0001",), ()]


def test_folding_in_two_parts_equals_folding_at_once() -> None:
    story = lines(*START, proposed("E-0001"), applied("c1", "E-0001"))
    assert fold(story[2:], fold(story[:2])) == fold(story)


def test_a_new_candidate_drops_evidence_and_approvals() -> None:
    state = folded(
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        checked("c1", "E-0001"),
        signed("c1", "E-0001"),
        applied("c2", "E-0001"),
    )
    edit = state.edits["E-0001"]
    assert edit.signoffs == ()
    assert state.evidence(edit) is EvidenceStatus.NOT_RUN


def test_a_new_check_drops_earlier_approvals() -> None:
    state = folded(
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        checked("c1", "E-0001"),
        signed("c1", "E-0001"),
        checked("c1", "E-0001"),
    )
    assert state.edits["E-0001"].signoffs == ()
    assert state.candidates["c1"].signoffs == ()


def test_applying_the_same_candidate_again_drops_its_evidence() -> None:
    # Solving is deterministic, so a second apply gives the same digest.
    state = folded(
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        checked("c1", "E-0001"),
        signed("c1", "E-0001"),
        applied("c1", "E-0001"),
    )
    assert state.evidence(state.edits["E-0001"]) is EvidenceStatus.NOT_RUN
    assert state.candidates["c1"].signoffs == ()


def test_evidence_is_stale_once_another_candidate_goes_live() -> None:
    story = [
        *START,
        proposed("E-0001"),
        proposed("E-0002"),
        applied("c1", "E-0001"),
        checked("c1", "E-0001"),
        applied("c2", "E-0002"),
    ]
    before = folded(*story)
    assert before.evidence(before.edits["E-0001"]) is EvidenceStatus.PASS
    after = folded(*story, activated("c2", ["E-0002"]))
    assert after.evidence(after.edits["E-0001"]) is EvidenceStatus.STALE


def test_one_reject_is_final() -> None:
    story = [
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        signed("c1", "E-0001", decision="reject"),
    ]
    assert folded(*story).edits["E-0001"].state is EditState.REJECTED
    with pytest.raises(IntegrityError, match="E-0001 is REJECTED and cannot apply"):
        folded(*story, applied("c2", "E-0001"))


def test_edits_applied_together_move_together() -> None:
    state = folded(
        *START,
        proposed("E-0001"),
        proposed("E-0002"),
        applied("c1", "E-0001", "E-0002"),
        activated("c1", ["E-0001", "E-0002"]),
    )
    assert [edit.id for edit in state.live_edits("mini")] == ["E-0001", "E-0002"]


def test_going_live_over_something_else_than_the_live_snapshot_is_refused() -> None:
    story = [*START, proposed("E-0001"), applied("c1", "E-0001")]
    with pytest.raises(IntegrityError, match="which was not live"):
        folded(*story, activated("c1", ["E-0001"], previous="other"))


def test_an_edit_of_another_model_is_not_touched() -> None:
    state = folded(
        *START,
        registered("other"),
        proposed("E-0001", "other"),
        applied("o1", "E-0001", model="other"),
        proposed("E-0002"),
        applied("c1", "E-0002"),
        activated("c1", ["E-0002"]),
    )
    assert state.edits["E-0001"].state is EditState.APPLIED
    assert state.edits["E-0002"].state is EditState.LIVE


def test_what_was_taken_back_does_not_go_live_by_its_old_approvals() -> None:
    once = (
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        activated("c1", ["E-0001"]),
    )
    back = reverted("E-0001", "base", [], "c1")
    assert folded(*once, back).edits["E-0001"].state is EditState.REVERTED
    with pytest.raises(IntegrityError, match="cannot go live by its approvals"):
        folded(*once, back, activated("c1", ["E-0001"]))


def test_approvals_do_not_take_out_what_went_live_since() -> None:
    both = (
        *START,
        proposed("E-0001"),
        applied("c1", "E-0001"),
        activated("c1", ["E-0001"]),
        proposed("E-0002"),
        applied("c2", "E-0002", parent="c1"),
    )
    live = folded(*both, activated("c2", ["E-0001", "E-0002"], previous="c1"))
    assert live.edits["E-0001"].state is EditState.LIVE
    for edits in (["E-0002"], ["E-0001"], ["E-0001", "E-0002", "E-0002"]):
        with pytest.raises(IntegrityError, match="cannot go live by its approvals"):
            folded(*both, activated("c2", edits, previous="c1"))


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("Nonsense", {}, "unknown event"),
        ("EditWithdrawn", {"edit": "E-0001"}, "expected fields"),
        ("EditWithdrawn", {"edit": "E-0009", "reason": "r"}, "does not exist"),
    ],
)
def test_an_entry_that_is_no_event_names_itself(
    name: str, data: dict[str, str], text: str
) -> None:
    bad = Line(3, "t", name, "ana", data)
    with pytest.raises(IntegrityError, match=text):
        fold([*lines(*START), bad])


def test_genesis_stands_only_at_the_beginning() -> None:
    with pytest.raises(IntegrityError, match="may only be entry 1"):
        folded(*START, created())


def test_an_edit_id_that_skips_a_number_is_refused() -> None:
    with pytest.raises(IntegrityError, match="expected edit E-0001"):
        folded(*START, proposed("E-0002"))
